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
#define FIRST_STEPS 2048
#define FIRST_TREES 32

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

gh_status
gh_paths_keep(gh_ctx *ctx, gh_paths *paths, const gh_step *steps, uint32_t n_steps, int depth)
{
	if (paths->n_trees == paths->max_trees)
	{
		uint32_t	max = paths->max_trees > 0 ? paths->max_trees * 2 : FIRST_TREES;
		gh_path    *more = gh_realloc(ctx, paths->tree, max, sizeof(gh_path));

		if (more == NULL)
			return gh_ctx_status(ctx);
		paths->tree = more;
		paths->max_trees = max;
	}
	if (paths->max_steps - paths->n_steps < n_steps)
	{
		size_t		max = paths->max_steps > 0 ? paths->max_steps * 2 : FIRST_STEPS;
		gh_step    *more;

		while (max - paths->n_steps < n_steps)
			max *= 2;
		more = gh_realloc(ctx, paths->step, max, sizeof(gh_step));
		if (more == NULL)
			return gh_ctx_status(ctx);
		paths->step = more;
		paths->max_steps = max;
	}
	paths->tree[paths->n_trees++] = (gh_path) {paths->n_steps, depth};
	memcpy(paths->step + paths->n_steps, steps, n_steps * sizeof(gh_step));
	paths->n_steps += n_steps;
	return GH_OK;
}

void
gh_paths_free(gh_ctx *ctx, gh_paths *paths)
{
	gh_free(ctx, paths->tree);
	gh_free(ctx, paths->step);
	*paths = (gh_paths) {0};
}
