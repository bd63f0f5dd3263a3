/*
 * test_hierarchy.c
 *		The hierarchy: training by the siblings policy, scores, determinism, failures.
 */
#include "hierarchy_testing.h"

#include "learn/hierarchy_private.h"

/* Is row i positive for the node, seen from the names? */
static bool
is_positive(const data_set *d, const gh_model *model, size_t i, int32_t node)
{
	if (node < 0)
		return true;
	for (uint64_t k = d->begin[i]; k < d->begin[i + 1]; k++)
		for (int32_t v = (int32_t) model->genre[d->label[k]]; v >= 0; v = model->node[v].parent)
			if (v == node)
				return true;
	return false;
}

static void
assert_same_or_nan(double a, double b)
{
	if (isnan(a) || isnan(b))
		assert_true(isnan(a) && isnan(b));
	else
		assert_close(a, b, 1e-14);
}

/* The booster of a node, trained from scratch on the rows that the siblings policy says. */
static void
literal_fit(gh_ctx *ctx, const data_set *d, const gh_model *model, const gh_bins *bins, uint32_t node, bool vanilla,
			gh_booster *booster)
{
	static uint8_t labels[ROWS];
	static uint32_t rows[ROWS];
	const gh_node *v = &model->node[node];
	gh_boost_params params = d->training.params;
	gh_fit		fit = {.bins = bins, .rows = rows, .labels = labels, .weights = d->training.weights};
	uint64_t	purpose = vanilla ? GH_FOR_VANILLA : v->is_genre ? GH_FOR_GENRE : GH_FOR_SUPERGENRE,
				positives = 0;

	for (uint32_t i = 0; i < ROWS; i++)
	{
		labels[i] = is_positive(d, model, i, (int32_t) node);
		if (d->validation[i] || (!vanilla && !is_positive(d, model, i, v->parent)))
			continue;
		rows[fit.n_rows++] = i;
		positives += labels[i];
	}
	if (!vanilla)
	{
		assert_int_equal(v->positives, positives);
		assert_int_equal(v->negatives, fit.n_rows - positives);
	}
	params.seed = gh_random_seed(gh_random_seed(d->training.seed, gh_hash_bytes(v->name, strlen(v->name)), purpose),
								 GH_STREAM_NODE, params.seed) >> 11;
	assert_int_equal(gh_boost_train(ctx, &fit, &params, booster, NULL), GH_OK);
}

/* Scores of one classifier for one validation row; NaN where it has none. */
static void
literal_scores(const data_set *d, const gh_model *model, const gh_booster *flat, int classifier, size_t i, double *out)
{
	const float *x = d->rows + i * FEATURES;

	for (uint32_t v = 0; v < model->n_nodes; v++)
	{
		double		own = gh_booster_probability(&model->node[v].booster, x);
		int32_t		parent = model->node[v].parent;

		if (classifier == GH_VANILLA)
			out[v] = !model->node[v].is_genre ? NAN : parent < 0 ? own : gh_booster_probability(&flat[v], x);
		else if (classifier == GH_HIERARCHICAL || classifier == GH_BLEND)
			out[v] = parent < 0 ? own : out[parent] * own;
		else
			out[v] = parent < 0 ? own : own * is_positive(d, model, i, parent);
	}
	for (uint32_t v = 0; classifier == GH_BLEND && v < model->n_nodes; v++)
	{
		double		odds = out[v] / (1 - out[v]),
					own = gh_booster_probability(&flat[v], x);

		/* the geometric mean of the odds */
		if (model->node[v].is_genre && model->node[v].parent >= 0)
		{
			odds = sqrt(odds * own / (1 - own));
			out[v] = odds / (1 + odds);
		}
	}
}

