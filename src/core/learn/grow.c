/*
 * grow.c
 *		One tree: which nodes are opened when.
 *
 * Depthwise growth opens nodes in the order they were made, a level at a time;
 * lossguide opens the one with the largest gain, ties to the older.
 */
#include <math.h>
#include <string.h>

#include "base/gh_threads.h"
#include "learn/boost_private.h"

#define FIRST_NODES 128
/* Headers of the blocks of a grower. */
#define SMALL_BLOCKS 2048

size_t
gh_grower_most_leaves(size_t n, const gh_boost_params *params)
{
	size_t		leaves = params->max_depth > 0 && params->max_depth < 30 ? (size_t) 1 << params->max_depth : n;

	leaves = leaves < n ? leaves : n;
	if (params->max_leaves > 0 && (size_t) params->max_leaves < leaves)
		leaves = (size_t) params->max_leaves;
	return leaves;
}

size_t
gh_boost_most_leaves(size_t n_rows, size_t n_positives, const gh_boost_params *params)
{
	double		positives = (double) n_positives,
				negatives = (double) (n_rows - n_positives),
				hessian = n_rows > 0 ? positives * negatives / (double) n_rows : 0.0,
				given = (double) n_rows * params->base_score * (1.0 - params->base_score);
	size_t		most = gh_grower_most_leaves(n_rows, params);

	hessian = given > hessian ? given : hessian;
	if (params->scale_pos_weight > 1.0)
		hessian *= params->scale_pos_weight;
	if (params->min_child_weight > 0.0 && hessian / params->min_child_weight + 1.0 < (double) most)
		most = (size_t) (hessian / params->min_child_weight) + 1;
	return most > 0 ? most : 1;
}

size_t
gh_boost_usual_leaves(size_t n_rows, size_t n_positives, const gh_boost_params *params)
{
	size_t		most = gh_boost_most_leaves(n_rows, n_positives, params);
	double		usual = 3.0 * sqrt((double) n_rows) + 1.0;

	return (double) most < usual ? most : (size_t) usual;
}

/* Leaves of the largest tree: not twice the usual ones. */
static size_t
largest_tree(size_t n, const gh_boost_params *params)
{
	size_t		most = gh_grower_most_leaves(n, params),
				usual = gh_boost_usual_leaves(n, n / 2, params);

	return most < 2 * usual ? most : 2 * usual;
}

/* Arrays of nodes that double: two a leaf, and while the largest array moves its old one and the others'. */
static size_t
nodes_memory(size_t leaves)
{
	size_t		all = sizeof(gh_grown) + sizeof(gh_step) + 2 * sizeof(uint32_t) + sizeof(gh_part) / 2,
				nodes = FIRST_NODES;

	while (nodes < 2 * leaves)
		nodes *= 2;
	return nodes == FIRST_NODES ? nodes * all : nodes * sizeof(gh_grown) + nodes / 2 * all;
}

size_t
gh_grower_memory(size_t n, int n_columns, int threads, const gh_boost_params *params)
{
	size_t		columns = (size_t) n_columns,
				slots = (size_t) gh_pool_slots(n, params, columns * GH_FULL_COLUMN) + 1,
				extra = (size_t) gh_pool_extra(n, n_columns, threads),
				few = sizeof(gh_few) + GH_FEW_ROWS * (columns + 16),
				draws = params->colsample_bynode < 1.0 ? (size_t) threads : 1;

	return n * 2 * sizeof(uint32_t) + n / GH_PART_ROWS * sizeof(gh_part) + slots * sizeof(int32_t) +
		gh_pool_memory(n, n_columns, threads, params) + (slots + extra) * sizeof(gh_part) +
		nodes_memory(largest_tree(n, params)) + (size_t) threads * few +
		(draws * 6 + 10) * columns + SMALL_BLOCKS;
}

