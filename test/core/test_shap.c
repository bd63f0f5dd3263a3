/*
 * test_shap.c
 *		Shapley values against their definition, on forests of every awkward kind.
 */
#include "shap_testing.h"

#include "base/gh_isa.h"

/* Against the definition, and the sum against the margin. */
static void
check_row(const gh_booster *b, const float *x)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		ours[32],
				literal[32],
				sum = 0,
				margin = gh_booster_margin(b, x);

	assert_int_equal(gh_shap(ctx, b, x, ours), GH_OK);
	brute_force(b, x, literal);
	for (int i = 0; i <= b->n_features; i++)
	{
		assert_close(ours[i], literal[i], 1e-12);
		sum += ours[i];
	}
	assert_close(sum, margin, 1e-9 * (1 + fabs(margin)));
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
random_forests_equal_the_definition(void **state)
{
	static forest f;
	float		x[8];

	(void) state;
	for (uint64_t seed = 1; seed <= 30; seed++)
	{
		random_forest(&f, seed, 7, 4, 6, 0);
		for (int row = 0; row < 4; row++)
		{
			random_row(x, 7, 0);
			check_row(&f.booster, x);
		}
	}
}

static void
repeated_features_and_missing_values(void **state)
{
	static forest f;
	float		x[3];

	(void) state;
	for (uint64_t seed = 100; seed < 140; seed++)
	{
		/* three features on paths of up to seven splits */
		random_forest(&f, seed, 3, 5, 7, 0);
		for (int row = 0; row < 6; row++)
		{
			random_row(x, 3, row * 0.2);
			check_row(&f.booster, x);
		}
	}
}

static void
children_without_cover(void **state)
{
	static forest f;
	float		x[6];

	(void) state;
	for (uint64_t seed = 200; seed < 260; seed++)
	{
		random_forest(&f, seed, 6, 4, 6, 0.4);
		for (int row = 0; row < 4; row++)
		{
			random_row(x, 6, 0.1);
			check_row(&f.booster, x);
		}
	}
	/* a root that nothing covers */
	random_forest(&f, 300, 4, 2, 3, 0);
	memset(f.cover, 0, sizeof(f.cover));
	random_row(x, 4, 0);
	check_row(&f.booster, x);
}

static void
single_leaves_give_only_the_base(void **state)
{
	static forest f;
	const float x[2] = {0.5, NAN};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		values[3];

	(void) state;
	forest_init(&f, 2, 2, 0.25);
	f.tree[0].value[0] = 0.5f;
	f.tree[1].value[0] = -2;
	f.tree[0].cover[0] = 3;
	assert_int_equal(gh_shap(ctx, &f.booster, x, values), GH_OK);
	assert_true(values[0] == 0 && values[1] == 0);
	assert_close(values[2], (double) (float) log(0.25 / 0.75) - 1.5, 1e-15);
	f.booster.n_trees = 0;
	assert_int_equal(gh_shap(ctx, &f.booster, x, values), GH_OK);
	assert_true(values[0] == 0 && values[1] == 0);
	assert_close(values[2], (double) (float) log(0.25 / 0.75), 1e-15);
	gh_ctx_close(ctx);
}

static void
equal_to_the_threshold_goes_right(void **state)
{
	static forest f;
	const float threshold = 0.1f;
	float		x[1];

	(void) state;
	forest_init(&f, 1, 1, 0.5);
	f.tree[0].cover[0] = 4;
	split(&f.tree[0], 0, 0, threshold, true, 1, 3);
	f.value[0][1] = 1;
	f.value[0][2] = 2;
	x[0] = threshold;
	check_row(&f.booster, x);
	x[0] = nextafterf(threshold, 0);
	check_row(&f.booster, x);
	x[0] = NAN;
	check_row(&f.booster, x);
	x[0] = INFINITY;
	check_row(&f.booster, x);
}

static void
twenty_features_on_one_path(void **state)
{
	static forest f;
	float		x[20];

	(void) state;
	chain(&f, 20);
	draw_seed = 5;
	draw_index = 0;
	random_row(x, 20, 0.1);
	check_row(&f.booster, x);
	for (int j = 0; j < 20; j++)
		x[j] = j % 2 ? 0 : 1;	/* all the way down */
	check_row(&f.booster, x);
}

/* 64 distinct features are too many to enumerate: additivity must hold all the same. */
static void
the_deepest_path_adds_up(void **state)
{
	static forest f;
	float		x[64];
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		values[65],
				sum = 0,
				margin;

	(void) state;
	forest_init(&f, 64, 1, 0.5);
	f.cover[0][0] = 1e9f;
	for (int j = 0, node = 0; j < 64; j++)
	{
		uint32_t	left = split(&f.tree[0], (uint32_t) node, (uint16_t) j, 0.5f, true, f.cover[0][node] * 0.25f,
								 f.cover[0][node] * 0.75f);

		f.value[0][left] = (float) j / 10;
		f.value[0][left + 1] = 7;
		node = (int) left + 1;
	}
	for (int j = 0; j < 64; j++)
		x[j] = j == 40 ? 0 : 1;
	assert_int_equal(gh_shap(ctx, &f.booster, x, values), GH_OK);
	for (int j = 0; j <= 64; j++)
	{
		assert_true(isfinite(values[j]));
		sum += values[j];
	}
	margin = gh_booster_margin(&f.booster, x);
	assert_close(sum, margin, 1e-9 * (1 + fabs(margin)));
	/* split 63 is far below the failed split 40 */
	assert_true(fabs(values[40]) > fabs(values[63]));
	gh_ctx_close(ctx);
}

