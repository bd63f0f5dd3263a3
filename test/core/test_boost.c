/*
 * test_boost.c
 *		Boosting: the same trees whatever computes them, weights, constraints, limits of growth.
 */
#include "learn_testing.h"

#include "base/gh_isa.h"

/*
 * A thousand copies of a feature change nothing but the size of a histogram:
 * few fit the pool then, and most children are both counted.
 */
static void
trees_do_not_depend_on_the_pool(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	narrow = test_make(1500, 4, 0, 0, 6),
				wide = test_make(1500, 1024, 2, 0, 6);
	gh_boost_params params = gh_boost_defaults();

	(void) state;
	for (size_t i = 0; i < narrow.n; i++)
	{
		wide.labels[i] = narrow.labels[i];
		for (size_t j = 0; j < 1024; j++)
			wide.rows[1024 * i + j] = narrow.rows[4 * i + (j < 4 ? j : 0)];
	}
	params.n_estimators = 2;
	params.max_depth = 7;
	params.min_child_weight = .1;
	for (int policy = 0; policy < 2; policy++)
	{
		gh_booster	a,
					b;

		params.grow_policy = policy == 0 ? GH_GROW_DEPTHWISE : GH_GROW_LOSSGUIDE;
		a = test_train(ctx, &narrow, &params, NULL);
		b = test_train(ctx, &wide, &params, NULL);
		assert_true(a.trees[0].n_nodes > 60);
		assert_int_equal(b.n_features, 1024);
		b.n_features = 4;
		test_same_booster(ctx, &a, &b);
		gh_booster_free(ctx, &a);
		gh_booster_free(ctx, &b);
	}
	test_discard(&narrow);
	test_discard(&wide);
	test_close(ctx);
}

/* The same fit with 1, 2, 4 and 8 threads, and with the baseline instructions. */
static void
expect_same_bytes(const test_data *data, const gh_boost_params *params)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_booster	first = test_train(ctx, data, params, NULL);

	for (int i = 1; i < 5; i++)
	{
		gh_ctx	   *other = open_threads(i == 4 ? 1 : 1 << i);
		gh_booster	again;

		gh_isa_limit(i == 4 ? GH_ISA_SCALAR : GH_ISA_AVX512);
		again = test_train(other, data, params, NULL);
		gh_isa_limit(GH_ISA_AVX512);
		test_same_booster(other, &first, &again);
		gh_booster_free(other, &again);
		test_close(other);
	}
	gh_booster_free(ctx, &first);
	test_close(ctx);
}

/* Enough rows that threads take part in every step. */
static void
same_bytes_for_any_threads_and_instructions(void **state)
{
	test_data	data = test_make(40000, 9, 0, .1, 11),
				coarse = test_make(18000, 5, 250, 0, 12),
				apart = test_make(36000, 4, 256, .1, 14),
				wide = test_make(17000, 70, 3, .1, 13);
	gh_boost_params params = test_sampled();

	(void) state;
	params.n_estimators = 3;
	expect_same_bytes(&data, &params);
	params = gh_boost_defaults();
	params.n_estimators = 3;
	expect_same_bytes(&coarse, &params);
	params.grow_policy = GH_GROW_LOSSGUIDE;
	params.max_leaves = 30;
	params.max_depth = 0;
	expect_same_bytes(&coarse, &params);
	params = gh_boost_defaults();
	params.n_estimators = 2;
	params.max_depth = 9;
	expect_same_bytes(&apart, &params);
	params.max_depth = 4;
	expect_same_bytes(&wide, &params);
	params.colsample_bytree = .5;
	expect_same_bytes(&wide, &params);
	test_discard(&data);
	test_discard(&coarse);
	test_discard(&apart);
	test_discard(&wide);
}

static void
the_seed_counts(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(3000, 9, 0, .1, 11);
	gh_boost_params params = test_sampled();
	gh_booster	first = test_train(ctx, &data, &params, NULL);

	(void) state;
	params.seed = 6;
	{
		gh_booster	other = test_train(ctx, &data, &params, NULL);
		float		x[9] = {0};
		bool		differs = false;

		for (int i = 0; i < 50; i++)
		{
			x[0] = (float) i / 20;
			differs |= gh_booster_margin(&first, x) != gh_booster_margin(&other, x);
		}
		assert_true(differs);
		gh_booster_free(ctx, &other);
	}
	gh_booster_free(ctx, &first);
	test_discard(&data);
	test_close(ctx);
}

