/*
 * training.c
 *		What hierarchy_fit and train_hierarchy have in common.
 */
#include "gh_pg_model.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "utils/json.h"
#include "utils/memutils.h"

/* ---- memory ------------------------------------------------------------ */

/* From so many on, arrays of rows grow by less: their pages move, no byte is copied. */
#define MANY_ROWS ((size_t) 1 << 20)

void *
gh_pg_realloc(gh_ctx *ctx, void *block, size_t n, size_t size)
{
	void	   *out = gh_realloc(ctx, block, n, size);

	if (out == NULL)
		gh_pg_check(ctx, gh_ctx_status(ctx));
	return out;
}

void *
gh_pg_alloc(gh_ctx *ctx, size_t n, size_t size)
{
	void	   *out = gh_alloc(ctx, n, size);

	if (out == NULL)
		gh_pg_check(ctx, gh_ctx_status(ctx));
	return out;
}

size_t
gh_pg_grow(size_t capacity)
{
	return capacity < MANY_ROWS ? Max(capacity + capacity / 2, 1024) : capacity + capacity / 8;
}

/* ---- options ----------------------------------------------------------- */

void
gh_check_between(const char *what, const char *name, double value, double low, double high)
{
	if (!(value >= low && value <= high))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s: %s is out of range", what, name),
				 errdetail("The value is %g; it must be between %g and %g.", value, low, high)));
}

void
gh_train_options_check(const char *what, const gh_train_options *options)
{
	gh_check_between(what, "iterations", options->iterations, 0, GH_MAX_ITERATIONS);
	gh_check_between(what, "folds", options->folds, 2, GH_MAX_FOLDS);
	gh_check_between(what, "validation_fraction", options->validation_fraction, 0, 0.9);
}

/* One group can either train or validate, not both. */
static void
check_groups(const gh_labels *labels, const uint32_t *group)
{
	size_t		differ = 1;

	while (group != NULL && differ < labels->n && group[differ] == group[0])
		differ++;
	if (differ < labels->n)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("there is nothing to hold out for validation"),
			 errdetail("All %zu rows belong to one group, and the rows of a group (an artist) stay together.", labels->n),
			 errhint("Give more rows, or train on all of them with validation_fraction => 0.")));
}

uint8_t *
gh_validation_split(gh_ctx *ctx, const gh_train_options *options, const gh_labels *labels, const uint32_t *group)
{
	double		share[2] = {1 - options->validation_fraction, options->validation_fraction};
	uint8_t    *validation;

	if (options->validation_fraction == 0)
		return NULL;
	check_groups(labels, group);
	validation = gh_pg_alloc(ctx, labels->n, sizeof(uint8_t));
	gh_pg_check(ctx, gh_folds(ctx, labels, group, 2, share, (uint64_t) options->seed, validation));
	return validation;
}

void
gh_training_init(gh_training *training, const gh_train_options *options)
{
	memset(training, 0, sizeof(*training));
	training->params = options->params.boost;
	training->space = options->params.space;
	training->metric = options->params.metric;
	training->exhaustive = options->params.exhaustive;
	training->iterations = options->iterations;
	training->folds = options->folds;
	training->seed = (uint64_t) options->seed;
}

/* ---- descriptions ------------------------------------------------------ */

/* Shortest text that reads back as the same number, whatever extra_float_digits says. */
void
gh_json_number(StringInfo out, double v)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (!isfinite(v))
	{
		appendStringInfoString(out, "null");
		return;
	}
	double_to_shortest_decimal_buf(v, digits);
	appendStringInfoString(out, digits);
}

void
gh_json_string(StringInfo out, const char *string)
{
	escape_json(out, string);
}

void
gh_scores_json(StringInfo out, const gh_evaluation *evaluation)
{
	int			n = 0;

	appendStringInfoChar(out, '[');
	for (int c = 0; c < GH_N_CLASSIFIERS; c++)
	{
		const gh_score *score = &evaluation->score[c];

		if (!score->defined)
			continue;
		appendStringInfo(out, "%s{\"classifier\": \"%s\", \"average_precision\": ", n++ > 0 ? ", " : "",
						 gh_classifier_name(c));
		gh_json_number(out, score->average_precision);
		appendStringInfoString(out, ", \"coverage_error\": ");
		gh_json_number(out, score->coverage_error);
		appendStringInfoString(out, ", \"min_coverage_error\": ");
		gh_json_number(out, score->min_coverage_error);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

void
gh_options_json(gh_ctx *ctx, StringInfo out, const gh_train_options *options)
{
	char	   *params = gh_boost_params_json(ctx, &options->params.boost);

	if (params == NULL)
		gh_pg_check(ctx, gh_ctx_status(ctx));
	appendStringInfo(out, "\"validation_fraction\": ");
	gh_json_number(out, options->validation_fraction);
	appendStringInfo(out, ", \"iterations\": %d, \"folds\": %d, \"metric\": \"%s\", \"exhaustive\": %s, \"seed\": " INT64_FORMAT
					 ", \"params\": %s",
					 options->iterations, options->folds,
					 options->params.metric == GH_METRIC_LOGLOSS ? "logloss" : "average_precision",
					 options->params.exhaustive ? "true" : "false",
					 options->seed, params);
	gh_free(ctx, params);
}

void
gh_model_set_info(gh_ctx *ctx, gh_model *model, const char *json)
{
	char	   *utf8 = gh_pg_to_utf8(json);
	Size		size = strlen(utf8) + 1;

	gh_free(ctx, model->info);
	model->info = gh_pg_alloc(ctx, size, 1);
	memcpy(model->info, utf8, size);
}

/* ---- bytes ------------------------------------------------------------- */

bytea *
gh_bytes_bytea(gh_ctx *ctx, uint8_t *bytes, size_t length)
{
	bytea	   *out;

	if (length > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the model has %zu bytes; a bytea holds at most %zu", length, (size_t) (MaxAllocSize - VARHDRSZ)),
				 errhint("Train fewer or smaller trees: lower n_estimators or max_depth.")));
	out = palloc(length + VARHDRSZ);
	SET_VARSIZE(out, length + VARHDRSZ);
	memcpy(VARDATA(out), bytes, length);
	gh_free(ctx, bytes);
	return out;
}

bytea *
gh_model_bytea(gh_ctx *ctx, const gh_model *model)
{
	uint8_t    *bytes;
	size_t		length;

	gh_pg_check(ctx, gh_model_write(ctx, model, &bytes, &length));
	return gh_bytes_bytea(ctx, bytes, length);
}
