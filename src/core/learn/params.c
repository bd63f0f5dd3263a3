/*
 * params.c
 *		Boosting parameters by XGBoost's names.
 */
#include "learn/gh_params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/gh_tree.h"

/* From 2^53 on a double no longer tells an integer from its neighbour. */
#define MAX_SEED 9007199254740991.0

typedef enum field_type
{
	FIELD_INT,
	FIELD_DOUBLE,
	FIELD_SEED,
	FIELD_GROW_POLICY,
	FIELD_MONOTONE
} field_type;

typedef struct field
{
	const char *key;
	field_type	type;
	size_t		offset;
	double		low,
				high;
	bool		low_open,		/* low itself is not allowed */
				high_open;
	const char *range;			/* for messages */
} field;

#define AT(member) offsetof(gh_boost_params, member)

/* In alphabetical order, which is also the order of the JSON text. */
static const field fields[] = {
	{"alpha", FIELD_DOUBLE, AT(alpha), 0, 1e30, false, false, "0 or more"},
	{"base_score", FIELD_DOUBLE, AT(base_score), 0, 1, false, true, "0 (from the data), or between 0 and 1"},
	{"colsample_bylevel", FIELD_DOUBLE, AT(colsample_bylevel), 0, 1, true, false, "above 0, at most 1"},
	{"colsample_bynode", FIELD_DOUBLE, AT(colsample_bynode), 0, 1, true, false, "above 0, at most 1"},
	{"colsample_bytree", FIELD_DOUBLE, AT(colsample_bytree), 0, 1, true, false, "above 0, at most 1"},
	{"early_stopping_rounds", FIELD_INT, AT(early_stopping_rounds), 0, GH_MAX_TREES, false, false, "0 (off) to 100000"},
	{"eta", FIELD_DOUBLE, AT(eta), 0, 1, true, false, "above 0, at most 1"},
	{"gamma", FIELD_DOUBLE, AT(gamma), 0, 1e30, false, false, "0 or more"},
	{"grow_policy", FIELD_GROW_POLICY, AT(grow_policy), 0, 1, false, false, "\"depthwise\" or \"lossguide\""},
	{"lambda", FIELD_DOUBLE, AT(lambda), 0, 1e30, false, false, "0 or more"},
	{"max_bin", FIELD_INT, AT(max_bin), 2, 256, false, false, "2 to 256"},
	{"max_delta_step", FIELD_DOUBLE, AT(max_delta_step), 0, 1e30, false, false, "0 (off) or more"},
	{"max_depth", FIELD_INT, AT(max_depth), 0, 32, false, false, "0 (no limit) to 32"},
	{"max_leaves", FIELD_INT, AT(max_leaves), 0, GH_MAX_TREE_NODES / 2, false, false, "0 (no limit) to 524288"},
	{"min_child_weight", FIELD_DOUBLE, AT(min_child_weight), 0, 1e30, false, false, "0 or more"},
	{"monotone_constraints", FIELD_MONOTONE, AT(monotone), -1, 1, false, false, "-1, 0 or 1 for every feature"},
	{"n_estimators", FIELD_INT, AT(n_estimators), 1, GH_MAX_TREES, false, false, "1 to 100000"},
	{"scale_pos_weight", FIELD_DOUBLE, AT(scale_pos_weight), 0, 1e30, true, false, "above 0"},
	{"seed", FIELD_SEED, AT(seed), 0, MAX_SEED, false, false, "0 to 9007199254740991"},
	{"subsample", FIELD_DOUBLE, AT(subsample), 0, 1, true, false, "above 0, at most 1"},
};

#define N_FIELDS ((int) (sizeof(fields) / sizeof(fields[0])))

static const struct
{
	const char *alias;
	const char *key;
}			aliases[] = {
	{"learning_rate", "eta"},
	{"min_split_loss", "gamma"},
	{"num_boost_round", "n_estimators"},
	{"random_state", "seed"},
	{"reg_alpha", "alpha"},
	{"reg_lambda", "lambda"},
};

gh_boost_params
gh_boost_defaults(void)
{
	gh_boost_params params;

	memset(&params, 0, sizeof(params));
	params.max_depth = 6;
	params.eta = 0.3;
	params.min_child_weight = 1;
	params.lambda = 1;
	params.subsample = 1;
	params.colsample_bytree = 1;
	params.colsample_bylevel = 1;
	params.colsample_bynode = 1;
	params.scale_pos_weight = 1;
	params.max_bin = 256;
	params.n_estimators = 100;
	return params;
}

const char *
gh_boost_known_keys(void)
{
	return "alpha, base_score, colsample_bylevel, colsample_bynode, colsample_bytree, early_stopping_rounds, eta, "
		"gamma, grow_policy, lambda, max_bin, max_delta_step, max_depth, max_leaves, min_child_weight, "
		"monotone_constraints, n_estimators, scale_pos_weight, seed, subsample";
}

