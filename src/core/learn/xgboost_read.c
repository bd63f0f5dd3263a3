/*
 * xgboost_read.c
 *		XGBoost's JSON and UBJSON as a model.
 *
 * The members of an object may stand in any order, so everything is collected
 * first and judged when its object ends.
 */
#include "learn/xgboost_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 10000			/* bytes of a feature's name, as boost_bytes.c reads it */
#define MAX_VERSION 4
/* A base score is clipped to this and one minus this, from that release on; before, it is taken as it is. */
#define SMALLEST_BASE 1e-6
#define CLIPS_BASE 3002

gh_status
gh_xgboost_fail(gh_xgboost_reading *r)
{
	return gh_fail(r->ctx, GH_EDATA, "the %s is not a model that can be imported", r->document.format->name);
}

gh_status
gh_xgboost_refuse(gh_xgboost_reading *r, const char *detail)
{
	gh_xgboost_fail(r);
	return gh_fail_detail(r->ctx, "%s", detail);
}

/* ---- members ----------------------------------------------------------- */

gh_status
gh_xgboost_members(gh_xgboost_reading *r, gh_xgboost_member member)
{
	char		key[GH_XGBOOST_KEY];
	bool		more;

	GH_TRY(gh_document_open(&r->document, GH_VALUE_OBJECT, &more));
	while (more)
	{
		GH_TRY(gh_document_key(&r->document, key, sizeof(key)));
		GH_TRY(member(r, key));
		GH_TRY(gh_document_next(&r->document, &more));
	}
	return GH_OK;
}

gh_status
gh_xgboost_count(gh_xgboost_reading *r, double *out)
{
	char		text[GH_XGBOOST_KEY],
			   *end;

	GH_TRY(gh_document_scalar(&r->document, text, sizeof(text)));
	*out = strtod(text, &end);
	if (end == text || *end != '\0' || !(*out >= 0 && *out <= 1e9) || *out != floor(*out))
		return gh_xgboost_refuse(r, "A count in learner_model_param, gbtree_model_param or tree_param is not a whole number.");
	return GH_OK;
}

static gh_status
booster_param_member(gh_xgboost_reading *r, const char *key)
{
	if (strcmp(key, "num_parallel_tree") == 0)
		return gh_xgboost_count(r, &r->num_parallel_tree);
	return gh_document_skip(&r->document);
}

static gh_status
read_tree_info(gh_xgboost_reading *r)
{
	GH_TRY(gh_document_numbers_read(&r->document, &r->numbers));
	for (size_t i = 0; i < r->numbers.n; i++)
		if (r->numbers.value[i] != 0)
			return gh_xgboost_refuse(r, "Its trees belong to several classes or targets.");
	return GH_OK;
}

static gh_status
booster_model_member(gh_xgboost_reading *r, const char *key)
{
	if (strcmp(key, "trees") == 0)
		return gh_xgboost_read_trees(r);
	if (strcmp(key, "tree_info") == 0)
		return read_tree_info(r);
	if (strcmp(key, "iteration_indptr") == 0)
		return gh_document_numbers_read(&r->document, &r->iteration_begin);
	if (strcmp(key, "gbtree_model_param") == 0)
		return gh_xgboost_members(r, booster_param_member);
	return gh_document_skip(&r->document);
}

static gh_status
gradient_booster_member(gh_xgboost_reading *r, const char *key)
{
	if (strcmp(key, "name") == 0)
		return gh_document_scalar(&r->document, r->booster, sizeof(r->booster));
	if (strcmp(key, "model") == 0)
		return gh_xgboost_members(r, booster_model_member);
	return gh_document_skip(&r->document);
}

static gh_status
objective_member(gh_xgboost_reading *r, const char *key)
{
	if (strcmp(key, "name") == 0)
		return gh_document_scalar(&r->document, r->objective, sizeof(r->objective));
	return gh_document_skip(&r->document);
}

