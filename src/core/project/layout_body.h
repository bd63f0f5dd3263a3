/*
 * layout_body.h
 *		One epoch of one chunk of the layout, included once per instruction set.
 *
 * The includer defines GH_LAYOUT_CHUNK.  Each lane does the same operations in
 * every build and lanes are added in one fixed tree, so the builds give the
 * same bytes.  No function of the C library decides a coordinate.
 */
#include "project/gh_layout.h"

#include <string.h>

#define LANES 16

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
	for (int i = 0; i < LANES / 8; i++)
		half[i] += half[i + LANES / 8];
	return half[0] + half[1];
}

/* One edge pulls its head, `own`, towards its tail. */
static inline void
attract(const gh_layout_epoch *e, int dim, float *own, const float *other)
{
	float		delta[GH_LAYOUT_MOST_DIM];
	float		distance2 = 0,
				power,
				coefficient;

	for (int c = 0; c < dim; c++)
	{
		delta[c] = own[c] - other[c];
		distance2 += delta[c] * delta[c];
	}
	if (!(distance2 > SAME_PLACE))
		return;
	power = power_of(distance2, e->b);
	coefficient = -2 * e->a * e->b * power / (distance2 * (1 + e->a * power));
	for (int c = 0; c < dim; c++)
		own[c] += 2 * e->alpha * clip(coefficient * delta[c]);
}

/* LANES vertices push `own` away, all measured from where it stands; its own copies do nothing. */
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

/* A chunk's view: its own vertices as they are, others as they were. */
static inline const float *
seen(const gh_layout_epoch *e, int dim, size_t begin, size_t end, size_t v)
{
	return (v >= begin && v < end ? e->now : e->before) + v * dim;
}

/* Draws so many vertices into the lanes from *used on; repels whenever they are full. */
static inline void
draw(const gh_layout_epoch *e, int dim, size_t begin, size_t end, float *own, uint64_t *state,
	 float (*lanes)[LANES], int *used)
{
	uint64_t	n = e->graph->n;
	uint64_t	bits = 0;

	for (int s = 0; s < e->negative_sample_rate; s++)
	{
		const float *other;

		if (s % 2 == 0)
			bits = mix(*state += GOLDEN);
		other = seen(e, dim, begin, end, (bits & UINT32_MAX) * n >> 32);
		bits >>= 32;
		for (int c = 0; c < dim; c++)
			lanes[c][*used] = other[c];
		if (++*used == LANES)
		{
			repel(e, dim, own, (const float (*)[LANES]) lanes);
			*used = 0;
		}
	}
}

static inline __attribute__((always_inline)) gh_status
run_chunk(gh_ctx *ctx, const gh_layout_epoch *e, size_t begin, size_t end, const int dim)
{
	const gh_graph *g = e->graph;
	size_t		poll = 0;

	for (size_t v = begin; v < end; v++)
	{
		float	   *own = e->now + v * dim;
		float		lanes[GH_LAYOUT_MOST_DIM][LANES];
		uint64_t	state = mix(e->key + v * GOLDEN);
		int			used = 0;

		for (size_t edge = g->offsets[v]; edge < g->offsets[v + 1]; edge++)
		{
			float		w = g->weights[edge];

			if (poll++ % POLL_EVERY == 0)
				GH_CHECK_STOP(ctx);
			/* it acts when the epochs that it was due in so far become one more */
			if ((int32_t) (e->time * w) == (int32_t) (e->time_before * w))
				continue;
			attract(e, dim, own, seen(e, dim, begin, end, g->columns[edge]));
			draw(e, dim, begin, end, own, &state, lanes, &used);
		}
		if (used == 0)
			continue;
		for (int c = 0; c < dim; c++)
		{
			for (int l = used; l < LANES; l++)
				lanes[c][l] = own[c];
		}
		repel(e, dim, own, (const float (*)[LANES]) lanes);
	}
	return GH_OK;
}

gh_status
GH_LAYOUT_CHUNK(gh_ctx *ctx, const gh_layout_epoch *epoch, size_t begin, size_t end)
{
	if (epoch->dim == 2)
		return run_chunk(ctx, epoch, begin, end, 2);
	return run_chunk(ctx, epoch, begin, end, epoch->dim);
}
