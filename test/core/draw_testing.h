/*
 * draw_testing.h
 *		What the tests of pictures share: a strict reader of XML, hostile names.
 */
#ifndef DRAW_TESTING_H
#define DRAW_TESTING_H

#include "testing.h"

#include <stdio.h>

#include "base/gh_random.h"
#include "draw/gh_svg.h"

#define UNUSED __attribute__((unused))

/* The number of bytes of a well-formed UTF-8 character that XML allows, or 0. */
static UNUSED size_t
xml_character(const char *at)
{
	const unsigned char *s = (const unsigned char *) at;
	uint32_t	c;
	size_t		n;

	if (s[0] < 0x80)
		return s[0] >= 0x20 || s[0] == '\n' || s[0] == '\t' ? 1 : 0;
	n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : s[0] >= 0xC2 ? 2 : 0;
	if (n == 0 || s[0] > 0xF4)
		return 0;
	c = s[0] & (0xFF >> (n + 1));
	for (size_t i = 1; i < n; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3F);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ||
		c == 0xFFFE || c == 0xFFFF)
		return 0;
	return n;
}

/* A character or one of the five entities and &#39;; 0 when it is neither. */
static UNUSED size_t
xml_text(const char *at)
{
	static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

	if (*at != '&')
		return *at == '<' ? 0 : xml_character(at);
	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (strncmp(at, entities[i], strlen(entities[i])) == 0)
			return strlen(entities[i]);
	return 0;
}

static UNUSED size_t
xml_name(const char *at)
{
	return strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:_");
}

/* The start tag at `at` (after '<'); NULL when it is wrong, else what follows it. */
static UNUSED const char *
xml_start_tag(const char *at, char names[][64], int *depth)
{
	size_t		n = xml_name(at);
	char		seen[32][32];
	int			n_seen = 0;

	if (n == 0 || n > 63 || *depth >= 99)
		return NULL;
	memcpy(names[*depth], at, n);
	names[(*depth)++][n] = '\0';
	at += n;
	while (*at == ' ')
	{
		at++;
		n = xml_name(at);
		if (n == 0 || n > 31 || n_seen == 32)
			return NULL;
		memcpy(seen[n_seen], at, n);
		seen[n_seen][n] = '\0';
		for (int i = 0; i < n_seen; i++)
			if (strcmp(seen[i], seen[n_seen]) == 0)
				return NULL;
		n_seen++;
		at += n;
		if (at[0] != '=' || at[1] != '"')
			return NULL;
		for (at += 2; *at != '"'; at += n)
			if ((n = xml_text(at)) == 0)
				return NULL;
		at++;
	}
	if (at[0] == '/' && at[1] == '>')
	{
		(*depth)--;
		return at + 2;
	}
	return *at == '>' ? at + 1 : NULL;
}

/* One document with one root: where it is not well-formed, or NULL when it is. */
static UNUSED const char *
xml_error(const char *document)
{
	static char names[100][64];
	int			depth = 0;
	const char *at = document;

	do
	{
		const char *before = at;
		size_t		n;

		if (at[0] == '<' && at[1] == '/')
		{
			n = xml_name(at + 2);
			if (depth == 0 || n != strlen(names[depth - 1]) || memcmp(at + 2, names[depth - 1], n) != 0 || at[2 + n] != '>')
				return before;
			depth--;
			at += n + 3;
		}
		else if (at[0] == '<')
		{
			at = xml_start_tag(at + 1, names, &depth);
			if (at == NULL)
				return before;
		}
		else
		{
			n = depth > 0 ? xml_text(at) : 0;
			if (n == 0)
				return before;
			at += n;
		}
	} while (depth > 0);
	return strcmp(at, "\n") == 0 || *at == '\0' ? NULL : at;
}

static UNUSED size_t
count_of(const char *document, const char *part)
{
	size_t		n = 0;

	for (const char *at = document; (at = strstr(at, part)) != NULL; at += strlen(part))
		n++;
	return n;
}

/* Well-formed, self-contained, without a script. */
static UNUSED void
assert_picture(const char *svg)
{
	const char *error = xml_error(svg);

	if (error != NULL)
		print_error("not well-formed at: %.200s\n", error);
	assert_null(error);
	assert_int_equal(count_of(svg, "<svg"), 1);
	assert_non_null(strstr(svg, "role=\"img\""));
	assert_null(strstr(svg, "<script"));
	assert_null(strstr(svg, "href"));
	assert_null(strstr(svg, "@import"));
	assert_null(strstr(svg, "url(http"));
	assert_int_equal(count_of(svg, "http"), 1);	/* the name space */
	assert_null(strstr(svg, "\"nan"));
	assert_null(strstr(svg, "inf "));
}

/* Names somebody may have given; 10,000 characters is the last. */
#define N_HOSTILE 12
static UNUSED const char *
hostile_name(int i)
{
	static char longest[20001];
	static const char *const names[N_HOSTILE - 1] = {
		"",
		"<script>alert(1)</script>",
		"]]> & \"quotes\" 'single' <b>",
		"\x01\x02\x1b[31m\x7f\t\n",
		"\xff\xfe broken \xc3 \xed\xa0\x80 \xf5\x80\x80\x80 \xc0\xaf",
		"\xf0\x9f\x8e\xb8\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
		"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7",
		"\xe2\x80\xaegnp.exe\xe2\x80\xa8next",
		"e\xcc\x81\xcc\x81\xcc\x81\xcc\x81 \xef\xbf\xbe \xef\xbf\xbf",
		"\xe3\x83\x93\xe3\x82\xb8\xe3\x83\xa5\xe3\x82\xa2\xe3\x83\xab\xe7\xb3\xbb",
		"${jndi:x} %s%n {{7*7}} javascript:alert(1)"
	};

	if (i < N_HOSTILE - 1)
		return names[i];
	for (int k = 0; k < 10000; k++)
		memcpy(longest + 2 * k, "\xc3\xa9", 2);
	return longest;
}

#endif							/* DRAW_TESTING_H */