static gh_status
model_param_member(gh_xgboost_reading *r, const char *key)
{
	if (strcmp(key, "base_score") == 0)
		return gh_document_scalar(&r->document, r->base_score, sizeof(r->base_score));
	if (strcmp(key, "num_class") == 0)
		return gh_xgboost_count(r, &r->num_class);
	if (strcmp(key, "num_feature") == 0)
		return gh_xgboost_count(r, &r->num_feature);
	if (strcmp(key, "num_target") == 0)
		return gh_xgboost_count(r, &r->num_target);
	return gh_document_skip(&r->document);
}

static gh_status
read_feature_names(gh_xgboost_reading *r)
{
	gh_boost_model *model = &r->model;
	bool		more;

	if (model->feature != NULL)
		return gh_xgboost_refuse(r, "It has \"feature_names\" twice.");
	GH_TRY(gh_document_open(&r->document, GH_VALUE_ARRAY, &more));
	while (more)
	{
		if (model->n_features == GH_MAX_FEATURES)
			return gh_xgboost_refuse(r, "It has too many features.");
		if (model->n_features == r->max_names)
		{
			int			max = r->max_names < 16 ? 16 : 2 * r->max_names;
			char	  **names = gh_realloc(r->ctx, model->feature, (size_t) max, sizeof(char *));

			if (names == NULL)
				return gh_ctx_status(r->ctx);
			model->feature = names;
			r->max_names = max;
		}
		model->feature[model->n_features++] = NULL;
		GH_TRY(gh_document_text(&r->document, MAX_NAME, &model->feature[model->n_features - 1]));
		if (model->feature[model->n_features - 1] == NULL)
			return gh_document_fail(&r->document, "the name of a feature is too long");
		GH_TRY(gh_document_next(&r->document, &more));
	}
	return GH_OK;
}

static gh_status
read_feature_types(gh_xgboost_reading *r)
{
	char		type[GH_XGBOOST_KEY];
	bool		more;

	GH_TRY(gh_document_open(&r->document, GH_VALUE_ARRAY, &more));
	while (more)
	{
		GH_TRY(gh_document_scalar(&r->document, type, sizeof(type)));
		if (strcmp(type, "c") == 0 || strcmp(type, "categorical") == 0)
			return gh_xgboost_refuse(r, "A feature is a category: categorical features are not supported.");
		GH_TRY(gh_document_next(&r->document, &more));
	}
	return GH_OK;
}

static gh_status
learner_member(gh_xgboost_reading *r, const char *key)
{
	if (strcmp(key, "attributes") == 0)
		return gh_xgboost_read_attributes(r);
	if (strcmp(key, "feature_names") == 0)
		return read_feature_names(r);
	if (strcmp(key, "feature_types") == 0)
		return read_feature_types(r);
	if (strcmp(key, "gradient_booster") == 0)
		return gh_xgboost_members(r, gradient_booster_member);
	if (strcmp(key, "learner_model_param") == 0)
		return gh_xgboost_members(r, model_param_member);
	if (strcmp(key, "objective") == 0)
		return gh_xgboost_members(r, objective_member);
	return gh_document_skip(&r->document);
}

static gh_status
read_version(gh_xgboost_reading *r)
{
	int			length = 0;

	GH_TRY(gh_document_numbers_read(&r->document, &r->numbers));
	r->version[0] = '\0';
	r->release = r->numbers.n >= 2 ? 1000 * r->numbers.value[0] + r->numbers.value[1] : 0;
	for (size_t i = 0; i < r->numbers.n && i < MAX_VERSION; i++)
		if (gh_is_index(r->numbers.value[i], 1000000))
			length += snprintf(r->version + length, sizeof(r->version) - (size_t) length, "%s%d", length > 0 ? ", " : "",
							   (int) r->numbers.value[i]);
	return GH_OK;
}

