/*
 * layout_body.h
 *		The steps of the layout, included once per instruction set.
 *
 * The includer defines GH_LAYOUT_BUILD.  Each lane does the same operations in
 * every build and lanes are never added up, so the builds give the same bytes.
 * No function of the C library decides a coordinate.
 */
#include "project/gh_layout.h"
#include "project/layout_vector.h"

/* Steps are clipped to this on each axis. */
#define MOST_STEP 4.0f
/* Squared distances below are the same place. */
#define SAME_PLACE 1e-30f
/* Edges looked at between two polls. */
#define BLOCK 1024
/* Random vertices measured from one place; then the head moves on. */
#define DRAWS_PER_PLACE 8

/* ---- random numbers ----------------------------------------------------- */

/*
 * LANES generators side by side: xoshiro128+, whose upper bits are good,
 * Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM
 * Transactions on Mathematical Software 47(4), 2021,
 * https://doi.org/10.1145/3460772
 */
typedef struct generators
{
	ulanes		s[4];
} generators;

/* The seeds come from SplitMix64, as its authors advise. */
static void
seed_generators(generators *g, uint64_t state)
{
	for (int i = 0; i < 4; i++)
	{
		for (int l = 0; l < LANES; l++)
		{
			uint64_t	z = state += UINT64_C(0x9e3779b97f4a7c15);

			z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
			z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
			g->s[i][l] = (uint32_t) ((z ^ (z >> 31)) >> 32);
		}
	}
}

ALWAYS_INLINE ulanes
draw_bits(generators *g)
{
	ulanes	   *s = g->s,
				result = s[0] + s[3],
				t = s[1] << 9;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = s[3] << 11 | s[3] >> 21;
	return result;
}

/* ---- forces ------------------------------------------------------------- */

/* Edges that act pull both of their ends together. */
ALWAYS_INLINE void
attract(const gh_layout_epoch *e, const int dim, lanes *head, lanes *tail)
{
	lanes		delta[GH_LAYOUT_MOST_DIM];
	lanes		distance2 = {0},
				power,
				coefficient;

	for (int c = 0; c < dim; c++)
	{
		delta[c] = head[c] - tail[c];
		distance2 += delta[c] * delta[c];
	}
	power = power_of(&distance2, e->b);
	coefficient = -2 * e->a * e->b * power / (distance2 * (1 + e->a * power));
	coefficient = ONLY(distance2 > SAME_PLACE, coefficient);
	for (int c = 0; c < dim; c++)
	{
		lanes		step = coefficient * delta[c];

		step = e->alpha * clip(&step, MOST_STEP);
		head[c] += step;
		tail[c] -= step;
	}
}

/* Others push the heads away, measured from `place`; equal places do nothing. */
ALWAYS_INLINE void
repel(const gh_layout_epoch *e, const int dim, const lanes *place, const lanes *other, const ilanes *is_other, lanes *head)
{
	lanes		delta[GH_LAYOUT_MOST_DIM];
	lanes		distance2 = {0},
				coefficient;

	for (int c = 0; c < dim; c++)
	{
		delta[c] = place[c] - other[c];
		distance2 += delta[c] * delta[c];
	}
	coefficient = 2 * e->b / ((0.001f + distance2) * (1 + e->a * power_of(&distance2, e->b)));
	coefficient = ONLY(*is_other, coefficient);
	for (int c = 0; c < dim; c++)
	{
		lanes		step = coefficient * delta[c];

		head[c] += e->alpha * clip(&step, MOST_STEP);
	}
}

ALWAYS_INLINE void
copy(const int dim, const lanes *from, lanes *to)
{
	for (int c = 0; c < dim; c++)
		to[c] = from[c];
}

/*
 * LANES edges, no vertex in two of them, of which the first n count: each pulls
 * its ends together, then random vertices, seen as the epoch began, push its
 * head away.  A vertex does not push itself.
 */
ALWAYS_INLINE void
act(const gh_layout_epoch *e, const int dim, generators *g, const uint32_t *heads, const uint32_t *tails, int n)
{
	lanes		own[GH_LAYOUT_MOST_DIM],
				place[GH_LAYOUT_MOST_DIM],
				other[GH_LAYOUT_MOST_DIM];
	ulanes		self;

	memcpy(&self, heads, sizeof(self));
	gather(e->now, heads, dim, own);
	gather(e->now, tails, dim, other);
	attract(e, dim, own, other);
	scatter(e->now, tails, n, dim, other);
	copy(dim, own, place);
	for (int draw = 0; draw < e->negative_sample_rate; draw++)
	{
		ulanes		bits = draw_bits(g),
					drawn = scale_bits(&bits, e->n);
		ilanes		is_other = drawn != self;
		uint32_t	vertices[LANES];

		if (draw > 0 && draw % DRAWS_PER_PLACE == 0)
			copy(dim, own, place);
		memcpy(vertices, &drawn, sizeof(vertices));
		gather(e->before, vertices, dim, other);
		repel(e, dim, place, other, &is_other, own);
	}
	scatter(e->now, heads, n, dim, own);
}

