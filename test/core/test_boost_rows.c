/*
 * test_boost_rows.c
 *		Boosting: rows and features drawn, rows held out, weights that make no sense, cancelling, memory.
 */
#include "learn_testing.h"

static uint32_t
features_used(const gh_tree *tree, bool *used)
{
	uint32_t	n = 0;

	memset(used, 0, 40);
	for (uint32_t i = 0; i < tree->n_nodes; i++)
		if (tree->left[i] != 0 && !used[tree->feature[i]])
		{
			used[tree->feature[i]] = true;
			n++;
		}
	return n;
}

static void
samples_have_their_sizes(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(4000, 40, 0, 0, 16);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	booster;
	bool		used[40],
				ever[40] = {false};
	double		cover = 0;

	(void) state;
	for (size_t i = 0; i < data.n; i++)
		data.labels[i] = test_uniform(5, i) < .5;
	params.n_estimators = 150;
	params.max_depth = 6;
	params.colsample_bytree = .1;
	params.min_child_weight = 0;
	params.subsample = .4;
	booster = test_train(ctx, &data, &params, NULL);
	for (uint32_t t = 0; t < 150; t++)
	{
		assert_int_equal(features_used(&booster.trees[t], used), 4);
		for (int f = 0; f < 40; f++)
			ever[f] |= used[f];
	}
	for (int f = 0; f < 40; f++)
		assert_true(ever[f]);
	cover = booster.trees[0].cover[0] / (4000 * booster.base_score * (1 - booster.base_score));
	assert_true(fabs(cover - .4) < .04 && cover != .4);
	assert_true(booster.trees[1].cover[0] != booster.trees[0].cover[0]);
	gh_booster_free(ctx, &booster);

	params.n_estimators = 40;
	params.colsample_bytree = 1;
	params.colsample_bylevel = .05;	/* two features a level */
	booster = test_train(ctx, &data, &params, NULL);
	for (uint32_t t = 0; t < 40; t++)
	{
		const gh_tree *tree = &booster.trees[t];
		int			first = -1,
					second = -1;

		for (uint32_t child = 1; child <= 2; child++)
			for (uint32_t i = tree->left[child]; tree->left[child] != 0 && i < tree->left[child] + 2; i++)
				if (tree->left[i] != 0)
				{
					int			f = tree->feature[i];

					if (first < 0 || first == f)
						first = f;
					else if (second < 0 || second == f)
						second = f;
					else
						fail_msg("a third feature on level 2 of tree %u", t);
				}
	}
	gh_booster_free(ctx, &booster);

	params.colsample_bylevel = 1;
	params.colsample_bynode = .01;	/* at least one */
	booster = test_train(ctx, &data, &params, NULL);
	assert_true(features_used(&booster.trees[0], used) > 10);
	gh_booster_free(ctx, &booster);
	test_discard(&data);
	test_close(ctx);
}

/* The sample of every tree by the rule, and its sum of hessians by the trees before. */
static void
samples_are_the_drawn_rows(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(700, 4, 0, .1, 26);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	booster;

	(void) state;
	params.n_estimators = 12;
	params.subsample = .45;
	params.seed = 77;
	booster = test_train(ctx, &data, &params, NULL);
	for (uint32_t t = 0; t < 12; t++)
	{
		gh_booster	before = booster;
		uint64_t	seed = gh_random_seed(77, t, 0);
		double		cover = 0;

		before.n_trees = t;
		for (uint64_t i = 0; i < data.n; i++)
			if (gh_random_block(seed, GH_STREAM_BOOST_ROWS, i / 4).v[i % 4] < .45 * 4294967296.0)
			{
				double		p = gh_booster_probability(&before, data.rows + 4 * i);

				cover += p * (1 - p);
			}
		assert_true(fabs(booster.trees[t].cover[0] - cover) < 1e-4 * cover);
	}
	gh_booster_free(ctx, &booster);
	test_discard(&data);
	test_close(ctx);
}

