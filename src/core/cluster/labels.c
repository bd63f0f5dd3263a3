/*
 * labels.c
 *		From selected clusters to labels, membership strengths and outlier scores.
 *
 * GLOSH: Campello et al., https://doi.org/10.1145/2733381, section 6.
 */
#include "cluster_private.h"

#include <math.h>

#define NO_CLUSTER UINT32_MAX

/* Numbers the selected clusters by id; home[c]: the nearest selected one at or above c. */
static int
find_homes(const gh_condensed *tree, const uint8_t *selected, uint32_t *home, int32_t *number)
{
	int			n = 0;

	for (uint32_t c = 0; c < tree->n_clusters; c++)
	{
		number[c] = GH_NOISE;
		if (selected[c])
		{
			home[c] = c;
			number[c] = n++;
		}
		else
			home[c] = c == 0 ? NO_CLUSTER : home[tree->parent[c]];
	}
	return n;
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

/* Membership: how long a point stays in its cluster, as a share of the longest stay. */
static double
membership(double lambda, double death)
{
	if (death == 0 || !isfinite(lambda))
		return 1;
	return (lambda < death ? lambda : death) / death;
}

gh_status
gh_label_points(gh_ctx *ctx, const gh_condensed *tree, const gh_hdbscan_params *params, const uint8_t *selected,
				int32_t *labels, double *probabilities, int *n_clusters)
{
	uint32_t   *home = GH_NEW(ctx, tree->n_clusters, uint32_t);
	int32_t    *number = GH_NEW(ctx, tree->n_clusters, int32_t);
	gh_status	status = GH_OK;
	double		threshold;

	if (home == NULL || number == NULL)
	{
		status = gh_ctx_status(ctx);
		goto done;
	}
	*n_clusters = find_homes(tree, selected, home, number);
	threshold = root_threshold(tree, params, *n_clusters);
	for (size_t i = 0; i < tree->n_points; i++)
	{
		uint32_t	c = home[tree->point_cluster[i]];
		double		lambda = tree->point_lambda[i];

		if ((i & GH_POLL_MASK) == GH_POLL_MASK && gh_should_stop(ctx))
		{
			status = gh_canceled(ctx);
			goto done;
		}
		labels[i] = GH_NOISE;
		if (c != NO_CLUSTER && (c != 0 || lambda >= threshold))
			labels[i] = number[c];
		if (probabilities != NULL)
			probabilities[i] = labels[i] == GH_NOISE ? 0 : membership(lambda, tree->death[c]);
	}

done:
	gh_free(ctx, home);
	gh_free(ctx, number);
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
	gh_status	status;

	if (selected == NULL)
		return gh_ctx_status(ctx);
	status = gh_select_clusters(ctx, tree, params, selected);
	if (status == GH_OK)
		status = gh_label_points(ctx, tree, params, selected, labels, probabilities, n_clusters);
	gh_free(ctx, selected);
	return status;
}
