/*
 * layout_body.h
 *		The steps of the layout, included once per instruction set.
 *
 * The includer defines GH_LAYOUT_BUILD.  Each lane does the same operations in
 * every build and lanes are added in one fixed tree, so the builds give the
 * same bytes.  No function of the C library decides a coordinate.
 */
#include "project/gh_layout.h"

#include <string.h>

/* Random vertices measured at once: the default of 5 fits. */
#define LANES 8

/* Steps are clipped to this on each axis. */
#define MOST_STEP 4.0f
/* Squared distances below are the same place. */
#define SAME_PLACE 1e-30f
/* Edges between two polls. */
#define POLL_EVERY 1024

typedef union float_bits
{
	float		f;
	int32_t		i;
} float_bits;

/*
 * x^power for x > 0, to a few units in the last place: 2^(power log2 x).  The
 * logarithm is the series of atanh on a mantissa in [sqrt 1/2, sqrt 2), the
 * exponential a Taylor polynomial on [-1/2, 1/2].
 */
static inline float
power_of(float x, float power)
{
	float_bits	in = {.f = x},
				mantissa,
				scale;
	int32_t		exponent = (in.i - 0x3f3504f3) >> 23;
	float		s,
				s2,
				t,
				whole,
				u;

	mantissa.i = in.i - exponent * (1 << 23);
	s = (mantissa.f - 1) / (mantissa.f + 1);
	s2 = s * s;
	t = s * (2.8853900817779268f + s2 * (0.9617966939259756f + s2 * (0.5770780163555854f + s2 * 0.4121985831111325f)));
	t = power * (t + (float) exponent);
	t = t < -126 ? -126 : t > 126 ? 126 : t;
	whole = (t + 12582912.0f) - 12582912.0f;	/* 1.5 * 2^23: rounds to an integer */
	u = t - whole;
	scale.i = ((int32_t) whole + 127) * (1 << 23);
	return scale.f * (1 + u * (0.6931471805599453f + u * (0.2402265069591007f + u * (0.0555041086648216f +
			u * (0.0096181291076285f + u * (0.0013333558146428f + u * 0.0001540353039338f))))));
}

static inline float
clip(float step)
{
	return step < -MOST_STEP ? -MOST_STEP : step > MOST_STEP ? MOST_STEP : step;
}

static inline float
add_lanes(const float *lane)
{
	float		half[LANES / 2];

	for (int i = 0; i < LANES / 2; i++)
		half[i] = lane[i] + lane[i + LANES / 2];
	for (int i = 0; i < LANES / 4; i++)
		half[i] += half[i + LANES / 4];
	return half[0] + half[1];
}

/* An edge that acts pulls both of its ends together. */
static inline void
attract(const gh_layout_epoch *e, int dim, float *head, float *tail)
{
	float		delta[GH_LAYOUT_MOST_DIM];
	float		distance2 = 0,
				power,
				coefficient;

	for (int c = 0; c < dim; c++)
	{
		delta[c] = head[c] - tail[c];
		distance2 += delta[c] * delta[c];
	}
	if (!(distance2 > SAME_PLACE))
		return;
	power = power_of(distance2, e->b);
	coefficient = -2 * e->a * e->b * power / (distance2 * (1 + e->a * power));
	for (int c = 0; c < dim; c++)
	{
		float		step = e->alpha * clip(coefficient * delta[c]);

		head[c] += step;
		tail[c] -= step;
	}
}

/* An edge acts when the number of times that it was due so far becomes one more. */
static inline bool
acts(const gh_layout_epoch *e, float weight)
{
	return (int32_t) (e->time * weight) != (int32_t) (e->time_before * weight);
}

