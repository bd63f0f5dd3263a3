/*
 * hdbscan_model.c
 *		A clustering that is kept: its making, its condensed tree and its clusters.
 */
#include "hdbscan_model.h"

#include <string.h>

void
gh_hdbscan_model_free(gh_ctx *ctx, gh_hdbscan_model *model)
{
	gh_free(ctx, model->point);
	gh_free(ctx, model->near_core);
	gh_free(ctx, model->id_begin);
	gh_free(ctx, model->ids);
	if (model->tree != NULL)
		gh_condensed_free(ctx, model->tree);
	gh_free(ctx, model->tree);
	if (model->flat != NULL)
		gh_flat_free(ctx, model->flat);
	gh_free(ctx, model->flat);
	gh_free(ctx, model->mass);
	gh_hdbscan_index_free(ctx, model->index);
	memset(model, 0, sizeof(*model));
}

gh_status
gh_hdbscan_model_select(gh_ctx *ctx, gh_hdbscan_model *model)
{
	uint8_t    *selected = GH_NEW(ctx, model->tree->n_clusters, uint8_t);
	gh_status	status = GH_OK;

	model->flat = GH_NEW_ZERO(ctx, 1, gh_flat);
	model->mass = GH_NEW(ctx, model->tree->n_clusters, double);
	if (selected == NULL || model->flat == NULL || model->mass == NULL)
		status = gh_ctx_status(ctx);
	if (status == GH_OK)
		status = gh_select_clusters(ctx, model->tree, &model->params, selected, model->mass);
	if (status == GH_OK)
		status = gh_flat_number(ctx, model->tree, &model->params, selected, model->flat);
	gh_free(ctx, selected);
	return status;
}

/* ---- fit ----------------------------------------------------------------- */

/* Beside the clustering stand the copies of points and ids; after it, the model, the bytes as they grow and their copy. */
size_t
gh_hdbscan_fit_memory(size_t n, int d, size_t id_bytes, const gh_hdbscan_params *params)
{
	size_t		clustering = gh_hdbscan_memory(n, d, params),
				bytes = gh_hdbscan_model_length(n, d, id_bytes, params->min_cluster_size),
				kept;

	if (bytes == SIZE_MAX || gh_mul_overflow(bytes, 4, &bytes))
		return SIZE_MAX;
	/* coordinates, core distances and, while they are measured, those of the tree a second time */
	kept = n * ((size_t) d + 3) * sizeof(double) + n * sizeof(size_t) + id_bytes + n;
	return kept + clustering > bytes ? kept + clustering : bytes;
}

static gh_status
keep_points(gh_ctx *ctx, const double *points, gh_hdbscan_model *model)
{
	size_t		d = (size_t) model->d;

	if ((model->point = gh_alloc(ctx, model->n, d * sizeof(double))) == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < model->n; i++)
	{
		GH_POLL(ctx, i);
		memcpy(model->point + i * d, points + i * d, d * sizeof(double));
	}
	return GH_OK;
}

static gh_status
keep_ids(gh_ctx *ctx, const char *const *ids, gh_hdbscan_model *model)
{
	size_t		length = 0;

	if ((model->id_begin = GH_NEW(ctx, model->n + 1, size_t)) == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < model->n; i++)
	{
		GH_POLL(ctx, i);
		model->id_begin[i] = length;
		length += strlen(ids[i]) + 1;
	}
	model->id_begin[model->n] = length;
	if ((model->ids = GH_NEW(ctx, length, char)) == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < model->n; i++)
	{
		GH_POLL(ctx, i);
		memcpy(model->ids + model->id_begin[i], ids[i], model->id_begin[i + 1] - model->id_begin[i]);
	}
	return GH_OK;
}

static gh_status
fit_model(gh_ctx *ctx, const double *points, const char *const *ids, gh_hdbscan_model *model)
{
	gh_condensed *tree = GH_NEW_ZERO(ctx, 1, gh_condensed);
	gh_status	status;

	if (tree == NULL)
		return gh_ctx_status(ctx);
	model->near_core = GH_NEW(ctx, model->n, double);
	status = model->near_core == NULL ? gh_ctx_status(ctx) :
		gh_hdbscan_condense(ctx, points, model->n, model->d, &model->params, model->near_core, tree);
	if (status != GH_OK)
	{
		gh_free(ctx, tree);
		return status;
	}
	model->tree = tree;
	GH_TRY(keep_points(ctx, points, model));
	GH_TRY(keep_ids(ctx, ids, model));
	return gh_hdbscan_model_select(ctx, model);
}

