/*
 * inverse_squares_body.h
 *		The code of the sums, included once per instruction set.
 *
 * The includer defines GH_INVERSE_SQUARES_NAME.  Division is what such a sum
 * costs, so four fractions share one:
 * 1/a + 1/b + 1/c + 1/d = ((a + b) cd + (c + d) ab) / (ab cd).
 */
#include "inverse_squares.h"

#include <math.h>

#define LANES 8
#define STEP (4 * LANES)

/* Stands for a distance of 0, and for the points that are missing in the last step. */
#define FAR 0x1p100

static inline void
squares(const double *restrict x, const double *restrict y, double qx, double qy, double *restrict d2)
{
	for (int l = 0; l < LANES; l++)
	{
		double		dx = x[l] - qx,
					dy = y[l] - qy,
					s = dx * dx + dy * dy;

		d2[l] = s > 0 ? s : FAR;
	}
}

static inline double
sum_lanes(const double *lane)
{
	return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* The last points of a run, made up to a whole step; weights may be NULL. */
static inline void
fill_step(const double *from, size_t n, double missing, double *to)
{
	for (size_t i = 0; i < STEP; i++)
		to[i] = i < n ? from[i] : missing;
}

static inline void
add_step(const double *restrict x, const double *restrict y, double qx, double qy, double *restrict lane)
{
	double		a[LANES],
				b[LANES],
				c[LANES],
				d[LANES];

	squares(x, y, qx, qy, a);
	squares(x + LANES, y + LANES, qx, qy, b);
	squares(x + 2 * LANES, y + 2 * LANES, qx, qy, c);
	squares(x + 3 * LANES, y + 3 * LANES, qx, qy, d);
	for (int l = 0; l < LANES; l++)
	{
		double		ab = a[l] * b[l],
					cd = c[l] * d[l];

		lane[l] += ((a[l] + b[l]) * cd + (c[l] + d[l]) * ab) / (ab * cd);
	}
}

static double
sum(const double *x, const double *y, size_t n, double qx, double qy)
{
	double		lane[LANES] = {0};
	size_t		i = 0;

	for (; i + STEP <= n; i += STEP)
		add_step(x + i, y + i, qx, qy, lane);
	if (i < n)
	{
		double		last_x[STEP],
					last_y[STEP];

		/* a missing point stands on q itself */
		fill_step(x + i, n - i, qx, last_x);
		fill_step(y + i, n - i, qy, last_y);
		add_step(last_x, last_y, qx, qy, lane);
	}
	return sum_lanes(lane);
}

static inline void
add_weighted_step(const double *restrict x, const double *restrict y, const double *restrict w, double qx, double qy,
				  double *restrict lane)
{
	double		a[LANES],
				b[LANES],
				c[LANES],
				d[LANES];

	squares(x, y, qx, qy, a);
	squares(x + LANES, y + LANES, qx, qy, b);
	squares(x + 2 * LANES, y + 2 * LANES, qx, qy, c);
	squares(x + 3 * LANES, y + 3 * LANES, qx, qy, d);
	for (int l = 0; l < LANES; l++)
	{
		double		ab = a[l] * b[l],
					cd = c[l] * d[l],
					ab_sum = w[l] * b[l] + w[LANES + l] * a[l],
					cd_sum = w[2 * LANES + l] * d[l] + w[3 * LANES + l] * c[l];

		lane[l] += (ab_sum * cd + cd_sum * ab) / (ab * cd);
	}
}

static double
weighted_sum(const double *x, const double *y, const double *weight, size_t n, double qx, double qy)
{
	double		lane[LANES] = {0};
	size_t		i = 0;

	for (; i + STEP <= n; i += STEP)
		add_weighted_step(x + i, y + i, weight + i, qx, qy, lane);
	if (i < n)
	{
		double		last_x[STEP],
					last_y[STEP],
					last_weight[STEP];

		fill_step(x + i, n - i, qx, last_x);
		fill_step(y + i, n - i, qy, last_y);
		fill_step(weight + i, n - i, 0, last_weight);
		add_weighted_step(last_x, last_y, last_weight, qx, qy, lane);
	}
	return sum_lanes(lane);
}

extern const gh_inverse_squares GH_INVERSE_SQUARES_NAME;
const gh_inverse_squares GH_INVERSE_SQUARES_NAME = {sum, weighted_sum};