const char *
gh_boost_canonical_key(const char *key)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(key, aliases[i].alias) == 0)
			key = aliases[i].key;
	for (int i = 0; i < N_FIELDS; i++)
		if (strcmp(key, fields[i].key) == 0)
			return fields[i].key;
	return NULL;
}

/* The field of a key or an alias; NULL after recording the failure. */
static const field *
find_field(gh_ctx *ctx, const char *key)
{
	const char *canonical = gh_boost_canonical_key(key);

	for (int i = 0; canonical != NULL && i < N_FIELDS; i++)
		if (fields[i].key == canonical)
			return &fields[i];
	gh_fail(ctx, GH_EINVAL, "unknown boosting parameter \"%.64s\"", key);
	gh_fail_hint(ctx, "Known parameters: %s.", gh_boost_known_keys());
	return NULL;
}

static gh_status
fail_range(gh_ctx *ctx, const field *f, double value)
{
	gh_fail(ctx, GH_EINVAL, "boosting parameter \"%s\" is out of range", f->key);
	return gh_fail_detail(ctx, "The value is %.10g; it must be %s.", value, f->range);
}

static gh_status
fail_type(gh_ctx *ctx, const field *f, const char *what)
{
	const char *expected = f->type == FIELD_MONOTONE ? "an array of -1, 0 and 1" :
		f->type == FIELD_GROW_POLICY ? "\"depthwise\" or \"lossguide\"" : "a number";

	gh_fail(ctx, GH_EINVAL, "boosting parameter \"%s\" cannot be %s", f->key, what);
	return gh_fail_detail(ctx, "It must be %s.", expected);
}

static gh_status
check_range(gh_ctx *ctx, const field *f, double value)
{
	bool		ok = value >= f->low && value <= f->high;

	if (ok && f->low_open && value <= f->low)
		ok = false;
	if (ok && f->high_open && value >= f->high)
		ok = false;
	if (ok && f->type != FIELD_DOUBLE && value != floor(value))
	{
		gh_fail(ctx, GH_EINVAL, "boosting parameter \"%s\" must be an integer", f->key);
		return gh_fail_detail(ctx, "The value is %.10g; it must be %s.", value, f->range);
	}
	return ok ? GH_OK : fail_range(ctx, f, value);
}

static double
get_number(const gh_boost_params *params, const field *f)
{
	const char *at = (const char *) params + f->offset;

	if (f->type == FIELD_INT)
		return *(const int *) at;
	if (f->type == FIELD_SEED)
		return (double) *(const uint64_t *) at;
	return *(const double *) at;
}

gh_status
gh_boost_set_number(gh_ctx *ctx, gh_boost_params *params, const char *key, double value)
{
	const field *f = find_field(ctx, key);
	char	   *at;

	if (f == NULL)
		return gh_ctx_status(ctx);
	if (f->type == FIELD_GROW_POLICY || f->type == FIELD_MONOTONE)
		return fail_type(ctx, f, "a number");
	GH_TRY(check_range(ctx, f, value));
	at = (char *) params + f->offset;
	if (f->type == FIELD_INT)
		*(int *) at = (int) value;
	else if (f->type == FIELD_SEED)
		*(uint64_t *) at = (uint64_t) value;
	else
		*(double *) at = value + 0.0;	/* no minus zero */
	return GH_OK;
}

/* "(1,0,-1)" or "[1, 0, -1]", as XGBoost writes it. */
static gh_status
set_monotone_text(gh_ctx *ctx, gh_boost_params *params, const field *f, const char *text)
{
	const char *at = text + strspn(text, " ([");
	int			n = 0;
	gh_boost_params result = *params;

	while (*at != '\0' && *at != ')' && *at != ']')
	{
		char	   *end;
		long		v = strtol(at, &end, 10);

		if (end == at || v < -1 || v > 1 || n >= GH_MAX_FEATURES)
			return fail_type(ctx, f, "this text");
		result.monotone[n++] = (int8_t) v;
		at = end + strspn(end, " ");
		if (*at == ',')
			at += 1 + strspn(at + 1, " ");
		else if (*at != '\0' && *at != ')' && *at != ']')
			return fail_type(ctx, f, "this text");
	}
	if (at[strspn(at, " )]")] != '\0')
		return fail_type(ctx, f, "this text");
	result.n_monotone = n;
	*params = result;
	return GH_OK;
}