static gh_status
allocate_scratch(gh_grower *g)
{
	gh_ctx	   *ctx = g->ctx;
	size_t		n = g->records->n,
				stride = (size_t) g->bins->stride,
				d = (size_t) g->bins->n_features,
				c = (size_t) g->bins->n_columns,
				threads = (size_t) gh_ctx_threads(ctx);

	g->few = GH_NEW_ZERO(ctx, threads, gh_few);
	if (g->few == NULL)
		return gh_ctx_status(ctx);
	for (g->n_few = 0; g->n_few < (int) threads; g->n_few++)
	{
		gh_few	   *few = &g->few[g->n_few];

		few->size = stride;
		few->record = gh_alloc(ctx, GH_FEW_ROWS, stride);
		if (few->record == NULL)
			return gh_ctx_status(ctx);
	}
	/* scratch of the threads is needed for a draw per node only */
	threads = g->params->colsample_bynode < 1.0 ? threads : 1;
	g->order = GH_NEW(ctx, n, uint32_t);
	g->spare = GH_NEW(ctx, n, uint32_t);
	g->offset = GH_NEW(ctx, c, uint32_t);
	g->columns = GH_NEW(ctx, c, uint16_t);
	g->tree_features = GH_NEW(ctx, d, uint16_t);
	g->level_features = GH_NEW(ctx, d, uint16_t);
	g->node_features = GH_NEW(ctx, threads * d, uint16_t);
	g->shuffle = GH_NEW(ctx, threads * d, uint32_t);
	g->max_nodes = FIRST_NODES;
	g->nodes = GH_NEW(ctx, g->max_nodes, gh_grown);
	g->queue = GH_NEW(ctx, g->max_nodes, uint32_t);
	g->batch = GH_NEW(ctx, g->max_nodes, uint32_t);
	g->parts = GH_NEW(ctx, gh_parts_most(g, g->max_nodes), gh_part);
	g->steps = GH_NEW(ctx, g->max_nodes, gh_step);
	if (g->order == NULL || g->spare == NULL || g->offset == NULL || g->columns == NULL || g->tree_features == NULL ||
		g->level_features == NULL || g->node_features == NULL || g->shuffle == NULL || g->nodes == NULL ||
		g->queue == NULL || g->batch == NULL || g->parts == NULL || g->steps == NULL)
		return gh_ctx_status(ctx);
	return GH_OK;
}

gh_status
gh_grower_open(gh_ctx *ctx, const gh_bins *bins, const gh_boost_params *params, const gh_records *records,
			   double unit, gh_grower *g)
{
	int			threads = gh_threads_here(ctx);
	gh_status	status;

	memset(g, 0, sizeof(*g));
	g->ctx = ctx;
	g->bins = bins;
	g->params = params;
	g->records = records;
	g->n_groups = gh_pool_groups(bins->n_columns, threads);
	g->n_extra = gh_pool_extra(records->n, bins->n_columns, threads);
	g->rates = (gh_rates) {
		.eta = (float) params->eta,
		.lambda = (float) params->lambda,
		.alpha = (float) params->alpha,
		.gamma = (float) params->gamma,
		.min_child_weight = (float) params->min_child_weight,
		.max_delta_step = (float) params->max_delta_step,
		.monotone = params->n_monotone > 0 ? params->monotone : NULL,
		.unit = unit,
		.least_hessian = gh_split_least_hessian((float) params->min_child_weight, unit)
	};
	status = allocate_scratch(g);
	if (status == GH_OK)
		status = gh_pool_open(g);
	if (status != GH_OK)
		gh_grower_close(g);
	return status;
}

void
gh_grower_close(gh_grower *g)
{
	gh_free(g->ctx, g->order);
	gh_free(g->ctx, g->spare);
	gh_free(g->ctx, g->offset);
	gh_free(g->ctx, g->pool);
	gh_free(g->ctx, g->free_slot);
	gh_free(g->ctx, g->columns);
	gh_free(g->ctx, g->tree_features);
	gh_free(g->ctx, g->level_features);
	gh_free(g->ctx, g->node_features);
	gh_free(g->ctx, g->shuffle);
	for (int i = 0; i < g->n_few; i++)
		gh_free(g->ctx, g->few[i].record);
	gh_free(g->ctx, g->few);
	gh_free(g->ctx, g->nodes);
	gh_free(g->ctx, g->queue);
	gh_free(g->ctx, g->batch);
	gh_free(g->ctx, g->parts);
	gh_free(g->ctx, g->steps);
	memset(g, 0, sizeof(*g));
}

/* ---- the open nodes ---------------------------------------------------- */

/* Whether a is opened before b. */
static inline bool
comes_first(const gh_grower *g, uint32_t a, uint32_t b)
{
	float		ga = g->nodes[a].split.gain,
				gb = g->nodes[b].split.gain;

	return ga > gb || (ga == gb && a < b);
}

