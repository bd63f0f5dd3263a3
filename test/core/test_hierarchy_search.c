/*
 * test_hierarchy_search.c
 *		The parameters of the hierarchy's classifiers: searches, early stopping, classes that cannot be divided.
 */
#include "hierarchy_testing.h"

#include "learn/hierarchy_private.h"

static void
early_stopping_finds_the_number_of_trees(void **state)
{
	static data_set d;
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_model	model;
	uint32_t	fewer = 0;

	(void) state;
	make_data(&d);
	d.training.params.n_estimators = 200;
	d.training.params.eta = 0.5;
	d.training.params.early_stopping_rounds = 3;
	train_model(ctx, &d, &model);
	for (uint32_t v = 0; v < model.n_nodes; v++)
	{
		char		text[40];

		fewer += model.node[v].booster.n_trees < 200;
		assert_true(model.node[v].booster.n_trees > 0);
		snprintf(text, sizeof(text), "\"n_estimators\": %u,", model.node[v].booster.n_trees);
		assert_non_null(strstr(model.node[v].params, text));
	}
	assert_int_equal(fewer, model.n_nodes);
	gh_model_free(ctx, &model);
	gh_ctx_close(ctx);
}

static char last_notes[16][GH_MESSAGE_SIZE];
static int	n_notes,
			n_ticks;			/* with more work done than the one before */
static uint64_t last_done,
			last_total;

static void
keep_notes(void *arg, const gh_progress *progress)
{
	(void) arg;
	if (!progress->note)
	{
		/* what a fit reports about its trees arrives as progress of the whole */
		if (strcmp(progress->stage, "training: rows in fits") != 0)
			return;
		assert_true(n_ticks == 0 || (progress->done >= last_done && progress->total == last_total));
		n_ticks += progress->done > last_done;
		last_done = progress->done;
		last_total = progress->total;
	}
	else if (n_notes < 16)
		snprintf(last_notes[n_notes++], GH_MESSAGE_SIZE, "%s", progress->text);
}

