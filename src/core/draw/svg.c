/*
 * svg.c
 *		The frame of a picture and its shapes.
 */
#include "draw/gh_svg.h"

#include <math.h>
#include <string.h>

#include "base/gh_bytes.h"

#define MARGIN 16.0
/* Texts and tooltips beyond are cut: bytes. */
#define TEXT_BYTES 1024
#define TOOLTIP_WIDTH 2000.0

/* ---- the frame -------------------------------------------------------- */

static bool
is_id_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* "gh" and eight hexadecimal digits of what the figure says, unless one is given. */
static void
set_prefix(gh_svg *svg, const gh_figure *figure)
{
	static const char digit[] = "0123456789abcdef";
	size_t		n = 0;
	uint32_t	sum;

	if (figure->prefix != NULL)
	{
		/* an id begins with a letter */
		for (const char *c = figure->prefix; *c != '\0' && n < GH_SVG_PREFIX - 1; c++)
			if (is_id_byte(*c) && (n > 0 || (*c > '9' && *c != '_')))
				svg->prefix[n++] = *c;
	}
	if (n > 0)
	{
		svg->prefix[n] = '\0';
		return;
	}
	sum = gh_crc32c(figure->title, strlen(figure->title)) * 31u +
		gh_crc32c(figure->description, strlen(figure->description));
	memcpy(svg->prefix, "gh", 2);
	for (int i = 0; i < 8; i++)
		svg->prefix[2 + i] = digit[sum >> (28 - 4 * i) & 15];
	svg->prefix[10] = '\0';
}

static void
open_root(gh_svg *svg)
{
	gh_markup  *m = &svg->m;

	gh_markup_begin(m, "svg");
	gh_markup_attr(m, "xmlns", "http://www.w3.org/2000/svg");
	gh_markup_attr(m, "class", "gh");
	gh_markup_attr_open(m, "viewBox");
	gh_markup_raw(m, "0 0 ");
	gh_markup_number(m, svg->width, 2);
	gh_markup_raw(m, " ");
	gh_markup_number(m, svg->height, 2);
	gh_markup_attr_close(m);
	gh_markup_attr(m, "width", "100%");
	gh_markup_attr(m, "role", "img");
	gh_markup_attr_open(m, "aria-labelledby");
	gh_markup_raw(m, svg->prefix);
	gh_markup_raw(m, "-t ");
	gh_markup_raw(m, svg->prefix);
	gh_markup_raw(m, "-d");
	gh_markup_attr_close(m);
}

/* <title> or <desc> of the whole picture */
static void
described(gh_svg *svg, const char *element, const char *id, const char *text)
{
	char		cut[4 * TEXT_BYTES];

	gh_text_cut(cut, sizeof(cut), text, 1, INFINITY);
	gh_markup_begin(&svg->m, element);
	gh_svg_id(svg, id);
	gh_markup_text(&svg->m, cut);
	gh_markup_end(&svg->m);
}

double
gh_svg_top(const char *subtitle)
{
	return subtitle != NULL ? 58 : 40;
}

double
gh_svg_open(gh_svg *svg, gh_ctx *ctx, const gh_figure *figure)
{
	memset(svg, 0, sizeof(*svg));
	gh_markup_init(&svg->m, ctx, false);
	svg->width = GH_SVG_WIDTH;
	svg->height = figure->height;
	set_prefix(svg, figure);
	open_root(svg);
	described(svg, "title", "t", figure->title);
	described(svg, "desc", "d", figure->description);
	gh_markup_begin(&svg->m, "style");
	gh_markup_text(&svg->m, "");
	gh_markup_raw(&svg->m, gh_svg_style());
	gh_markup_end(&svg->m);
	gh_svg_rect(svg, "bg", 0, 0, svg->width, svg->height);
	gh_svg_end(svg);
	gh_svg_text(svg, "t", GH_START, MARGIN, 26, GH_SIZE_TITLE * 1.08, svg->width - 2 * MARGIN, figure->title);
	if (figure->subtitle != NULL)
		gh_svg_text(svg, "s", GH_START, MARGIN, 45, GH_SIZE_TEXT, svg->width - 2 * MARGIN, figure->subtitle);
	return gh_svg_top(figure->subtitle);
}

gh_status
gh_svg_close(gh_svg *svg, char **text, size_t *length)
{
	gh_markup_end(&svg->m);
	gh_markup_raw(&svg->m, "\n");
	return gh_markup_finish(&svg->m, text, length);
}

void
gh_svg_free(gh_svg *svg)
{
	gh_markup_free(&svg->m);
}

/* ---- shapes ----------------------------------------------------------- */

static void
begin(gh_svg *svg, const char *element, const char *class)
{
	gh_markup_begin(&svg->m, element);
	if (class != NULL && class[0] != '\0')
		gh_markup_attr(&svg->m, "class", class);
}

void
gh_svg_group(gh_svg *svg, const char *class)
{
	begin(svg, "g", class);
}

void
gh_svg_rect(gh_svg *svg, const char *class, double x, double y, double width, double height)
{
	begin(svg, "rect", class);
	gh_markup_attr_number(&svg->m, "x", x);
	gh_markup_attr_number(&svg->m, "y", y);
	gh_markup_attr_number(&svg->m, "width", fmax(width, 0));
	gh_markup_attr_number(&svg->m, "height", fmax(height, 0));
}

