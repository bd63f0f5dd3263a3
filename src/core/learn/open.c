/*
 * open.c
 *		Opening nodes: children, partitions, histograms and splits.
 *
 * The histogram of the smaller child is counted and the other one's got by
 * subtraction from the parent's.  Nodes of a batch do not touch each other's
 * rows and sums, and sums are integers, so the work can be dealt to threads in
 * any way: by node, rows of large nodes in parts, and where there are many
 * columns by groups of them.
 */
#include <math.h>
#include <string.h>

#include "base/gh_threads.h"
#include "learn/boost_private.h"

/* A gain that is not above this is noise (XGBoost's kRtEps). */
#define SMALLEST_GAIN 1e-6f
/* Batches of fewer rows are not worth waking a thread for. */
#define PARALLEL_ROWS 4096
/* Fewer rows are not counted in parts: each costs a histogram to empty and to add. */
#define COUNT_ROWS 4096
/* More rows than this are counted and subtracted faster than taken out of sums one by one. */
#define MOST_TAKEN_OUT 512

typedef struct opening
{
	gh_grower  *g;
	uint32_t	index;			/* of the tree */
} opening;

static gh_status
run(opening *o, size_t n_tasks, gh_task task)
{
	if (o->g->batch_rows >= PARALLEL_ROWS)
		return gh_parallel(o->g->ctx, n_tasks, task, o);
	for (size_t i = 0; i < n_tasks; i++)
		GH_TRY(task(o->g->ctx, o, i, 0));
	return GH_OK;
}

static uint32_t
node_rows(const gh_grown *node)
{
	return node->end - node->begin;
}

/* Whether a node is searched by its sums, not by its few rows or not at all; if not, nor are its children. */
static bool
needs_sums(const gh_grower *g, const gh_grown *node)
{
	return node_rows(node) > GH_FEW_ROWS && gh_split_possible(&g->rates, node);
}

/* ---- partitions -------------------------------------------------------- */

gh_step
gh_open_step(const gh_grower *g, uint32_t id)
{
	const gh_grown *node = &g->nodes[id];

	if (node->left == 0)
		return gh_step_to_leaf(id, node->weight * g->rates.eta);
	return gh_step_to_children(g->bins, node->split.feature, node->split.bin, node->split.default_left, node->left);
}

static gh_status
partition_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	gh_grower  *g = ((opening *) arg)->g;

	(void) ctx;
	(void) worker;
	return gh_partition_part(g, &g->parts[task]);
}

static gh_status
move_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	gh_grower  *g = ((opening *) arg)->g;

	(void) worker;
	GH_CHECK_STOP(ctx);
	gh_partition_move(g, &g->parts[task]);
	return GH_OK;
}

/* The rows of the batch to its children. */
static gh_status
partition_batch(opening *o)
{
	gh_grower  *g = o->g;
	int			threads = gh_threads_here(g->ctx);
	size_t		share = g->batch_rows / (4 * (size_t) threads) + 1;
	uint32_t	most_rows = threads == 1 ? UINT32_MAX : share < GH_PART_ROWS ? GH_PART_ROWS : (uint32_t) share;

	g->n_parts = 0;
	for (int i = 0; i < g->n_batch; i++)
	{
		const gh_grown *node = &g->nodes[g->batch[i]];

		gh_parts_add(g, g->batch[i], node->begin, node->end, most_rows);
	}
	GH_TRY(run(o, g->n_parts, partition_task));
	return gh_partition_place(g) ? run(o, g->n_parts, move_task) : GH_OK;
}

/* ---- histograms and splits --------------------------------------------- */

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

/* Where the sums of column c end. */
static size_t
column_end(const gh_grower *g, int c)
{
	return c + 1 < g->bins->n_columns ? g->offset[c + 1] : g->histogram_size;
}

/* One group of the columns of some rows of a node, into a slot. */
static gh_status
count_group(gh_grower *g, uint32_t from, uint32_t to, int32_t slot, int group)
{
	size_t		begin,
				end;
	gh_sum	   *sums = gh_pool_sums(g, slot);
	gh_records	records = *g->records;
	bool		all = g->n_sample == records.n && g->n_nodes == 1;

	gh_chunk((size_t) g->n_columns, (size_t) g->n_groups, (size_t) group, &begin, &end);
	for (size_t i = begin; i < end; i++)
	{
		uint16_t	c = g->columns[i];

		memset(sums + g->offset[c], 0, (column_end(g, c) - g->offset[c]) * sizeof(gh_sum));
	}
	if (all)
		records.record += from * records.size;
	return gh_histogram_count(g->ctx, &records, all ? NULL : g->order + from, to - from, g->columns + begin,
							  (int) (end - begin), g->offset, sums);
}

