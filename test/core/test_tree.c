/*
 * test_tree.c
 *		Boosted trees: predictions against a literal walk, bytes against damage.
 */
#include "learn_testing.h"

#include <float.h>

/* x0 < .5 (missing left) ? (x1 < -1 (missing right) ? .25 : -.5) : .125 */
static uint32_t left_1[] = {1, 3, 0, 0, 0};
static uint16_t feature_1[] = {0, 1, 0, 0, 0};
static uint8_t default_1[] = {1, 0, 0, 0, 0};
static float threshold_1[] = {.5f, -1, 0, 0, 0};
static float value_1[] = {.01f, .02f, .125f, .25f, -.5f};
static float cover_1[] = {10, 6, 4, 2, 4};
static float gain_1[] = {3, 2, 0, 0, 0};

static uint32_t left_2[] = {0};
static uint16_t feature_2[] = {0};
static uint8_t default_2[] = {0};
static float threshold_2[] = {0};
static float value_2[] = {-.75f};
static float cover_2[] = {10};
static float gain_2[] = {0};

static gh_tree trees[] = {
	{5, left_1, feature_1, default_1, threshold_1, value_1, cover_1, gain_1},
	{1, left_2, feature_2, default_2, threshold_2, value_2, cover_2, gain_2},
};
static const gh_booster hand_made = {2, .25, 2, trees};

static void
rows_follow_thresholds_and_defaults(void **state)
{
	static const struct
	{
		float		x[2];
		double		leaves;
	}			cases[] = {
		{{.4f, -2}, .25},
		{{.4f, -1}, -.5},		/* equal is not below */
		{{.5f, -2}, .125},
		{{NAN, -2}, .25},
		{{NAN, NAN}, -.5},
		{{.4f, NAN}, -.5},
		{{FLT_MAX, 0}, .125},
		{{-FLT_MAX, -FLT_MAX}, .25},
	};
	double		base = (float) log(.25 / .75);

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		double		wanted = base + cases[i].leaves - .75;

		assert_true(fabs(gh_booster_margin(&hand_made, cases[i].x) - wanted) < 1e-15);
		assert_true(fabs(gh_booster_probability(&hand_made, cases[i].x) - 1 / (1 + exp(-wanted))) < 1e-15);
	}
}

static void
sigmoid_and_logit_are_exact(void **state)
{
	(void) state;
	for (double m = -745; m <= 745; m += .37)
	{
		double		wanted = m > 0 ? 1 / (1 + exp(-m)) : exp(m) / (1 + exp(m));

		assert_true(fabs(gh_sigmoid(m) - wanted) <= 5e-16 * wanted);
		if (m > -700 && m < 30)
			assert_true(fabs(gh_logit(wanted) - m) <= 1e-14 * (1 + fabs(m)) + 2.3e-16 * (1 + exp(m)));
	}
	assert_true(gh_sigmoid(INFINITY) == 1 && gh_sigmoid(-INFINITY) == 0 && isnan(gh_sigmoid(NAN)));
	assert_true(gh_sigmoid(0) == .5 && gh_logit(.5) == 0);
	assert_true(gh_sigmoid(1000) == 1 && gh_sigmoid(-1000) == 0);
	assert_true(gh_logit(0) == -INFINITY && gh_logit(1) == INFINITY && isnan(gh_logit(2)));
	assert_true(fabs(gh_logit(1e-310) - log(1e-310)) < 1e-12);
}

static void
train(gh_ctx *ctx, test_data *data, gh_booster *booster)
{
	gh_bins		bins;
	gh_fit		fit = test_fit(data, &bins);
	gh_boost_params params = gh_boost_defaults();

	params.n_estimators = 3;
	params.max_depth = 3;
	test_ok(ctx, gh_bins_build(ctx, data->rows, data->n, data->d, 256, NULL, 0, &bins));
	test_ok(ctx, gh_boost_train(ctx, &fit, &params, booster, NULL));
	gh_bins_free(ctx, &bins);
}

static void
margins_of_many_rows_are_those_of_each(void **state)
{
	(void) state;
	for (int threads = 1; threads <= 3; threads += 2)
	{
		gh_ctx	   *ctx = open_threads(threads);
		test_data	data = test_make(1000, 5, 0, .1, 4);
		gh_booster	booster;
		double		margins[1000];

		train(ctx, &data, &booster);
		test_ok(ctx, gh_booster_margins(ctx, &booster, data.rows, data.n, 5, margins));
		for (size_t i = 0; i < data.n; i++)
			assert_true(margins[i] == gh_booster_margin(&booster, data.rows + i * 5));
		test_ok(ctx, gh_booster_margins(ctx, &booster, data.rows, 0, 5, margins));
		gh_booster_free(ctx, &booster);
		test_discard(&data);
		test_close(ctx);
	}
}

static bool
read_back(gh_ctx *ctx, const uint8_t *bytes, size_t length, gh_booster *booster)
{
	gh_reader	r;

	gh_reader_init(&r, bytes, length);
	test_ok(ctx, gh_booster_read(ctx, &r, booster));
	if (!r.ok)
	{
		assert_null(booster->trees);
		return false;
	}
	return true;
}

static void
bytes_come_back_the_same(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	size_t		length;
	uint8_t    *bytes = test_bytes(ctx, &hand_made, &length);
	gh_booster	copy;

	(void) state;
	assert_int_equal(length, 16 + 4 + 5 * 23 + 4 + 23);
	assert_true(read_back(ctx, bytes, length, &copy));
	test_same_booster(ctx, &hand_made, &copy);
	gh_booster_free(ctx, &copy);
	gh_free(ctx, bytes);
	test_close(ctx);
}

