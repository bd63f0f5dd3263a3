/*
 * chart.c
 *		Axes, legends, colour bars.
 */
#include "draw/gh_chart.h"

#include <math.h>
#include <string.h>

/* ---- linear axes ------------------------------------------------------ */

/* 1, 2 or 5 times a power of ten, the least that is no smaller than `least`. */
static double
round_step(double least)
{
	double		power = pow(10, floor(log10(least))),
				parts = least / power;

	if (parts <= 1.0000001)
		return power;
	if (parts <= 2.0000001)
		return 2 * power;
	return parts <= 5.0000001 ? 5 * power : 10 * power;
}

/* Decimals that show multiples of a step exactly. */
static int
step_decimals(double step)
{
	int			decimals = (int) -floor(log10(step) + 1e-9);

	return decimals < 0 ? 0 : decimals > 6 ? 6 : decimals;
}

/* Makes the ends fit to be ends. */
static void
put_right(double *low, double *high)
{
	if (!isfinite(*low) && !isfinite(*high))
		*low = *high = 0;
	else if (!isfinite(*low))
		*low = *high;
	else if (!isfinite(*high))
		*high = *low;
	if (*low > *high)
	{
		double		swap = *low;

		*low = *high;
		*high = swap;
	}
	/* their difference must not overflow */
	*low = fmax(*low, -1e300);
	*high = fmin(*high, 1e300);
}

gh_axis
gh_axis_linear(double low, double high, double from, double to, int ticks, bool nice)
{
	gh_axis		axis = {.from = from,.to = to};
	double		step,
				first,
				last;

	put_right(&low, &high);
	/* ends that differ by rounding only would give ticks that cannot be told apart */
	if (high - low <= 1e-9 * fmax(fabs(low), fabs(high)) || high - low < 1e-290)
	{
		double		half = fmax(fmax(fabs(low), fabs(high)) * 0.5, low == 0 && high == 0 ? 0.5 : 1e-290);

		low -= half;
		high += half;
	}
	ticks = ticks < 2 ? 2 : ticks > GH_AXIS_TICKS / 3 ? GH_AXIS_TICKS / 3 : ticks;
	step = round_step((high - low) / ticks);
	first = nice ? floor(low / step + 1e-9) : ceil(low / step - 1e-9);
	last = nice ? ceil(high / step - 1e-9) : floor(high / step + 1e-9);
	for (double k = first; k <= last && axis.n_ticks < GH_AXIS_TICKS; k++)
		axis.tick[axis.n_ticks++] = k * step;
	axis.low = nice ? first * step : low;
	axis.high = nice ? last * step : high;
	axis.decimals = step_decimals(step);
	return axis;
}

/* ---- logarithmic axes ------------------------------------------------- */

static void
log_ticks(gh_axis *axis, bool between)
{
	static const double parts[] = {1, 2, 5};
	double		every = fmax(ceil((log10(axis->high) - log10(axis->low)) / 8), 1);

	axis->n_ticks = 0;
	for (double e = floor(log10(axis->low) + 1e-9); e <= log10(axis->high) + 1e-9; e += every)
	{
		for (int p = 0; p < (between ? 3 : 1); p++)
		{
			double		tick = parts[p] * pow(10, e);

			if (tick >= axis->low * (1 - 1e-9) && tick <= axis->high * (1 + 1e-9) && axis->n_ticks < GH_AXIS_TICKS)
				axis->tick[axis->n_ticks++] = tick;
		}
	}
}

gh_axis
gh_axis_log(double low, double high, double from, double to, bool nice)
{
	gh_axis		axis = {.from = from,.to = to,.log = true};

	put_right(&low, &high);
	low = fmax(low, 1e-300);
	high = fmax(high, low);
	if (nice || high <= low * 1.0000001)
	{
		low = pow(10, floor(log10(low) + 1e-9));
		high = pow(10, ceil(log10(high) - 1e-9));
		if (high <= low * 1.0000001)
			high = low * 10;
	}
	axis.low = low;
	axis.high = high;
	log_ticks(&axis, false);
	if (axis.n_ticks < 3)
		log_ticks(&axis, true);
	if (axis.n_ticks < 2)
	{
		/* a piece so short that it is nearly straight */
		gh_axis		straight = gh_axis_linear(low, high, from, to, 5, false);

		axis.n_ticks = straight.n_ticks;
		memcpy(axis.tick, straight.tick, sizeof(axis.tick));
	}
	return axis;
}

/* ---- both ------------------------------------------------------------- */

double
gh_axis_at(const gh_axis *axis, double value)
{
	double		share;

	if (isnan(value))
		return value;
	value = value < axis->low ? axis->low : value > axis->high ? axis->high : value;
	if (axis->log)
		share = (log10(value) - log10(axis->low)) / (log10(axis->high) - log10(axis->low));
	else
		share = (value - axis->low) / (axis->high - axis->low);
	return axis->from + share * (axis->to - axis->from);
}

const char *
gh_axis_number(const gh_axis *axis, int tick, char out[GH_NUMBER_SIZE])
{
	double		value = axis->tick[tick],
				largest = fmax(fabs(axis->low), fabs(axis->high));

	if (axis->log || largest >= 1e7 || largest < 1e-4)
		return gh_number_short(out, value, 6);
	if (axis->decimals == 0 && largest >= 10000)
	{
		if (value >= 0)
			return gh_number_count(out, (uint64_t) (value + 0.5));
		gh_number_fixed(out, -1, 0);
		gh_number_count(out + strlen(out) - 1, (uint64_t) (0.5 - value));
		return out;
	}
	return gh_number_fixed(out, value, axis->decimals);
}