static void
check_evaluation(gh_ctx *ctx, const data_set *d, const gh_model *model, const gh_booster *flat,
				 const gh_evaluation *e)
{
	static double score[ROWS][16],
				column[ROWS];
	static uint8_t truth[ROWS];
	size_t		n = 0,
				valid[ROWS];

	for (size_t i = 0; i < ROWS; i++)
		if (d->validation[i])
			valid[n++] = i;
	assert_int_equal(e->validation_rows, n);
	assert_int_equal(e->training_rows, ROWS - n);
	for (int classifier = 0; classifier < GH_N_CLASSIFIERS; classifier++)
	{
		double		ap_sum = 0,
					coverage = 0,
					cardinality = 0;

		if (classifier == GH_BLEND && !d->training.blend)
		{
			assert_false(e->score[classifier].defined);
			continue;
		}
		for (size_t r = 0; r < n; r++)
		{
			uint8_t		has[GENRES];
			double		genre_score[GENRES];

			literal_scores(d, model, flat, classifier, valid[r], score[r]);
			for (int g = 0; g < GENRES; g++)
			{
				has[g] = is_positive(d, model, valid[r], (int32_t) model->genre[g]);
				genre_score[g] = score[r][model->genre[g]];
				cardinality += has[g];
			}
			coverage += gh_coverage(has, genre_score, GENRES);
		}
		for (uint32_t v = 0; v < model->n_nodes; v++)
		{
			double		ap,
						rank = 0;
			uint64_t	positives = 0;
			bool		defined,
						own = classifier == GH_HIERARCHICAL ||
							(classifier == GH_HIERARCHICAL_HINT ? model->node[v].parent >= 0 : model->node[v].is_genre);

			for (size_t r = 0; r < n; r++)
			{
				truth[r] = is_positive(d, model, valid[r], (int32_t) v);
				column[r] = isnan(score[r][v]) ? 0 : score[r][v];
				positives += truth[r];
				for (uint32_t u = 0; truth[r] && u < model->n_nodes; u++)
					rank += model->node[u].is_genre == model->node[v].is_genre
						&& (model->node[u].is_genre || model->node[u].level == model->node[v].level)
						&& score[r][u] >= score[r][v];
			}
			assert_int_equal(e->node_positives[v], positives);
			assert_int_equal(gh_average_precision(ctx, truth, column, NULL, n, &ap, &defined), GH_OK);
			if (model->node[v].is_genre)
				ap_sum += ap;
			assert_same_or_nan(e->node_ap[classifier * (int) model->n_nodes + (int) v], own && defined ? ap : NAN);
			assert_same_or_nan(e->node_coverage[classifier * (int) model->n_nodes + (int) v],
							   own && positives > 0 ? rank / (double) positives : NAN);
			if (classifier == (d->training.blend && model->node[v].is_genre ? GH_BLEND : GH_HIERARCHICAL))
			{
				assert_int_equal(model->node[v].ap_defined, defined);
				assert_close(model->node[v].average_precision, ap, 1e-14);
			}
		}
		assert_true(e->score[classifier].defined);
		assert_close(e->score[classifier].average_precision, ap_sum / GENRES, 1e-14);
		assert_close(e->score[classifier].coverage_error, coverage / (double) n, 1e-12);
		assert_close(e->score[classifier].min_coverage_error, cardinality / (double) n, 1e-12);
	}
}

static bool
same_boosters(gh_ctx *ctx, const gh_booster *a, const gh_booster *b)
{
	gh_writer	wa,
				wb;
	bool		same;

	gh_writer_init(&wa, ctx);
	gh_writer_init(&wb, ctx);
	gh_booster_write(&wa, a);
	gh_booster_write(&wb, b);
	same = wa.length == wb.length && memcmp(wa.bytes, wb.bytes, wa.length) == 0;
	gh_free(ctx, wa.bytes);
	gh_free(ctx, wb.bytes);
	return same;
}

