#!/usr/bin/perl
# check-pages.pl SOURCE: links of README.md, CHANGELOG.md and docs/ lead somewhere, their
# anchors too, and docs/internals.md names every file of src/.  Prints what is wrong.
use strict;
use warnings;
use File::Basename qw(basename dirname);

chdir($ARGV[0]) or die "$ARGV[0]: $!\n";
my @pages = ('README.md', 'CHANGELOG.md', glob('docs/*.md'), glob('docs/reference/*.md'));
my (%text, %anchor);
my $wrong = 0;

sub complain
{
	print "$_[0]\n";
	$wrong = 1;
}

sub slurp
{
	my ($path) = @_;
	open(my $file, '<:encoding(UTF-8)', $path) or die "$path: $!\n";
	local $/;
	return <$file>;
}

# The anchor that a heading gets: letters, digits, - and _, blanks as -.
sub anchor_of
{
	my ($heading) = @_;
	$heading =~ s/\[([^\]]*)\]\([^)]*\)/$1/g;
	$heading =~ s/\\//g;
	$heading =~ s/[^\w\- ]//g;
	$heading =~ tr/ /-/;
	return lc $heading;
}

# docs/reference/../x.md is docs/x.md
sub tidy
{
	my ($path) = @_;
	$path =~ s{^\./}{};
	1 while $path =~ s{(^|/)[^/.]+/\.\./}{$1};
	return $path;
}

for my $page (@pages)
{
	$text{$page} = slurp($page);
	$text{$page} =~ s/^ *```.*?^ *```//gms;
	$anchor{$page}{ anchor_of($1) } = 1 while $text{$page} =~ /^#+ +(.*?) *$/gm;
}
for my $page (@pages)
{
	while ($text{$page} =~ /\]\(([^)\s]+)\)/g)
	{
		my $link = $1;
		next if $link =~ /^https?:/;
		my ($path, $anchor) = split /#/, $link, 2;
		my $target = $path eq '' ? $page : tidy(dirname($page) . "/$path");
		if (!-e $target)
		{
			complain("$page: there is no $link");
		}
		elsif (defined $anchor && !$anchor{$target}{$anchor})
		{
			complain("$page: $target has no heading for #$anchor");
		}
	}
}

# Builds for one instruction set go by the name of the file they are a build of.
my $map = slurp('docs/internals.md');
for my $file (glob('src/*.c'), glob('src/core/*/*.c'), glob('src/pg/*.c'))
{
	my $name = basename($file);
	$name =~ s/_avx(2|512)\.c$/.c/;
	complain("docs/internals.md: $file is not on the map") if $map !~ m{[/`]\Q$name\E`|^ +src/\Q$name\E }m;
}
# and what is on the map is there
for my $row ($map =~ /^\| (.*?) \|/gm)
{
	while ($row =~ m{`(?:[a-z]+/)?([a-z_0-9]+\.[ch])`}g)
	{
		my @found = (glob("src/*/$1"), glob("src/core/*/$1"), glob("test/core/$1"));
		complain("docs/internals.md: there is no $1") if !@found;
	}
}
exit $wrong;
