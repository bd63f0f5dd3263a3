/*
 * test_hdbscan_bytes.c
 *		A kept clustering's bytes, which are not to be trusted, and its life from the
 *		fit to a prediction: cancelled, out of memory, within its estimate.
 */
#include "hdbscan_model_testing.h"

#include "base/gh_isa.h"

/* ---- bytes -------------------------------------------------------------------- */

static gh_hdbscan_params
small_params(void)
{
	gh_hdbscan_params params = gh_hdbscan_defaults();

	params.min_samples = 3;
	params.epsilon = 0.05;
	params.alpha = 1.1;
	params.max_cluster_size = 80;
	return params;
}

static void
small_model(gh_ctx *ctx, int threads, uint8_t **bytes, size_t *length)
{
	double	   *x = make_points(BLOBS, 120, 2, 3);
	gh_hdbscan_params params = small_params();
	gh_ctx	   *fitting = open_threads(threads);
	gh_hdbscan_model model = fit(fitting, x, 120, 2, &params);
	uint8_t    *written;

	assert_int_equal(gh_hdbscan_model_write(fitting, &model, &written, length), GH_OK);
	*bytes = gh_alloc(ctx, *length, 1);
	memcpy(*bytes, written, *length);
	gh_ctx_close(fitting);
	free(x);
}

