/*
 * space.c
 *		The box that is searched, and its map to the unit cube.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/tune_private.h"

/* What can be searched; bins are cut once, and the number of trees is found by early stopping. */
static const struct
{
	const char *name;
	bool		integer;
	bool		log_scale;		/* unless the range begins at 0 */
}			searchable[] = {
	{"alpha", false, true},
	{"colsample_bylevel", false, false},
	{"colsample_bynode", false, false},
	{"colsample_bytree", false, false},
	{"eta", false, true},
	{"gamma", false, true},
	{"lambda", false, true},
	{"max_delta_step", false, true},
	{"max_depth", true, false},
	{"max_leaves", true, true},
	{"min_child_weight", false, true},
	{"scale_pos_weight", false, true},
	{"subsample", false, false},
};

#define N_SEARCHABLE ((int) (sizeof(searchable) / sizeof(searchable[0])))

gh_space
gh_space_default(void)
{
	gh_space	space = {
		8, {
			{"max_depth", 3, 10, true, false},
			{"eta", 0.01, 0.3, false, true},
			{"min_child_weight", 0.5, 50, false, true},
			{"gamma", 1e-4, 10, false, true},
			{"lambda", 1e-3, 100, false, true},
			{"alpha", 1e-4, 10, false, true},
			{"subsample", 0.5, 1, false, false},
			{"colsample_bytree", 0.4, 1, false, false},
		}
	};

	return space;
}

static int
find_searchable(gh_ctx *ctx, const char *name)
{
	const char *key = gh_boost_canonical_key(name);

	for (int i = 0; key != NULL && i < N_SEARCHABLE; i++)
		if (strcmp(searchable[i].name, key) == 0)
			return i;
	if (key != NULL)
		gh_fail(ctx, GH_EINVAL, "parameter \"%s\" cannot be searched", key);
	else
		gh_fail(ctx, GH_EINVAL, "unknown parameter \"%.64s\" in the search space", name);
	gh_fail_hint(ctx, "Parameters that can be searched: alpha, colsample_bylevel, colsample_bynode, colsample_bytree, "
				 "eta, gamma, lambda, max_delta_step, max_depth, max_leaves, min_child_weight, scale_pos_weight, "
				 "subsample.");
	return -1;
}

static gh_dimension *
find_dimension(gh_space *space, const char *key)
{
	for (int i = 0; i < space->n; i++)
		if (strcmp(space->dimension[i].name, key) == 0)
			return &space->dimension[i];
	return NULL;
}

static gh_status
check_dimension(gh_ctx *ctx, const gh_dimension *dim)
{
	gh_boost_params probe = gh_boost_defaults();

	if (!(dim->low <= dim->high))
	{
		gh_fail(ctx, GH_EINVAL, "range of \"%s\" in the search space is empty", dim->name);
		return gh_fail_detail(ctx, "It runs from %.10g to %.10g.", dim->low, dim->high);
	}
	GH_TRY(gh_boost_set_number(ctx, &probe, dim->name, dim->low));
	GH_TRY(gh_boost_set_number(ctx, &probe, dim->name, dim->high));
	if (dim->log_scale && dim->low <= 0.0 && dim->low < dim->high)
	{
		gh_fail(ctx, GH_EINVAL, "range of \"%s\" cannot have a logarithmic scale", dim->name);
		return gh_fail_detail(ctx, "It begins at %.10g; it must begin above 0.", dim->low);
	}
	return GH_OK;
}

gh_status
gh_space_set(gh_ctx *ctx, gh_space *space, const char *name, double low, double high)
{
	int			kind = find_searchable(ctx, name);
	gh_dimension *dim,
				wanted = {.low = low,.high = high};

	if (kind < 0)
		return gh_ctx_status(ctx);
	memcpy(wanted.name, searchable[kind].name, strlen(searchable[kind].name) + 1);
	wanted.integer = searchable[kind].integer;
	wanted.log_scale = searchable[kind].log_scale && low > 0.0;
	GH_TRY(check_dimension(ctx, &wanted));
	dim = find_dimension(space, wanted.name);
	if (dim == NULL && space->n == GH_MAX_DIMENSIONS)
		return gh_fail(ctx, GH_ELIMIT, "more than %d dimensions in the search space", GH_MAX_DIMENSIONS);
	if (dim == NULL)
		dim = &space->dimension[space->n++];
	*dim = wanted;
	return GH_OK;
}

gh_status
gh_space_set_log(gh_ctx *ctx, gh_space *space, const char *name, bool log_scale)
{
	int			kind = find_searchable(ctx, name);
	gh_dimension *dim,
				wanted;

	if (kind < 0)
		return gh_ctx_status(ctx);
	dim = find_dimension(space, searchable[kind].name);
	if (dim == NULL)
		return gh_fail(ctx, GH_EINVAL, "parameter \"%s\" has no range in the search space", searchable[kind].name);
	wanted = *dim;
	wanted.log_scale = log_scale;
	GH_TRY(check_dimension(ctx, &wanted));
	*dim = wanted;
	return GH_OK;
}

