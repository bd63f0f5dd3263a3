/*
 * start.c
 *		Where the layout starts from.
 */
#include "project/gh_start.h"

#include "base/gh_random.h"
#include "project/gh_pca.h"
#include "project/gh_spectral.h"

#include <math.h>

#define STAGE "umap: start"

/* The largest coordinate before the noise, and the noise, as umap-learn has them. */
#define REACH 10.0
#define NOISE 1e-4
/*
 * Positions are rounded to multiples of 2^-16 before the noise: what a library
 * built for another processor changes in their last digits does not reach the
 * layout.
 */
#define GRID 65536.0
#define POLL_EVERY 4096

static gh_status
random_start(gh_ctx *ctx, size_t n, const uint32_t *order, int dim, uint64_t seed, double *y)
{
	for (size_t v = 0; v < n; v++)
	{
		if (v % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		for (int c = 0; c < dim; c++)
			y[v * dim + c] = REACH * (2 * gh_random_double(seed, GH_STREAM_UMAP_INIT, (uint64_t) order[v] * dim + c) - 1);
	}
	return GH_OK;
}

static gh_status
add_noise(gh_ctx *ctx, size_t n, const uint32_t *order, int dim, uint64_t seed, double *y)
{
	double		largest = 0;
	uint64_t	noise_seed = gh_random_seed(seed, GH_STREAM_UMAP_INIT, 1);

	for (size_t i = 0; i < n * dim; i++)
	{
		if (i % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		largest = fabs(y[i]) > largest ? fabs(y[i]) : largest;
	}
	for (size_t v = 0; v < n; v++)
	{
		if (v % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		for (int c = 0; c < dim; c++)
		{
			double	   *at = &y[v * dim + c];

			if (largest > 0)
				*at = rint(*at * (REACH / largest) * GRID) / GRID;
			*at += NOISE * gh_random_normal(noise_seed, GH_STREAM_UMAP_INIT, (uint64_t) order[v] * dim + c);
		}
	}
	return GH_OK;
}

/* Every axis from 0 to REACH. */
static gh_status
stretch(gh_ctx *ctx, size_t n, int dim, double *y)
{
	for (int c = 0; c < dim; c++)
	{
		double		low = INFINITY,
					high = -INFINITY;

		for (size_t v = 0; v < n; v++)
		{
			if (v % POLL_EVERY == 0)
				GH_CHECK_STOP(ctx);
			low = y[v * dim + c] < low ? y[v * dim + c] : low;
			high = y[v * dim + c] > high ? y[v * dim + c] : high;
		}
		for (size_t v = 0; v < n; v++)
		{
			if (v % POLL_EVERY == 0)
				GH_CHECK_STOP(ctx);
			y[v * dim + c] = high > low ? REACH * (y[v * dim + c] - low) / (high - low) : 0;
		}
	}
	return GH_OK;
}

static void
note_spectral(gh_ctx *ctx, const gh_spectral_report *report)
{
	gh_note(ctx, STAGE, "%s start, %u component%s, %d products with the graph, eigenvalue %.6f, residual %.1e",
			report->components == 1 ? "spectral" : "multi-component spectral", report->components,
			report->components == 1 ? "" : "s", report->applications, report->value, report->residual);
	if (report->fallbacks > 0)
		gh_note(ctx, STAGE, "%u of %u components have no smooth eigenvectors within the bound: principal components instead",
				report->fallbacks, report->components);
}

gh_status
gh_start_positions(gh_ctx *ctx, const gh_graph *graph, const double *points, int d, const uint32_t *order,
				   gh_umap_init init, int n_components, uint64_t seed, double *y)
{
	gh_spectral_report report = {0};

	if (init == GH_UMAP_SPECTRAL)
	{
		GH_TRY(gh_spectral_start(ctx, graph, points, d, order, n_components, seed, y, &report));
		note_spectral(ctx, &report);
	}
	else
		gh_note(ctx, STAGE, "%s start", init == GH_UMAP_PCA ? "principal components" : "random");
	if (init == GH_UMAP_PCA)
		GH_TRY(gh_pca_project(ctx, points, graph->n, d, order, n_components, seed, y));
	if (init == GH_UMAP_RANDOM)
		GH_TRY(random_start(ctx, graph->n, order, n_components, seed, y));
	else
		GH_TRY(add_noise(ctx, graph->n, order, n_components, seed, y));
	return stretch(ctx, graph->n, n_components, y);
}

size_t
gh_start_memory(size_t n, size_t n_edges, int d, gh_umap_init init, int n_components)
{
	size_t		spectral = init == GH_UMAP_SPECTRAL ? gh_spectral_memory(n, n_edges, n_components) : 0;
	size_t		pca = init == GH_UMAP_RANDOM ? 0 : gh_pca_memory(d, n_components);

	return spectral > pca ? spectral : pca;
}
