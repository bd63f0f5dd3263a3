/*
 * layout_body.h
 *		The steps of the layout, included once per instruction set.
 *
 * The includer defines GH_LAYOUT_BUILD.  Each lane does the same operations in
 * every build and lanes are never added up, so the builds give the same bytes.
 * No function of the C library decides a coordinate.
 */
#include "project/layout_vector.h"

/* Steps are clipped to this on each axis. */
#define MOST_STEP 4.0f
/* Squared distances below are the same place. */
#define SAME_PLACE 1e-30f
/* Edges looked at between two polls. */
#define BLOCK 1024
/* Random vertices measured from one place of the head; then from where it has come to. */
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
	uint32_t	blocks[LANES];	/* drawn */
	int			left;			/* of them not yet used */
	uint32_t	next[LANES];	/* to be used then, on their way from memory */
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
	g->left = 0;
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

/* LANES random blocks, wanted soon. */
ALWAYS_INLINE void
draw_ahead(const gh_layout_epoch *e, const int dim, generators *g)
{
	ulanes		bits = draw_bits(g);

	memcpy(g->next, &bits, sizeof(g->next));
	for (int l = 0; l < LANES; l++)
	{
		g->next[l] = (uint32_t) ((uint64_t) g->next[l] * e->n_blocks >> 32);
		__builtin_prefetch(e->before + (size_t) g->next[l] * dim * LANES);
	}
}

ALWAYS_INLINE uint32_t
draw_block(const gh_layout_epoch *e, const int dim, generators *g)
{
	if (g->left == 0)
	{
		memcpy(g->blocks, g->next, sizeof(g->blocks));
		g->left = LANES;
		draw_ahead(e, dim, g);
	}
	return g->blocks[--g->left];
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

/* Others push the heads away, measured from `place`; a vertex does not push itself, and equal places do nothing. */
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

/* The vertices that each lane's place in block 0 holds. */
ALWAYS_INLINE ulanes
first_block(uint32_t n)
{
	ulanes		first;

	for (uint32_t l = 0; l < LANES; l++)
		first[l] = (uint32_t) ((uint64_t) l * (((uint64_t) n + LANES - 1) / LANES) % n);
	return first;
}

ALWAYS_INLINE void
copy(const int dim, const lanes *from, lanes *to)
{
	for (int c = 0; c < dim; c++)
		to[c] = from[c];
}

/*
 * LANES edges, no vertex in two of them, of which the first n count: each pulls
 * its ends together, and random vertices, seen as the epoch began, push its head
 * away.  The first of them are measured from where the head stood before the
 * pull, so that neither waits for the other's arithmetic.
 */
ALWAYS_INLINE void
act(const gh_layout_epoch *e, const int dim, generators *g, const ulanes *first, const uint32_t *heads,
	const uint32_t *tails, int n)
{
	lanes		own[GH_LAYOUT_MOST_DIM],
				place[GH_LAYOUT_MOST_DIM],
				other[GH_LAYOUT_MOST_DIM];
	const lanes *before = (const lanes *) e->before;
	ulanes		self;

	memcpy(&self, heads, sizeof(self));
	gather(e->now, heads, dim, own);
	gather(e->now, tails, dim, other);
	copy(dim, own, place);
	attract(e, dim, own, other);
	scatter(e->now, tails, n, dim, other);
	for (int draw = 0; draw < e->negative_sample_rate; draw++)
	{
		uint32_t	block = draw_block(e, dim, g);
		ulanes		drawn = *first + block;
		ilanes		is_other;

		drawn -= (ulanes) (drawn >= e->n) & e->n;
		is_other = drawn != self;
		if (draw > 0 && draw % DRAWS_PER_PLACE == 0)
			copy(dim, own, place);
		copy(dim, before + (size_t) block * dim, other);
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
 * of one by one.  2 LANES more can be read behind the end.
 */
ALWAYS_INLINE void
run_list(const gh_layout_epoch *e, const int dim, generators *g, const uint32_t *heads, const uint32_t *tails, size_t n)
{
	ulanes		first = first_block(e->n);
	size_t		i = 0;

	while (i < n)
	{
		int			count = n - i < LANES ? (int) (n - i) : LANES;

		if (count < LANES || !are_apart(heads + i, tails + i))
			count = count_apart(heads + i, tails + i, count);
		/* those of the next turn, or what stands behind the end */
		for (int l = LANES; l < 2 * LANES; l++)
		{
			__builtin_prefetch(e->now + (size_t) heads[i + l] * dim, 1);
			__builtin_prefetch(e->now + (size_t) tails[i + l] * dim, 1);
		}
		if (dim == 2 && count == LANES)
			act(e, dim, g, &first, heads + i, tails + i, LANES);
		else
			act(e, dim, g, &first, heads + i, tails + i, count);
		i += count;
	}
}

/*
 * The edges that act among `count` from `begin` on.  One acts when the number of
 * times that it was due so far becomes one more.  2 LANES of the first edge stand
 * behind the last one, to be read without a use: no vertex of another cell, which
 * another thread may be moving.
 */
ALWAYS_INLINE size_t
list_acting(const gh_layout_epoch *e, size_t begin, size_t count, uint32_t *heads, uint32_t *tails)
{
	size_t		n = 0,
				i = begin;

#if defined(__AVX2__)
	for (; i + LANES <= begin + count; i += LANES)
	{
		__m256		weights = _mm256_loadu_ps(e->weights + i);
		__m256i		due = _mm256_cvttps_epi32(_mm256_mul_ps(weights, _mm256_set1_ps(e->time))),
					was_due = _mm256_cvttps_epi32(_mm256_mul_ps(weights, _mm256_set1_ps(e->time_before)));
		int			idle = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(due, was_due)));
		__m256i		first = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *) e->chosen[~idle & 0xff]));
		__m256i		head = _mm256_loadu_si256((const __m256i *) (e->heads + i)),
					tail = _mm256_loadu_si256((const __m256i *) (e->tails + i));

		_mm256_storeu_si256((__m256i *) (heads + n), _mm256_permutevar8x32_epi32(head, first));
		_mm256_storeu_si256((__m256i *) (tails + n), _mm256_permutevar8x32_epi32(tail, first));
		n += __builtin_popcount(~idle & 0xff);
	}
#endif
	for (; i < begin + count; i++)
	{
		heads[n] = e->heads[i];
		tails[n] = e->tails[i];
		n += (int32_t) (e->time * e->weights[i]) != (int32_t) (e->time_before * e->weights[i]);
	}
	for (int l = 0; l < 2 * LANES; l++)
	{
		heads[n + l] = e->heads[begin];
		tails[n + l] = e->tails[begin];
	}
	return n;
}

ALWAYS_INLINE gh_status
run_cell(gh_ctx *ctx, const gh_layout_epoch *e, size_t begin, size_t end, uint64_t seed, const int dim)
{
	uint32_t	heads[BLOCK + 2 * LANES],
				tails[BLOCK + 2 * LANES];
	generators	g;

	seed_generators(&g, seed);
	draw_ahead(e, dim, &g);
	for (size_t block = begin; block < end; block += BLOCK)
	{
		size_t		n = list_acting(e, block, end - block < BLOCK ? end - block : BLOCK, heads, tails);

		GH_CHECK_STOP(ctx);
		run_list(e, dim, &g, e->reverse ? tails : heads, e->reverse ? heads : tails, n);
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