gh_status
gh_space_check(gh_ctx *ctx, const gh_space *space)
{
	if (space->n < 0 || space->n > GH_MAX_DIMENSIONS)
		return gh_fail(ctx, GH_ELIMIT, "more than %d dimensions in the search space", GH_MAX_DIMENSIONS);
	for (int i = 0; i < space->n; i++)
	{
		if (find_searchable(ctx, space->dimension[i].name) < 0)
			return gh_ctx_status(ctx);
		GH_TRY(check_dimension(ctx, &space->dimension[i]));
	}
	return GH_OK;
}

/* ---- the unit cube ----------------------------------------------------- */

static inline bool
is_free(const gh_dimension *dim)
{
	return dim->low < dim->high;
}

int
gh_space_width(const gh_space *space)
{
	int			d = 0;

	for (int i = 0; i < space->n; i++)
		d += is_free(&space->dimension[i]);
	return d;
}

bool
gh_space_is_integer(const gh_space *space, int coordinate)
{
	for (int i = 0; i < space->n; i++)
		if (is_free(&space->dimension[i]) && coordinate-- == 0)
			return space->dimension[i].integer;
	return false;
}

/* Where a value stands, clamped to the range. */
static double
place_value(const gh_dimension *dim, double value)
{
	double		x = dim->log_scale ? log(fmax(value, dim->low) / dim->low) / log(dim->high / dim->low) :
		(value - dim->low) / (dim->high - dim->low);

	return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
}

/* Four significant digits: what a person reads, and no two trials closer than that. */
static double
round_digits(double value)
{
	char		text[32];

	snprintf(text, sizeof(text), "%.4g", value);
	return strtod(text, NULL);
}

static double
value_at(const gh_dimension *dim, double x)
{
	double		value;

	if (dim->integer && !dim->log_scale)
	{
		/* every integer has the same share of the cube */
		double		count = dim->high - dim->low + 1.0;

		value = dim->low + fmin(floor(x * count), count - 1.0);
	}
	else
	{
		value = dim->log_scale ? dim->low * exp(x * log(dim->high / dim->low)) : dim->low + x * (dim->high - dim->low);
		value = dim->integer ? floor(value + 0.5) : round_digits(value);
	}
	return value < dim->low ? dim->low : value > dim->high ? dim->high : value;
}

static double
value_of(const gh_dimension *dim, const gh_boost_params *params)
{
	const struct
	{
		const char *name;
		double		value;
	}			all[] = {
		{"alpha", params->alpha},
		{"colsample_bylevel", params->colsample_bylevel},
		{"colsample_bynode", params->colsample_bynode},
		{"colsample_bytree", params->colsample_bytree},
		{"eta", params->eta},
		{"gamma", params->gamma},
		{"lambda", params->lambda},
		{"max_delta_step", params->max_delta_step},
		{"max_depth", params->max_depth},
		{"max_leaves", params->max_leaves},
		{"min_child_weight", params->min_child_weight},
		{"scale_pos_weight", params->scale_pos_weight},
		{"subsample", params->subsample},
	};

	for (int i = 0; i < N_SEARCHABLE; i++)
		if (strcmp(all[i].name, dim->name) == 0)
			return all[i].value;
	return dim->low;
}

void
gh_space_point(const gh_space *space, const gh_boost_params *params, double *x)
{
	for (int i = 0, j = 0; i < space->n; i++)
		if (is_free(&space->dimension[i]))
			x[j++] = place_value(&space->dimension[i], value_of(&space->dimension[i], params));
}

void
gh_space_snap(const gh_space *space, const double *x, double *snapped)
{
	for (int i = 0, j = 0; i < space->n; i++)
	{
		const gh_dimension *dim = &space->dimension[i];

		if (!is_free(dim))
			continue;
		snapped[j] = dim->integer ? place_value(dim, value_at(dim, x[j])) : x[j];
		j++;
	}
}

gh_status
gh_space_params(gh_ctx *ctx, const gh_space *space, const gh_boost_params *base, double *x, gh_boost_params *params)
{
	*params = *base;
	for (int i = 0, j = 0; i < space->n; i++)
	{
		const gh_dimension *dim = &space->dimension[i];

		GH_TRY(gh_boost_set_number(ctx, params, dim->name, is_free(dim) ? value_at(dim, x[j]) : dim->low));
		j += is_free(dim);
	}
	gh_space_point(space, params, x);
	return GH_OK;
}