/* A weight of three is the row three times, a weight of nothing is no row. */
static void
weights_are_repeated_rows(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(300, 4, 60, .1, 12),
				repeated = test_make(1200, 4, 60, .1, 12);
	float		weights[300];
	gh_boost_params params = gh_boost_defaults();
	gh_booster	a,
				b;

	(void) state;
	params.n_estimators = 6;
	params.max_depth = 4;
	repeated.n = 0;
	for (size_t i = 0; i < data.n; i++)
	{
		weights[i] = (float) (test_uniform(3, i) * 4 < 1 ? 0 : floor(test_uniform(3, i) * 4));
		for (int k = 0; k < weights[i]; k++)
		{
			memcpy(repeated.rows + 4 * repeated.n, data.rows + 4 * i, 4 * sizeof(float));
			repeated.labels[repeated.n++] = data.labels[i];
		}
	}
	a = test_train(ctx, &data, &params, weights);
	b = test_train(ctx, &repeated, &params, NULL);
	assert_int_equal(a.n_trees, b.n_trees);
	for (size_t i = 0; i < data.n; i++)
		assert_true(fabs(gh_booster_margin(&a, data.rows + 4 * i) - gh_booster_margin(&b, data.rows + 4 * i)) < 1e-5);
	gh_booster_free(ctx, &a);
	gh_booster_free(ctx, &b);
	test_discard(&data);
	test_discard(&repeated);
	test_close(ctx);
}

static void
monotone_constraints_hold(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(1500, 4, 0, .05, 13);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	free_one,
				bound;
	int			falls = 0;

	(void) state;
	params.n_estimators = 30;
	free_one = test_train(ctx, &data, &params, NULL);
	params.n_monotone = 4;
	params.monotone[0] = 1;
	params.monotone[1] = -1;	/* against the data */
	bound = test_train(ctx, &data, &params, NULL);
	for (size_t i = 0; i < 200; i++)
		for (int f = 0; f < 2; f++)
		{
			float		x[4];
			double		last = 0;

			memcpy(x, data.rows + 4 * i, sizeof(x));
			for (int step = 0; step <= 100; step++)
			{
				double		m;

				x[f] = (float) (step * .03 - 1);
				m = gh_booster_margin(&bound, x) * (f == 0 ? 1 : -1);
				assert_true(step == 0 || m >= last - 1e-12);
				last = m;
			}
			for (int step = 1; step <= 100; step++)
			{
				float		y[4];

				memcpy(y, x, sizeof(y));
				x[f] = (float) (step * .03 - 1);
				y[f] = x[f] - .03f;
				falls += (gh_booster_margin(&free_one, x) - gh_booster_margin(&free_one, y)) * (f == 0 ? 1 : -1) < 0;
			}
		}
	assert_true(falls > 100);	/* without constraints it is not monotone, so the test can fail */
	gh_booster_free(ctx, &free_one);
	gh_booster_free(ctx, &bound);
	test_discard(&data);
	test_close(ctx);
}

static void
max_delta_step_bounds_leaves(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(500, 4, 0, 0, 14);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	booster;
	float		largest = 0;

	(void) state;
	params.max_delta_step = .25;
	params.n_estimators = 5;
	booster = test_train(ctx, &data, &params, NULL);
	for (uint32_t t = 0; t < booster.n_trees; t++)
		for (uint32_t i = 0; i < booster.trees[t].n_nodes; i++)
			if (booster.trees[t].left[i] == 0)
				largest = fmaxf(largest, fabsf(booster.trees[t].value[i]));
	assert_true(largest == .25f * .3f);
	gh_booster_free(ctx, &booster);
	test_discard(&data);
	test_close(ctx);
}

static int
tree_depth(const gh_tree *tree, uint32_t node)
{
	int			l,
				r;

	if (tree->left[node] == 0)
		return 0;
	l = tree_depth(tree, tree->left[node]);
	r = tree_depth(tree, tree->left[node] + 1);
	return 1 + (l > r ? l : r);
}

