/*
 * selection.c
 *		The flat clustering: excess of mass, leaves, and the distance threshold.
 *
 * Excess of mass: Campello et al., https://doi.org/10.1145/2733381, section 5.
 * cluster_selection_epsilon: Malzer and Baum, https://arxiv.org/abs/1911.02282.
 * Parents have lower ids than their children, so one pass down or up the ids
 * replaces every recursion.
 */
#include "cluster_private.h"

/* Distance at which a cluster splits off. */
static inline double
birth_distance(const gh_condensed *tree, uint32_t cluster)
{
	return 1.0 / tree->birth[cluster];
}

/*
 * The size that max_cluster_size is compared with.  For the root the hdbscan
 * package counts only the points that reach its two children.
 */
static uint32_t
limited_size(const gh_condensed *tree, uint32_t cluster)
{
	uint32_t	child = tree->child[cluster];

	if (cluster != 0)
		return tree->size[cluster];
	return child == 0 ? 0 : tree->size[child] + tree->size[child + 1];
}

/*
 * A cluster is kept unless its children's stabilities add up to more.  The sum
 * is rounded to float after every addition and handed upwards so, because the
 * hdbscan package does that, and a tie or a near tie would otherwise fall the
 * other way.
 */
static gh_status
select_by_mass(gh_ctx *ctx, const gh_condensed *tree, const gh_hdbscan_params *params, double *stability,
			   uint8_t *selected)
{
	uint32_t	lowest = params->allow_single_cluster ? 0 : 1;

	for (uint32_t c = 0; c < tree->n_clusters; c++)
	{
		stability[c] = tree->stability[c];
		selected[c] = 0;
	}
	for (uint32_t c = tree->n_clusters; c-- > lowest;)
	{
		uint32_t	child = tree->child[c];
		float		sum = 0;

		GH_POLL(ctx, c);
		if (child != 0)
		{
			sum = (float) (sum + stability[child]);
			sum = (float) (sum + stability[child + 1]);
		}
		selected[c] = !(sum > stability[c]);
		if (params->max_cluster_size > 0 && limited_size(tree, c) > (uint32_t) params->max_cluster_size)
			selected[c] = 0;
		if (!selected[c])
			stability[c] = sum;
	}
	return GH_OK;
}

/* Of clusters inside one another only the outermost stays. */
static void
keep_outermost(const gh_condensed *tree, uint8_t *selected)
{
	enum
	{
		FREE = 0,
		TAKEN = 1,				/* selected */
		COVERED = 2				/* below a selected one */
	};

	for (uint32_t c = 1; c < tree->n_clusters; c++)
	{
		if (selected[tree->parent[c]] != FREE)
			selected[c] = COVERED;
	}
	for (uint32_t c = 0; c < tree->n_clusters; c++)
		selected[c] = selected[c] == TAKEN;
}

/*
 * A cluster that splits off below the distance epsilon is replaced by its
 * nearest ancestor that splits off above it; without one, by the ancestor next
 * to the root, or the root itself where it may be a cluster.  The distances
 * grow towards the root, so every cluster below such an ancestor finds the same
 * one, and the order of the search does not matter.
 */
static gh_status
apply_epsilon(gh_ctx *ctx, const gh_condensed *tree, const gh_hdbscan_params *params, uint8_t *selected)
{
	uint32_t   *target = GH_NEW(ctx, tree->n_clusters, uint32_t);
	uint8_t    *merged = GH_NEW_ZERO(ctx, tree->n_clusters, uint8_t);
	gh_status	status = GH_OK;

	if (target == NULL || merged == NULL)
	{
		status = gh_ctx_status(ctx);
		goto done;
	}
	for (uint32_t c = 1; c < tree->n_clusters; c++)
	{
		uint32_t	parent = tree->parent[c];

		if (parent == 0)
			target[c] = params->allow_single_cluster ? 0 : c;
		else if (birth_distance(tree, parent) > params->epsilon)
			target[c] = parent;
		else
			target[c] = target[parent];
		if (selected[c])
			merged[birth_distance(tree, c) < params->epsilon ? target[c] : c] = 1;
	}
	for (uint32_t c = 0; c < tree->n_clusters; c++)
		selected[c] = merged[c];

done:
	gh_free(ctx, target);
	gh_free(ctx, merged);
	return status;
}

gh_status
gh_select_clusters(gh_ctx *ctx, const gh_condensed *tree, const gh_hdbscan_params *params, uint8_t *selected,
				   double *mass)
{
	bool		has_splits = tree->n_clusters > 1;

	if (params->selection == GH_SELECT_LEAF)
	{
		/* the root is no leaf: a tree without splits has no clusters, whatever allow_single_cluster says */
		for (uint32_t c = 0; c < tree->n_clusters; c++)
		{
			selected[c] = c > 0 && tree->child[c] == 0;
			mass[c] = tree->stability[c];
		}
	}
	else
	{
		GH_TRY(select_by_mass(ctx, tree, params, mass, selected));
		keep_outermost(tree, selected);
		if (selected[0])
			return GH_OK;		/* the only cluster; epsilon enters when its points are labelled */
	}
	if (params->epsilon > 0 && has_splits)
		return apply_epsilon(ctx, tree, params, selected);
	return GH_OK;
}
