/*
 * hierarchy_testing.h
 *		A small catalogue for the tests of the hierarchy.
 */
#ifndef HIERARCHY_TESTING_H
#define HIERARCHY_TESTING_H

#include "testing.h"

#include <stdio.h>

#include "base/gh_random.h"
#include "learn/gh_hierarchy.h"

static const char *const feature_name[3] = {"energy", "tempo", "valence"};

static gh_status
plan_of(gh_ctx *ctx, size_t n, const char *const (*pair)[2], gh_model *model)
{
	const char *name[64],
			   *parent[64];

	for (size_t i = 0; i < n; i++)
	{
		name[i] = pair[i][0];
		parent[i] = pair[i][1];
	}
	return gh_model_plan(ctx, name, parent, n, feature_name, 3, model);
}

#define ROWS 900
#define FEATURES 3
#define GENRES 6

/* Three levels below rap, two below rock, and a genre on top. */
static const char *const catalogue[][2] = {
	{"hard", "rock"}, {"metal", "rock"}, {"boom", "rap"}, {"deep", "trap"}, {"dark", "trap"}, {"trap", "rap"}, {"solo", NULL}
};

typedef struct data_set
{
	float		rows[ROWS * FEATURES];
	uint64_t	begin[ROWS + 1];
	uint32_t	label[2 * ROWS];
	uint32_t	group[ROWS];
	uint8_t		validation[ROWS];
	gh_labels	labels;
	gh_training training;
} data_set;

/* Genre g lives around its own corner; every fifth row has a second genre, every tenth a missing value. */
static void
make_data(data_set *d)
{
	uint64_t	at = 0;

	memset(d, 0, sizeof(*d));
	for (int i = 0; i < ROWS; i++)
	{
		uint32_t	g = (uint32_t) (gh_random_u64(5, GH_STREAM_TEST, (uint64_t) i) % GENRES);

		d->begin[i] = at;
		d->label[at++] = g;
		if (i % 5 == 0)
			d->label[at++] = (g + 1) % GENRES;
		d->group[i] = (uint32_t) i / 4;
		d->validation[i] = d->group[i] % 5 == 0;
		for (int j = 0; j < FEATURES; j++)
			d->rows[i * FEATURES + j] = (float) ((g >> j & 1) * 1.2
												 + gh_random_normal(6, GH_STREAM_TEST, (uint64_t) (i * FEATURES + j)));
		if (i % 10 == 0)
			d->rows[i * FEATURES + i / 10 % FEATURES] = NAN;
	}
	d->begin[ROWS] = at;
	d->labels = (gh_labels) {ROWS, GENRES, d->begin, d->label};
	d->training = (gh_training) {.rows = d->rows, .n = ROWS, .n_features = FEATURES, .labels = &d->labels,
		.group = d->group, .validation = d->validation, .params = gh_boost_defaults(), .space = gh_space_default(),
		.folds = 3, .seed = 11, .vanilla = true};
	d->training.params.n_estimators = 12;
	d->training.params.max_depth = 3;
	d->training.params.subsample = 0.8;
}

static void
plan_catalogue(gh_ctx *ctx, gh_model *model)
{
	assert_int_equal(plan_of(ctx, 7, catalogue, model), GH_OK);
	assert_int_equal(model->n_genres, GENRES);
	assert_int_equal(model->n_nodes, 9);
}

/* Boosters of a training, for comparison. */
static inline void
train_model(gh_ctx *ctx, data_set *d, gh_model *model)
{
	gh_evaluation e;

	plan_catalogue(ctx, model);
	assert_int_equal(gh_hierarchy_train(ctx, &d->training, model, &e), GH_OK);
	gh_evaluation_free(ctx, &e);
}

#endif							/* HIERARCHY_TESTING_H */