static void
growth_keeps_its_limits(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(2000, 5, 0, 0, 15);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	booster,
				unlimited;

	(void) state;
	params.n_estimators = 2;
	params.min_child_weight = 0;
	params.max_leaves = 11;
	booster = test_train(ctx, &data, &params, NULL);
	assert_int_equal(booster.trees[0].n_nodes, 21);
	gh_booster_free(ctx, &booster);

	/* no limit of depth is one that no path meets */
	params.max_leaves = 60;
	params.max_depth = 32;
	booster = test_train(ctx, &data, &params, NULL);
	params.max_depth = 0;
	unlimited = test_train(ctx, &data, &params, NULL);
	assert_int_equal(booster.trees[0].n_nodes, 119);
	test_same_booster(ctx, &booster, &unlimited);
	gh_booster_free(ctx, &booster);
	gh_booster_free(ctx, &unlimited);

	params.max_leaves = 1;
	booster = test_train(ctx, &data, &params, NULL);
	assert_int_equal(booster.trees[0].n_nodes, 1);
	gh_booster_free(ctx, &booster);

	params.max_leaves = 25;
	params.grow_policy = GH_GROW_LOSSGUIDE;
	params.max_depth = 0;
	booster = test_train(ctx, &data, &params, NULL);
	for (uint32_t t = 0; t < 2; t++)
	{
		const gh_tree *tree = &booster.trees[t];
		float		least = INFINITY;

		assert_int_equal(tree->n_nodes, 49);
		/* nodes open in the order of gain: one opened later has less, unless it is a descendant */
		for (uint32_t left = 1; left < tree->n_nodes; left += 2)
			for (uint32_t i = 0; i < tree->n_nodes; i++)
				if (tree->left[i] == left)
				{
					float		gain = tree->gain[i];
					bool		was_open = left == 1 || i < left - 2;

					if (was_open)
						assert_true(gain <= least);
					least = gain;
				}
	}
	gh_booster_free(ctx, &booster);

	params.max_leaves = 0;
	booster = test_train(ctx, &data, &params, NULL);
	assert_true(tree_depth(&booster.trees[0], 0) < GH_MAX_TREE_DEPTH);
	assert_true(booster.trees[0].n_nodes > 200);
	gh_booster_free(ctx, &booster);

	params.max_depth = 3;
	booster = test_train(ctx, &data, &params, NULL);
	assert_int_equal(tree_depth(&booster.trees[0], 0), 3);
	gh_booster_free(ctx, &booster);
	test_discard(&data);
	test_close(ctx);
}

/* A label that rises with its only feature leaves nothing to split where it must fall, and the other way round. */
static void
no_split_against_a_constraint(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(400, 1, 0, 0, 27);
	gh_boost_params params = gh_boost_defaults();

	(void) state;
	params.n_estimators = 1;
	params.n_monotone = 1;
	for (int rises = 0; rises < 2; rises++)
	{
		for (size_t i = 0; i < data.n; i++)
			data.labels[i] = (data.rows[i] > .5) == rises;
		for (int sign = -1; sign < 2; sign++)
		{
			gh_booster	booster;

			params.monotone[0] = (int8_t) sign;
			booster = test_train(ctx, &data, &params, NULL);
			if (sign == (rises ? -1 : 1))
				assert_int_equal(booster.trees[0].n_nodes, 1);
			else
				assert_true(booster.trees[0].n_nodes > 1);
			gh_booster_free(ctx, &booster);
		}
	}
	test_discard(&data);
	test_close(ctx);
}

/* One feature for every node: by the data the root would always take the same. */
static void
nodes_draw_their_features(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(1000, 40, 0, 0, 28);
	gh_boost_params params = gh_boost_defaults();
	bool		used[40] = {false};
	int			n_used = 0;

	(void) state;
	params.n_estimators = 1;
	params.max_depth = 1;
	for (int drawn = 0; drawn < 2; drawn++)
	{
		params.colsample_bynode = drawn ? .01 : 1;
		for (uint64_t seed = 0; seed < 40; seed++)
		{
			gh_booster	booster;
			int			f;

			params.seed = seed;
			booster = test_train(ctx, &data, &params, NULL);
			f = booster.trees[0].feature[0];
			n_used += !used[f];
			used[f] = true;
			gh_booster_free(ctx, &booster);
		}
		assert_true(drawn ? n_used > 15 : n_used == 1);
	}
	test_discard(&data);
	test_close(ctx);
}

