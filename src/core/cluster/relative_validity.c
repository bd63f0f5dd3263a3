/*
 * relative_validity.c
 *		A cheap relative of DBCV from the edges of the spanning tree, as the hdbscan package defines it.
 */
#include "grid_private.h"

#include <math.h>

typedef struct spread
{
	double	   *sparseness;		/* per cluster: its heaviest edge */
	double	   *separation;		/* per cluster: its lightest edge to another cluster */
	size_t	   *size;
	double		noise_separation;	/* lightest edge between a cluster and noise */
	double		longest;		/* heaviest edge of all */
} spread;

static void
add_edge(spread *s, const gh_edge *edge, int32_t a, int32_t b)
{
	double		w = edge->weight;

	s->longest = fmax(s->longest, w);
	if (a < 0 && b < 0)
		return;
	if (a < 0 || b < 0)
		s->noise_separation = fmin(s->noise_separation, w);
	else if (a == b)
		s->sparseness[a] = fmax(s->sparseness[a], w);
	else
	{
		s->separation[a] = fmin(s->separation[a], w);
		s->separation[b] = fmin(s->separation[b], w);
	}
}

/* A cluster that the tree joins to noise only is taken to be far from the others. */
static double
sum_validity(const spread *s, size_t n, int n_clusters)
{
	double		noise_separation = isinf(s->noise_separation) ? s->longest : s->noise_separation;
	double		far = 2 * (n_clusters > 1 ? s->longest : noise_separation);
	double		sum = 0;

	for (int c = 0; c < n_clusters; c++)
	{
		double		separation = isinf(s->separation[c]) ? far : s->separation[c];
		double		larger = fmax(separation, s->sparseness[c]);

		if (larger > 0)
			sum += (double) s->size[c] * ((separation - s->sparseness[c]) / larger) / (double) n;
	}
	return sum;
}

gh_status
gh_relative_validity(gh_ctx *ctx, const gh_edge *edges, size_t n, const int32_t *labels, int n_clusters,
					 double *value, bool *defined)
{
	spread		s = {NULL, NULL, NULL, INFINITY, 0};
	gh_status	status = GH_OK;

	*value = 0;
	*defined = false;
	if (n_clusters == 0)
		return GH_OK;
	s.sparseness = GH_NEW_ZERO(ctx, n_clusters, double);
	s.separation = GH_NEW(ctx, n_clusters, double);
	s.size = GH_NEW_ZERO(ctx, n_clusters, size_t);
	if (s.sparseness == NULL || s.separation == NULL || s.size == NULL)
	{
		status = gh_ctx_status(ctx);
		goto done;
	}
	for (int c = 0; c < n_clusters; c++)
		s.separation[c] = INFINITY;
	for (size_t i = 0; i < n; i++)
	{
		if (labels[i] >= 0)
			s.size[labels[i]]++;
	}
	for (size_t e = 0; e + 1 < n; e++)
		add_edge(&s, &edges[e], labels[edges[e].low], labels[edges[e].high]);
	*value = sum_validity(&s, n, n_clusters);
	*defined = true;

done:
	gh_free(ctx, s.sparseness);
	gh_free(ctx, s.separation);
	gh_free(ctx, s.size);
	return status;
}