/* Every truncation is refused; so is every flipped bit, or it gives finite answers. */
static void
damaged_bytes_do_no_harm(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(300, 4, 0, .2, 8);
	gh_booster	booster,
				copy;
	size_t		length;
	uint8_t    *bytes;
	int			accepted = 0,
				refused = 0;

	(void) state;
	train(ctx, &data, &booster);
	bytes = test_bytes(ctx, &booster, &length);
	for (size_t cut = 0; cut < length; cut++)
	{
		uint8_t    *part = malloc(cut + 1);	/* so that a read past the end is seen */

		memcpy(part, bytes, cut);
		assert_false(read_back(ctx, part, cut, &copy));
		free(part);
	}
	for (size_t bit = 0; bit < length * 8; bit++)
	{
		bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		if (read_back(ctx, bytes, length, &copy))
		{
			float		x[GH_MAX_FEATURES];

			for (int j = 0; j < copy.n_features; j++)
				x[j] = j % 3 == 0 ? NAN : .5f;
			assert_true(isfinite(gh_booster_margin(&copy, x)));
			gh_booster_free(ctx, &copy);
			accepted++;
		}
		else
			refused++;
		bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
	assert_true(accepted > 0 && refused > 0);
	gh_free(ctx, bytes);
	gh_booster_free(ctx, &booster);
	test_discard(&data);
	test_close(ctx);
}

/* Write the hand-made booster with one thing wrong; it must be refused. */
static void
expect_refusal(gh_ctx *ctx)
{
	size_t		length;
	uint8_t    *bytes = test_bytes(ctx, &hand_made, &length);
	gh_booster	copy;

	assert_false(read_back(ctx, bytes, length, &copy));
	gh_free(ctx, bytes);
}

#define REFUSED(place, bad) \
	do { \
		__typeof__(place) kept = (place); \
		(place) = (bad); \
		expect_refusal(ctx); \
		(place) = kept; \
	} while (0)

static void
impossible_trees_are_refused(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	REFUSED(left_1[0], 0);		/* orphans */
	REFUSED(left_1[1], 1);		/* its own child, twice a parent */
	REFUSED(left_1[1], 2);
	REFUSED(left_1[1], 4);		/* no right child */
	REFUSED(left_1[1], UINT32_MAX);
	REFUSED(left_1[4], 3);
	REFUSED(feature_1[1], 2);
	REFUSED(default_1[1], 2);
	REFUSED(threshold_1[0], INFINITY);
	REFUSED(threshold_1[0], NAN);
	REFUSED(value_1[3], -INFINITY);
	REFUSED(gain_1[0], NAN);
	REFUSED(cover_1[2], -1.0f);
	test_close(ctx);
}

/* A path of GH_MAX_TREE_DEPTH nodes is read, one more is not. */
static void
depth_is_bounded(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	for (uint32_t depth = GH_MAX_TREE_DEPTH; depth <= GH_MAX_TREE_DEPTH + 1; depth++)
	{
		uint32_t	n = 2 * depth - 1;
		gh_tree		tree = {n, calloc(n, 4), calloc(n, 2), calloc(n, 1), calloc(n, 4), calloc(n, 4), calloc(n, 4),
		calloc(n, 4)};
		gh_booster	booster = {1, .5, 1, &tree},
					copy;
		size_t		length;
		uint8_t    *bytes;

		for (uint32_t i = 0; i + 2 < n; i += 2)
			tree.left[i == 0 ? 0 : i] = i + 1;
		bytes = test_bytes(ctx, &booster, &length);
		assert_int_equal(read_back(ctx, bytes, length, &copy), depth == GH_MAX_TREE_DEPTH);
		if (depth == GH_MAX_TREE_DEPTH)
			gh_booster_free(ctx, &copy);
		gh_free(ctx, bytes);
		free(tree.left);
		free(tree.feature);
		free(tree.default_left);
		free(tree.threshold);
		free(tree.value);
		free(tree.cover);
		free(tree.gain);
	}
	test_close(ctx);
}

/* output_margin of XGBoost 1.7.6 to 3.1.3 before any tree, by base_score; and ends that bytes may hold. */
static void
trees_are_added_to_xgboosts_margin(void **state)
{
	static const struct
	{
		double		base,
					margin;
	}			seen[] = {
		{1e-8, -18.42068099975586}, {.25, -1.0986123085021973}, {.5, 0}, {.99, 4.5951247215271}, {.9998, 8.517026901245117},
		{.999999, 13.745160102844238}, {.9999999, 15.942384719848633},
	};
	gh_booster	booster = {.n_features = 1};
	const float x = 1;
	double		margin;

	(void) state;
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);

		booster.base_score = seen[i].base;
		assert_true(gh_booster_start(seen[i].base) == seen[i].margin);
		assert_true(gh_booster_margin(&booster, &x) == seen[i].margin);
		test_ok(ctx, gh_booster_margins(ctx, &booster, &x, 1, 1, &margin));
		assert_true(margin == seen[i].margin);
		test_close(ctx);
	}
	assert_true(isfinite(gh_booster_start(5e-324)) && gh_booster_start(5e-324) < -80);
	assert_true(isfinite(gh_booster_start(nextafter(1, 0))) && gh_booster_start(nextafter(1, 0)) > 15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_follow_thresholds_and_defaults),
		cmocka_unit_test(sigmoid_and_logit_are_exact),
		cmocka_unit_test(margins_of_many_rows_are_those_of_each),
		cmocka_unit_test(bytes_come_back_the_same),
		cmocka_unit_test(damaged_bytes_do_no_harm),
		cmocka_unit_test(impossible_trees_are_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(trees_are_added_to_xgboosts_margin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
