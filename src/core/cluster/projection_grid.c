/*
 * projection_grid.c
 *		Grid search over the parameters of UMAP and HDBSCAN together.
 */
#include "cluster/gh_projection_grid.h"

#include "project/gh_scale.h"
#include "project/gh_trustworthiness.h"

#include <string.h>

#define STAGE "grid: projections"

/* Neighbours that trustworthiness compares, and points that are asked. */
#define TRUST_NEIGHBOURS 15
#define TRUST_SAMPLE 1000

typedef struct search
{
	const double *points;
	size_t		n;
	int			d;
	double	   *scaled;			/* n x d, as the projections see the points */
	double	   *embedding;		/* n x n_components */
	gh_umap_shared shared;
} search;

/* The projection with the most neighbours. */
static const gh_umap_params *
most_neighbours(const gh_projection *projections, size_t n_projections)
{
	const gh_umap_params *most = &projections[0].params;

	for (size_t i = 1; i < n_projections; i++)
	{
		if (projections[i].params.n_neighbors > most->n_neighbors)
			most = &projections[i].params;
	}
	return most;
}

static bool
can_share(const gh_umap_params *a, const gh_umap_params *b)
{
	return a->n_components == b->n_components && a->n_epochs == b->n_epochs && a->init == b->init &&
		a->standardize == b->standardize && a->seed == b->seed;
}

gh_status
gh_projection_grid_check(gh_ctx *ctx, const gh_projection *projections, size_t n_projections,
						 const gh_grid_cell *cells, size_t n_cells)
{
	for (size_t i = 0; i < n_projections; i++)
	{
		GH_TRY(gh_umap_check(ctx, &projections[i].params));
		if (!can_share(&projections[0].params, &projections[i].params))
			return gh_fail(ctx, GH_EINVAL, "projections of one grid differ in more than n_neighbors, min_dist and spread");
	}
	for (size_t i = 0; i < n_projections * n_cells; i++)
		GH_TRY(gh_hdbscan_check(ctx, &cells[i].params));
	return GH_OK;
}

size_t
gh_projection_grid_memory(size_t n, int d, const gh_projection *projections, size_t n_projections,
						  const gh_grid_cell *cells, size_t n_cells)
{
	size_t		projecting = 0,
				clustering,
				points = n * (size_t) d * sizeof(double);
	const gh_umap_params *most;

	if (n_projections == 0 || n < 2 || d < 1)
		return 0;
	most = most_neighbours(projections, n_projections);
	for (size_t i = 0; i < n_projections; i++)
	{
		size_t		one = gh_umap_memory(n, d, &projections[i].params);

		projecting = one > projecting ? one : projecting;
	}
	clustering = gh_grid_memory(n, most->n_components, cells, n_cells);
	/* to judge a projection takes a copy of the points in both spaces */
	if (clustering < 2 * points + 2 * n * most->n_components * sizeof(double))
		clustering = 2 * points + 2 * n * most->n_components * sizeof(double);
	return points + n * most->n_components * sizeof(double) + gh_umap_shared_memory(n, most) +
		(projecting > clustering ? projecting : clustering);
}

static gh_status
open_search(gh_ctx *ctx, search *s, const gh_umap_params *most)
{
	s->embedding = gh_alloc(ctx, s->n, (size_t) most->n_components * sizeof(double));
	s->scaled = gh_alloc(ctx, s->n, (size_t) s->d * sizeof(double));
	if (s->embedding == NULL || s->scaled == NULL)
		return gh_ctx_status(ctx);
	if (s->n == 0)
		return GH_OK;
	GH_TRY(gh_scale_points(ctx, s->points, s->n, s->d, most->standardize, s->scaled));
	return gh_umap_shared_open(ctx, s->points, s->n, s->d, most, &s->shared);
}

static void
close_search(gh_ctx *ctx, search *s)
{
	gh_umap_shared_close(ctx, &s->shared);
	gh_free(ctx, s->embedding);
	gh_free(ctx, s->scaled);
}

static gh_status
judge_projection(gh_ctx *ctx, const search *s, gh_projection *p)
{
	p->trustworthiness = 0;
	p->trustworthiness_defined = s->n > 2 * TRUST_NEIGHBOURS;
	if (!p->trustworthiness_defined)
		return GH_OK;
	return gh_trustworthiness(ctx, s->scaled, s->n, s->d, s->embedding, p->params.n_components, TRUST_NEIGHBOURS,
							  TRUST_SAMPLE, &p->trustworthiness);
}

static void
note_best(gh_ctx *ctx, const gh_projection *p, const gh_grid_cell *cells, size_t n_cells)
{
	const gh_grid_cell *best = NULL;

	for (size_t i = 0; i < n_cells; i++)
	{
		if (cells[i].dbcv_defined && (best == NULL || cells[i].dbcv > best->dbcv))
			best = &cells[i];
	}
	if (best == NULL)
		gh_note(ctx, STAGE, "n_neighbors %d, min_dist %g: no setting finds two clusters", p->params.n_neighbors,
				p->params.min_dist);
	else
		gh_note(ctx, STAGE, "n_neighbors %d, min_dist %g: best DBCV %.3f, %d clusters", p->params.n_neighbors,
				p->params.min_dist, best->dbcv, best->clusters);
}

static gh_status
run_projection(gh_ctx *ctx, search *s, gh_projection *p, gh_grid_cell *cells, size_t n_cells)
{
	if (s->n > 0)
		GH_TRY(gh_umap_project_shared(ctx, s->points, s->n, s->d, &p->params, s->n > 1 ? &s->shared : NULL,
									  s->embedding));
	GH_TRY(judge_projection(ctx, s, p));
	GH_TRY(gh_grid(ctx, s->embedding, s->n, p->params.n_components, cells, n_cells, NULL));
	if (s->n > 0)
		note_best(ctx, p, cells, n_cells);
	return GH_OK;
}

gh_status
gh_projection_grid(gh_ctx *ctx, const double *points, size_t n, int d, gh_projection *projections,
				   size_t n_projections, gh_grid_cell *cells, size_t n_cells)
{
	search		s = {.points = points,.n = n,.d = d};
	gh_status	status;

	GH_TRY(gh_projection_grid_check(ctx, projections, n_projections, cells, n_cells));
	if (n_projections == 0)
		return GH_OK;
	GH_TRY(gh_memory_check(ctx, gh_projection_grid_memory(n, d, projections, n_projections, cells, n_cells),
						   "the grid of projections"));
	status = open_search(ctx, &s, most_neighbours(projections, n_projections));
	for (size_t i = 0; i < n_projections && status == GH_OK; i++)
	{
		gh_tick(ctx, STAGE, i, n_projections);
		status = run_projection(ctx, &s, &projections[i], cells + i * n_cells, n_cells);
	}
	if (status == GH_OK)
		gh_tick(ctx, STAGE, n_projections, n_projections);
	close_search(ctx, &s);
	return status;
}