/* The curve by literal log-losses of prefixes of the long run. */
static void
early_stopping_stops_at_the_best(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(900, 5, 0, .1, 18);
	gh_boost_params params = gh_boost_defaults();
	gh_bins		bins;
	gh_booster	full,
				stopped;
	gh_fit		fit = test_fit(&data, &bins);
	double		margins[300],
				curve[60];
	int			last = -1,
				different = 0;

	(void) state;
	params.eta = .25;
	params.max_depth = 4;
	params.lambda = 1;
	fit.n_rows = 600;
	fit.valid_rows = data.all + 600;
	fit.n_valid = 300;
	params.n_estimators = 60;
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, data.all, 600, &bins));
	test_ok(ctx, gh_boost_train(ctx, &fit, &params, &full, margins));
	assert_int_equal(full.n_trees, 60);
	for (int i = 0; i < 300; i++)
		assert_true(margins[i] == gh_booster_margin(&full, data.rows + 5 * (600 + i)));
	for (int t = 0; t < 60; t++)
	{
		gh_booster	prefix = full;

		prefix.n_trees = (uint32_t) t + 1;
		curve[t] = 0;
		for (int i = 600; i < 900; i++)
		{
			double		p = gh_booster_probability(&prefix, data.rows + 5 * i);

			curve[t] -= log(data.labels[i] ? p : 1 - p) / 300;
		}
	}
	for (int patience = 1; patience <= 12; patience++)
	{
		int			best = 0;

		for (int t = 1; t < 60 && t - best <= patience; t++)
			if (curve[t] < curve[best])
				best = t;
		assert_true(best < 50);
		params.early_stopping_rounds = patience;
		test_ok(ctx, gh_boost_train(ctx, &fit, &params, &stopped, margins));
		assert_int_equal(stopped.n_trees, best + 1);
		for (int i = 0; i < 300; i++)
			assert_true(margins[i] == gh_booster_margin(&stopped, data.rows + 5 * (600 + i)));
		full.n_trees = stopped.n_trees;
		test_same_booster(ctx, &full, &stopped);
		gh_booster_free(ctx, &stopped);
		different += best != last;
		last = best;
	}
	assert_true(different > 1);	/* the curve has dips, so patience matters */
	full.n_trees = 60;
	gh_booster_free(ctx, &full);
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);

	/* nothing to stop by */
	ctx = gh_ctx_open(NULL);
	data = test_make(50, 3, 0, 0, 1);
	fit = test_fit(&data, &bins);
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins));
	assert_int_equal(gh_boost_train(ctx, &fit, &params, &full, NULL), GH_EINVAL);
	assert_string_equal(gh_ctx_message(ctx), "early_stopping_rounds needs validation rows");
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

static void
one_class_gives_a_constant(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(40, 3, 0, 0, 19);
	gh_boost_params params = gh_boost_defaults();
	gh_bins		bins;
	gh_fit		fit = test_fit(&data, &bins);
	float		weights[40];

	(void) state;
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins));
	for (int class = 0; class < 2; class++)
	{
		gh_booster	booster;
		double		margins[3];

		memset(data.labels, class, data.n);
		fit.valid_rows = data.all;
		fit.n_valid = 3;
		params.early_stopping_rounds = 5 * class;
		test_ok(ctx, gh_boost_train(ctx, &fit, &params, &booster, margins));
		assert_int_equal(booster.n_trees, 0);
		assert_true(booster.base_score == (class ? 1 - 1e-6 : 1e-6));
		assert_true(margins[2] == gh_booster_start(booster.base_score));
		gh_booster_free(ctx, &booster);
	}
	memset(weights, 0, sizeof(weights));
	fit.weights = weights;
	{
		gh_booster	booster;

		assert_int_equal(gh_boost_train(ctx, &fit, &params, &booster, NULL), GH_EDATA);
		assert_string_equal(gh_ctx_message(ctx), "the weights of all rows are zero");
	}
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

/* XGBoost 3.2 from base_score 0.5: a first leaf of 0.3 * 20 / (10 + 1), and less from then on. */
static void
one_class_is_learnt_from_a_base_score_that_is_given(void **state)
{
	(void) state;
	for (int class = 0; class < 2; class++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		test_data	data = test_make(40, 3, 0, 0, 19);
		gh_boost_params params = gh_boost_defaults();
		gh_booster	booster;

		memset(data.labels, class, data.n);
		params.base_score = .5;
		params.n_estimators = 3;
		booster = test_train(ctx, &data, &params, NULL);
		assert_int_equal(booster.n_trees, 3);
		assert_true(booster.trees[0].n_nodes == 1 && booster.trees[2].n_nodes == 1);
		assert_true(fabs(fabs(booster.trees[0].value[0]) - .3 * 20 / 11) < 1e-7);
		assert_true((booster.trees[0].value[0] > 0) == class);
		assert_true(fabsf(booster.trees[2].value[0]) < fabsf(booster.trees[1].value[0]));
		gh_booster_free(ctx, &booster);
		test_discard(&data);
		test_close(ctx);
	}
}

