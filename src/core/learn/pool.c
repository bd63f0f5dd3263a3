/*
 * pool.c
 *		Histograms that wait for their node to be opened.
 *
 * When the pool is full a node keeps none and its children are both counted,
 * with the same result.
 */
#include "learn/boost_private.h"

/* The pool holds as many histograms as fit here (70 of 14 features), and a few in any case. */
#define POOL_BYTES ((size_t) 4 << 20)
#define POOL_LEAST 4
/* Up to so many columns have all the sums that codes can ask for: their places are constants then. */
#define FEW_COLUMNS 64

/* Sums of a column: one a bin, and room for code 255 when it may be missing there. */
static size_t
column_sums(const gh_bins *bins, int column)
{
	if (bins->n_columns <= FEW_COLUMNS)
		return GH_FULL_COLUMN;
	if (column >= bins->n_features)
		return 2;
	if (bins->has_missing[column])
		return GH_FULL_COLUMN;
	return bins->cut_begin[column + 1] - bins->cut_begin[column];
}

/* Open nodes never exceed this, whatever the order; bounded by `limit` too. */
static size_t
most_open_nodes(size_t n, const gh_boost_params *params, size_t limit)
{
	size_t		open = n;

	if (params->max_depth > 0 && params->max_depth <= 30 && ((size_t) 1 << (params->max_depth - 1)) < open)
		open = (size_t) 1 << (params->max_depth - 1);
	if (params->max_leaves > 0 && (size_t) params->max_leaves < open)
		open = (size_t) params->max_leaves;
	open += 1;
	return open < limit ? open : limit;
}

int
gh_pool_slots(size_t n, const gh_boost_params *params, size_t histogram_size)
{
	size_t		fit = POOL_BYTES / (histogram_size * sizeof(gh_sum));

	/* open nodes do not share rows, and those of few rows have no histogram */
	if (n / GH_FEW_ROWS + 1 < fit)
		fit = n / GH_FEW_ROWS + 1;
	return (int) most_open_nodes(n, params, fit > POOL_LEAST ? fit : POOL_LEAST);
}

int
gh_pool_groups(int n_columns, int threads)
{
	if (n_columns <= FEW_COLUMNS)
		return 1;
	return threads < n_columns ? threads : n_columns;
}

/* Two parts a thread end more evenly than one. */
int
gh_pool_extra(size_t n, int n_columns, int threads)
{
	size_t		most = n / GH_PART_ROWS;

	if (threads == 1 || gh_pool_groups(n_columns, threads) > 1)
		return 0;
	return most < 2 * (size_t) threads ? (int) most : 2 * threads;
}

/* The pool has, after its last slot, one that is never kept. */
gh_status
gh_pool_open(gh_grower *g)
{
	g->histogram_size = 0;
	for (int c = 0; c < g->bins->n_columns; c++)
	{
		g->offset[c] = (uint32_t) g->histogram_size;
		g->histogram_size += column_sums(g->bins, c);
	}
	g->n_slots = gh_pool_slots(g->records->n, g->params, g->histogram_size);
	g->free_slot = GH_NEW(g->ctx, (size_t) g->n_slots, int32_t);
	return g->free_slot != NULL ? gh_pool_wake(g) : gh_ctx_status(g->ctx);
}

void
gh_pool_rest(gh_grower *g)
{
	gh_free(g->ctx, g->pool);
	g->pool = NULL;
}

gh_status
gh_pool_wake(gh_grower *g)
{
	if (g->pool == NULL)
		g->pool = gh_alloc(g->ctx, (size_t) g->n_slots + 1 + (size_t) g->n_extra, g->histogram_size * sizeof(gh_sum));
	return g->pool != NULL ? GH_OK : gh_ctx_status(g->ctx);
}

size_t
gh_pool_memory(size_t n, int n_columns, int threads, const gh_boost_params *params)
{
	size_t		histogram_size = (size_t) n_columns * GH_FULL_COLUMN;

	return ((size_t) gh_pool_slots(n, params, histogram_size) + 1 + (size_t) gh_pool_extra(n, n_columns, threads)) * histogram_size * sizeof(gh_sum);
}

void
gh_pool_reset(gh_grower *g)
{
	g->n_free = 0;
	for (int32_t i = g->n_slots; i > 0; i--)
		g->free_slot[g->n_free++] = i - 1;
}

int32_t
gh_pool_take(gh_grower *g)
{
	return g->n_free > 0 ? g->free_slot[--g->n_free] : g->n_slots;
}

void
gh_pool_release(gh_grower *g, int32_t slot)
{
	if (slot >= 0 && slot < g->n_slots)
		g->free_slot[g->n_free++] = slot;
}