static void
push_open(gh_grower *g, uint32_t node)
{
	uint32_t	at = g->queue_tail++;

	g->queue[at] = node;
	if (g->params->grow_policy == GH_GROW_DEPTHWISE)
		return;
	while (at > 0 && comes_first(g, node, g->queue[(at - 1) / 2]))
	{
		g->queue[at] = g->queue[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	g->queue[at] = node;
}

static uint32_t
pop_open(gh_grower *g)
{
	uint32_t	first,
				last,
				at = 0,
				child;

	if (g->params->grow_policy == GH_GROW_DEPTHWISE)
		return g->queue[g->queue_head++];
	first = g->queue[0];
	last = g->queue[--g->queue_tail];
	while ((child = 2 * at + 1) < g->queue_tail)
	{
		if (child + 1 < g->queue_tail && comes_first(g, g->queue[child + 1], g->queue[child]))
			child++;
		if (comes_first(g, last, g->queue[child]))
			break;
		g->queue[at] = g->queue[child];
		at = child;
	}
	g->queue[at] = last;
	return first;
}

/*
 * The nodes to open next into the batch: one, or when grown depthwise as many
 * of its depth as are prepared and have slots for their children.
 */
static void
fill_batch(gh_grower *g, uint32_t most, bool children_may_split)
{
	int			depth;
	bool		more;

	g->batch[0] = pop_open(g);
	g->n_batch = 1;
	depth = g->nodes[g->batch[0]].depth;
	more = g->params->grow_policy == GH_GROW_DEPTHWISE &&
		(!children_may_split || gh_open_prepared(g, &g->nodes[g->batch[0]]));
	while (more && g->queue_head < g->queue_tail && (uint32_t) g->n_batch < most)
	{
		const gh_grown *next = &g->nodes[g->queue[g->queue_head]];

		if (next->depth != depth || (children_may_split && (!gh_open_prepared(g, next) || g->n_batch >= g->n_free)))
			break;
		g->batch[g->n_batch++] = pop_open(g);
	}
}

static void
push_children(gh_grower *g)
{
	for (int i = 0; i < g->n_batch; i++)
	{
		uint32_t	left = g->nodes[g->batch[i]].left;

		for (uint32_t child = left; child <= left + 1; child++)
			if (gh_open_worth(g, &g->nodes[child]))
				push_open(g, child);
	}
}

/* ---- the finished tree ------------------------------------------------- */

static void
write_node(const gh_grower *g, uint32_t i, gh_tree *tree)
{
	const gh_grown *node = &g->nodes[i];
	const gh_split *split = &node->split;
	bool		inner = node->left != 0;

	tree->left[i] = node->left;
	tree->feature[i] = (uint16_t) (inner ? split->feature : 0);
	tree->default_left[i] = inner && split->default_left;
	tree->threshold[i] = !inner ? 0.0f : split->bin < 0 ? g->bins->below[split->feature] :
		g->bins->cuts[g->bins->cut_begin[split->feature] + (uint32_t) split->bin];
	tree->value[i] = inner ? node->weight : node->weight * g->rates.eta;
	tree->cover[i] = (float) ((double) node->total.h * g->rates.unit);
	tree->gain[i] = inner ? split->gain : 0.0f;
}

static void
write_steps(gh_grower *g)
{
	g->depth = 0;
	for (uint32_t i = 0; i < g->n_nodes; i++)
	{
		g->steps[i] = gh_open_step(g, i);
		g->depth = g->nodes[i].depth > g->depth ? g->nodes[i].depth : g->depth;
	}
}

static gh_status
write_tree(const gh_grower *g, gh_tree *tree)
{
	GH_TRY(gh_tree_allocate(g->ctx, g->n_nodes, tree));
	for (uint32_t i = 0; i < g->n_nodes; i++)
		write_node(g, i, tree);
	return GH_OK;
}

gh_status
gh_grower_grow(gh_grower *g, uint32_t index, gh_tree *tree)
{
	uint32_t	most_leaves = g->params->max_leaves > 0 ? (uint32_t) g->params->max_leaves : GH_MAX_TREE_NODES / 2,
				n_leaves = 1;
	int			most_depth = g->params->max_depth > 0 ? g->params->max_depth : GH_MAX_TREE_DEPTH - 1;

	GH_TRY(gh_pool_wake(g));
	GH_TRY(gh_sample_rows(g, index));
	gh_sample_tree_features(g, index);
	gh_pool_reset(g);
	g->queue_head = g->queue_tail = 0;
	GH_TRY(gh_open_root(g, index));
	if (gh_open_worth(g, &g->nodes[0]))
		push_open(g, 0);
	while (g->queue_head < g->queue_tail && n_leaves < most_leaves)
	{
		bool		may_split = g->nodes[g->queue[g->queue_head]].depth + 1 < most_depth;

		fill_batch(g, most_leaves - n_leaves, may_split);
		n_leaves += (uint32_t) g->n_batch;
		GH_TRY(gh_open_batch(g, index, may_split));
		push_children(g);
	}
	write_steps(g);
	return tree != NULL ? write_tree(g, tree) : GH_OK;
}