double
gh_axis_left_width(const gh_axis *axis)
{
	double		widest = 0;

	for (int i = 0; i < axis->n_ticks; i++)
	{
		char		number[GH_NUMBER_SIZE];

		widest = fmax(widest, gh_text_width(gh_axis_number(axis, i, number), GH_SIZE_SMALL));
	}
	return widest + 8;
}

void
gh_svg_axis_bottom(gh_svg *svg, const gh_axis *axis, double y, double top, const char *name)
{
	double		from = fmin(axis->from, axis->to),
				to = fmax(axis->from, axis->to),
				free_from = -INFINITY;

	for (int i = 0; i < axis->n_ticks; i++)
	{
		char		number[GH_NUMBER_SIZE];
		double		x = gh_axis_at(axis, axis->tick[i]),
					half;

		gh_svg_line(svg, "grid", x, top, x, y);
		gh_svg_end(svg);
		half = gh_text_width(gh_axis_number(axis, i, number), GH_SIZE_SMALL) / 2;
		/* a number that would touch the one before is left out, its line stays */
		if (x - half < free_from)
			continue;
		free_from = x + half + 6;
		gh_svg_text(svg, "a", GH_MIDDLE, x, y + 15, GH_SIZE_SMALL, INFINITY, number);
	}
	gh_svg_line(svg, "axis", from, y, to, y);
	gh_svg_end(svg);
	gh_svg_text(svg, "s", GH_MIDDLE, (from + to) / 2, y + 33, GH_SIZE_TEXT, svg->width, name);
}

void
gh_svg_axis_left(gh_svg *svg, const gh_axis *axis, double x, double right, const char *name)
{
	double		top = fmin(axis->from, axis->to),
				start = x - gh_axis_left_width(axis);

	for (int i = 0; i < axis->n_ticks; i++)
	{
		char		number[GH_NUMBER_SIZE];
		double		y = gh_axis_at(axis, axis->tick[i]);

		gh_svg_line(svg, "grid", x, y, right, y);
		gh_svg_end(svg);
		gh_svg_text(svg, "a", GH_END, x - 6, y + 4, GH_SIZE_SMALL, INFINITY, gh_axis_number(axis, i, number));
	}
	gh_svg_text(svg, "s", GH_START, fmax(start, 4), top - 12, GH_SIZE_TEXT, right - start, name);
}

/* ---- legends ---------------------------------------------------------- */

static void
draw_key(gh_svg *svg, double x, double y, const gh_legend_item *item)
{
	switch (item->key)
	{
		case GH_KEY_SQUARE:
			gh_svg_rect(svg, item->class, x, y - 5, 10, 10);
			break;
		case GH_KEY_DOT:
			gh_svg_circle(svg, item->class, x + 5, y, 4.5);
			break;
		case GH_KEY_RING:
			gh_svg_circle(svg, item->class, x + 5, y, 4.5);
			gh_svg_attr(svg, "stroke-width", "2");
			break;
		case GH_KEY_LINE:
			gh_svg_line(svg, item->class, x - 2, y, x + 12, y);
			gh_svg_attr(svg, "stroke-width", "2");
			break;
	}
	gh_svg_end(svg);
}

/* svg may be NULL: then only the height is found. */
static double
legend(gh_svg *svg, double left, double y, double width, const gh_legend_item *items, size_t n)
{
	double		x = left;

	if (n == 0)
		return y;
	for (size_t i = 0; i < n; i++)
	{
		double		text_width = fmin(gh_text_width(items[i].text, GH_SIZE_SMALL), width - 18);

		if (x > left && x + 16 + text_width > left + width)
		{
			x = left;
			y += GH_LEGEND_LINE;
		}
		if (svg != NULL)
		{
			draw_key(svg, x, y + 8, &items[i]);
			gh_svg_text(svg, "a", GH_START, x + 16, y + 12, GH_SIZE_SMALL, text_width + 0.01, items[i].text);
		}
		x += 16 + text_width + 14;
	}
	return y + GH_LEGEND_LINE;
}

double
gh_svg_legend(gh_svg *svg, double x, double y, double width, const gh_legend_item *items, size_t n)
{
	return legend(svg, x, y, width, items, n);
}

double
gh_legend_height(double width, const gh_legend_item *items, size_t n)
{
	return legend(NULL, 0, 0, width, items, n);
}

void
gh_svg_color_bar(gh_svg *svg, double x, double y, double width, const char *low, const char *high)
{
	double		taken = gh_svg_text(svg, "a", GH_START, x, y + 12, GH_SIZE_SMALL, width / 2, low),
				step;

	x += taken + 6;
	width = fmax(width - taken - 12 - fmin(gh_text_width(high, GH_SIZE_SMALL), width / 4), 44);
	step = fmin(width / GH_RAMP, 12);
	for (int i = 0; i < GH_RAMP; i++)
	{
		/* a little wider than the step, so that no seam shows */
		gh_svg_rect(svg, gh_ramp_fill((i + 0.5) / GH_RAMP), x + i * step, y + 3, step + (i < GH_RAMP - 1 ? 0.5 : 0), 10);
		gh_svg_end(svg);
	}
	gh_svg_text(svg, "a", GH_START, x + GH_RAMP * step + 6, y + 12, GH_SIZE_SMALL, svg->width / 4, high);
}