/* Shares of the features are rounded down, by a product in single precision: 0.29 of 100 is 29. */
static void
shares_of_features_are_rounded_down(void **state)
{
	static const struct
	{
		int			d;
		double		rate;
		int			wanted;
	}			cases[] = {{40, .09, 3}, {100, .29, 29}, {7, .5, 3}, {7, .1, 1}};

	(void) state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		test_data	data = test_make(3000, cases[c].d, 0, 0, 29);
		gh_boost_params params = gh_boost_defaults();
		bool		used[100] = {false};
		int			n_used = 0;
		gh_booster	booster;

		/* labels of chance, so that all there are come into the tree */
		for (size_t i = 0; i < data.n; i++)
			data.labels[i] = test_uniform(30, i) < .5;
		params.n_estimators = 1;
		params.max_depth = 9;
		params.min_child_weight = 0;
		params.colsample_bytree = cases[c].rate;
		booster = test_train(ctx, &data, &params, NULL);
		for (uint32_t i = 0; i < booster.trees[0].n_nodes; i++)
			if (booster.trees[0].left[i] != 0)
			{
				n_used += !used[booster.trees[0].feature[i]];
				used[booster.trees[0].feature[i]] = true;
			}
		assert_int_equal(n_used, cases[c].wanted);
		gh_booster_free(ctx, &booster);
		test_discard(&data);
		test_close(ctx);
	}
}

/* The cover of a root is the sum of p (1 - p), for rows decided and undecided. */
static void
decided_rows_count_little(void **state)
{
	static const double start[] = {.5, .01, 1e-3, 1e-5, 1 - 1e-4};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(300, 4, 0, .1, 26);
	gh_boost_params params = gh_boost_defaults();

	(void) state;
	params.n_estimators = 1;
	params.min_child_weight = 0;
	for (size_t c = 0; c < sizeof(start) / sizeof(start[0]); c++)
	{
		gh_booster	booster;

		params.base_score = start[c];
		booster = test_train(ctx, &data, &params, NULL);
		assert_close(booster.trees[0].cover[0] / (300 * start[c] * (1 - start[c])), 1, 1e-3);
		gh_booster_free(ctx, &booster);
	}
	test_discard(&data);
	test_close(ctx);
}

/* XGBoost's rule: a node with less than min_child_weight weighs nothing, the root too. */
static void
a_light_root_weighs_nothing(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(300, 4, 0, .1, 26);
	gh_boost_params params = gh_boost_defaults();

	(void) state;
	params.n_estimators = 1;
	params.base_score = .2;		/* so that the root has a gradient */
	params.max_depth = 1;
	for (int light = 0; light < 2; light++)
	{
		gh_booster	booster;

		params.min_child_weight = light ? 1000 : 47;	/* of 48 in all: no split either way */
		booster = test_train(ctx, &data, &params, NULL);
		assert_int_equal(booster.trees[0].n_nodes, 1);
		assert_true((booster.trees[0].value[0] == 0) == (light == 1));
		gh_booster_free(ctx, &booster);
	}
	test_discard(&data);
	test_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_do_not_depend_on_the_pool),
		cmocka_unit_test(same_bytes_for_any_threads_and_instructions),
		cmocka_unit_test(the_seed_counts),
		cmocka_unit_test(weights_are_repeated_rows),
		cmocka_unit_test(monotone_constraints_hold),
		cmocka_unit_test(max_delta_step_bounds_leaves),
		cmocka_unit_test(growth_keeps_its_limits),
		cmocka_unit_test(no_split_against_a_constraint),
		cmocka_unit_test(nodes_draw_their_features),
		cmocka_unit_test(shares_of_features_are_rounded_down),
		cmocka_unit_test(decided_rows_count_little),
		cmocka_unit_test(a_light_root_weighs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