static void
covers_of_a_hostile_model_give_finite_values(void **state)
{
	static forest f;
	const float bad[4] = {-1, 3e38f, 1e-45f, 0};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	float		x[5];
	double		values[6];

	(void) state;
	for (uint64_t seed = 400; seed < 500; seed++)
	{
		random_forest(&f, seed, 5, 3, 7, 0.1);
		for (uint32_t k = 0; k < 3; k++)
			for (uint32_t i = 0; i < f.tree[k].n_nodes; i++)
				if (draw() < 0.5)
					f.cover[k][i] = bad[(int) (4 * draw())];
		random_row(x, 5, 0.2);
		assert_int_equal(gh_shap(ctx, &f.booster, x, values), GH_OK);
		for (int j = 0; j <= 5; j++)
			assert_true(isfinite(values[j]));
	}
	/* shares so small that their products underflow */
	forest_init(&f, 1, 1, 0.5);
	f.cover[0][0] = 3e38f;
	for (uint32_t i = 0, node = 0; i < 60; i++)
	{
		node = split(&f.tree[0], node, 0, 0.9f - 0.001f * i, true, 1e-45f, 3e38f);
		f.value[0][node] = f.value[0][node + 1] = 3e38f;
	}
	for (int k = 0; k < 2; k++)
	{
		x[0] = (float) k;
		assert_int_equal(gh_shap(ctx, &f.booster, x, values), GH_OK);
		assert_true(isfinite(values[0]) && isfinite(values[1]));
	}
	gh_ctx_close(ctx);
}

static void
rows_equal_single_rows_for_any_threads(void **state)
{
	static forest f;
	enum
	{
		n = 333,
		d = 7,
		stride = 9
	};
	static float rows[n * stride];
	static double values[3][n * (d + 1)];
	const int	threads[3] = {1, 2, 8};
	gh_ctx	   *ctx;

	(void) state;
	random_forest(&f, 7, d, MAX_TREES, 6, 0.05);
	random_row(rows, n * stride, 0.05);
	for (int k = 0; k < 3; k++)
	{
		gh_host		host = {.threads = threads[k], .memory_limit = SIZE_MAX};

		ctx = gh_ctx_open(&host);
		gh_isa_limit(k == 1 ? GH_ISA_SCALAR : GH_ISA_AVX512);
		assert_int_equal(gh_shap_rows(ctx, &f.booster, rows, n, stride, values[k]), GH_OK);
		gh_isa_limit(GH_ISA_AVX512);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
		assert_memory_equal(values[k], values[0], sizeof(values[0]));
	}
	ctx = gh_ctx_open(NULL);
	for (int i = 0; i < n; i++)
	{
		double		one[d + 1];

		assert_int_equal(gh_shap(ctx, &f.booster, rows + i * stride, one), GH_OK);
		assert_memory_equal(one, values[0] + i * (d + 1), sizeof(one));
	}
	assert_int_equal(gh_shap_rows(ctx, &f.booster, rows, 0, stride, values[1]), GH_OK);
	/* no room for tables: the same bytes */
	{
		gh_host		host = {.threads = 1, .memory_limit = 200000};
		gh_ctx	   *poor = gh_ctx_open(&host);

		assert_int_equal(gh_shap_rows(poor, &f.booster, rows, n, stride, values[1]), GH_OK);
		assert_memory_equal(values[1], values[0], sizeof(values[0]));
		assert_true(gh_memory_peak(poor) < 200000);
		gh_ctx_close(poor);
	}
	gh_ctx_close(ctx);
}

typedef struct call
{
	const gh_booster *booster;
	const float *rows;
	size_t		n;
	double	   *values;
} call;

static gh_status
run_call(gh_ctx *ctx, void *arg)
{
	call	   *c = arg;

	return gh_shap_rows(ctx, c->booster, c->rows, c->n, (size_t) c->booster->n_features, c->values);
}

static void
stops_and_fails_cleanly(void **state)
{
	static forest f;
	enum
	{
		n = 200
	};
	static float rows[n * 7];
	static double values[n * 8];
	call		c = {&f.booster, rows, n, values};

	(void) state;
	random_forest(&f, 9, 7, MAX_TREES, 6, 0);
	random_row(rows, n * 7, 0);
	assert_true(check_cancel(run_call, &c, 1) > 0);
	assert_true(check_cancel(run_call, &c, 2) > 0);
	assert_true(check_allocations(run_call, &c) > 1);
}

static void
too_deep_a_tree_is_refused(void **state)
{
	static forest f;
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	const float x[1] = {0};
	double		values[2];

	(void) state;
	forest_init(&f, 1, 1, 0.5);
	f.cover[0][0] = 1;
	for (uint32_t i = 0, node = 0; i < GH_MAX_TREE_DEPTH + 1; i++)
		node = split(&f.tree[0], node, 0, 0, true, 1, 1);
	assert_int_equal(gh_shap(ctx, &f.booster, x, values), GH_EINTERNAL);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_forests_equal_the_definition),
		cmocka_unit_test(repeated_features_and_missing_values),
		cmocka_unit_test(children_without_cover),
		cmocka_unit_test(single_leaves_give_only_the_base),
		cmocka_unit_test(equal_to_the_threshold_goes_right),
		cmocka_unit_test(twenty_features_on_one_path),
		cmocka_unit_test(the_deepest_path_adds_up),
		cmocka_unit_test(covers_of_a_hostile_model_give_finite_values),
		cmocka_unit_test(rows_equal_single_rows_for_any_threads),
		cmocka_unit_test(stops_and_fails_cleanly),
		cmocka_unit_test(too_deep_a_tree_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
