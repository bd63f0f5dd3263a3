/*
 * gh_svg.h
 *		One picture as one self-contained SVG element, in the style all share.
 *
 * Lengths are user units: a figure is GH_SVG_WIDTH wide and scales to the page.
 * Colours are classes of one style sheet with a light and a dark half, so
 * several figures can stand in one HTML page; ids begin with a prefix of the
 * figure's own.  Nothing is loaded from anywhere and text stays text.
 *
 * Shapes are begun: they take further attributes or a tooltip, then
 * gh_svg_end().  Failures stay in the writer, see gh_markup.h.
 *
 * Text classes: t title, s subtitle and notes, a numbers of axes, c the same
 * size in full contrast, l labels, b bold, n names of groups (15 high), m
 * muted, halo a rim in the colour of the ground.  Shape classes: bg ground,
 * grid, axis, rule (dashed), ink (stroke of full contrast), edge (a thin rim in the colour of the ground),
 * faint (noise), none (no fill), f0 ... and s0 ... of the palette (fill,
 * stroke), q0 ... q10 of the ramp (fill), v0 ... v10 (its stroke), qn and vn
 * for a missing value.
 */
#ifndef GH_SVG_H
#define GH_SVG_H

#include "draw/gh_markup.h"
#include "draw/gh_text.h"

#define GH_SVG_WIDTH 640.0
#define GH_SVG_PREFIX 24		/* bytes of an id's prefix, NUL included */

/* Heights of the fonts by class. */
#define GH_SIZE_TITLE 17.0
#define GH_SIZE_NAME 15.0
#define GH_SIZE_TEXT 13.0
#define GH_SIZE_SMALL 12.0

typedef struct gh_svg
{
	gh_markup	m;
	char		prefix[GH_SVG_PREFIX];
	double		width,
				height;
	int64_t		pen_x,			/* of the path being written, in tenths */
				pen_y;
	char		command;		/* written last in the path */
} gh_svg;

typedef struct gh_figure
{
	const char *title;			/* shown and read aloud */
	const char *subtitle;		/* shown below; NULL: none */
	const char *description;	/* read aloud: what the picture says */
	const char *prefix;			/* of ids: letters, digits, - and _; NULL: made from title and description */
	double		height;			/* width is GH_SVG_WIDTH */
} gh_figure;

/* Writes everything up to the marks; returns where the room for them begins (y). */
extern double gh_svg_open(gh_svg *svg, gh_ctx *ctx, const gh_figure *figure);
/* The document as in gh_markup_finish(). */
extern gh_status gh_svg_close(gh_svg *svg, char **text, size_t *length);
/* After a failure in between, instead of gh_svg_close(). */
extern void gh_svg_free(gh_svg *svg);

/* Where the room for marks will begin in a figure with such titles. */
extern double gh_svg_top(const char *subtitle);

/* ---- shapes: begun, to be ended --------------------------------------- */

extern void gh_svg_group(gh_svg *svg, const char *class);
extern void gh_svg_rect(gh_svg *svg, const char *class, double x, double y, double width, double height);
extern void gh_svg_circle(gh_svg *svg, const char *class, double x, double y, double r);
extern void gh_svg_line(gh_svg *svg, const char *class, double x1, double y1, double x2, double y2);
/* An attribute of the shape begun last. */
extern void gh_svg_attr(gh_svg *svg, const char *name, const char *value);
extern void gh_svg_attr_number(gh_svg *svg, const char *name, double value);
/* name="url(#prefix-id)", and the id itself */
extern void gh_svg_attr_url(gh_svg *svg, const char *name, const char *id);
extern void gh_svg_id(gh_svg *svg, const char *id);
/* What a browser shows when the pointer rests on the shape begun last; cut when very long. */
extern void gh_svg_tooltip(gh_svg *svg, const char *text);
extern void gh_svg_end(gh_svg *svg);

/* ---- paths ------------------------------------------------------------ */

/* Points are rounded to tenths and written as differences of rounded places, so errors do not add up. */
extern void gh_svg_path(gh_svg *svg, const char *class);
extern void gh_svg_move(gh_svg *svg, double x, double y);
extern void gh_svg_line_to(gh_svg *svg, double x, double y);
/* From the pen, in tenths: for shapes that repeat many times. */
extern void gh_svg_draw(gh_svg *svg, char command, int64_t tenths);
extern void gh_svg_close_path(gh_svg *svg);
/* After it the path is like any shape begun. */
extern void gh_svg_path_done(gh_svg *svg);

/* ---- text: complete elements ------------------------------------------ */

typedef enum gh_anchor
{
	GH_START,
	GH_MIDDLE,
	GH_END
} gh_anchor;

/*
 * One line at the base line y; cut with an ellipsis to `width` pixels, then the
 * whole text is its tooltip.  `size` is the height of the class's font.
 * Returns the estimated width.
 */
extern double gh_svg_text(gh_svg *svg, const char *class, gh_anchor anchor, double x, double y, double size,
						  double width, const char *text);

/* ---- colours ---------------------------------------------------------- */

/*
 * Eight colours that people with protanopia, deuteranopia and tritanopia tell
 * apart: Okabe and Ito's (https://jfly.uni-koeln.de/color/) without black and
 * yellow, with a wine red of Tol's (https://personal.sron.nl/~pault/) and a
 * brown; on dark ground others of the same hues.
 */
#define GH_PALETTE 8
extern const char *gh_fill_class(size_t i); /* i modulo GH_PALETTE */
extern const char *gh_stroke_class(size_t i);

/* From low (blue) through grey violet to high (orange) in 11 steps, brightness rising; share in [0, 1], NaN: grey. */
#define GH_RAMP 11
extern const char *gh_ramp_fill(double share);
extern const char *gh_ramp_stroke(double share);

extern const char *gh_svg_style(void);	/* the style sheet, for a page that shows figures */

#endif							/* GH_SVG_H */
