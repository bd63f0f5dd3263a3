/*
 * tree.c
 *		Boosted trees: memory and predictions.
 */
#include "learn/gh_tree.h"

#include <float.h>
#include <math.h>

#include "base/gh_threads.h"
#include "learn/logistic.h"

/* Rows of one task: small enough that their margins stay in the first-level cache. */
#define MARGIN_BLOCK 256
/* Trees between two polls: about a millisecond of work for a block. */
#define MARGIN_POLL 64

gh_status
gh_tree_allocate(gh_ctx *ctx, uint32_t n_nodes, gh_tree *tree)
{
	tree->n_nodes = n_nodes;
	tree->left = GH_NEW(ctx, n_nodes, uint32_t);
	tree->feature = GH_NEW(ctx, n_nodes, uint16_t);
	tree->default_left = GH_NEW(ctx, n_nodes, uint8_t);
	tree->threshold = GH_NEW(ctx, n_nodes, float);
	tree->value = GH_NEW(ctx, n_nodes, float);
	tree->cover = GH_NEW(ctx, n_nodes, float);
	tree->gain = GH_NEW(ctx, n_nodes, float);
	if (tree->left == NULL || tree->feature == NULL || tree->default_left == NULL || tree->threshold == NULL ||
		tree->value == NULL || tree->cover == NULL || tree->gain == NULL)
		return gh_ctx_status(ctx);
	return GH_OK;
}

void
gh_tree_free(gh_ctx *ctx, gh_tree *tree)
{
	gh_free(ctx, tree->left);
	gh_free(ctx, tree->feature);
	gh_free(ctx, tree->default_left);
	gh_free(ctx, tree->threshold);
	gh_free(ctx, tree->value);
	gh_free(ctx, tree->cover);
	gh_free(ctx, tree->gain);
	*tree = (gh_tree) {0};
}

void
gh_booster_free(gh_ctx *ctx, gh_booster *booster)
{
	if (booster == NULL)
		return;
	for (uint32_t t = 0; booster->trees != NULL && t < booster->n_trees; t++)
		gh_tree_free(ctx, &booster->trees[t]);
	gh_free(ctx, booster->trees);
	booster->trees = NULL;
	booster->n_trees = 0;
}

double
gh_sigmoid(double margin)
{
	double		e;

	if (isnan(margin))
		return margin;
	if (margin >= 0.0)
		return 1.0 / (1.0 + (margin > 708.0 ? 0.0 : gh_exp(-margin)));
	if (margin < -708.0)
		return isinf(margin) ? 0.0 : exp(margin);	/* subnormal range */
	e = gh_exp(margin);
	return e / (1.0 + e);
}

double
gh_logit(double probability)
{
	if (!(probability > 0.0 && probability < 1.0))
		return log(probability) - log1p(-probability);	/* -inf, +inf, NaN */
	if (probability < 0x1p-1022)
		return log(probability);
	return gh_log(probability) - gh_log(1.0 - probability);
}

double
gh_booster_start(double base_score)
{
	float		base = (float) base_score;

	/* bytes may hold any double between 0 and 1, and the result is finite */
	base = base < FLT_MIN ? FLT_MIN : base;
	base = base > 1.0f - FLT_EPSILON / 2 ? 1.0f - FLT_EPSILON / 2 : base;
	return (float) -gh_log(1.0f / base - 1.0f);
}

static inline double
tree_value(const gh_tree *tree, const float *x)
{
	uint32_t	node = 0,
				left;

	while ((left = tree->left[node]) != 0)
	{
		float		v = x[tree->feature[node]];
		bool		goes_left = isnan(v) ? tree->default_left[node] != 0 : v < tree->threshold[node];

		node = left + !goes_left;
	}
	return tree->value[node];
}

double
gh_booster_margin(const gh_booster *booster, const float *x)
{
	double		margin = gh_booster_start(booster->base_score);

	for (uint32_t t = 0; t < booster->n_trees; t++)
		margin += tree_value(&booster->trees[t], x);
	return margin;
}

double
gh_booster_probability(const gh_booster *booster, const float *x)
{
	return gh_sigmoid(gh_booster_margin(booster, x));
}

typedef struct margin_job
{
	const gh_booster *booster;
	const float *rows;
	size_t		n;
	size_t		stride;
	double	   *margins;
} margin_job;

/* Rows that go down a tree side by side, as each step waits for the one before it. */
#define SIDE_BY_SIDE 8

static inline void
add_side_by_side(const gh_tree *tree, const float *rows, size_t stride, double *margins)
{
	uint32_t	node[SIDE_BY_SIDE] = {0},
				inner;

	do
	{
		inner = 0;
		for (int k = 0; k < SIDE_BY_SIDE; k++)
		{
			uint32_t	at = node[k],
						left = tree->left[at];
			float		v = rows[(size_t) k * stride + tree->feature[at]];
			bool		goes_left = (v < tree->threshold[at]) | (isnan(v) & tree->default_left[at]);

			node[k] = left != 0 ? left + !goes_left : at;
			inner |= left;
		}
	} while (inner != 0);
	for (int k = 0; k < SIDE_BY_SIDE; k++)
		margins[k] += tree->value[node[k]];
}

/* Trees outside, rows inside: a tree stays in the cache for the whole block. */
static gh_status
margin_block(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	margin_job *job = arg;
	size_t		begin = task * MARGIN_BLOCK,
				end = begin + MARGIN_BLOCK < job->n ? begin + MARGIN_BLOCK : job->n;
	double		base = gh_booster_start(job->booster->base_score);

	(void) worker;
	for (size_t i = begin; i < end; i++)
		job->margins[i] = base;
	for (uint32_t t = 0; t < job->booster->n_trees; t++)
	{
		const gh_tree *tree = &job->booster->trees[t];
		size_t		i = begin;

		if (t % MARGIN_POLL == 0)
			GH_CHECK_STOP(ctx);
		for (; i + SIDE_BY_SIDE <= end; i += SIDE_BY_SIDE)
			add_side_by_side(tree, job->rows + i * job->stride, job->stride, job->margins + i);
		for (; i < end; i++)
			job->margins[i] += tree_value(tree, job->rows + i * job->stride);
	}
	return GH_OK;
}

gh_status
gh_booster_margins(gh_ctx *ctx, const gh_booster *booster, const float *rows, size_t n, size_t stride, double *margins)
{
	margin_job	job = {booster, rows, n, stride, margins};

	return gh_parallel(ctx, n / MARGIN_BLOCK + (n % MARGIN_BLOCK != 0), margin_block, &job);
}
