/*
 * hdbscan_predict.c
 *		The cluster that a new point would belong to.
 */
#include "hdbscan_model.h"
#include "leaf_neighbours.h"

#include <string.h>

/* What predictions search in. */
struct gh_hdbscan_index
{
	gh_kdtree	tree;
	gh_leaf_search search;
};

void
gh_hdbscan_index_free(gh_ctx *ctx, struct gh_hdbscan_index *index)
{
	if (index == NULL)
		return;
	gh_leaf_search_close(ctx, &index->search);
	gh_kdtree_free(ctx, &index->tree);
	gh_free(ctx, index);
}

/* As many neighbours as are looked at. */
static int
count_neighbours(const gh_hdbscan_model *model)
{
	size_t		k = 2 * (size_t) model->params.min_samples;

	return (int) (k < model->n ? k : model->n);
}

gh_status
gh_hdbscan_model_prepare(gh_ctx *ctx, gh_hdbscan_model *model)
{
	struct gh_hdbscan_index *index = GH_NEW_ZERO(ctx, 1, struct gh_hdbscan_index);

	if (index == NULL)
		return gh_ctx_status(ctx);
	model->index = index;
	GH_TRY(gh_kdtree_build(ctx, model->point, model->n, model->d, &index->tree));
	gh_free(ctx, model->point);
	model->point = NULL;
	return gh_leaf_search_open(ctx, &index->tree, count_neighbours(model), &index->search);
}

/*
 * The nearest by mutual reachability among the neighbours that were found; of
 * equal ones the first.  *best is its distance, *settled whether no farther
 * neighbour can be nearer in that sense.
 */
static size_t
nearest_mutual(const gh_hdbscan_model *model, double *best, bool *settled)
{
	const gh_leaf_search *s = &model->index->search;
	int			m = model->params.min_samples < s->k ? model->params.min_samples : s->k - 1;
	double		core = sqrt(s->distance2[m]);
	size_t		nearest = model->index->tree.order[s->position[0]];

	*best = INFINITY;
	*settled = false;
	for (int r = 0; r < s->k; r++)
	{
		size_t		point = model->index->tree.order[s->position[r]];
		double		distance = sqrt(s->distance2[r]) / model->params.alpha;

		distance = distance > core ? distance : core;
		*settled = distance >= *best;
		if (*settled)
			break;
		distance = distance > model->near_core[point] ? distance : model->near_core[point];
		if (distance < *best)
		{
			*best = distance;
			nearest = point;
		}
	}
	*settled |= *best <= core;
	return nearest;
}

/* The neighbour that a new point joins, and when: most often it is among the few that make its core distance. */
static gh_status
join_neighbour(gh_ctx *ctx, const gh_hdbscan_model *model, const double *q, size_t *neighbour, double *lambda)
{
	gh_leaf_search *s = &model->index->search;
	int			most = count_neighbours(model);
	double		best;
	bool		settled;

	s->k = model->params.min_samples + 1 < most ? model->params.min_samples + 1 : most;
	GH_TRY(gh_leaf_search_point(ctx, s, q));
	*neighbour = nearest_mutual(model, &best, &settled);
	if (!settled && s->k < most)
	{
		s->k = most;
		GH_TRY(gh_leaf_search_point(ctx, s, q));
		*neighbour = nearest_mutual(model, &best, &settled);
	}
	*lambda = best > 0 ? 1 / best : INFINITY;
	return GH_OK;
}

gh_status
gh_hdbscan_predict(gh_ctx *ctx, gh_hdbscan_model *model, const double *q, int32_t *label, double *probability)
{
	const gh_condensed *tree = model->tree;
	double		lambda,
				left;
	size_t		neighbour;
	uint32_t	cluster;

	for (int j = 0; j < model->d; j++)
	{
		if (!isfinite(q[j]))
			return gh_fail(ctx, GH_EDATA, "coordinate %d of the point is not a finite number", j + 1);
	}
	GH_TRY(join_neighbour(ctx, model, q, &neighbour, &lambda));
	cluster = tree->point_cluster[neighbour];
	left = tree->point_lambda[neighbour];
	if (left > lambda)
	{
		left = lambda;
		while (cluster != 0 && tree->birth[cluster] >= lambda)
			cluster = tree->parent[cluster];
	}
	*label = gh_flat_label(model->flat, cluster, left);
	*probability = *label == GH_NOISE ? 0 : gh_membership(lambda, tree->death[model->flat->home[cluster]]);
	return GH_OK;
}
