/*
 * sample.c
 *		The rows and features that a tree, a level or a node may see.
 */
#include <string.h>

#include "base/gh_random.h"
#include "base/gh_threads.h"
#include "learn/row_kernels.h"

/* Rows between two polls. */
#define POLL_ROWS 65536
/* Rows of a task. */
#define TASK_ROWS 16384

/* Rows drawn at once. */
#define DRAWN 1024

static gh_status
all_rows_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	gh_grower  *grower = arg;
	size_t		begin = task * TASK_ROWS,
				end = grower->records->n - begin < TASK_ROWS ? grower->records->n : begin + TASK_ROWS;

	(void) worker;
	GH_CHECK_STOP(ctx);
	for (size_t i = begin; i < end; i++)
		grower->order[i] = (uint32_t) i;
	return GH_OK;
}

static gh_status
all_rows(gh_grower *grower)
{
	grower->n_sample = grower->records->n;
	return gh_parallel(grower->ctx, (grower->n_sample - 1) / TASK_ROWS + 1, all_rows_task, grower);
}

gh_status
gh_sample_rows(gh_grower *grower, uint32_t index)
{
	uint64_t	seed = gh_random_seed(grower->params->seed, index, 0);
	uint32_t	threshold = (uint32_t) (grower->params->subsample * 4294967296.0);
	size_t		n = grower->records->n,
				in = 0,
				out = 0;
	uint8_t		is_in[DRAWN];

	if (grower->params->subsample >= 1.0)
		return all_rows(grower);
	for (size_t begin = 0; begin < n; begin += DRAWN)
	{
		int			rows = n - begin < DRAWN ? (int) (n - begin) : DRAWN;

		if (begin % POLL_ROWS == 0)
			GH_CHECK_STOP(grower->ctx);
		gh_row_kernels_get()->draws(seed, GH_STREAM_BOOST_ROWS, begin / 4, threshold, (rows + 3) / 4 * 4, is_in);
		for (int i = 0; i < rows; i++)
		{
			grower->order[in] = grower->spare[out] = (uint32_t) begin + (uint32_t) i;
			in += is_in[i];
			out += 1 - is_in[i];
		}
	}
	memcpy(grower->order + in, grower->spare, out * sizeof(uint32_t));
	grower->n_sample = in;
	return GH_OK;
}

/*
 * floor(rate n) of from[0..n), at least one, without replacement, ascending.
 * The product is a float's, as in XGBoost: 0.29 of 100 is 29.
 */
static int
draw(uint32_t *shuffle, double rate, uint64_t seed, const uint16_t *from, int n, uint16_t *to)
{
	int			m = (int) ((float) rate * (float) n),
				taken = 0;
	uint8_t		chosen[GH_MAX_FEATURES];

	if (rate >= 1.0)
	{
		memmove(to, from, (size_t) n * sizeof(uint16_t));
		return n;
	}
	m = m < 1 ? 1 : m;
	for (int i = 0; i < n; i++)
		shuffle[i] = (uint32_t) i;
	gh_random_shuffle(seed, GH_STREAM_BOOST_COLUMNS, shuffle, (uint64_t) n);
	memset(chosen, 0, (size_t) n);
	for (int i = 0; i < m; i++)
		chosen[shuffle[i]] = 1;
	for (int i = 0; i < n; i++)
		if (chosen[i])
			to[taken++] = from[i];
	return taken;
}

void
gh_sample_tree_features(gh_grower *grower, uint32_t index)
{
	int			n = grower->bins->n_features;

	for (int f = 0; f < n; f++)
		grower->level_features[f] = (uint16_t) f;
	grower->n_tree_features = draw(grower->shuffle, grower->params->colsample_bytree,
								   gh_random_seed(grower->params->seed, index, 1), grower->level_features, n,
								   grower->tree_features);
	grower->level_depth = -1;

	grower->n_columns = 0;
	for (int i = 0; i < grower->n_tree_features; i++)
		grower->columns[grower->n_columns++] = grower->tree_features[i];
	for (int i = 0; i < grower->n_tree_features; i++)
	{
		int			f = grower->tree_features[i];

		if (grower->bins->miss_column[f] != f)
			grower->columns[grower->n_columns++] = grower->bins->miss_column[f];
	}
}

void
gh_sample_level_features(gh_grower *grower, uint32_t index, int depth)
{
	uint64_t	seed = gh_random_seed(gh_random_seed(grower->params->seed, index, 2), (uint64_t) depth, 0);

	if (grower->level_depth == depth)
		return;
	grower->n_level_features = draw(grower->shuffle, grower->params->colsample_bylevel, seed, grower->tree_features,
									grower->n_tree_features, grower->level_features);
	grower->level_depth = depth;
}

const uint16_t *
gh_sample_node_features(const gh_grower *grower, uint32_t index, uint32_t node, int worker, int *n)
{
	double		rate = grower->params->colsample_bynode;
	size_t		mine = (size_t) worker * (size_t) grower->bins->n_features;

	*n = grower->n_level_features;
	if (rate >= 1.0)
		return grower->level_features;
	*n = draw(grower->shuffle + mine, rate, gh_random_seed(gh_random_seed(grower->params->seed, index, 3), node, 0),
			  grower->level_features, grower->n_level_features, grower->node_features + mine);
	return grower->node_features + mine;
}