gh_status
gh_boost_set_string(gh_ctx *ctx, gh_boost_params *params, const char *key, const char *value)
{
	const field *f = find_field(ctx, key);

	if (f == NULL)
		return gh_ctx_status(ctx);
	if (f->type == FIELD_MONOTONE)
		return set_monotone_text(ctx, params, f, value);
	if (f->type != FIELD_GROW_POLICY)
		return fail_type(ctx, f, "a string");
	if (strcmp(value, "depthwise") == 0)
		params->grow_policy = GH_GROW_DEPTHWISE;
	else if (strcmp(value, "lossguide") == 0)
		params->grow_policy = GH_GROW_LOSSGUIDE;
	else
	{
		gh_fail(ctx, GH_EINVAL, "unknown grow_policy \"%.64s\"", value);
		return gh_fail_hint(ctx, "Use \"depthwise\" or \"lossguide\".");
	}
	return GH_OK;
}

gh_status
gh_boost_set_array(gh_ctx *ctx, gh_boost_params *params, const char *key, const double *values, int n)
{
	const field *f = find_field(ctx, key);

	if (f == NULL)
		return gh_ctx_status(ctx);
	if (f->type != FIELD_MONOTONE)
		return fail_type(ctx, f, "an array");
	if (n < 0 || n > GH_MAX_FEATURES)
	{
		gh_fail(ctx, GH_EINVAL, "too many monotone constraints");
		return gh_fail_detail(ctx, "There are %d; the limit is %d.", n, GH_MAX_FEATURES);
	}
	for (int i = 0; i < n; i++)
		GH_TRY(check_range(ctx, f, values[i]));
	for (int i = 0; i < n; i++)
		params->monotone[i] = (int8_t) values[i];
	params->n_monotone = n;
	return GH_OK;
}

/* Every number in its range again: a caller may have filled the struct itself. */
static gh_status
check_fields(gh_ctx *ctx, const gh_boost_params *params)
{
	for (int i = 0; i < N_FIELDS; i++)
		if (fields[i].type == FIELD_INT || fields[i].type == FIELD_DOUBLE)
			GH_TRY(check_range(ctx, &fields[i], get_number(params, &fields[i])));
	return GH_OK;
}

gh_status
gh_boost_check(gh_ctx *ctx, const gh_boost_params *params, int n_features)
{
	GH_TRY(check_fields(ctx, params));
	if (n_features < 1 || n_features > GH_MAX_FEATURES)
	{
		gh_fail(ctx, GH_EDATA, "cannot train on %d features", n_features);
		return gh_fail_detail(ctx, "There must be 1 to %d features.", GH_MAX_FEATURES);
	}
	if (params->n_monotone != 0 && params->n_monotone != n_features)
	{
		gh_fail(ctx, GH_EINVAL, "monotone_constraints do not fit the features");
		return gh_fail_detail(ctx, "There are %d constraints and %d features.", params->n_monotone, n_features);
	}
	for (int i = 0; i < params->n_monotone; i++)
		if (params->monotone[i] < -1 || params->monotone[i] > 1)
			return gh_fail(ctx, GH_EINVAL, "monotone constraint %d is %d, not -1, 0 or 1", i + 1, params->monotone[i]);
	return GH_OK;
}

/* The shortest of 15, 16 and 17 digits that reads back as the same number. */
static void
write_number(gh_writer *w, double v)
{
	char		text[40];

	for (int digits = 15; digits <= 17; digits++)
	{
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	gh_write_bytes(w, text, strlen(text));
}

static void
write_text(gh_writer *w, const char *text)
{
	gh_write_bytes(w, text, strlen(text));
}

static void
write_field(gh_writer *w, const gh_boost_params *params, const field *f)
{
	write_text(w, w->length > 1 ? ", \"" : "\"");
	write_text(w, f->key);
	write_text(w, "\": ");
	if (f->type == FIELD_GROW_POLICY)
		write_text(w, params->grow_policy == GH_GROW_LOSSGUIDE ? "\"lossguide\"" : "\"depthwise\"");
	else if (f->type == FIELD_SEED)
	{
		char		text[24];

		snprintf(text, sizeof(text), "%llu", (unsigned long long) params->seed);
		write_text(w, text);
	}
	else if (f->type != FIELD_MONOTONE)
		write_number(w, get_number(params, f));
	else
	{
		for (int i = 0; i < params->n_monotone; i++)
		{
			write_text(w, i == 0 ? "[" : ", ");
			write_number(w, params->monotone[i]);
		}
		write_text(w, "]");
	}
}

char *
gh_boost_params_json(gh_ctx *ctx, const gh_boost_params *params)
{
	gh_writer	w;

	gh_writer_init(&w, ctx);
	write_text(&w, "{");
	for (int i = 0; i < N_FIELDS; i++)
		if (fields[i].type != FIELD_MONOTONE || params->n_monotone > 0)
			write_field(&w, params, &fields[i]);
	gh_write_bytes(&w, "}", 2); /* with its terminator */
	if (w.status != GH_OK)
	{
		gh_free(ctx, w.bytes);
		return NULL;
	}
	return (char *) w.bytes;
}