static void
one_class_nodes_are_constant_and_noted(void **state)
{
	static data_set d;
	gh_host		host = {.progress = keep_notes, .threads = 1, .memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	gh_model	model;
	gh_evaluation e;
	double		conditional[16],
				joint[16];
	uint32_t	hard,
				metal,
				trap,
				dark;

	(void) state;
	make_data(&d);
	n_notes = n_ticks = 0;
	last_done = 0;
	plan_catalogue(ctx, &model);
	assert_int_equal(gh_model_find(ctx, &model, "hard", &hard), GH_OK);
	assert_int_equal(gh_model_find(ctx, &model, "metal", &metal), GH_OK);
	assert_int_equal(gh_model_find(ctx, &model, "trap", &trap), GH_OK);
	assert_int_equal(gh_model_find(ctx, &model, "dark", &dark), GH_OK);
	/* all rock songs are hard, none is metal; nothing is trap at all, so its children have no rows */
	for (uint64_t k = 0; k < d.begin[ROWS]; k++)
	{
		int32_t		parent = model.node[model.genre[d.label[k]]].parent;

		if (model.genre[d.label[k]] == metal || parent == (int32_t) trap)
			d.label[k] = 0;
	}
	for (uint32_t g = 0; g < GENRES; g++)
		if (model.genre[g] == hard)
			for (uint64_t k = 0; k < d.begin[ROWS]; k++)
				d.label[k] = d.label[k] == 0 ? g : d.label[k];
	d.training.iterations = 2;
	assert_int_equal(gh_hierarchy_train(ctx, &d.training, &model, &e), GH_OK);
	assert_int_equal(model.node[metal].positives, 0);
	assert_int_equal(model.node[hard].negatives > 0, false);
	assert_int_equal(model.node[dark].positives + model.node[dark].negatives, 0);
	assert_int_equal(model.node[dark].booster.n_trees, 0);
	gh_model_predict(&model, d.rows, conditional, joint);
	assert_close(conditional[metal], gh_sigmoid(gh_booster_start(1e-6)), 1e-15);
	assert_close(conditional[hard], gh_sigmoid(gh_booster_start(1 - 1e-6)), 1e-15);
	assert_true(isnan(e.node_ap[GH_HIERARCHICAL * (int) model.n_nodes + (int) metal]));
	assert_false(model.node[metal].ap_defined);
	assert_true(e.score[GH_HIERARCHICAL].defined);
	assert_true(n_notes >= 5);
	/* nine nodes, and five genres below a supergenre, some without rows; two trials and a fit each */
	assert_in_range(n_ticks, 12, 3 * (9 + 5));
	assert_int_equal(last_done, last_total);
	gh_evaluation_free(ctx, &e);
	gh_model_free(ctx, &model);
	gh_ctx_close(ctx);
}

static double
eta_of(const gh_node *node)
{
	return strtod(strstr(node->params, "\"eta\":") + 6, NULL);
}

/* The second trial of a node below another is what was found for that one. */
static void
searches_start_from_the_node_above(void **state)
{
	static data_set d;
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_model	model;
	gh_evaluation e;
	int			inherited = 0;

	(void) state;
	make_data(&d);
	d.training.iterations = 2;
	for (d.training.seed = 1; d.training.seed < 7; d.training.seed++)
	{
		plan_catalogue(ctx, &model);
		assert_int_equal(gh_hierarchy_train(ctx, &d.training, &model, &e), GH_OK);
		for (uint32_t v = 0; v < model.n_nodes; v++)
		{
			int32_t		parent = model.node[v].parent;
			double		eta = eta_of(&model.node[v]);

			if (parent < 0 || eta_of(&model.node[parent]) == d.training.params.eta)
				continue;
			assert_true(eta == d.training.params.eta || eta == eta_of(&model.node[parent]));
			inherited += eta != d.training.params.eta;
		}
		gh_evaluation_free(ctx, &e);
		gh_model_free(ctx, &model);
	}
	assert_true(inherited > 0);
	gh_ctx_close(ctx);
}

/* The search for a top node done again by hand: its training rows, their classes, folds by group. */
static void
search_by_hand(gh_ctx *ctx, const data_set *d, const gh_model *model, uint32_t node, gh_trial *trials, int *best)
{
	static uint32_t rows[ROWS],
				class[ROWS],
				group[ROWS];
	static uint64_t begin[ROWS + 1];
	static uint8_t fold[ROWS],
				positive[ROWS],
				mask[GENRES];
	const gh_training *t = &d->training;
	gh_labels	labels = {0, 2, begin, class};
	gh_bins		bins;
	gh_fit		fit = {.bins = &bins,.rows = rows,.labels = positive};
	gh_tune_options options = {.metric = t->metric,.iterations = t->iterations,.exhaustive = t->exhaustive};
	uint64_t	seed = gh_random_seed(t->seed, gh_hash_bytes(model->node[node].name, strlen(model->node[node].name)),
									  GH_FOR_SUPERGENRE);
	gh_boost_params params = t->params;

	gh_hierarchy_mask(model, node, mask);
	for (uint32_t i = 0; i < ROWS; i++)
		if (!d->validation[i])
		{
			positive[i] = gh_row_in_mask(&d->labels, i, mask);
			rows[labels.n] = i;
			class[labels.n] = positive[i];
			group[labels.n] = d->group[i];
			begin[labels.n] = labels.n;
			labels.n++;
		}
	begin[labels.n] = labels.n;
	fit.n_rows = labels.n;
	params.seed = gh_random_seed(seed, GH_STREAM_NODE, t->params.seed) >> 11;
	options.seed = seed;
	assert_int_equal(gh_folds(ctx, &labels, group, t->folds, NULL, gh_random_seed(seed, GH_STREAM_FOLDS, 0), fold), GH_OK);
	assert_int_equal(gh_bins_build(ctx, d->rows, ROWS, FEATURES, params.max_bin, rows, fit.n_rows, &bins), GH_OK);
	assert_int_equal(gh_tune(ctx, &fit, fold, t->folds, &params, &t->space, &options, trials, best), GH_OK);
	gh_bins_free(ctx, &bins);
}

static void
searches_are_kept_with_their_scores(void **state)
{
	static data_set d;
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_model	model;
	gh_trial	trials[3];
	int			best;

	(void) state;
	for (int metric = 0; metric < 2; metric++)
	{
		make_data(&d);
		d.training.iterations = 3;
		d.training.exhaustive = metric == 0;
		d.training.metric = (gh_metric) metric;
		train_model(ctx, &d, &model);
		for (uint32_t v = 0; v < model.n_nodes; v++)
		{
			const gh_node *node = &model.node[v];

			assert_int_equal(node->search.trials, 3);
			assert_int_equal(node->search.folds, 3);
			assert_true(metric == 0 ? node->search.score > 0 && node->search.score <= 1 : node->search.score < 0);
			assert_int_equal(node->vanilla_params != NULL, node->is_genre);
			assert_int_equal(node->vanilla_search.trials, node->is_genre ? 3 : 0);
			if (node->is_genre && node->parent >= 0)
				assert_true(node->vanilla_search.score != node->search.score);
			if (node->parent >= 0 || node->is_genre)
				continue;
			search_by_hand(ctx, &d, &model, v, trials, &best);
			assert_true(node->search.score == trials[best].score);
			assert_true(node->search.score_sd == trials[best].score_sd);
		}
		gh_model_free(ctx, &model);
	}
	make_data(&d);
	train_model(ctx, &d, &model);
	assert_int_equal(model.node[0].search.trials, 0);
	assert_non_null(model.node[1].vanilla_params);
	assert_int_equal(model.node[1].vanilla_search.trials, 0);
	gh_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
too_few_groups_are_not_tuned(void **state)
{
	static data_set d;
	gh_host		host = {.progress = keep_notes, .threads = 1, .memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	gh_model	model;
	bool		noted;

	(void) state;
	make_data(&d);
	d.training.iterations = 2;
	d.training.validation = NULL;
	for (uint32_t artists = 1; artists <= 2; artists++)
	{
		/* one artist cannot be divided; two make two folds of the three asked for */
		for (int i = 0; i < ROWS; i++)
			d.group[i] %= artists;
		n_notes = n_ticks = 0;
	last_done = 0;
		train_model(ctx, &d, &model);
		noted = false;
		for (int i = 0; i < n_notes; i++)
			noted = noted || strstr(last_notes[i], "too few groups") != NULL;
		assert_int_equal(noted, artists == 1);
		if (artists == 1)
			assert_int_equal(model.node[0].booster.n_trees, 12);
		assert_int_equal(model.node[0].search.trials, artists == 1 ? 0 : 2);
		if (artists == 2)
			assert_int_equal(model.node[0].search.folds, 2);
		gh_model_free(ctx, &model);
		make_data(&d);
		d.training.iterations = 2;
		d.training.validation = NULL;
	}
	gh_ctx_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(early_stopping_finds_the_number_of_trees),
		cmocka_unit_test(one_class_nodes_are_constant_and_noted),
		cmocka_unit_test(searches_start_from_the_node_above),
		cmocka_unit_test(searches_are_kept_with_their_scores),
		cmocka_unit_test(too_few_groups_are_not_tuned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
