/*
 * tree_bytes.c
 *		Boosted trees as bytes, and back from bytes that nobody vouches for.
 *
 *	u32 features, f64 base score, u32 trees; then per tree: u32 nodes and the
 *	arrays left (u32), feature (u16), default_left (u8), threshold, value,
 *	cover, gain (f32 each).
 */
#include "learn/gh_tree.h"

#include <math.h>
#include <string.h>

/* left, feature, default_left and four floats */
#define NODE_BYTES (4 + 2 + 1 + 4 * 4)

static void
write_tree(gh_writer *w, const gh_tree *tree)
{
	gh_write_u32(w, tree->n_nodes);
	gh_write_u32_array(w, tree->left, tree->n_nodes);
	for (uint32_t i = 0; i < tree->n_nodes; i++)
		gh_write_u16(w, tree->feature[i]);
	gh_write_bytes(w, tree->default_left, tree->n_nodes);
	gh_write_f32_array(w, tree->threshold, tree->n_nodes);
	gh_write_f32_array(w, tree->value, tree->n_nodes);
	gh_write_f32_array(w, tree->cover, tree->n_nodes);
	gh_write_f32_array(w, tree->gain, tree->n_nodes);
}

void
gh_booster_write(gh_writer *w, const gh_booster *booster)
{
	gh_write_u32(w, (uint32_t) booster->n_features);
	gh_write_f64(w, booster->base_score);
	gh_write_u32(w, booster->n_trees);
	for (uint32_t t = 0; t < booster->n_trees; t++)
		write_tree(w, &booster->trees[t]);
}

/*
 * Children stand after their parent, every node but the root has one parent,
 * and no path has more than GH_MAX_TREE_DEPTH nodes.  `depth` is scratch, one
 * byte a node, zero at the start: 0 also means "no parent seen yet".
 */
static bool
shape_is_tree(const gh_tree *tree, uint8_t *depth)
{
	depth[0] = 1;
	for (uint32_t i = 0; i < tree->n_nodes; i++)
	{
		uint32_t	left = tree->left[i];

		if (depth[i] == 0)
			return false;
		if (left == 0)
			continue;
		if (left <= i || left >= tree->n_nodes - 1 || depth[i] >= GH_MAX_TREE_DEPTH)
			return false;
		if (depth[left] != 0 || depth[left + 1] != 0)
			return false;
		depth[left] = depth[left + 1] = (uint8_t) (depth[i] + 1);
	}
	return true;
}

static bool
values_are_sound(const gh_tree *tree, int n_features)
{
	for (uint32_t i = 0; i < tree->n_nodes; i++)
	{
		if (tree->feature[i] >= n_features || tree->default_left[i] > 1)
			return false;
		if (!isfinite(tree->threshold[i]) || !isfinite(tree->value[i]) || !isfinite(tree->gain[i]))
			return false;
		if (!isfinite(tree->cover[i]) || tree->cover[i] < 0.0f)
			return false;
	}
	return true;
}

static gh_status
read_tree(gh_ctx *ctx, gh_reader *r, int n_features, gh_tree *tree)
{
	uint32_t	n = gh_read_count(r, NODE_BYTES, GH_MAX_TREE_NODES);
	uint8_t    *depth;

	if (r->ok && n == 0)
		gh_reader_reject(r);
	if (!r->ok)
		return GH_OK;
	GH_TRY(gh_tree_allocate(ctx, n, tree));
	gh_read_u32_array(r, tree->left, n);
	for (uint32_t i = 0; i < n; i++)
		tree->feature[i] = gh_read_u16(r);
	for (uint32_t i = 0; i < n; i++)
		tree->default_left[i] = gh_read_u8(r);
	gh_read_f32_array(r, tree->threshold, n);
	gh_read_f32_array(r, tree->value, n);
	gh_read_f32_array(r, tree->cover, n);
	gh_read_f32_array(r, tree->gain, n);
	if (!r->ok)
		return GH_OK;

	depth = GH_NEW_ZERO(ctx, n, uint8_t);
	if (depth == NULL)
		return gh_ctx_status(ctx);
	if (!shape_is_tree(tree, depth) || !values_are_sound(tree, n_features))
		gh_reader_reject(r);
	gh_free(ctx, depth);
	return GH_OK;
}

gh_status
gh_booster_read(gh_ctx *ctx, gh_reader *r, gh_booster *booster)
{
	gh_status	status = GH_OK;
	uint32_t	n_features = gh_read_u32(r),
				n_trees;

	memset(booster, 0, sizeof(*booster));
	booster->base_score = gh_read_f64(r);
	n_trees = gh_read_count(r, 4 + NODE_BYTES, GH_MAX_TREES);
	if (r->ok && (n_features == 0 || n_features > GH_MAX_FEATURES ||
				  !(booster->base_score > 0.0 && booster->base_score < 1.0)))
		gh_reader_reject(r);
	if (!r->ok)
		return GH_OK;
	booster->n_features = (int) n_features;
	booster->trees = GH_NEW_ZERO(ctx, n_trees, gh_tree);
	if (booster->trees == NULL)
		return gh_ctx_status(ctx);
	booster->n_trees = n_trees;
	for (uint32_t t = 0; t < n_trees && r->ok && status == GH_OK; t++)
	{
		if (t % 64 == 0 && gh_should_stop(ctx))
			status = gh_canceled(ctx);
		else
			status = read_tree(ctx, r, booster->n_features, &booster->trees[t]);
	}
	if (status != GH_OK || !r->ok)
		gh_booster_free(ctx, booster);
	return status;
}
