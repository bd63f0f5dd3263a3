/*
 * test_umap_bytes.c
 *		A kept projection's bytes, which are not to be trusted, and its life from the
 *		fit to a new point's place: cancelled, out of memory, within its estimate.
 */
#include "umap_model_testing.h"

/* ---- bytes ------------------------------------------------------------- */

/* Bytes of a small model, malloc'ed. */
static uint8_t *
small_bytes(size_t *length)
{
	gh_ctx	   *ctx = open_threads(1);
	gh_umap_model model = on_a_line(ctx, 6, 3, 2);
	uint8_t    *bytes,
			   *copy;

	assert_int_equal(gh_umap_model_write(ctx, &model, &bytes, length), GH_OK);
	copy = malloc(*length);
	memcpy(copy, bytes, *length);
	gh_free(ctx, bytes);
	gh_umap_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return copy;
}

/* Reads and, when that works, places a point.  Nothing may stay allocated. */
static gh_status
try_bytes(const uint8_t *bytes, size_t length)
{
	gh_ctx	   *ctx = open_threads(1);
	gh_umap_model model;
	gh_status	status = gh_umap_model_read(ctx, bytes, length, &model);

	if (status == GH_OK)
	{
		double	   *x = calloc((size_t) model.d, sizeof(double)),
					place[GH_UMAP_MOST_COMPONENTS];

		assert_int_equal(gh_umap_model_prepare(ctx, &model), GH_OK);
		assert_int_equal(gh_umap_transform(ctx, &model, x, place), GH_OK);
		for (int c = 0; c < model.params.n_components; c++)
			assert_false(isnan(place[c]));
		free(x);
		gh_umap_model_free(ctx, &model);
	}
	else
		assert_non_null(gh_ctx_hint(ctx));
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return status;
}

static void
bytes_come_back_the_same(void **state)
{
	size_t		n = 200,
				length,
				again;
	double	   *x = songs(n, 4, 3, 10);
	gh_umap_params params = gh_umap_defaults();
	gh_ctx	   *ctx = open_threads(1);
	gh_umap_model model,
				back;
	uint8_t    *bytes,
			   *second;

	(void) state;
	params.seed = UINT64_MAX - 5;
	params.init = GH_UMAP_PCA;
	params.n_epochs = 20;
	assert_int_equal(gh_umap_fit(ctx, x, n, 4, &params, &model), GH_OK);
	assert_int_equal(gh_umap_model_write(ctx, &model, &bytes, &length), GH_OK);
	assert_int_equal(gh_umap_model_read(ctx, bytes, length, &back), GH_OK);
	assert_int_equal(back.n, n);
	assert_int_equal(back.d, 4);
	assert_true(back.params.seed == params.seed && back.params.init == GH_UMAP_PCA && back.params.standardize);
	assert_true(back.params.n_epochs == 20 && back.params.n_neighbors == 15 && back.params.n_components == 2);
	assert_true(back.params.min_dist == 0.1 && back.params.spread == 1 && back.params.learning_rate == 1);
	assert_true(back.a == model.a && back.b == model.b && back.params.negative_sample_rate == 5);
	assert_memory_equal(back.point, model.point, n * 4 * sizeof(float));
	assert_memory_equal(back.embedding, model.embedding, n * 2 * sizeof(float));
	assert_int_equal(gh_umap_model_write(ctx, &back, &second, &again), GH_OK);
	assert_int_equal(again, length);
	assert_memory_equal(second, bytes, length);
	/* an artists' catalogue stays under 40 MB */
	assert_true(gh_umap_model_length(228000, 14, 2) < 40000000);
	assert_true(gh_umap_model_length(SIZE_MAX / 4, 14, 2) == SIZE_MAX);
	gh_free(ctx, bytes);
	gh_free(ctx, second);
	gh_umap_model_free(ctx, &model);
	gh_umap_model_free(ctx, &back);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(x);
}

static void
every_truncation_is_refused(void **state)
{
	size_t		length;
	uint8_t    *bytes = small_bytes(&length);

	(void) state;
	for (size_t n = 0; n < length; n++)
	{
		uint8_t    *cut = malloc(n + 1);

		memcpy(cut, bytes, n);
		assert_int_equal(try_bytes(cut, n), GH_ECORRUPT);
		free(cut);
	}
	assert_int_equal(try_bytes(bytes, length), GH_OK);
	free(bytes);
}

static void
every_flipped_bit_is_refused_or_harmless(void **state)
{
	size_t		length,
				accepted = 0;
	uint8_t    *bytes = small_bytes(&length);

	(void) state;
	for (size_t bit = 0; bit < 8 * length; bit++)
	{
		gh_status	status;

		bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		assert_int_equal(try_bytes(bytes, length), GH_ECORRUPT);
		seal(bytes, length);
		status = try_bytes(bytes, length);
		assert_true(status == GH_OK || status == GH_ECORRUPT);
		accepted += status == GH_OK;
		bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		seal(bytes, length);
	}
	/* other coordinates and steps are models, too; other counts are not */
	assert_true(accepted > 0 && accepted < 8 * length);
	assert_int_equal(try_bytes(bytes, length), GH_OK);
	free(bytes);
}