/*
 * A first leaf that goes too far, with nothing but tiny hessians behind it: the
 * next one comes back, as XGBoost's does (-49.99 and 50).
 */
static void
rows_far_on_the_wrong_side_come_back(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(100, 1, 0, 0, 19);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	booster;

	(void) state;
	for (size_t i = 0; i < data.n; i++)
	{
		data.rows[i] = 1;
		data.labels[i] = i % 2;
	}
	params.base_score = .999999;
	params.min_child_weight = 0;
	params.eta = 1;
	params.n_estimators = 2;
	booster = test_train(ctx, &data, &params, NULL);
	assert_true(fabs(booster.trees[0].value[0] + 50) < .01);
	assert_true(fabs(booster.trees[1].value[0] - 50) < .01);
	assert_true(booster.trees[1].cover[0] > 0);
	gh_booster_free(ctx, &booster);
	test_discard(&data);
	test_close(ctx);
}

static void
bad_weights_are_named(void **state)
{
	static const float bad[] = {-1, NAN, INFINITY};

	(void) state;
	for (int k = 0; k < 3; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		test_data	data = test_make(40, 3, 0, 0, 19);
		gh_boost_params params = gh_boost_defaults();
		gh_bins		bins;
		gh_booster	booster;
		gh_fit		fit = test_fit(&data, &bins);
		float		weights[40];

		for (int i = 0; i < 40; i++)
			weights[i] = 1;
		weights[4] = bad[k];
		fit.weights = weights;
		test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins));
		assert_int_equal(gh_boost_train(ctx, &fit, &params, &booster, NULL), GH_EDATA);
		assert_string_equal(gh_ctx_message(ctx), "weight of row 5 is out of range");
		gh_bins_free(ctx, &bins);
		test_discard(&data);
		test_close(ctx);
	}
}

/* Huge and tiny weights keep their proportions in fixed point. */
static void
weights_scale_away(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(400, 4, 0, 0, 23);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	plain,
				scaled;
	float		weights[400];

	(void) state;
	params.n_estimators = 5;
	params.max_depth = 3;		/* deeper nodes have gains about the least that counts, which does not scale */
	params.lambda = 0;
	params.min_child_weight = 0;
	plain = test_train(ctx, &data, &params, NULL);
	for (int e = -60; e <= 60; e += 40)
	{
		for (int i = 0; i < 400; i++)
			weights[i] = ldexpf(1, e);
		scaled = test_train(ctx, &data, &params, weights);
		if (e == -60)			/* no gain is above the least that counts */
			assert_int_equal(scaled.trees[0].n_nodes, 1);
		for (size_t i = 0; e >= 0 && i < 400; i++)
			assert_true(fabs(gh_booster_margin(&plain, data.rows + 4 * i) -
							 gh_booster_margin(&scaled, data.rows + 4 * i)) < 1e-5);
		gh_booster_free(ctx, &scaled);
	}
	gh_booster_free(ctx, &plain);
	test_discard(&data);
	test_close(ctx);
}

/* A subset of the rows, in pieces, trains as if it were all there is. */
static void
subsets_are_taken_out(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(900, 5, 40, .1, 20),
				part = test_make(900, 5, 40, .1, 20);
	gh_boost_params params = test_sampled();
	gh_bins		bins;
	gh_booster	a,
				b;
	gh_fit		fit = test_fit(&data, &bins);
	uint32_t	rows[900];

	(void) state;
	part.n = 0;
	for (uint32_t i = 0; i < 900; i++)
		if (i % 3 != 1)
		{
			memcpy(part.rows + 5 * part.n, data.rows + 5 * i, 5 * sizeof(float));
			part.labels[part.n] = data.labels[i];
			rows[part.n++] = i;
		}
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, rows, part.n, &bins));
	fit.rows = rows;
	fit.n_rows = part.n;
	test_ok(ctx, gh_boost_train(ctx, &fit, &params, &a, NULL));
	b = test_train(ctx, &part, &params, NULL);
	test_same_booster(ctx, &a, &b);
	gh_booster_free(ctx, &a);
	gh_booster_free(ctx, &b);
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_discard(&part);
	test_close(ctx);
}