/* LANES vertices push `own` away, all measured from where it stands; copies of it do nothing. */
static inline void
repel(const gh_layout_epoch *e, int dim, float *own, const float (*others)[LANES])
{
	float		delta[GH_LAYOUT_MOST_DIM][LANES];
	float		distance2[LANES] = {0},
				coefficient[LANES],
				step[LANES];

	for (int c = 0; c < dim; c++)
	{
		for (int l = 0; l < LANES; l++)
		{
			delta[c][l] = own[c] - others[c][l];
			distance2[l] += delta[c][l] * delta[c][l];
		}
	}
	for (int l = 0; l < LANES; l++)
	{
		float		power = power_of(distance2[l], e->b);
		float		pushed = 2 * e->b / ((0.001f + distance2[l]) * (1 + e->a * power));

		coefficient[l] = distance2[l] > 0 ? pushed : 0;
	}
	for (int c = 0; c < dim; c++)
	{
		for (int l = 0; l < LANES; l++)
			step[l] = clip(coefficient[l] * delta[c][l]);
		own[c] += e->alpha * add_lanes(step);
	}
}

/*
 * Two random vertices from one number of a counter: the finaliser of
 * SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014, https://doi.org/10.1145/2714064.2660195
 */
static inline uint64_t
mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

/*
 * Lets random vertices push vertex v away, LANES at a time.  A chunk sees its
 * own vertices as they are, others as the epoch began.
 */
static inline void
draw(const gh_layout_epoch *e, int dim, const gh_layout_range *range, size_t v, uint64_t *state)
{
	float	   *own = e->now + v * dim;
	uint64_t	n = e->graph->n;
	uint64_t	bits = 0;

	for (int begin = 0; begin < e->negative_sample_rate; begin += LANES)
	{
		float		lanes[GH_LAYOUT_MOST_DIM][LANES];

		for (int l = 0; l < LANES; l++)
		{
			size_t		drawn = v;
			const float *other;

			if (begin + l < e->negative_sample_rate)
			{
				if (l % 2 == 0)
					bits = mix(*state += GOLDEN);
				drawn = (bits & UINT32_MAX) * n >> 32;
				bits >>= 32;
			}
			other = (drawn >= range->begin && drawn < range->end ? e->now : e->before) + drawn * dim;
			for (int c = 0; c < dim; c++)
				lanes[c][l] = other[c];
		}
		repel(e, dim, own, (const float (*)[LANES]) lanes);
	}
}

static inline __attribute__((always_inline)) gh_status
run_chunk(gh_ctx *ctx, const gh_layout_epoch *e, const gh_layout_range *range, const int dim)
{
	const gh_graph *g = e->graph;
	size_t		poll = 0;

	for (size_t v = range->begin; v < range->end; v++)
	{
		float	   *own = e->now + v * dim;
		uint64_t	state = mix(e->key + v * GOLDEN);

		for (size_t edge = g->offsets[v]; edge < g->offsets[v + 1]; edge++)
		{
			size_t		tail = g->columns[edge];

			if (poll++ % POLL_EVERY == 0)
				GH_CHECK_STOP(ctx);
			if (!acts(e, g->weights[edge]))
				continue;
			if (tail >= range->begin && tail < range->end)
				attract(e, dim, own, e->now + tail * dim);
			draw(e, dim, range, v, &state);
		}
	}
	return GH_OK;
}

/* Twice, for the edge and its reverse. */
static inline __attribute__((always_inline)) gh_status
run_bridges(gh_ctx *ctx, const gh_layout_epoch *e, const gh_layout_bridge *bridges, size_t n, const int dim)
{
	for (int direction = 0; direction < 2; direction++)
	{
		for (size_t i = 0; i < n; i++)
		{
			if (i % POLL_EVERY == 0)
				GH_CHECK_STOP(ctx);
			if (acts(e, bridges[i].weight))
				attract(e, dim, e->now + (size_t) bridges[i].head * dim, e->now + (size_t) bridges[i].tail * dim);
		}
	}
	return GH_OK;
}

static gh_status
chunk_steps(gh_ctx *ctx, const gh_layout_epoch *e, const gh_layout_range *range)
{
	return e->dim == 2 ? run_chunk(ctx, e, range, 2) : run_chunk(ctx, e, range, e->dim);
}

static gh_status
bridge_steps(gh_ctx *ctx, const gh_layout_epoch *e, const gh_layout_bridge *bridges, size_t n)
{
	return e->dim == 2 ? run_bridges(ctx, e, bridges, n, 2) : run_bridges(ctx, e, bridges, n, e->dim);
}

const gh_layout_build GH_LAYOUT_BUILD = {chunk_steps, bridge_steps};
