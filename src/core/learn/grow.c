/*
 * grow.c
 *		One tree: open nodes, histograms, partitions.
 *
 * Depthwise growth opens nodes in the order they were made; lossguide opens
 * the one with the largest gain, ties to the older.  The histogram of the
 * smaller child is counted and the other one's got by subtraction from the
 * parent's.  Histograms wait in a pool; when it is full a node keeps none and
 * its children are both counted, with the same result.
 */
#include <math.h>
#include <string.h>

#include "learn/boost_private.h"

/* A gain that is not above this is noise (XGBoost's kRtEps). */
#define SMALLEST_GAIN 1e-6f
/* The pool holds as many histograms as fit here (70 of 14 features), and a few in any case. */
#define POOL_BYTES ((size_t) 4 << 20)
#define POOL_LEAST 4
#define POLL_ROWS ((size_t) 1 << 18)
#define PREFETCH 12
#define FIRST_NODES 128

/* Sums of a column: one a bin, and room for code 255 when it may be missing there. */
static size_t
column_sums(const gh_bins *bins, int column)
{
	if (column >= bins->n_features)
		return 2;
	if (bins->has_missing[column])
		return 256;
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

static size_t
pool_slots(size_t n, const gh_boost_params *params, size_t histogram_size)
{
	size_t		fit = POOL_BYTES / (histogram_size * sizeof(gh_sum));

	return most_open_nodes(n, params, fit > POOL_LEAST ? fit : POOL_LEAST);
}

size_t
gh_grower_memory(size_t n, int n_features, const gh_boost_params *params)
{
	size_t		histogram_size = (size_t) n_features * 258,
				slots = pool_slots(n, params, histogram_size) + 1;
	size_t		leaves = params->max_depth > 0 && params->max_depth < 20 ? (size_t) 1 << params->max_depth : n;

	leaves = leaves < n ? leaves : n;
	if (params->max_leaves > 0 && (size_t) params->max_leaves < leaves)
		leaves = (size_t) params->max_leaves;
	/* nodes are twice the leaves, and their arrays grow by doubling */
	return n * 2 * sizeof(uint32_t) + slots * histogram_size * sizeof(gh_sum) +
		(4 * leaves + FIRST_NODES) * (sizeof(gh_grown) + sizeof(gh_step) + sizeof(uint32_t)) +
		(size_t) n_features * 64 + 4096;
}

/* Where each column's sums begin. */
static void
lay_out_histogram(gh_grower *g)
{
	g->histogram_size = 0;
	for (int c = 0; c < g->bins->n_columns; c++)
	{
		g->offset[c] = (uint32_t) g->histogram_size;
		g->histogram_size += column_sums(g->bins, c);
	}
}

static gh_status
allocate_scratch(gh_grower *g)
{
	gh_ctx	   *ctx = g->ctx;
	size_t		d = (size_t) g->bins->n_features,
				c = (size_t) g->bins->n_columns;

	g->order = GH_NEW(ctx, g->n, uint32_t);
	g->spare = GH_NEW(ctx, g->n, uint32_t);
	g->offset = GH_NEW(ctx, c, uint32_t);
	g->columns = GH_NEW(ctx, c, uint16_t);
	g->tree_features = GH_NEW(ctx, d, uint16_t);
	g->level_features = GH_NEW(ctx, d, uint16_t);
	g->node_features = GH_NEW(ctx, d, uint16_t);
	g->shuffle = GH_NEW(ctx, d, uint32_t);
	g->max_nodes = FIRST_NODES;
	g->nodes = GH_NEW(ctx, g->max_nodes, gh_grown);
	g->queue = GH_NEW(ctx, g->max_nodes, uint32_t);
	g->steps = GH_NEW(ctx, g->max_nodes, gh_step);
	if (g->order == NULL || g->spare == NULL || g->offset == NULL || g->columns == NULL || g->tree_features == NULL ||
		g->level_features == NULL || g->node_features == NULL || g->shuffle == NULL || g->nodes == NULL ||
		g->queue == NULL || g->steps == NULL)
		return gh_ctx_status(ctx);
	return GH_OK;
}

/* The pool and, after its last slot, one that is never kept. */
static gh_status
allocate_pool(gh_grower *g)
{
	g->n_slots = (int) pool_slots(g->n, g->params, g->histogram_size);
	g->pool = gh_alloc(g->ctx, (size_t) g->n_slots + 1, g->histogram_size * sizeof(gh_sum));
	g->free_slot = GH_NEW(g->ctx, (size_t) g->n_slots, int32_t);
	return g->pool != NULL && g->free_slot != NULL ? GH_OK : gh_ctx_status(g->ctx);
}

gh_status
gh_grower_open(gh_ctx *ctx, const gh_bins *bins, const gh_boost_params *params, const uint8_t *codes,
			   const gh_sum *gradient, size_t n, double unit, gh_grower *g)
{
	gh_status	status;

	memset(g, 0, sizeof(*g));
	g->ctx = ctx;
	g->bins = bins;
	g->params = params;
	g->codes = codes;
	g->gradient = gradient;
	g->n = n;
	g->rates = (gh_rates) {
		.eta = (float) params->eta,
		.lambda = (float) params->lambda,
		.alpha = (float) params->alpha,
		.gamma = (float) params->gamma,
		.min_child_weight = (float) params->min_child_weight,
		.max_delta_step = (float) params->max_delta_step,
		.monotone = params->n_monotone > 0 ? params->monotone : NULL,
		.unit = unit
	};
	status = allocate_scratch(g);
	if (status == GH_OK)
	{
		lay_out_histogram(g);
		status = allocate_pool(g);
	}
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
	gh_free(g->ctx, g->nodes);
	gh_free(g->ctx, g->queue);
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

/* ---- histograms -------------------------------------------------------- */

static gh_sum *
slot_sums(gh_grower *g, int32_t slot)
{
	return g->pool + (size_t) slot * g->histogram_size;
}

/* A slot of the pool, or the one that is never kept. */
static int32_t
take_slot(gh_grower *g)
{
	return g->n_free > 0 ? g->free_slot[--g->n_free] : g->n_slots;
}

static void
release_slot(gh_grower *g, int32_t slot)
{
	if (slot >= 0 && slot < g->n_slots)
		g->free_slot[g->n_free++] = slot;
}

/* What stands in the last bin of a feature whose missing values have a column of their own is taken out of it. */
static void
take_out_missing(const gh_grower *g, gh_sum *sums)
{
	for (int i = 0; i < g->n_tree_features; i++)
	{
		int			f = g->tree_features[i],
					c = g->bins->miss_column[f];

		if (c != f)
			sums[g->offset[f] + 255] = gh_sum_subtract(sums[g->offset[f] + 255], sums[g->offset[c] + 1]);
	}
}

static gh_status
count_node(gh_grower *g, const gh_grown *node, int32_t slot)
{
	gh_sum	   *sums = slot_sums(g, slot);
	bool		all = node->end - node->begin == g->n;

	memset(sums, 0, g->histogram_size * sizeof(gh_sum));
	GH_TRY(gh_histogram_count(g->ctx, g->codes, g->bins->stride, g->gradient, all ? NULL : g->order + node->begin,
							  node->end - node->begin, g->columns, g->n_columns, g->offset, sums));
	take_out_missing(g, sums);
	return GH_OK;
}

static void
subtract_sums(gh_sum *from, const gh_sum *sums, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		from[i].g -= sums[i].g;
		from[i].h -= sums[i].h;
	}
}

static bool
worth_opening(const gh_grower *g, const gh_grown *node)
{
	return node->split.gain > SMALLEST_GAIN && node->split.gain >= g->rates.gamma;
}

/* Find the node's best split with the sums in `slot`; keep them when it will be opened, else let them go. */
static void
evaluate(gh_grower *g, uint32_t index, uint32_t id, int32_t slot)
{
	gh_grown   *node = &g->nodes[id];
	int			n;
	const uint16_t *features = gh_sample_node_features(g, index, id, &n);

	gh_split_find(&g->rates, g->bins, slot_sums(g, slot), g->offset, features, n, node);
	if (worth_opening(g, node))
		node->histogram = slot < g->n_slots ? slot : -1;
	else
		release_slot(g, slot);
}

/* ---- splitting --------------------------------------------------------- */

static gh_step
step_of(const gh_grower *g, const gh_grown *node)
{
	int			f = node->split.feature;

	if (node->left == 0)
		return (gh_step) {.value = node->weight * g->rates.eta};
	return (gh_step) {
		.left = node->left,
		.bin = (int16_t) node->split.bin,
		.column = (uint16_t) f,
		.miss_column = g->bins->miss_column[f],
		.miss_code = (int16_t) (g->bins->has_missing[f] ? g->bins->miss_code[f] : -1),
		.default_left = node->split.default_left
	};
}

/* Stable: rows that go left first, both parts in the order they had.  Returns where the right part begins. */
static gh_status
partition(gh_grower *g, const gh_grown *node, uint32_t *middle)
{
	gh_step		step = step_of(g, node);
	size_t		stride = (size_t) g->bins->stride;
	uint32_t	left = node->begin,
				right = 0;

	for (uint32_t i = node->begin; i < node->end; i++)
	{
		uint32_t	row = g->order[i];
		bool		goes_left = gh_step_goes_left(&step, g->codes + row * stride);

		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(g->ctx);
		if (i + PREFETCH < node->end)
			__builtin_prefetch(g->codes + g->order[i + PREFETCH] * stride);
		g->order[left] = row;
		g->spare[right] = row;
		left += goes_left;
		right += !goes_left;
	}
	memcpy(g->order + left, g->spare, right * sizeof(uint32_t));
	*middle = left;
	return GH_OK;
}

static gh_status
reserve_nodes(gh_grower *g)
{
	uint32_t	more = g->max_nodes * 2;
	void	   *block;

	if (g->n_nodes + 2 <= g->max_nodes)
		return GH_OK;
	if ((block = gh_realloc(g->ctx, g->nodes, more, sizeof(gh_grown))) == NULL)
		return gh_ctx_status(g->ctx);
	g->nodes = block;
	if ((block = gh_realloc(g->ctx, g->queue, more, sizeof(uint32_t))) == NULL)
		return gh_ctx_status(g->ctx);
	g->queue = block;
	if ((block = gh_realloc(g->ctx, g->steps, more, sizeof(gh_step))) == NULL)
		return gh_ctx_status(g->ctx);
	g->steps = block;
	g->max_nodes = more;
	return GH_OK;
}

/* Two children with their sums, weights and bounds; their rows are set by the caller. */
static void
make_children(gh_grower *g, uint32_t id)
{
	gh_grown   *node = &g->nodes[id],
			   *left = &g->nodes[g->n_nodes],
			   *right = left + 1;
	int			constraint = g->rates.monotone != NULL ? g->rates.monotone[node->split.feature] : 0;

	node->left = g->n_nodes;
	g->n_nodes += 2;
	*left = (gh_grown) {.depth = node->depth + 1, .histogram = -1, .lower = node->lower, .upper = node->upper};
	*right = *left;
	left->total = node->split.left;
	right->total = gh_sum_subtract(node->total, node->split.left);
	if (constraint != 0)
	{
		float		middle = (gh_split_weight(&g->rates, left->total, node->lower, node->upper) +
							  gh_split_weight(&g->rates, right->total, node->lower, node->upper)) / 2.0f;

		*(constraint > 0 ? &left->upper : &left->lower) = middle;
		*(constraint > 0 ? &right->lower : &right->upper) = middle;
	}
	gh_split_weigh(&g->rates, left);
	gh_split_weigh(&g->rates, right);
}

/* Histograms of both children and their best splits. */
static gh_status
evaluate_children(gh_grower *g, uint32_t index, uint32_t id)
{
	uint32_t	small = g->nodes[id].left,
				large = small + 1;
	int32_t		kept = g->nodes[id].histogram,
				slot = take_slot(g);

	if (g->nodes[large].end - g->nodes[large].begin < g->nodes[small].end - g->nodes[small].begin)
	{
		large = small;
		small = large + 1;
	}
	GH_TRY(count_node(g, &g->nodes[small], slot));
	if (kept >= 0)
	{
		subtract_sums(slot_sums(g, kept), slot_sums(g, slot), g->histogram_size);
		evaluate(g, index, small, slot);
		evaluate(g, index, large, kept);
		return GH_OK;
	}
	evaluate(g, index, small, slot);
	slot = take_slot(g);
	GH_TRY(count_node(g, &g->nodes[large], slot));
	evaluate(g, index, large, slot);
	return GH_OK;
}

/* Split a node; its children join the open ones when a split of theirs is worth it. */
static gh_status
open_node(gh_grower *g, uint32_t index, uint32_t id, bool children_may_split)
{
	uint32_t	middle = 0,
				left;

	GH_TRY(reserve_nodes(g));
	make_children(g, id);
	GH_TRY(partition(g, &g->nodes[id], &middle));
	left = g->nodes[id].left;
	g->nodes[left].begin = g->nodes[id].begin;
	g->nodes[left].end = g->nodes[left + 1].begin = middle;
	g->nodes[left + 1].end = g->nodes[id].end;
	if (!children_may_split)
	{
		release_slot(g, g->nodes[id].histogram);
		return GH_OK;
	}
	GH_TRY(evaluate_children(g, index, id));
	for (uint32_t child = left; child <= left + 1; child++)
		if (worth_opening(g, &g->nodes[child]))
			push_open(g, child);
	return GH_OK;
}

/* The root: every row of the sample. */
static gh_status
plant(gh_grower *g, uint32_t index)
{
	gh_grown   *root = &g->nodes[0];
	int32_t		slot;

	GH_TRY(gh_sample_rows(g, index));
	gh_sample_tree_features(g, index);
	g->n_free = 0;
	for (int32_t i = g->n_slots; i > 0; i--)
		g->free_slot[g->n_free++] = i - 1;
	g->queue_head = g->queue_tail = 0;
	g->n_nodes = 1;
	*root = (gh_grown) {.end = (uint32_t) g->n_sample, .histogram = -1, .lower = -INFINITY, .upper = INFINITY};
	for (size_t i = 0; i < g->n_sample; i++)
	{
		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(g->ctx);
		root->total = gh_sum_add(root->total, g->gradient[g->order[i]]);
	}
	gh_split_weigh(&g->rates, root);
	slot = take_slot(g);
	GH_TRY(count_node(g, root, slot));
	evaluate(g, index, 0, slot);
	if (worth_opening(g, root))
		push_open(g, 0);
	return GH_OK;
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

static gh_status
write_tree(gh_grower *g, gh_tree *tree)
{
	uint32_t	n = g->n_nodes;

	GH_TRY(gh_tree_allocate(g->ctx, n, tree));
	for (uint32_t i = 0; i < n; i++)
	{
		write_node(g, i, tree);
		g->steps[i] = step_of(g, &g->nodes[i]);
	}
	return GH_OK;
}

gh_status
gh_grower_grow(gh_grower *g, uint32_t index, gh_tree *tree)
{
	uint32_t	most_leaves = g->params->max_leaves > 0 ? (uint32_t) g->params->max_leaves : GH_MAX_TREE_NODES / 2,
				n_leaves = 1;
	int			most_depth = g->params->max_depth > 0 ? g->params->max_depth : GH_MAX_TREE_DEPTH - 1;

	GH_TRY(plant(g, index));
	while (g->queue_head < g->queue_tail && n_leaves < most_leaves)
	{
		uint32_t	id = pop_open(g);

		n_leaves++;
		GH_TRY(open_node(g, index, id, g->nodes[id].depth + 1 < most_depth));
	}
	return write_tree(g, tree);
}