static void
bytes_there_and_back(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	uint8_t    *bytes,
			   *other,
			   *again;
	size_t		length,
				other_length,
				again_length;
	gh_hdbscan_model model;
	gh_hdbscan_params params = small_params();

	(void) state;
	small_model(ctx, 1, &bytes, &length);
	small_model(ctx, 7, &other, &other_length);
	assert_int_equal(length, other_length);
	assert_memory_equal(bytes, other, length);
	gh_isa_limit(GH_ISA_SCALAR);
	small_model(ctx, 1, &again, &again_length);
	gh_isa_limit(GH_ISA_AVX512);
	assert_memory_equal(bytes, again, length);
	gh_free(ctx, again);

	assert_int_equal(gh_hdbscan_model_read(ctx, bytes, length, &model), GH_OK);
	assert_int_equal(model.n, 120);
	assert_int_equal(model.d, 2);
	assert_int_equal(model.params.min_samples, params.min_samples);
	assert_true(model.params.alpha == params.alpha && model.params.epsilon == params.epsilon);
	assert_int_equal(model.params.max_cluster_size, params.max_cluster_size);
	assert_string_equal(model.ids + model.id_begin[119], "n\xc3\xba" "833");
	assert_int_equal(gh_hdbscan_model_write(ctx, &model, &again, &again_length), GH_OK);
	assert_int_equal(length, again_length);
	assert_memory_equal(bytes, again, length);
	assert_true(length <= gh_hdbscan_model_length(120, 2, model.id_begin[120] - 120, params.min_cluster_size));
	gh_hdbscan_model_free(ctx, &model);
	gh_free(ctx, bytes);
	gh_free(ctx, other);
	gh_free(ctx, again);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

/* Reads, and uses what could be read; nothing may crash, and nothing may be left. */
static gh_status
try_bytes(const uint8_t *bytes, size_t length)
{
	/* a copy of exactly that length, so that a sanitizer sees every read behind it */
	uint8_t    *copy = malloc(length > 0 ? length : 1);
	gh_ctx	   *ctx = open_threads(1);
	gh_hdbscan_model model;
	gh_status	status;

	memcpy(copy, bytes, length);
	status = gh_hdbscan_model_read(ctx, copy, length, &model);
	if (status == GH_OK)
	{
		double		q[2] = {0.1, 0.2};
		int32_t		label;
		double		probability;
		gh_cluster *clusters;
		int			n_clusters;

		assert_int_equal(gh_hdbscan_clusters(ctx, &model, &clusters, &n_clusters), GH_OK);
		gh_free(ctx, clusters);
		for (size_t i = 0; i < gh_hdbscan_tree_rows(&model); i++)
			(void) gh_hdbscan_tree_row(&model, i);
		assert_int_equal(gh_hdbscan_model_prepare(ctx, &model), GH_OK);
		if (model.d == 2)
		{
			assert_int_equal(gh_hdbscan_predict(ctx, &model, q, &label, &probability), GH_OK);
			assert_true(label >= GH_NOISE && label < n_clusters);
		}
		gh_hdbscan_model_free(ctx, &model);
	}
	else
		assert_int_equal(status, GH_ECORRUPT);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(copy);
	return status;
}

static void
damaged_bytes(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	uint8_t    *bytes,
			   *changed;
	size_t		length,
				accepted = 0;

	(void) state;
	small_model(ctx, 1, &bytes, &length);
	changed = gh_alloc(ctx, length, 1);
	for (size_t cut = 0; cut < length; cut += cut < 300 ? 1 : 37)
		assert_int_equal(try_bytes(bytes, cut), GH_ECORRUPT);
	/* a flipped bit is found by the checksum, or, when that is made good, by the parser or by nobody */
	for (size_t at = 0; at < length; at += at < 300 ? 1 : 5)
	{
		memcpy(changed, bytes, length);
		changed[at] ^= (uint8_t) (1 << (at % 8));
		assert_int_equal(try_bytes(changed, length), GH_ECORRUPT);
		seal(changed, length);
		accepted += try_bytes(changed, length) == GH_OK;
		changed[at] = 0xFF;
		seal(changed, length);
		(void) try_bytes(changed, length);
	}
	assert_true(accepted > 0);
	gh_ctx_close(ctx);
}

/* ---- manners -------------------------------------------------------------------- */

typedef struct call
{
	double	   *x;
	size_t		n;
	char	  **ids;
	gh_hdbscan_params params;
} call;

static gh_status
run_call(gh_ctx *ctx, void *arg)
{
	call	   *c = arg;
	gh_hdbscan_model model,
				read;
	uint8_t    *bytes;
	size_t		length;
	int32_t		label;
	double		probability;
	gh_status	status;

	GH_TRY(gh_hdbscan_fit(ctx, c->x, c->n, 2, (const char *const *) c->ids, &c->params, &model));
	status = gh_hdbscan_model_write(ctx, &model, &bytes, &length);
	gh_hdbscan_model_free(ctx, &model);
	GH_TRY(status);
	status = gh_hdbscan_model_read(ctx, bytes, length, &read);
	gh_free(ctx, bytes);
	GH_TRY(status);
	status = gh_hdbscan_model_prepare(ctx, &read);
	if (status == GH_OK)
		status = gh_hdbscan_predict(ctx, &read, c->x, &label, &probability);
	gh_hdbscan_model_free(ctx, &read);
	return status;
}

static call
open_call(size_t n)
{
	call		c = {make_points(BLOBS, n, 2, 5), n, make_ids(n), gh_hdbscan_defaults()};

	return c;
}

static void
close_call(call *c)
{
	free(c->x);
	free_ids(c->ids, c->n);
}

static void
cancel_anywhere(void **state)
{
	call		c = open_call(3000);

	(void) state;
	assert_true(check_cancel(run_call, &c, 1) > 10);
	assert_true(check_cancel(run_call, &c, 3) > 10);
	close_call(&c);
}

static void
allocation_failures(void **state)
{
	call		c = open_call(200);

	(void) state;
	assert_true(check_allocations(run_call, &c) > 5);
	close_call(&c);
}

static void
memory_is_estimated(void **state)
{
	call		c = open_call(20000);
	size_t		id_bytes = 0;

	(void) state;
	for (size_t i = 0; i < c.n; i++)
		id_bytes += strlen(c.ids[i]);
	check_memory(run_call, &c, gh_hdbscan_fit_memory(c.n, 2, id_bytes, &c.params));
	close_call(&c);
}

static void
bad_points(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	gh_hdbscan_params params = gh_hdbscan_defaults();
	gh_hdbscan_model model;
	double		x[2] = {0, INFINITY};
	const char *const ids[] = {"a", "b"};

	(void) state;
	assert_int_equal(gh_hdbscan_fit(ctx, x, 0, 1, ids, &params, &model), GH_EDATA);
	gh_ctx_close(ctx);
	ctx = open_threads(1);
	assert_int_equal(gh_hdbscan_fit(ctx, x, 2, 1, ids, &params, &model), GH_EDATA);
	gh_ctx_close(ctx);
	ctx = open_threads(1);
	params.min_cluster_size = 1;
	assert_int_equal(gh_hdbscan_fit(ctx, x, 1, 1, ids, &params, &model), GH_EINVAL);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_there_and_back),
		cmocka_unit_test(damaged_bytes),
		cmocka_unit_test(cancel_anywhere),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(memory_is_estimated),
		cmocka_unit_test(bad_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
