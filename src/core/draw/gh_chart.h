/*
 * gh_chart.h
 *		Axes, legends, colour bars: what charts have in common.
 */
#ifndef GH_CHART_H
#define GH_CHART_H

#include "draw/gh_svg.h"

#define GH_AXIS_TICKS 32

typedef struct gh_axis
{
	double		low,			/* values at the ends */
				high;
	double		from,			/* places of the ends; from > to for an axis that points up */
				to;
	bool		log;
	int			n_ticks;
	double		tick[GH_AXIS_TICKS];	/* ascending, within [low, high] */
	int			decimals;		/* of the ticks' numbers; linear axes */
} gh_axis;

/*
 * `ticks` is how many numbers one would like to see.  With `nice` the ends move
 * outwards to the next tick.  Ends that are not finite, equal or swapped are
 * put right: there is always an axis.
 */
extern gh_axis gh_axis_linear(double low, double high, double from, double to, int ticks, bool nice);
/* Ends are raised to 10^-300 at least; ticks at powers of ten, and 2 and 5 times these where there are few. */
extern gh_axis gh_axis_log(double low, double high, double from, double to, bool nice);

/* Place of a value, held to the axis; NaN stays NaN, infinities are at the ends. */
extern double gh_axis_at(const gh_axis *axis, double value);
extern const char *gh_axis_number(const gh_axis *axis, int tick, char out[GH_NUMBER_SIZE]);

/* Numbers below y, grid lines up to `top`, the name of the axis (with its unit) in the middle below. */
#define GH_AXIS_HEIGHT 40.0
extern void gh_svg_axis_bottom(gh_svg *svg, const gh_axis *axis, double y, double top, const char *name);
/* Numbers left of x, grid lines to `right`, the name above the axis, beginning at its numbers' left end. */
extern void gh_svg_axis_left(gh_svg *svg, const gh_axis *axis, double x, double right, const char *name);
/* Room that the numbers of a left axis need. */
extern double gh_axis_left_width(const gh_axis *axis);

typedef enum gh_key
{
	GH_KEY_SQUARE,
	GH_KEY_DOT,
	GH_KEY_RING,
	GH_KEY_LINE
} gh_key;

typedef struct gh_legend_item
{
	const char *text;
	const char *class;			/* as the marks have */
	gh_key		key;
} gh_legend_item;

#define GH_LEGEND_LINE 20.0
/* Items in rows from (x, y), y the top, within `width`; returns the bottom.  gh_legend_height() is the same without drawing. */
extern double gh_svg_legend(gh_svg *svg, double x, double y, double width, const gh_legend_item *items, size_t n);
extern double gh_legend_height(double width, const gh_legend_item *items, size_t n);

/* The ramp as a bar with a word before and after it, in about `width`, 16 high. */
extern void gh_svg_color_bar(gh_svg *svg, double x, double y, double width, const char *low, const char *high);

#endif							/* GH_CHART_H */
