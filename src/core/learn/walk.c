/*
 * walk.c
 *		Coded rows down finished trees.
 *
 * A step waits for the one before it, so several rows walk side by side; a row
 * in a leaf stays there until the deepest has arrived.
 */
#include <string.h>

#include "learn/boost_private.h"

#define SIDE_BY_SIDE 16
#define FIRST_TREES 32
/* Bytes that the allocator adds to a block, about. */
#define BLOCK_HEADER 96

static inline void
walk(const gh_step *steps, int depth, const uint8_t *const *code, int n, float *value)
{
	uint32_t	node[SIDE_BY_SIDE] = {0};

	for (int level = 0; level < depth; level++)
		for (int k = 0; k < n; k++)
			node[k] = steps[node[k]].left + !gh_step_goes_left(&steps[node[k]], code[k]);
	for (int k = 0; k < n; k++)
		value[k] = steps[node[k]].value;
}

void
gh_walk(const gh_step *steps, int depth, const uint8_t *codes, size_t stride, const uint32_t *rows, int n, float *value)
{
	const uint8_t *code[SIDE_BY_SIDE];
	int			i;

	for (i = 0; i + SIDE_BY_SIDE <= n; i += SIDE_BY_SIDE)
	{
		for (int k = 0; k < SIDE_BY_SIDE; k++)
			code[k] = codes + rows[i + k] * stride;
		walk(steps, depth, code, SIDE_BY_SIDE, value + i);
	}
	for (int k = 0; i + k < n; k++)
		code[k] = codes + rows[i + k] * stride;
	walk(steps, depth, code, n - i, value + i);
}

/* ---- trees that were walked -------------------------------------------- */

static gh_status
reserve_tree(gh_ctx *ctx, gh_paths *paths)
{
	uint32_t	max = paths->max_trees > 0 ? paths->max_trees * 2 : FIRST_TREES;
	gh_path    *more;

	if (paths->n_trees < paths->max_trees)
		return GH_OK;
	more = gh_realloc(ctx, paths->tree, max, sizeof(gh_path));
	if (more == NULL)
		return gh_ctx_status(ctx);
	paths->tree = more;
	paths->max_trees = max;
	return GH_OK;
}

gh_status
gh_paths_keep(gh_ctx *ctx, gh_paths *paths, const gh_step *steps, uint32_t n_steps, int depth)
{
	gh_kept_step *kept;

	GH_TRY(reserve_tree(ctx, paths));
	kept = GH_NEW(ctx, n_steps, gh_kept_step);
	if (kept == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t i = 0; i < n_steps; i++)
	{
		const gh_step *step = &steps[i];

		kept[i] = (gh_kept_step) {.left = step->left != i ? step->left : 0};
		if (step->left == i)
			kept[i].u.value = step->value;
		else
		{
			kept[i].u.split.feature = step->column;
			kept[i].u.split.bin = (uint16_t) (2 * (step->bin + 1) + step->default_left);
		}
	}
	paths->tree[paths->n_trees++] = (gh_path) {kept, n_steps, depth};
	paths->most_steps = n_steps > paths->most_steps ? n_steps : paths->most_steps;
	return GH_OK;
}

gh_step
gh_step_to_leaf(uint32_t id, float value)
{
	return (gh_step) {.left = id, .value = value, .bin = 255, .miss_code = -1};
}

gh_step
gh_step_to_children(const gh_bins *bins, int feature, int bin, bool default_left, uint32_t left)
{
	return (gh_step) {
		.left = left,
		.bin = (int16_t) bin,
		.column = (uint16_t) feature,
		.miss_column = bins->miss_column[feature],
		.miss_code = (int16_t) (bins->has_missing[feature] ? bins->miss_code[feature] : -1),
		.default_left = default_left
	};
}

void
gh_path_unfold(const gh_path *path, const gh_bins *bins, gh_step *steps)
{
	for (uint32_t i = 0; i < path->n_steps; i++)
	{
		const gh_kept_step *kept = &path->step[i];

		if (kept->left == 0)
			steps[i] = gh_step_to_leaf(i, kept->u.value);
		else
			steps[i] = gh_step_to_children(bins, kept->u.split.feature, kept->u.split.bin / 2 - 1,
										   kept->u.split.bin % 2 != 0, kept->left);
	}
}

void
gh_paths_free(gh_ctx *ctx, gh_paths *paths)
{
	for (uint32_t i = 0; i < paths->n_trees; i++)
		gh_free(ctx, paths->tree[i].step);
	gh_free(ctx, paths->tree);
	*paths = (gh_paths) {0};
}

size_t
gh_paths_memory(size_t n_trees, size_t leaves)
{
	/* blocks with their headers, a list that doubles, and one tree unfolded */
	size_t		tree = 2 * leaves * sizeof(gh_kept_step) + BLOCK_HEADER + 3 * sizeof(gh_path),
				bytes;

	if (gh_mul_overflow(n_trees, tree, &bytes) || gh_add_overflow(bytes, 2 * leaves * sizeof(gh_step), &bytes))
		return SIZE_MAX;
	return bytes;
}
