/*
 * labels.c
 *		From selected clusters to labels, membership strengths and outlier scores.
 *
 * GLOSH: Campello et al., https://doi.org/10.1145/2733381, section 6.
 */
#include "cluster_private.h"

#include <math.h>

/* Numbers the selected clusters by id. */
static void
number_clusters(const gh_condensed *tree, const uint8_t *selected, gh_flat *flat)
{
	for (uint32_t c = 0; c < tree->n_clusters; c++)
	{
		flat->number[c] = GH_NOISE;
		if (selected[c])
		{
			flat->home[c] = c;
			flat->number[c] = flat->n_clusters++;
		}
		else
			flat->home[c] = c == 0 ? GH_NO_CLUSTER : flat->home[tree->parent[c]];
	}
}

/*
 * The root has points of its own only as the single cluster, and then only
 * those that stay long enough: to 1 / epsilon, or without epsilon to the end.
 */
static double
root_threshold(const gh_condensed *tree, const gh_hdbscan_params *params, int n_clusters)
{
	if (n_clusters != 1 || !params->allow_single_cluster)
		return NAN;				/* no lambda is >= NaN */
	return params->epsilon > 0 ? 1.0 / params->epsilon : tree->death[0];
}

gh_status
gh_flat_number(gh_ctx *ctx, const gh_condensed *tree, const gh_hdbscan_params *params, const uint8_t *selected,
			   gh_flat *flat)
{
	flat->n_clusters = 0;
	flat->home = GH_NEW(ctx, tree->n_clusters, uint32_t);
	flat->number = GH_NEW(ctx, tree->n_clusters, int32_t);
	if (flat->home == NULL || flat->number == NULL)
		return gh_ctx_status(ctx);
	number_clusters(tree, selected, flat);
	flat->threshold = root_threshold(tree, params, flat->n_clusters);
	return GH_OK;
}

void
gh_flat_free(gh_ctx *ctx, gh_flat *flat)
{
	gh_free(ctx, flat->home);
	gh_free(ctx, flat->number);
	flat->home = NULL;
	flat->number = NULL;
}

int32_t
gh_flat_label(const gh_flat *flat, uint32_t cluster, double lambda)
{
	uint32_t	home = flat->home[cluster];

	if (home == GH_NO_CLUSTER || (home == 0 && !(lambda >= flat->threshold)))
		return GH_NOISE;
	return flat->number[home];
}

double
gh_membership(double lambda, double death)
{
	if (death == 0 || !isfinite(lambda))
		return 1;
	return (lambda < death ? lambda : death) / death;
}

gh_status
gh_label_points(gh_ctx *ctx, const gh_condensed *tree, const gh_hdbscan_params *params, const uint8_t *selected,
				int32_t *labels, double *probabilities, int *n_clusters)
{
	gh_flat		flat;
	gh_status	status = gh_flat_number(ctx, tree, params, selected, &flat);

	*n_clusters = flat.n_clusters;
	for (size_t i = 0; status == GH_OK && i < tree->n_points; i++)
	{
		uint32_t	c = tree->point_cluster[i];
		double		lambda = tree->point_lambda[i];

		if ((i & GH_POLL_MASK) == GH_POLL_MASK && gh_should_stop(ctx))
			status = gh_canceled(ctx);
		labels[i] = gh_flat_label(&flat, c, lambda);
		if (probabilities != NULL)
			probabilities[i] = labels[i] == GH_NOISE ? 0 : gh_membership(lambda, tree->death[flat.home[c]]);
	}
	gh_flat_free(ctx, &flat);
	return status;
}

/*
 * (death - lambda) / death with the highest death at or below the point's
 * cluster.  A point that never leaves (infinite lambda) scores 0; one that
 * leaves where duplicates never do scores 1, the limit.
 */
static double
outlier_score(double lambda, double death)
{
	if (death == 0 || !isfinite(lambda))
		return 0;
	if (!isfinite(death))
		return 1;
	return (death - lambda) / death;
}

gh_status
gh_outlier_scores(gh_ctx *ctx, const gh_condensed *tree, double *scores)
{
	double	   *death = GH_NEW(ctx, tree->n_clusters, double);

	if (death == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t c = tree->n_clusters; c-- > 0;)
	{
		uint32_t	child = tree->child[c];

		death[c] = tree->death[c];
		if (child != 0)
			death[c] = fmax(death[c], fmax(death[child], death[child + 1]));
	}
	for (size_t i = 0; i < tree->n_points; i++)
	{
		if ((i & GH_POLL_MASK) == GH_POLL_MASK && gh_should_stop(ctx))
		{
			gh_free(ctx, death);
			return gh_canceled(ctx);
		}
		scores[i] = outlier_score(tree->point_lambda[i], death[tree->point_cluster[i]]);
	}
	gh_free(ctx, death);
	return GH_OK;
}

gh_status
gh_extract_clusters(gh_ctx *ctx, const gh_condensed *tree, const gh_hdbscan_params *params, int32_t *labels,
					double *probabilities, int *n_clusters)
{
	uint8_t    *selected = GH_NEW(ctx, tree->n_clusters, uint8_t);
	double	   *mass = GH_NEW(ctx, tree->n_clusters, double);
	gh_status	status = GH_OK;

	if (selected == NULL || mass == NULL)
		status = gh_ctx_status(ctx);
	if (status == GH_OK)
		status = gh_select_clusters(ctx, tree, params, selected, mass);
	gh_free(ctx, mass);
	if (status == GH_OK)
		status = gh_label_points(ctx, tree, params, selected, labels, probabilities, n_clusters);
	gh_free(ctx, selected);
	return status;
}