static gh_status
check_root(gh_xgboost_reading *r)
{
	gh_value	kind = gh_document_peek(&r->document);

	if (kind == GH_VALUE_OBJECT)
		return GH_OK;
	GH_CHECK_STOP(r->ctx);
	if (kind == GH_VALUE_ARRAY)
	{
		gh_xgboost_refuse(r, "It is an array.");
		return gh_fail_hint(r->ctx, "Write the model with save_model(\"model.json\"), not with dump_model.");
	}
	gh_xgboost_refuse(r, "It is no object.");
	return gh_fail_hint(r->ctx, "JSON and UBJSON are read, as save_model(\"model.json\") and save_model(\"model.ubj\") write them; "
						"XGBoost's older binary format is not.");
}

static gh_status
root_member(gh_xgboost_reading *r, const char *key)
{
	if (strcmp(key, "learner") == 0 && !r->has_learner)
	{
		r->has_learner = true;
		return gh_xgboost_members(r, learner_member);
	}
	if (strcmp(key, "version") == 0)
		return read_version(r);
	return gh_document_skip(&r->document);
}

static gh_status
read_root(gh_xgboost_reading *r)
{
	GH_TRY(check_root(r));
	GH_TRY(gh_xgboost_members(r, root_member));
	GH_TRY(gh_document_end(&r->document));
	if (r->has_learner)
		return GH_OK;
	gh_xgboost_refuse(r, "It has no \"learner\".");
	return gh_fail_hint(r->ctx, "Write the model with save_model(\"model.json\") or save_raw(\"json\").");
}

/* ---- the whole --------------------------------------------------------- */

/* "5E-1" or, as XGBoost 3.1 and later write it, "[5E-1]". */
static gh_status
set_base_score(gh_xgboost_reading *r)
{
	char	   *text = r->base_score,
			   *end;
	double		base;

	if (text[0] == '[' && strchr(text, ',') != NULL)
		return gh_xgboost_refuse(r, "It has several base scores: models of several targets are not supported.");
	if (*text == '[')
		text++;
	base = strtod(text, &end);
	if (end == text || (*end != '\0' && strcmp(end, "]") != 0) || !(base >= 0 && base <= 1))
		return gh_xgboost_refuse(r, "Its base_score is not a probability.");
	/* XGBoost reads a float */
	base = (float) base;
	if (!(base > 0 && base < 1) || !(r->release > 0 && r->release < CLIPS_BASE))
		base = fmin(fmax(base, SMALLEST_BASE), 1.0 - SMALLEST_BASE);
	r->model.booster.base_score = base;
	return GH_OK;
}

