/*
 * test_boost_bytes.c
 *		A single classifier as bytes: round trip, damage, failing memory.
 */
#include "learn_testing.h"

#include "base/gh_container.h"
#include "learn/gh_boost_bytes.h"

static uint32_t left[] = {1, 0, 0};
static uint16_t feature[] = {1, 0, 0};
static uint8_t default_left[] = {1, 0, 0};
static float threshold[] = {.5f, 0, 0};
static float value[] = {0, -1, 2};
static float cover[] = {4, 3, 1};
static float gain[] = {7, 0, 0};
static gh_tree trees[] = {{3, left, feature, default_left, threshold, value, cover, gain}};
static char *names[] = {"tempo", "caf\xc3\xa9"};
static char info[] = "{\"rows\": 4}";
static const gh_boost_model hand_made = {2, names, info, {2, .25, 1, trees}};

/* Bytes of the model above, malloc'ed. */
static uint8_t *
bytes_of(const gh_boost_model *model, size_t *length)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	uint8_t    *bytes,
			   *copy;

	assert_int_equal(gh_boost_model_write(ctx, model, &bytes, length), GH_OK);
	copy = malloc(*length);
	assert_non_null(copy);
	memcpy(copy, bytes, *length);
	gh_free(ctx, bytes);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return copy;
}

/* Reads and, when that works, predicts; GH_OK or the failure. Nothing may stay allocated. */
static gh_status
try_bytes(const uint8_t *bytes, size_t length)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_boost_model model;
	gh_status	status = gh_boost_model_read(ctx, bytes, length, &model);

	if (status == GH_OK)
	{
		float	   *x = calloc((size_t) model.n_features, sizeof(float));
		double		p = gh_booster_probability(&model.booster, x);

		assert_true(p >= 0 && p <= 1);
		free(x);
		gh_boost_model_free(ctx, &model);
	}
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return status;
}

static void
comes_back_the_same(void **state)
{
	size_t		length;
	uint8_t    *bytes = bytes_of(&hand_made, &length);
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_boost_model model;
	float		x[] = {0, .25f};

	(void) state;
	assert_int_equal(gh_boost_model_read(ctx, bytes, length, &model), GH_OK);
	assert_int_equal(model.n_features, 2);
	assert_string_equal(model.feature[0], names[0]);
	assert_string_equal(model.feature[1], names[1]);
	assert_string_equal(model.info, info);
	assert_true(gh_booster_margin(&model.booster, x) == gh_booster_margin(&hand_made.booster, x));
	gh_boost_model_free(ctx, &model);
	gh_boost_model_free(ctx, &model);
	gh_ctx_close(ctx);
	free(bytes);
}

static void
every_truncation_is_refused(void **state)
{
	size_t		length;
	uint8_t    *bytes = bytes_of(&hand_made, &length);

	(void) state;
	for (size_t n = 0; n < length; n++)
	{
		uint8_t    *cut = malloc(n + 1);

		memcpy(cut, bytes, n);
		assert_int_equal(try_bytes(cut, n), GH_ECORRUPT);
		free(cut);
	}
	free(bytes);
}

static void
every_flipped_bit_is_refused_or_harmless(void **state)
{
	size_t		length,
				accepted = 0;
	uint8_t    *bytes = bytes_of(&hand_made, &length);

	(void) state;
	for (size_t bit = 0; bit < 8 * length; bit++)
	{
		bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		assert_int_equal(try_bytes(bytes, length), GH_ECORRUPT);
		seal(bytes, length);
		accepted += try_bytes(bytes, length) == GH_OK;
		bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		seal(bytes, length);
	}
	/* other names, thresholds and leaves are models, too */
	assert_true(accepted > 0 && accepted < 8 * length);
	assert_int_equal(try_bytes(bytes, length), GH_OK);
	free(bytes);
}

static void
other_features_than_names_are_refused(void **state)
{
	gh_boost_model model = hand_made;
	size_t		length;
	uint8_t    *bytes;

	(void) state;
	model.n_features = 1;
	bytes = bytes_of(&model, &length);
	assert_int_equal(try_bytes(bytes, length), GH_ECORRUPT);
	free(bytes);
}

static void
failing_memory_leaves_nothing(void **state)
{
	size_t		length;
	uint8_t    *bytes = bytes_of(&hand_made, &length);
	gh_status	status = GH_ENOMEM;

	(void) state;
	for (uint64_t k = 1; status != GH_OK; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_boost_model model;

		gh_ctx_fail_allocation(ctx, k, true);
		status = gh_boost_model_read(ctx, bytes, length, &model);
		if (status == GH_OK)
			gh_boost_model_free(ctx, &model);
		else
			assert_int_equal(status, GH_ENOMEM);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
		assert_true(k < 1000);
	}
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_the_same),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_flipped_bit_is_refused_or_harmless),
		cmocka_unit_test(other_features_than_names_are_refused),
		cmocka_unit_test(failing_memory_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