static gh_status
count_node(gh_grower *g, const gh_grown *node, int32_t slot)
{
	for (int group = 0; group < g->n_groups; group++)
		GH_TRY(count_group(g, node->begin, node->end, slot, group));
	return GH_OK;
}

/* to += sums, in the columns of this tree. */
static void
add_sums(const gh_grower *g, gh_sum *to, const gh_sum *sums)
{
	for (int k = 0; k < g->n_columns; k++)
		for (size_t i = g->offset[g->columns[k]], end = column_end(g, g->columns[k]); i < end; i++)
		{
			to[i].g += sums[i].g;
			to[i].h += sums[i].h;
		}
}

/* from -= sums, in the columns of this tree. */
static void
subtract_sums(const gh_grower *g, gh_sum *from, const gh_sum *sums)
{
	for (int k = 0; k < g->n_columns; k++)
		for (size_t i = g->offset[g->columns[k]], end = column_end(g, g->columns[k]); i < end; i++)
		{
			from[i].g -= sums[i].g;
			from[i].h -= sums[i].h;
		}
}

bool
gh_open_worth(const gh_grower *g, const gh_grown *node)
{
	return node->split.gain > SMALLEST_GAIN && node->split.gain >= g->rates.gamma;
}

/* Copies the rows of a node side by side. */
static void
copy_few(const gh_grower *g, const gh_grown *node, gh_few *few)
{
	few->n = node_rows(node);
	for (size_t i = 0; i < few->n; i++)
	{
		uint32_t	row = g->order[node->begin + i];

		memcpy(few->record + i * few->size, g->records->record + row * g->records->size, few->size);
		few->gradient[i] = *gh_record_gradient(g->records, row);
	}
}

/* Best split of a node; slot: its sums, if it needs them. */
static void
find_split(gh_grower *g, uint32_t index, uint32_t id, int32_t slot, int worker)
{
	gh_grown   *node = &g->nodes[id];
	int			n;
	const uint16_t *features;

	node->split = (gh_split) {0};
	if (!gh_split_possible(&g->rates, node))
		return;
	features = gh_sample_node_features(g, index, id, worker, &n);
	if (needs_sums(g, node))
		gh_split_find(&g->rates, g->bins, gh_pool_sums(g, slot), g->offset, features, n, node);
	else
	{
		copy_few(g, node, &g->few[worker]);
		gh_split_find_few(&g->rates, g->bins, &g->few[worker], features, n, node);
	}
}

/* A node that will be opened keeps its sums if its children may need them; else they go back to the pool. */
static void
keep_or_release(gh_grower *g, uint32_t id, int32_t slot)
{
	gh_grown   *node = &g->nodes[id];

	if (gh_open_worth(g, node) && needs_sums(g, node))
		node->histogram = slot < g->n_slots ? slot : -1;
	else
		gh_pool_release(g, slot);
}

/* The children of a node by size; of two equal ones the left is the small one. */
static void
order_children(const gh_grower *g, uint32_t id, uint32_t *small, uint32_t *large)
{
	uint32_t	left = g->nodes[id].left;
	bool		right_is_smaller = node_rows(&g->nodes[left + 1]) < node_rows(&g->nodes[left]);

	*small = left + right_is_smaller;
	*large = left + !right_is_smaller;
}

/* Whether the rows of the small child are taken out of the parent's sums one by one, rather than counted apart. */
static bool
is_taken_out(const gh_grower *g, const gh_grown *small, const gh_grown *large)
{
	return needs_sums(g, large) && !needs_sums(g, small) && node_rows(small) <= MOST_TAKEN_OUT;
}

/* One group of columns of a part: its sums, or its rows taken out of the sums of the parent. */
static gh_status
count_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	gh_grower  *g = ((opening *) arg)->g;
	const gh_part *part = &g->parts[task / (size_t) g->n_groups];
	int			group = (int) (task % (size_t) g->n_groups);
	size_t		begin,
				end;

	(void) worker;
	if (!part->taken_out)
		return count_group(g, part->begin, part->end, part->slot, group);
	GH_CHECK_STOP(ctx);
	gh_chunk((size_t) g->n_columns, (size_t) g->n_groups, (size_t) group, &begin, &end);
	gh_histogram_take_out(g->records, g->bins, g->order + part->begin, part->end - part->begin, g->columns + begin,
						  (int) (end - begin), g->offset, gh_pool_sums(g, part->slot));
	return GH_OK;
}

/*
 * The rows to count for one slot.  Parts beyond the first are counted into the
 * slots behind the pool, of which *extra are in use.
 */