static gh_status
count_id_bytes(gh_ctx *ctx, const char *const *ids, size_t n, size_t *bytes)
{
	*bytes = 0;
	for (size_t i = 0; i < n; i++)
	{
		GH_POLL(ctx, i);
		*bytes += strlen(ids[i]);
	}
	return GH_OK;
}

gh_status
gh_hdbscan_fit(gh_ctx *ctx, const double *points, size_t n, int d, const char *const *ids,
			   const gh_hdbscan_params *params, gh_hdbscan_model *model)
{
	size_t		id_bytes;
	gh_status	status;

	memset(model, 0, sizeof(*model));
	GH_TRY(gh_hdbscan_check(ctx, params));
	if (n == 0)
	{
		gh_fail(ctx, GH_EDATA, "there are no points to cluster");
		return gh_fail_hint(ctx, "A model needs at least one point.");
	}
	GH_TRY(gh_cluster_check_points(ctx, points, n, d));
	GH_TRY(count_id_bytes(ctx, ids, n, &id_bytes));
	GH_TRY(gh_memory_check(ctx, gh_hdbscan_fit_memory(n, d, id_bytes, params), "clustering"));
	model->n = n;
	model->d = d;
	model->params = *params;
	model->params.min_samples = gh_hdbscan_min_samples(params, n);
	status = fit_model(ctx, points, ids, model);
	if (status != GH_OK)
		gh_hdbscan_model_free(ctx, model);
	return status;
}

/* ---- the condensed tree ---------------------------------------------------- */

size_t
gh_hdbscan_tree_rows(const gh_hdbscan_model *model)
{
	return model->tree->n_clusters - 1 + model->n;
}

gh_tree_row
gh_hdbscan_tree_row(const gh_hdbscan_model *model, size_t i)
{
	const gh_condensed *tree = model->tree;
	size_t		splits = tree->n_clusters - 1;

	if (i < splits)
		return (gh_tree_row) {model->n + tree->parent[i + 1], model->n + i + 1, tree->birth[i + 1], tree->size[i + 1]};
	i -= splits;
	return (gh_tree_row) {model->n + tree->point_cluster[i], i, tree->point_lambda[i], 1};
}

/* ---- clusters --------------------------------------------------------------- */

int
gh_hdbscan_count(const gh_hdbscan_model *model)
{
	return model->flat->n_clusters;
}

/* stability / (size * the highest lambda of all), or 1 where that says nothing. */
static double
persistence(double stability, size_t size, double highest)
{
	if (isinf(highest) || highest == 0 || size == 0)
		return 1;
	return stability / ((double) size * highest);
}

static gh_status
count_members(gh_ctx *ctx, const gh_hdbscan_model *model, gh_cluster *clusters)
{
	const gh_condensed *tree = model->tree;

	for (size_t i = 0; i < model->n; i++)
	{
		int32_t		label = gh_flat_label(model->flat, tree->point_cluster[i], tree->point_lambda[i]);

		GH_POLL(ctx, i);
		if (label != GH_NOISE)
			clusters[label].size++;
	}
	return GH_OK;
}

gh_status
gh_hdbscan_clusters(gh_ctx *ctx, const gh_hdbscan_model *model, gh_cluster **clusters, int *n_clusters)
{
	const gh_condensed *tree = model->tree;
	gh_cluster *out = GH_NEW_ZERO(ctx, model->flat->n_clusters, gh_cluster);
	double		highest = 0;
	gh_status	status;

	if (out == NULL)
		return gh_ctx_status(ctx);
	status = count_members(ctx, model, out);
	for (uint32_t c = 0; c < tree->n_clusters; c++)
		highest = tree->death[c] > highest ? tree->death[c] : highest;
	for (uint32_t c = 0; status == GH_OK && c < tree->n_clusters; c++)
	{
		int32_t		label = model->flat->number[c];

		if (label == GH_NOISE)
			continue;
		out[label].node = model->n + c;
		out[label].persistence = persistence(model->mass[c], out[label].size, highest);
		out[label].stability = tree->stability[c];
		out[label].birth = tree->birth[c];
		out[label].death = tree->death[c];
	}
	if (status != GH_OK)
	{
		gh_free(ctx, out);
		return status;
	}
	*clusters = out;
	*n_clusters = model->flat->n_clusters;
	return GH_OK;
}