/* Stop at the first, second, ... poll, and run out of memory at every allocation: nothing leaks. */
static void
cancel_and_no_memory_leave_nothing(void **state)
{
	test_data	data = test_make(300, 4, 0, .1, 21);
	gh_boost_params params = test_sampled();
	int			canceled = 0,
				failed = 0;

	(void) state;
	params.n_estimators = 3;
	for (int run = 0; run < 400; run++)
	{
		gh_host		host = {.should_stop = stop_after_polls,.threads = 1,.memory_limit = SIZE_MAX};
		gh_ctx	   *ctx = gh_ctx_open(&host);
		gh_bins		bins = {0};
		gh_booster	booster = {0};
		gh_fit		fit = test_fit(&data, &bins);
		gh_status	status;

		polls_left = run < 200 ? run : 1 << 30;
		if (run >= 200)
			gh_ctx_fail_allocation(ctx, (uint64_t) (run - 199), run % 2);
		status = gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins);
		if (status == GH_OK)
			status = gh_boost_train(ctx, &fit, &params, &booster, NULL);
		if (run < 200)
			assert_true(status == GH_OK || status == GH_ECANCELED);
		else
			assert_true(status == GH_OK || status == GH_ENOMEM);
		canceled += status == GH_ECANCELED;
		failed += status == GH_ENOMEM;
		gh_booster_free(ctx, &booster);
		gh_bins_free(ctx, &bins);
		test_close(ctx);
	}
	assert_true(canceled > 10 && failed > 30);
	test_discard(&data);
}

static void
memory_is_checked_first(void **state)
{
	gh_host		host = {.threads = 1,.memory_limit = 100000,.memory_setting = "work_mem"};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	test_data	data = test_make(200, 4, 0, 0, 22);
	gh_boost_params params = gh_boost_defaults();
	gh_bins		bins;
	gh_booster	booster;
	gh_fit		fit = test_fit(&data, &bins);

	(void) state;
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins));
	assert_int_equal(gh_boost_train(ctx, &fit, &params, &booster, NULL), GH_ELIMIT);
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

/* What is used stays below what was announced, bins and fit each in a context of its own. */
static void
memory_estimate_holds(void **state)
{
	test_data	data = test_make(36000, 14, 0, .1, 24);
	uint32_t   *odd = malloc(18000 * sizeof(uint32_t));
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_bins		bins;
	gh_fit		fit = test_fit(&data, &bins);

	(void) state;
	for (uint32_t i = 0; i < 18000; i++)
		odd[i] = 2 * i + 1;
	fit.rows = odd;
	fit.n_rows = 18000;
	fit.valid_rows = data.all;
	fit.n_valid = 18000;
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins));
	assert_true(gh_memory_peak(ctx) <= gh_bins_memory(data.n, data.n, data.d, 1));
	for (int depth = 2; depth <= 14; depth += 4)
	{
		int			threads = depth % 8 == 2 ? 1 : 4;
		gh_ctx	   *own = open_threads(threads);
		gh_boost_params params = gh_boost_defaults();
		gh_booster	booster;

		params.n_estimators = 2;
		params.max_depth = depth;
		params.min_child_weight = 0;
		test_ok(own, gh_boost_train(own, &fit, &params, &booster, NULL));
		if (gh_memory_peak(own) - gh_memory_used(own) > gh_boost_memory(18000, 18000, data.d, threads, &params))
			fail_msg("depth %d: %zu bytes used, %zu announced", depth, gh_memory_peak(own) - gh_memory_used(own),
					 gh_boost_memory(18000, 18000, data.d, threads, &params));
		assert_true(gh_memory_peak(own) > gh_boost_memory(18000, 18000, data.d, threads, &params) / 3);
		gh_booster_free(own, &booster);
		test_close(own);
	}
	gh_bins_free(ctx, &bins);
	free(odd);
	test_discard(&data);
	test_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_have_their_sizes),
		cmocka_unit_test(samples_are_the_drawn_rows),
		cmocka_unit_test(early_stopping_stops_at_the_best),
		cmocka_unit_test(one_class_gives_a_constant),
		cmocka_unit_test(one_class_is_learnt_from_a_base_score_that_is_given),
		cmocka_unit_test(rows_far_on_the_wrong_side_come_back),
		cmocka_unit_test(bad_weights_are_named),
		cmocka_unit_test(weights_scale_away),
		cmocka_unit_test(subsets_are_taken_out),
		cmocka_unit_test(cancel_and_no_memory_leave_nothing),
		cmocka_unit_test(memory_is_checked_first),
		cmocka_unit_test(memory_estimate_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
