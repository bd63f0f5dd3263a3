/*
 * test_space.c
 *		Sobol points, and the space that is searched.
 */
#include "learn_testing.h"

#include <stdio.h>

#include "learn/tune_private.h"

/* ---- Sobol ------------------------------------------------------------- */

/* Points 1, 2, 5 and 8 of the unscrambled sequence, as SciPy 1.17 gives them. */
static void
sobol_points_are_joe_and_kuos(void **state)
{
	static const uint32_t index[] = {1, 2, 5, 8};
	static const double wanted[][GH_MAX_DIMENSIONS] = {
		{.5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5},
		{.75, .25, .25, .25, .75, .75, .25, .75, .75, .75, .75, .75, .25, .25, .75, .25},
		{.875, .875, .125, .375, .875, .625, .875, .375, .375, .125, .375, .875, .875, .125, .875, .375},
		{.1875, .3125, .9375, .4375, .5625, .3125, .4375, .9375, .9375, .3125, .6875, .0625, .9375, .9375, .8125, .9375},
	};
	gh_sobol	sobol;
	double		x[GH_MAX_DIMENSIONS];

	(void) state;
	gh_sobol_init_plain(&sobol, GH_MAX_DIMENSIONS);
	for (int i = 0; i < 4; i++)
	{
		gh_sobol_point(&sobol, index[i], x);
		for (int j = 0; j < GH_MAX_DIMENSIONS; j++)
			assert_true(x[j] == wanted[i][j]);
	}
}

/* 2^k points: one in every interval of 2^-k, in every dimension; the first two also in every elementary rectangle. */
static void
sobol_points_are_spread(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 5; seed++)
	{
		gh_sobol	sobol;
		bool		seen[GH_MAX_DIMENSIONS][256] = {{false}};
		int			cell[9][256] = {{0}};
		double		x[GH_MAX_DIMENSIONS],
					first = -1;

		gh_sobol_init(&sobol, GH_MAX_DIMENSIONS, seed);
		for (uint32_t i = 0; i < 256; i++)
		{
			gh_sobol_point(&sobol, i, x);
			if (i == 0)
				first = x[0];
			for (int j = 0; j < GH_MAX_DIMENSIONS; j++)
			{
				assert_true(x[j] >= 0 && x[j] < 1);
				assert_false(seen[j][(int) (x[j] * 256)]);
				seen[j][(int) (x[j] * 256)] = true;
			}
			for (int a = 0; a <= 8; a++)
				cell[a][(int) (x[0] * (1 << a)) * (1 << (8 - a)) + (int) (x[1] * (1 << (8 - a)))]++;
		}
		for (int a = 0; a <= 8; a++)
			for (int c = 0; c < 256; c++)
				assert_int_equal(cell[a][c], 1);
		assert_true(first != 0);	/* scrambled */
	}
}

/* ---- the space --------------------------------------------------------- */

static void
space_refused(const char *name, double low, double high, const char *message)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_space	space = gh_space_default();

	assert_int_equal(gh_space_set(ctx, &space, name, low, high), GH_EINVAL);
	assert_string_equal(gh_ctx_message(ctx), message);
	test_close(ctx);
}

static void
spaces_are_checked(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_space	space = gh_space_default();

	(void) state;
	test_ok(ctx, gh_space_check(ctx, &space));
	assert_int_equal(gh_space_width(&space), 8);
	test_ok(ctx, gh_space_set(ctx, &space, "learning_rate", .05, .2));
	test_ok(ctx, gh_space_set(ctx, &space, "gamma", 0, 5));	/* begins at 0: linear */
	test_ok(ctx, gh_space_set(ctx, &space, "subsample", .8, .8));
	test_ok(ctx, gh_space_set(ctx, &space, "scale_pos_weight", 1, 9));
	assert_int_equal(space.n, 9);
	assert_int_equal(gh_space_width(&space), 8);
	assert_true(space.dimension[1].low == .05 && space.dimension[1].log_scale);
	assert_false(space.dimension[3].log_scale);
	test_ok(ctx, gh_space_set_log(ctx, &space, "eta", false));
	assert_false(space.dimension[1].log_scale);
	test_close(ctx);
	space_refused("etaa", .1, .2, "unknown parameter \"etaa\" in the search space");
	space_refused("n_estimators", 10, 20, "parameter \"n_estimators\" cannot be searched");
	space_refused("eta", .2, .1, "range of \"eta\" in the search space is empty");
	space_refused("eta", NAN, .1, "range of \"eta\" in the search space is empty");
	space_refused("eta", .2, 1.1, "boosting parameter \"eta\" is out of range");
	space_refused("max_depth", 2.5, 4, "boosting parameter \"max_depth\" must be an integer");
	ctx = gh_ctx_open(NULL);
	assert_int_equal(gh_space_set_log(ctx, &space, "gamma", true), GH_EINVAL);
	assert_string_equal(gh_ctx_message(ctx), "range of \"gamma\" cannot have a logarithmic scale");
	test_close(ctx);
}

static void
points_and_parameters_agree(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_space	space = gh_space_default();
	gh_boost_params base = gh_boost_defaults();
	int			depth[11] = {0};

	(void) state;
	test_ok(ctx, gh_space_set(ctx, &space, "max_leaves", 4, 64));
	for (int i = 0; i < 4000; i++)
	{
		double		x[GH_MAX_DIMENSIONS],
					y[GH_MAX_DIMENSIONS],
					z[GH_MAX_DIMENSIONS];
		gh_boost_params params,
					again;
		char		text[32];

		for (int j = 0; j < 9; j++)
			x[j] = y[j] = test_uniform(35, (uint64_t) (i * 9 + j));
		test_ok(ctx, gh_space_params(ctx, &space, &base, y, &params));
		memcpy(z, y, sizeof(z));
		test_ok(ctx, gh_space_params(ctx, &space, &base, z, &again));
		assert_memory_equal(&params, &again, sizeof(params));	/* rounding twice changes nothing */
		assert_memory_equal(y, z, 9 * sizeof(double));
		depth[params.max_depth]++;
		snprintf(text, sizeof(text), "%.4g", params.eta);
		assert_true(strtod(text, NULL) == params.eta);
		assert_true(fabs(params.eta - .01 * pow(30, x[1])) < 1e-3 * params.eta);
		assert_true(params.max_leaves >= 4 && params.max_leaves <= 64);
		gh_space_snap(&space, x, z);
		assert_true(z[0] == y[0] && z[1] == x[1]);
	}
	for (int k = 3; k <= 10; k++)
		assert_true(depth[k] > 420 && depth[k] < 580);
	test_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sobol_points_are_joe_and_kuos),
		cmocka_unit_test(sobol_points_are_spread),
		cmocka_unit_test(spaces_are_checked),
		cmocka_unit_test(points_and_parameters_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