static void
add_counted(gh_grower *g, uint32_t id, int32_t slot, uint32_t most_rows, int *extra)
{
	gh_grown   *node = &g->nodes[id];
	gh_part    *part = &g->parts[g->n_parts];
	uint32_t	n = gh_parts_add(g, id, node->begin, node->end, most_rows);

	part[0].slot = slot;
	node->extra = *extra;
	node->n_extra = (int) n - 1;
	for (uint32_t k = 1; k < n; k++)
		part[k].slot = g->n_slots + 1 + (*extra)++;
}

/* Sums of the parts of a node, in its slot. */
static void
add_parts(const gh_grower *g, const gh_grown *node, int32_t slot)
{
	for (int k = 0; k < node->n_extra; k++)
		add_sums(g, gh_pool_sums(g, slot), gh_pool_sums(g, g->n_slots + 1 + node->extra + k));
}

/* Most rows of a part when so many are counted: no more parts than there are slots for. */
static uint32_t
rows_of_part(const gh_grower *g, size_t rows)
{
	size_t		most = g->n_extra > 0 && gh_threads_here(g->ctx) > 1 ? rows / (size_t) g->n_extra + 1 : UINT32_MAX;

	return most < COUNT_ROWS ? COUNT_ROWS : (uint32_t) most;
}

/* Counts for the batch: large nodes first, so that threads end together. */
static gh_status
count_batch(opening *o)
{
	gh_grower  *g = o->g;
	size_t		rows = 0;
	uint32_t	most,
				small,
				large;
	int			extra = 0;

	for (int i = 0; i < g->n_batch; i++)
	{
		order_children(g, g->batch[i], &small, &large);
		rows += g->nodes[g->batch[i]].child_slot >= 0 ? node_rows(&g->nodes[small]) : 0;
	}
	most = rows_of_part(g, rows);
	g->n_parts = 0;
	for (int turn = 0; turn < 2; turn++)
		for (int i = 0; i < g->n_batch; i++)
		{
			const gh_grown *node = &g->nodes[g->batch[i]];

			order_children(g, g->batch[i], &small, &large);
			if ((node_rows(&g->nodes[small]) > most / 4) == (turn == 1))
				continue;
			if (node->child_slot >= 0)
				add_counted(g, small, node->child_slot, most, &extra);
			else if (is_taken_out(g, &g->nodes[small], &g->nodes[large]))
				g->parts[g->n_parts++] = (gh_part) {
					.node = small,.begin = g->nodes[small].begin,.end = g->nodes[small].end,.slot = node->histogram,
					.taken_out = true
				};
		}
	return run(o, g->n_parts * (size_t) g->n_groups, count_task);
}

/* Both best splits; sums of the larger child out of the parent's. */
static gh_status
split_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	opening    *o = arg;
	gh_grower  *g = o->g;
	int32_t		slot = g->nodes[g->batch[task]].child_slot,
				kept = g->nodes[g->batch[task]].histogram;
	uint32_t	small,
				large;

	GH_CHECK_STOP(ctx);
	order_children(g, g->batch[task], &small, &large);
	if (slot >= 0)
	{
		add_parts(g, &g->nodes[small], slot);
		take_out_missing(g, gh_pool_sums(g, slot));
	}
	if (slot >= 0 && needs_sums(g, &g->nodes[large]))
		subtract_sums(g, gh_pool_sums(g, kept), gh_pool_sums(g, slot));
	find_split(g, o->index, small, slot, worker);
	find_split(g, o->index, large, kept, worker);
	return GH_OK;
}

/* The sums of a node alone, with what slot there is. */
static gh_status
evaluate_alone(gh_grower *g, uint32_t index, uint32_t id)
{
	int32_t		slot;

	if (!needs_sums(g, &g->nodes[id]))
	{
		find_split(g, index, id, -1, 0);
		return GH_OK;
	}
	slot = gh_pool_take(g);
	GH_TRY(count_node(g, &g->nodes[id], slot));
	take_out_missing(g, gh_pool_sums(g, slot));
	find_split(g, index, id, slot, 0);
	keep_or_release(g, id, slot);
	return GH_OK;
}

bool
gh_open_prepared(const gh_grower *g, const gh_grown *node)
{
	return node->histogram >= 0 || !needs_sums(g, node);
}