void
gh_svg_circle(gh_svg *svg, const char *class, double x, double y, double r)
{
	begin(svg, "circle", class);
	gh_markup_attr_number(&svg->m, "cx", x);
	gh_markup_attr_number(&svg->m, "cy", y);
	gh_markup_attr_number(&svg->m, "r", fmax(r, 0));
}

void
gh_svg_line(gh_svg *svg, const char *class, double x1, double y1, double x2, double y2)
{
	begin(svg, "line", class);
	gh_markup_attr_number(&svg->m, "x1", x1);
	gh_markup_attr_number(&svg->m, "y1", y1);
	gh_markup_attr_number(&svg->m, "x2", x2);
	gh_markup_attr_number(&svg->m, "y2", y2);
}

void
gh_svg_attr(gh_svg *svg, const char *name, const char *value)
{
	gh_markup_attr(&svg->m, name, value);
}

void
gh_svg_attr_number(gh_svg *svg, const char *name, double value)
{
	gh_markup_attr_number(&svg->m, name, value);
}

void
gh_svg_attr_url(gh_svg *svg, const char *name, const char *id)
{
	gh_markup_attr_open(&svg->m, name);
	gh_markup_raw(&svg->m, "url(#");
	gh_markup_raw(&svg->m, svg->prefix);
	gh_markup_raw(&svg->m, "-");
	gh_markup_raw(&svg->m, id);
	gh_markup_raw(&svg->m, ")");
	gh_markup_attr_close(&svg->m);
}

void
gh_svg_id(gh_svg *svg, const char *id)
{
	gh_markup_attr_open(&svg->m, "id");
	gh_markup_raw(&svg->m, svg->prefix);
	gh_markup_raw(&svg->m, "-");
	gh_markup_raw(&svg->m, id);
	gh_markup_attr_close(&svg->m);
}

void
gh_svg_tooltip(gh_svg *svg, const char *text)
{
	char		cut[TEXT_BYTES];

	gh_text_cut(cut, sizeof(cut), text, GH_SIZE_TEXT, TOOLTIP_WIDTH);
	gh_markup_element(&svg->m, "title", cut);
}

void
gh_svg_end(gh_svg *svg)
{
	gh_markup_end(&svg->m);
}

/* ---- paths ------------------------------------------------------------ */

static int64_t
tenths(gh_svg *svg, double v)
{
	/* the number is written by a function that refuses what is not finite */
	if (!isfinite(v) || fabs(v) > 1e6)
	{
		gh_markup_number(&svg->m, NAN, 1);
		return 0;
	}
	return (int64_t) floor(v * 10 + 0.5);
}

/* A number of a path, with a space only where the sign does not part it from the one before. */
static void
path_number(gh_svg *svg, int64_t value, bool first)
{
	if (!first && value >= 0)
		gh_markup_raw(&svg->m, " ");
	gh_markup_number(&svg->m, (double) value / 10, 1);
}

static void
path_command(gh_svg *svg, char command)
{
	if (svg->command != command)
		gh_markup_raw_n(&svg->m, &command, 1);
	svg->command = command;
}

void
gh_svg_path(gh_svg *svg, const char *class)
{
	begin(svg, "path", class);
	gh_markup_attr_open(&svg->m, "d");
	svg->pen_x = svg->pen_y = 0;
	svg->command = 0;
}

/* A difference to (x, y), as the arguments of `command`, which may not be written again when it repeats. */
static void
path_to(gh_svg *svg, char command, double x, double y)
{
	int64_t		to_x = tenths(svg, x),
				to_y = tenths(svg, y);
	bool		first = svg->command != command;

	path_command(svg, command);
	path_number(svg, to_x - svg->pen_x, first);
	path_number(svg, to_y - svg->pen_y, false);
	svg->pen_x = to_x;
	svg->pen_y = to_y;
}

void
gh_svg_move(gh_svg *svg, double x, double y)
{
	/* a second pair after m would be a line */
	if (svg->command == 'm')
		svg->command = 0;
	path_to(svg, 'm', x, y);
}

void
gh_svg_line_to(gh_svg *svg, double x, double y)
{
	path_to(svg, 'l', x, y);
}

void
gh_svg_draw(gh_svg *svg, char command, int64_t length)
{
	bool		first = svg->command != command;

	path_command(svg, command);
	path_number(svg, length, first);
	if (command == 'h')
		svg->pen_x += length;
	else
		svg->pen_y += length;
}

void
gh_svg_close_path(gh_svg *svg)
{
	gh_markup_raw(&svg->m, "z");
	svg->command = 'z';
}

void
gh_svg_path_done(gh_svg *svg)
{
	gh_markup_attr_close(&svg->m);
}

/* ---- text ------------------------------------------------------------- */

double
gh_svg_text(gh_svg *svg, const char *class, gh_anchor anchor, double x, double y, double size, double width,
			const char *text)
{
	char		cut[TEXT_BYTES];
	double		taken = gh_text_cut(cut, sizeof(cut), text, size, width);
	bool		is_cut;

	(void) gh_text_fit(text, size, width, &is_cut);
	begin(svg, "text", class);
	gh_markup_attr_number(&svg->m, "x", x);
	gh_markup_attr_number(&svg->m, "y", y);
	if (anchor != GH_START)
		gh_markup_attr(&svg->m, "text-anchor", anchor == GH_MIDDLE ? "middle" : "end");
	gh_markup_text(&svg->m, cut);
	if (is_cut)
		gh_svg_tooltip(svg, text);
	gh_markup_end(&svg->m);
	return taken;
}