/* ---- edges -------------------------------------------------------------- */

/* How many edges, at most LANES, come before one that touches an earlier one's vertex. */
static int
count_apart(const uint32_t *heads, const uint32_t *tails, int most)
{
	for (int l = 1; l < most; l++)
	{
		for (int k = 0; k < l; k++)
		{
			if (heads[l] == heads[k] || heads[l] == tails[k] || tails[l] == heads[k] || tails[l] == tails[k])
				return l;
		}
	}
	return most;
}

/* Whether no vertex is in two of LANES edges: each lane against each other by turning. */
ALWAYS_INLINE bool
are_apart(const uint32_t *heads, const uint32_t *tails)
{
	ulanes		h,
				t,
				turned;
	ilanes		meets;

	memcpy(&h, heads, sizeof(h));
	memcpy(&t, tails, sizeof(t));
#define TURN(x, ...) turned = SHUFFLE(x, x, __VA_ARGS__)
	TURN(h, 1, 2, 3, 4, 5, 6, 7, 0);
	meets = (turned == h) | (turned == t);
	TURN(h, 2, 3, 4, 5, 6, 7, 0, 1);
	meets |= (turned == h) | (turned == t);
	TURN(h, 3, 4, 5, 6, 7, 0, 1, 2);
	meets |= (turned == h) | (turned == t);
	TURN(h, 4, 5, 6, 7, 0, 1, 2, 3);
	meets |= (turned == h) | (turned == t);
	TURN(t, 1, 2, 3, 4, 5, 6, 7, 0);
	meets |= (turned == t) | (turned == h);
	TURN(t, 2, 3, 4, 5, 6, 7, 0, 1);
	meets |= (turned == t) | (turned == h);
	TURN(t, 3, 4, 5, 6, 7, 0, 1, 2);
	meets |= (turned == t) | (turned == h);
	TURN(t, 4, 5, 6, 7, 0, 1, 2, 3);
	meets |= turned == t;
#undef TURN
	return !any_set(&meets);
}

/*
 * The edges of a list in order, as many at once as do not touch, with the result
 * of one by one.  LANES more can be read behind the end.
 */
ALWAYS_INLINE void
run_list(const gh_layout_epoch *e, const int dim, generators *g, const uint32_t *heads, const uint32_t *tails, size_t n)
{
	size_t		i = 0;

	while (i < n)
	{
		int			count = n - i < LANES ? (int) (n - i) : LANES;

		if (count < LANES || !are_apart(heads + i, tails + i))
			count = count_apart(heads + i, tails + i, count);
		if (count == LANES)
			act(e, dim, g, heads + i, tails + i, LANES);
		else
			act(e, dim, g, heads + i, tails + i, count);
		i += count;
	}
}

/*
 * The edges that act among `count` from `begin` on.  One acts when the number of
 * times that it was due so far becomes one more.
 */
ALWAYS_INLINE size_t
list_acting(const gh_layout_epoch *e, size_t begin, size_t count, uint32_t *heads, uint32_t *tails)
{
	size_t		n = 0;

	for (size_t i = begin; i < begin + count; i++)
	{
		heads[n] = e->heads[i];
		tails[n] = e->tails[i];
		n += (int32_t) (e->time * e->weights[i]) != (int32_t) (e->time_before * e->weights[i]);
	}
	memset(heads + n, 0, sizeof(uint32_t) * LANES);
	memset(tails + n, 0, sizeof(uint32_t) * LANES);
	return n;
}

ALWAYS_INLINE gh_status
run_cell(gh_ctx *ctx, const gh_layout_epoch *e, size_t begin, size_t end, uint64_t seed, const int dim)
{
	uint32_t	heads[BLOCK + LANES],
				tails[BLOCK + LANES];
	generators	g;

	seed_generators(&g, seed);
	for (size_t block = begin; block < end; block += BLOCK)
	{
		size_t		n = list_acting(e, block, end - block < BLOCK ? end - block : BLOCK, heads, tails);

		GH_CHECK_STOP(ctx);
		if (e->reverse)
			run_list(e, dim, &g, tails, heads, n);
		else
			run_list(e, dim, &g, heads, tails, n);
	}
	return GH_OK;
}

static gh_status
cell_steps(gh_ctx *ctx, const gh_layout_epoch *e, size_t begin, size_t end, uint64_t seed)
{
	if (e->dim == 2)
		return run_cell(ctx, e, begin, end, seed, 2);
	return run_cell(ctx, e, begin, end, seed, e->dim);
}

const gh_layout_build GH_LAYOUT_BUILD = {cell_steps};