/* What kind of model it is, before what is in it. */
static gh_status
check_kind(gh_xgboost_reading *r)
{
	if (strcmp(r->booster, "gbtree") != 0)
	{
		gh_xgboost_fail(r);
		return gh_fail_detail(r->ctx, "Its booster is \"%s\"; only \"gbtree\" is supported.", r->booster);
	}
	if (strcmp(r->objective, "binary:logistic") != 0)
	{
		gh_xgboost_fail(r);
		return gh_fail_detail(r->ctx, "Its objective is \"%s\"; only \"binary:logistic\" is supported.", r->objective);
	}
	if (!r->has_trees)
	{
		gh_xgboost_refuse(r, "It has no \"trees\".");
		return gh_fail_hint(r->ctx, "Write the model with save_model or save_raw, not with save_config.");
	}
	if (r->num_class > 1)
		return gh_xgboost_refuse(r, "It has several classes; only two, as binary:logistic knows them, are supported.");
	if (r->num_target > 1)
		return gh_xgboost_refuse(r, "It has several targets; only one is supported.");
	if (!(r->num_feature >= 1 && r->num_feature <= GH_MAX_FEATURES))
	{
		gh_xgboost_fail(r);
		return gh_fail_detail(r->ctx, "Its num_feature is not between 1 and %d.", GH_MAX_FEATURES);
	}
	return GH_OK;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static gh_status
check_names(gh_xgboost_reading *r)
{
	gh_boost_model *model = &r->model;
	char	  **sorted = GH_NEW(r->ctx, model->n_features, char *);
	bool		twice = false;

	if (sorted == NULL)
		return gh_ctx_status(r->ctx);
	memcpy(sorted, model->feature, (size_t) model->n_features * sizeof(char *));
	qsort(sorted, (size_t) model->n_features, sizeof(char *), compare_names);
	for (int i = 1; i < model->n_features; i++)
		twice = twice || strcmp(sorted[i - 1], sorted[i]) == 0;
	gh_free(r->ctx, sorted);
	return twice ? gh_xgboost_refuse(r, "Two features have the same name.") : GH_OK;
}

/* As many names as features: those given, or feature_1, feature_2, ... */
static gh_status
set_names(gh_xgboost_reading *r)
{
	gh_boost_model *model = &r->model;
	int			n = (int) r->num_feature;

	model->booster.n_features = n;
	if (model->n_features == n)
		return check_names(r);
	if (model->n_features != 0)
		return gh_xgboost_refuse(r, "It does not have as many feature_names as num_feature says.");
	gh_free(r->ctx, model->feature);
	model->feature = GH_NEW_ZERO(r->ctx, n, char *);
	if (model->feature == NULL)
		return gh_ctx_status(r->ctx);
	model->n_features = n;
	for (int i = 0; i < n; i++)
	{
		model->feature[i] = GH_NEW(r->ctx, 32, char);
		if (model->feature[i] == NULL)
			return gh_ctx_status(r->ctx);
		snprintf(model->feature[i], 32, "feature_%d", i + 1);
	}
	return GH_OK;
}

static gh_status
check_features(gh_xgboost_reading *r)
{
	const gh_booster *booster = &r->model.booster;

	for (uint32_t t = 0; t < booster->n_trees; t++)
	{
		const gh_tree *tree = &booster->trees[t];

		GH_CHECK_STOP(r->ctx);
		for (uint32_t i = 0; i < tree->n_nodes; i++)
			if (tree->feature[i] >= booster->n_features)
				return gh_xgboost_refuse(r, "A tree splits on a feature beyond num_feature.");
	}
	return GH_OK;
}

static gh_status
read_all(gh_xgboost_reading *r, bool best_iteration)
{
	GH_TRY(read_root(r));
	GH_TRY(check_kind(r));
	GH_TRY(set_base_score(r));
	GH_TRY(set_names(r));
	GH_TRY(check_features(r));
	if (best_iteration && r->best_iteration >= 0)
		GH_TRY(gh_xgboost_cut_trees(r));
	return gh_xgboost_set_info(r);
}

/* UBJSON: behind the bracket of an object stands the type of a length, or of all values, or padding. */
static bool
is_ubjson(const char *bytes, size_t length)
{
	return length >= 2 && bytes[0] == '{' && bytes[1] != '\0' && strchr("iUIlL#$N", bytes[1]) != NULL;
}

gh_status
gh_xgboost_read(gh_ctx *ctx, const void *bytes, size_t length, bool best_iteration, gh_boost_model *model)
{
	gh_xgboost_reading r;
	gh_status	status;

	memset(&r, 0, sizeof(r));
	r.ctx = ctx;
	r.num_feature = r.best_iteration = -1;
	r.num_parallel_tree = 1;
	gh_writer_init(&r.attributes, ctx);
	if (is_ubjson(bytes, length))
		gh_document_ubjson(&r.document, ctx, bytes, length);
	else
		gh_document_json(&r.document, ctx, bytes, length);
	status = read_all(&r, best_iteration);
	for (int a = 0; a < GH_N_ARRAYS; a++)
		gh_free(ctx, r.array[a].value);
	gh_free(ctx, r.numbers.value);
	gh_free(ctx, r.iteration_begin.value);
	gh_free(ctx, r.attributes.bytes);
	if (status == GH_OK)
		*model = r.model;
	else
	{
		gh_boost_model_free(ctx, &r.model);
		memset(model, 0, sizeof(*model));
	}
	return status;
}
