/*
 * umap_model.c
 *		A projection that takes new points: its making and its tree.
 */
#include "project/gh_umap_model.h"

#include <math.h>
#include <string.h>

/* Points between two polls. */
#define POLL_EVERY 4096

void
gh_umap_model_free(gh_ctx *ctx, gh_umap_model *model)
{
	gh_free(ctx, model->column);
	gh_free(ctx, model->point);
	gh_free(ctx, model->embedding);
	gh_kdtree_free(ctx, &model->tree);
	memset(model, 0, sizeof(*model));
}

/* Beside the projection stand its coordinates; after it, the model, the bytes as they grow and their copy. */
static size_t
fit_memory(size_t n, int d, const gh_umap_params *params)
{
	size_t		y = n * params->n_components * sizeof(double),
				bytes = gh_umap_model_length(n, d, params->n_components),
				projecting = gh_umap_memory(n, d, params),
				writing = 4 * bytes;

	return y + (projecting > writing ? projecting : writing);
}

/* The scaled points in single precision, as transform compares with them. */
static gh_status
keep_points(gh_ctx *ctx, const double *points, gh_umap_model *model)
{
	size_t		d = (size_t) model->d;

	if ((model->column = GH_NEW(ctx, d, gh_scale_column)) == NULL ||
		(model->point = gh_alloc(ctx, model->n, d * sizeof(float))) == NULL)
		return gh_ctx_status(ctx);
	GH_TRY(gh_scale_measure(ctx, points, model->n, model->d, model->params.standardize, model->column));
	for (size_t i = 0; i < model->n; i++)
	{
		if (i % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		for (size_t j = 0; j < d; j++)
			model->point[i * d + j] = (float) gh_scale_value(&model->column[j], points[i * d + j]);
	}
	return GH_OK;
}

/* The layout works in single precision, so nothing is lost here. */
static gh_status
keep_embedding(gh_ctx *ctx, const double *y, gh_umap_model *model)
{
	size_t		dim = (size_t) model->params.n_components;

	if ((model->embedding = gh_alloc(ctx, model->n, dim * sizeof(float))) == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < model->n * dim; i++)
	{
		if (i % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		model->embedding[i] = (float) y[i];
		if (!isfinite(model->embedding[i]))
		{
			gh_fail(ctx, GH_EINVAL, "the layout grew beyond all bounds");
			return gh_fail_hint(ctx, "Lower learning_rate, or bring spread and min_dist near their defaults.");
		}
	}
	return GH_OK;
}

static gh_status
fit_model(gh_ctx *ctx, const double *points, double *y, gh_umap_model *model)
{
	GH_TRY(gh_umap_project(ctx, points, model->n, model->d, &model->params, y));
	GH_TRY(keep_embedding(ctx, y, model));
	GH_TRY(gh_umap_curve(ctx, model->params.min_dist, model->params.spread, &model->a, &model->b));
	GH_TRY(keep_points(ctx, points, model));
	model->params.n_epochs = gh_umap_epochs(&model->params, model->n);
	return GH_OK;
}

gh_status
gh_umap_fit(gh_ctx *ctx, const double *points, size_t n, int d, const gh_umap_params *params, gh_umap_model *model)
{
	double	   *y;
	gh_status	status;

	memset(model, 0, sizeof(*model));
	GH_TRY(gh_umap_check(ctx, params));
	if (n == 0)
	{
		gh_fail(ctx, GH_EDATA, "there are no points to project");
		return gh_fail_hint(ctx, "A model needs at least one point.");
	}
	GH_TRY(gh_memory_check(ctx, fit_memory(n, d, params), "umap"));
	if ((y = gh_alloc(ctx, n, params->n_components * sizeof(double))) == NULL)
		return gh_ctx_status(ctx);
	model->n = n;
	model->d = d;
	model->params = *params;
	status = fit_model(ctx, points, y, model);
	gh_free(ctx, y);
	if (status != GH_OK)
		gh_umap_model_free(ctx, model);
	return status;
}

gh_status
gh_umap_model_prepare(gh_ctx *ctx, gh_umap_model *model)
{
	size_t		n_values = model->n * model->d;
	double	   *points = GH_NEW(ctx, n_values, double);
	gh_status	status;

	if (points == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < n_values; i++)
		points[i] = model->point[i];
	gh_free(ctx, model->point);
	model->point = NULL;
	status = gh_kdtree_build(ctx, points, model->n, model->d, &model->tree);
	gh_free(ctx, points);
	return status;
}