/* Sealed bytes with a 32-bit word of the parameters replaced. */
static gh_status
with_word(int word, uint32_t value)
{
	size_t		length;
	uint8_t    *bytes = small_bytes(&length);
	uint8_t    *at = bytes + 32 + 4 * 24 + 4 * word;
	gh_status	status;

	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t) (value >> 8 * i);
	seal(bytes, length);
	status = try_bytes(bytes, length);
	free(bytes);
	return status;
}

/* Counts are held against the bytes that there are before anything is allocated for them. */
static void
counts_are_not_trusted(void **state)
{
	const uint32_t bad[] = {0, 5, 7, 1 << 20, INT32_MAX, UINT32_C(0x80000000), UINT32_MAX};

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		assert_int_equal(with_word(0, bad[i]), GH_ECORRUPT);	/* n, 6 */
		assert_int_equal(with_word(1, bad[i]), GH_ECORRUPT);	/* d, 1 */
		assert_int_equal(with_word(3, bad[i]), GH_ECORRUPT);	/* n_components, 1 */
	}
	assert_int_equal(with_word(2, 1), GH_ECORRUPT);
	assert_int_equal(with_word(2, GH_UMAP_MOST_NEIGHBORS + 1), GH_ECORRUPT);
	assert_int_equal(with_word(2, GH_UMAP_MOST_NEIGHBORS), GH_OK);
	assert_int_equal(with_word(4, 0), GH_ECORRUPT);
	assert_int_equal(with_word(4, GH_UMAP_MOST_EPOCHS + 1), GH_ECORRUPT);
	assert_int_equal(with_word(5, GH_UMAP_MOST_NEGATIVE + 1), GH_ECORRUPT);
	assert_int_equal(with_word(6, 3), GH_ECORRUPT); /* an init that there is not */
}

/* ---- memory and cancelling --------------------------------------------- */

typedef struct life
{
	double	   *x;
	size_t		n;
} life;

static gh_status
whole_life(gh_ctx *ctx, void *arg)
{
	life	   *l = arg;
	gh_umap_params params = gh_umap_defaults();
	gh_umap_model model,
				back;
	uint8_t    *bytes;
	size_t		length;
	double		place[2];
	gh_status	status;

	params.n_epochs = 5;
	params.init = GH_UMAP_RANDOM;
	GH_TRY(gh_umap_fit(ctx, l->x, l->n, 3, &params, &model));
	status = gh_umap_model_write(ctx, &model, &bytes, &length);
	gh_umap_model_free(ctx, &model);
	if (status != GH_OK)
		return status;
	status = gh_umap_model_read(ctx, bytes, length, &back);
	gh_free(ctx, bytes);
	if (status != GH_OK)
		return status;
	status = gh_umap_model_prepare(ctx, &back);
	if (status == GH_OK)
		status = gh_umap_transform(ctx, &back, l->x, place);
	gh_umap_model_free(ctx, &back);
	return status;
}

static void
failing_memory_leaves_nothing(void **state)
{
	life		l = {songs(70, 3, 2, 11), 70};

	(void) state;
	assert_true(check_allocations(whole_life, &l) > 30);
	free(l.x);
}

static void
can_be_cancelled(void **state)
{
	life		l = {songs(600, 3, 2, 12), 600};

	(void) state;
	assert_true(check_cancel(whole_life, &l, 1) > 10);
	free(l.x);
}

/* Refused as a whole or done, whatever the budget; and the greatest need is not far above the use. */
static void
memory_is_estimated(void **state)
{
	size_t		n = 20000;
	double	   *x = songs(n, 14, 5, 13);
	gh_umap_params params = gh_umap_defaults();
	size_t		limit,
				peak = 0;

	(void) state;
	params.n_epochs = 2;
	params.init = GH_UMAP_RANDOM;
	for (limit = (size_t) 1 << 20; peak == 0; limit += limit / 16)
	{
		gh_host		host = {.threads = 2,.memory_limit = limit};
		gh_ctx	   *ctx = gh_ctx_open(&host);
		gh_umap_model model;
		uint8_t    *bytes;
		size_t		length;
		gh_status	status = gh_umap_fit(ctx, x, n, 14, &params, &model);

		assert_true(status == GH_OK || (status == GH_ELIMIT && gh_memory_peak(ctx) == 0));
		if (status == GH_OK)
		{
			assert_int_equal(gh_umap_model_write(ctx, &model, &bytes, &length), GH_OK);
			peak = gh_memory_peak(ctx);
		}
		gh_ctx_close(ctx);
	}
	assert_true((double) peak > 0.8 * (double) limit * 16 / 17);
	free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_back_the_same),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_flipped_bit_is_refused_or_harmless),
		cmocka_unit_test(counts_are_not_trusted),
		cmocka_unit_test(failing_memory_leaves_nothing),
		cmocka_unit_test(can_be_cancelled),
		cmocka_unit_test(memory_is_estimated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