/* Trained and scored from scratch: plain, and as a blend of weighted rows. */
static void
check_training(bool blend)
{
	static data_set d;
	static float weights[ROWS];
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_model	model;
	gh_evaluation e;
	gh_bins		bins;
	gh_booster	flat[16];
	uint32_t	train[ROWS];
	size_t		n_train = 0;

	make_data(&d);
	for (uint32_t i = 0; i < ROWS; i++)
		weights[i] = (float) (i % 5 + 1) / 3;
	d.training.blend = blend;
	d.training.weights = blend ? weights : NULL;
	plan_catalogue(ctx, &model);
	assert_int_equal(gh_hierarchy_train(ctx, &d.training, &model, &e), GH_OK);
	assert_true((model.flat != NULL) == blend);
	for (uint32_t i = 0; i < ROWS; i++)
		if (!d.validation[i])
			train[n_train++] = i;
	assert_int_equal(gh_bins_build(ctx, d.rows, ROWS, FEATURES, 256, train, n_train, &bins), GH_OK);
	memset(flat, 0, sizeof(flat));
	for (uint32_t v = 0; v < model.n_nodes; v++)
	{
		gh_booster	literal;

		literal_fit(ctx, &d, &model, &bins, v, false, &literal);
		assert_true(same_boosters(ctx, &literal, &model.node[v].booster));
		gh_booster_free(ctx, &literal);
		if (model.node[v].is_genre)
			literal_fit(ctx, &d, &model, &bins, v, true, &flat[v]);
		assert_non_null(strstr(model.node[v].params, "\"max_depth\""));
	}
	check_evaluation(ctx, &d, &model, flat, &e);
	for (uint32_t g = 0; blend && g < model.n_genres; g++)
	{
		uint32_t	v = model.genre[g];
		double		conditional[16],
					joint[16],
					literal[16];

		if (model.node[v].parent >= 0)
			assert_true(same_boosters(ctx, &flat[v], &model.flat[g]));
		gh_model_predict(&model, d.rows, conditional, joint);
		literal_scores(&d, &model, flat, GH_BLEND, 0, literal);
		assert_close(joint[v], literal[v], 1e-12);
	}
	/* the groups are apart, so the classifiers must have learnt something; the hint can only help here */
	assert_true(e.score[GH_HIERARCHICAL].average_precision > 0.4);
	assert_true(e.score[GH_HIERARCHICAL_HINT].average_precision > e.score[GH_HIERARCHICAL].average_precision);
	for (uint32_t v = 0; v < model.n_nodes; v++)
		gh_booster_free(ctx, &flat[v]);
	gh_bins_free(ctx, &bins);
	gh_evaluation_free(ctx, &e);
	gh_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
training_follows_the_siblings_policy(void **state)
{
	(void) state;
	check_training(false);
}

static void
blends_keep_the_flat_classifiers(void **state)
{
	(void) state;
	check_training(true);
}

static void
probabilities_are_products(void **state)
{
	static data_set d;
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_model	model;
	gh_evaluation e;

	(void) state;
	make_data(&d);
	plan_catalogue(ctx, &model);
	assert_int_equal(gh_hierarchy_train(ctx, &d.training, &model, &e), GH_OK);
	for (int i = 0; i < 50; i++)
	{
		double		conditional[16],
					joint[16];
		uint32_t	order[GENRES];

		gh_model_predict(&model, d.rows + i * FEATURES, conditional, joint);
		for (uint32_t v = 0; v < model.n_nodes; v++)
		{
			int32_t		parent = model.node[v].parent;

			assert_true(conditional[v] > 0 && conditional[v] < 1);
			assert_true(joint[v] == (parent < 0 ? conditional[v] : joint[parent] * conditional[v]));
		}
		joint[model.genre[2]] = joint[model.genre[1]];	/* a tie goes by position */
		assert_int_equal(gh_model_rank(ctx, &model, joint, order), GH_OK);
		for (int r = 1; r < GENRES; r++)
		{
			double		before = joint[model.genre[order[r - 1]]],
						here = joint[model.genre[order[r]]];

			assert_true(before > here || (before == here && order[r - 1] < order[r]));
		}
	}
	gh_evaluation_free(ctx, &e);
	gh_model_free(ctx, &model);
	gh_ctx_close(ctx);
}

static uint8_t *
trained_bytes(data_set *d, int threads, size_t *length, gh_evaluation *scores)
{
	gh_host		host = {.threads = threads, .memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	gh_model	model;
	gh_evaluation e;
	uint8_t    *bytes,
			   *copy;

	plan_catalogue(ctx, &model);
	assert_int_equal(gh_hierarchy_train(ctx, &d->training, &model, &e), GH_OK);
	assert_int_equal(gh_model_write(ctx, &model, &bytes, length), GH_OK);
	copy = malloc(*length);
	memcpy(copy, bytes, *length);
	*scores = e;
	gh_free(ctx, bytes);
	gh_evaluation_free(ctx, &e);
	gh_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return copy;
}

static void
threads_change_nothing(void **state)
{
	static data_set d;
	const int	threads[2] = {2, 8};

	(void) state;
	make_data(&d);
	for (int tuned = 0; tuned < 2; tuned++)
	{
		size_t		length,
					length_again;
		gh_evaluation scores,
					again;
		uint8_t    *bytes;

		d.training.iterations = tuned ? 2 : 0;
		bytes = trained_bytes(&d, 1, &length, &scores);
		for (int k = 0; k < 2; k++)
		{
			uint8_t    *bytes_again = trained_bytes(&d, threads[k], &length_again, &again);

			assert_int_equal(length, length_again);
			assert_memory_equal(bytes, bytes_again, length);
			assert_memory_equal(scores.score, again.score, sizeof(scores.score));
			free(bytes_again);
		}
		/* another seed gives another model */
		d.training.seed++;
		free(bytes);
		bytes = trained_bytes(&d, 2, &length_again, &again);
		assert_true(memcmp(&scores.score, &again.score, sizeof(scores.score)) != 0);
		free(bytes);
	}
}

static void
validation_rows_take_no_part(void **state)
{
	static data_set d;
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_model	before,
				after;

	(void) state;
	for (int kind = 0; kind < 3; kind++)
	{
		make_data(&d);
		d.training.iterations = kind == 1 ? 2 : 0;
		d.training.params.early_stopping_rounds = kind == 2 ? 3 : 0;
		train_model(ctx, &d, &before);
		for (int i = 0; i < ROWS; i++)
			if (d.validation[i])
			{
				for (int j = 0; j < FEATURES; j++)
					d.rows[i * FEATURES + j] = (float) (100 + i * j);
				for (uint64_t k = d.begin[i]; k < d.begin[i + 1]; k++)
					d.label[k] = (d.label[k] + 3) % GENRES;
			}
		train_model(ctx, &d, &after);
		for (uint32_t v = 0; v < before.n_nodes; v++)
		{
			assert_true(same_boosters(ctx, &before.node[v].booster, &after.node[v].booster));
			assert_string_equal(before.node[v].params, after.node[v].params);
		}
		gh_model_free(ctx, &before);
		gh_model_free(ctx, &after);
	}
	gh_ctx_close(ctx);
}

static void
without_validation_or_vanilla_nothing_is_scored(void **state)
{
	static data_set d;
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_model	model;
	gh_evaluation e;

	(void) state;
	make_data(&d);
	d.training.vanilla = false;
	plan_catalogue(ctx, &model);
	assert_int_equal(gh_hierarchy_train(ctx, &d.training, &model, &e), GH_OK);
	assert_false(e.score[GH_VANILLA].defined);
	assert_true(e.score[GH_HIERARCHICAL].defined);
	for (uint32_t v = 0; v < model.n_nodes; v++)
		assert_true(isnan(e.node_ap[v]) && isnan(e.node_coverage[v]));
	gh_evaluation_free(ctx, &e);
	gh_model_free(ctx, &model);

	d.training.vanilla = true;
	d.training.validation = NULL;
	plan_catalogue(ctx, &model);
	assert_int_equal(gh_hierarchy_train(ctx, &d.training, &model, &e), GH_OK);
	assert_int_equal(e.validation_rows, 0);
	for (int k = 0; k < GH_N_CLASSIFIERS; k++)
		assert_false(e.score[k].defined);
	assert_false(model.node[0].ap_defined);
	gh_evaluation_free(ctx, &e);
	gh_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
unusable_training_is_refused(void **state)
{
	static data_set d;

	(void) state;
	for (int k = 0; k < 7; k++)
	{
		gh_host		host = {.threads = 1, .memory_limit = k == 6 ? 40000 : SIZE_MAX, .memory_setting = "a_setting"};
		gh_ctx	   *ctx = gh_ctx_open(&host);
		gh_model	model;
		gh_evaluation e;
		static const gh_status expected[7] = {GH_EDATA, GH_EDATA, GH_EINVAL, GH_EINVAL, GH_EINTERNAL, GH_EDATA, GH_ELIMIT};

		make_data(&d);
		if (k == 0)
			memset(d.validation, 1, sizeof(d.validation));	/* nothing left to train on */
		else if (k == 1)
			memset(d.begin, 0, sizeof(d.begin));	/* no row has a genre */
		else if (k == 2)
			d.training.iterations = -1;
		else if (k == 3)
		{
			d.training.iterations = 1;
			d.training.folds = 1;
		}
		else if (k == 4)
			d.label[7] = GENRES;
		else if (k == 5)
			d.rows[31] = INFINITY;
		plan_catalogue(ctx, &model);
		assert_int_equal(gh_hierarchy_train(ctx, &d.training, &model, &e), expected[k]);
		gh_model_free(ctx, &model);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

static gh_status
try_training(gh_ctx *ctx, data_set *d)
{
	gh_model	model;
	gh_evaluation e;
	gh_status	status = plan_of(ctx, 7, catalogue, &model);

	if (status == GH_OK)
		status = gh_hierarchy_train(ctx, &d->training, &model, &e);
	if (status == GH_OK)
		gh_evaluation_free(ctx, &e);
	gh_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return status;
}

static void
training_stops_anywhere(void **state)
{
	static data_set d;
	gh_host		host = {.should_stop = stop_after_polls, .threads = 2, .memory_limit = SIZE_MAX};
	gh_status	status = GH_ECANCELED;

	(void) state;
	make_data(&d);
	d.training.iterations = 1;
	d.training.params.n_estimators = 3;
	for (int polls = 0; status != GH_OK; polls += 1 + polls / 6)
	{
		polls_left = polls;
		status = try_training(gh_ctx_open(&host), &d);
		assert_true(status == GH_OK || status == GH_ECANCELED);
		assert_true(polls > 0 || status == GH_ECANCELED);
	}
}

static void
training_survives_a_failed_allocation(void **state)
{
	static data_set d;

	(void) state;
	make_data(&d);
	d.training.n = d.labels.n = 120;
	d.training.params.n_estimators = 2;
	for (int kind = 0; kind < 3; kind++)
	{
		gh_status	status = GH_ENOMEM;

		d.training.params.early_stopping_rounds = kind == 1;
		d.training.iterations = kind == 2;
		/* nodes allocate the same things over and over: further on, not every one of them */
		for (uint64_t k = 1; status != GH_OK; k += 1 + k / 40)
		{
			gh_ctx	   *ctx = gh_ctx_open(NULL);

			gh_ctx_fail_allocation(ctx, k, false);
			status = try_training(ctx, &d);
			assert_true(status == GH_OK || status == GH_ENOMEM);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(training_follows_the_siblings_policy),
		cmocka_unit_test(blends_keep_the_flat_classifiers),
		cmocka_unit_test(probabilities_are_products),
		cmocka_unit_test(threads_change_nothing),
		cmocka_unit_test(validation_rows_take_no_part),
		cmocka_unit_test(without_validation_or_vanilla_nothing_is_scored),
		cmocka_unit_test(unusable_training_is_refused),
		cmocka_unit_test(training_stops_anywhere),
		cmocka_unit_test(training_survives_a_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