/* Nodes that are prepared. */
static gh_status
evaluate_together(opening *o)
{
	gh_grower  *g = o->g;
	uint32_t	small,
				large;

	for (int i = 0; i < g->n_batch; i++)
	{
		gh_grown   *node = &g->nodes[g->batch[i]];

		order_children(g, g->batch[i], &small, &large);
		node->child_slot = -1;
		if (needs_sums(g, &g->nodes[small]) ||
			(needs_sums(g, &g->nodes[large]) && !is_taken_out(g, &g->nodes[small], &g->nodes[large])))
			node->child_slot = gh_pool_take(g);
	}
	GH_TRY(count_batch(o));
	GH_TRY(run(o, (size_t) g->n_batch, split_task));
	for (int i = 0; i < g->n_batch; i++)
	{
		order_children(g, g->batch[i], &small, &large);
		keep_or_release(g, small, g->nodes[g->batch[i]].child_slot);
		keep_or_release(g, large, g->nodes[g->batch[i]].histogram);
	}
	return GH_OK;
}

static gh_status
evaluate_children(opening *o)
{
	gh_grower  *g = o->g;
	const gh_grown *first = &g->nodes[g->batch[0]];
	uint32_t	left = first->left;

	gh_sample_level_features(g, o->index, first->depth + 1);
	if (gh_open_prepared(g, first))
		return evaluate_together(o);
	GH_TRY(evaluate_alone(g, o->index, left));
	return evaluate_alone(g, o->index, left + 1);
}

/* ---- nodes ------------------------------------------------------------- */

static gh_status
reserve_nodes(gh_grower *g, uint32_t more)
{
	uint32_t	max = g->max_nodes;
	void	   *block;

	while (g->n_nodes + more > max)
		max *= 2;
	if (max == g->max_nodes)
		return GH_OK;
	if ((block = gh_realloc(g->ctx, g->nodes, max, sizeof(gh_grown))) == NULL)
		return gh_ctx_status(g->ctx);
	g->nodes = block;
	if ((block = gh_realloc(g->ctx, g->queue, max, sizeof(uint32_t))) == NULL)
		return gh_ctx_status(g->ctx);
	g->queue = block;
	if ((block = gh_realloc(g->ctx, g->batch, max, sizeof(uint32_t))) == NULL)
		return gh_ctx_status(g->ctx);
	g->batch = block;
	if ((block = gh_realloc(g->ctx, g->parts, gh_parts_most(g, max), sizeof(gh_part))) == NULL)
		return gh_ctx_status(g->ctx);
	g->parts = block;
	if ((block = gh_realloc(g->ctx, g->steps, max, sizeof(gh_step))) == NULL)
		return gh_ctx_status(g->ctx);
	g->steps = block;
	g->max_nodes = max;
	return GH_OK;
}

/* Two children with their sums, weights and bounds; their rows come with the partition. */
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

gh_status
gh_open_batch(gh_grower *g, uint32_t index, bool children_may_split)
{
	opening		o = {g, index};

	GH_TRY(reserve_nodes(g, 2 * (uint32_t) g->n_batch));
	g->batch_rows = 0;
	for (int i = 0; i < g->n_batch; i++)
	{
		make_children(g, g->batch[i]);
		g->batch_rows += node_rows(&g->nodes[g->batch[i]]);
	}
	if (children_may_split)
	{
		GH_TRY(partition_batch(&o));
		return evaluate_children(&o);
	}
	for (int i = 0; i < g->n_batch; i++)
	{
		g->nodes[g->batch[i]].unparted = true;
		gh_pool_release(g, g->nodes[g->batch[i]].histogram);
	}
	return GH_OK;
}

/* ---- the root ---------------------------------------------------------- */

gh_status
gh_open_root(gh_grower *g, uint32_t index)
{
	opening		o = {g, index};
	gh_grown   *root = &g->nodes[0];
	int32_t		slot = gh_pool_take(g);
	uint16_t	c = g->tree_features[0];
	gh_sum	   *sums = gh_pool_sums(g, slot);
	int			extra = 0;

	g->n_nodes = 1;
	g->n_parts = 0;
	g->batch_rows = g->n_sample;
	*root = (gh_grown) {.end = (uint32_t) g->n_sample, .histogram = slot, .lower = -INFINITY, .upper = INFINITY};
	add_counted(g, 0, slot, rows_of_part(g, g->n_sample), &extra);
	GH_TRY(run(&o, g->n_parts * (size_t) g->n_groups, count_task));
	add_parts(g, root, slot);
	/* every row has a code in every column */
	for (size_t i = g->offset[c]; i < column_end(g, c); i++)
		root->total = gh_sum_add(root->total, sums[i]);
	take_out_missing(g, sums);
	gh_split_weigh(&g->rates, root);
	gh_sample_level_features(g, index, 0);
	find_split(g, index, 0, slot, 0);
	root->histogram = -1;
	keep_or_release(g, 0, slot);
	return GH_OK;
}
