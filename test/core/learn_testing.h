/*
 * learn_testing.h
 *		Contexts, data and comparisons that the tests of learn/ share.
 */
#ifndef LEARN_TESTING_H
#define LEARN_TESTING_H

#include "testing.h"

#include "base/gh_random.h"
#include "learn/gh_boost.h"

static inline double
test_uniform(uint64_t seed, uint64_t index)
{
	return gh_random_double(seed, GH_STREAM_TEST, index);
}

/* Closes a context that must hold nothing any more. */
static inline void
test_close(gh_ctx *ctx)
{
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static inline void
test_ok(gh_ctx *ctx, gh_status status)
{
	if (status != GH_OK)
		fail_msg("status %d: %s (%s)", (int) status, gh_ctx_message(ctx),
				 gh_ctx_detail(ctx) != NULL ? gh_ctx_detail(ctx) : "");
}

typedef struct test_data
{
	size_t		n;
	int			d;
	float	   *rows;
	uint8_t    *labels;
	uint32_t   *all;			/* 0 .. n-1 */
} test_data;

/*
 * Features of `values` distinct values (0: continuous), a share of them
 * missing; a label that depends on three of them and on being missing.
 */
static inline test_data
test_make(size_t n, int d, int values, double missing, uint64_t seed)
{
	test_data	t = {n, d, malloc(n * (size_t) d * sizeof(float)), malloc(n), malloc(n * sizeof(uint32_t))};

	for (size_t i = 0; i < n; i++)
	{
		double		signal = 0;

		for (int j = 0; j < d; j++)
		{
			uint64_t	at = (i * (size_t) d + (size_t) j) * 2;
			double		u = test_uniform(seed, at);
			bool		gone = test_uniform(seed, at + 1) < missing;

			u = values > 0 ? floor(u * values) / values : u;
			t.rows[i * (size_t) d + (size_t) j] = gone ? NAN : (float) (u * 3 - 1);
			if (j < 3)
				signal += gone ? 0.3 * (j - 1) : j == 0 ? 2 * u : j == 1 ? sin(6 * u) : (u > .7) - u;
		}
		t.labels[i] = signal + test_uniform(seed + 1, i) > 1.7;
		t.all[i] = (uint32_t) i;
	}
	return t;
}

static inline void
test_discard(test_data *t)
{
	free(t->rows);
	free(t->labels);
	free(t->all);
}

static inline gh_fit
test_fit(const test_data *t, const gh_bins *bins)
{
	return (gh_fit) {.bins = bins,.rows = t->all,.n_rows = t->n,.labels = t->labels};
}

/* A booster of all rows. */
static inline gh_booster
test_train(gh_ctx *ctx, const test_data *data, const gh_boost_params *params, const float *weights)
{
	gh_bins		bins;
	gh_booster	booster;
	gh_fit		fit = test_fit(data, &bins);

	fit.weights = weights;
	test_ok(ctx, gh_bins_build(ctx, data->rows, data->n, data->d, params->max_bin, NULL, 0, &bins));
	test_ok(ctx, gh_boost_train(ctx, &fit, params, &booster, NULL));
	gh_bins_free(ctx, &bins);
	return booster;
}

/* Every kind of sampling. */
static inline gh_boost_params
test_sampled(void)
{
	gh_boost_params params = gh_boost_defaults();

	params.n_estimators = 8;
	params.subsample = .7;
	params.colsample_bytree = .8;
	params.colsample_bylevel = .7;
	params.colsample_bynode = .6;
	params.seed = 5;
	return params;
}

/* The bytes of a booster, in gh memory. */
static inline uint8_t *
test_bytes(gh_ctx *ctx, const gh_booster *booster, size_t *length)
{
	gh_writer	w;

	gh_writer_init(&w, ctx);
	gh_booster_write(&w, booster);
	test_ok(ctx, w.status);
	*length = w.length;
	return w.bytes;
}

static inline void
test_same_booster(gh_ctx *ctx, const gh_booster *a, const gh_booster *b)
{
	size_t		n,
				m;
	uint8_t    *x = test_bytes(ctx, a, &n),
			   *y = test_bytes(ctx, b, &m);

	assert_int_equal(n, m);
	assert_memory_equal(x, y, n);
	gh_free(ctx, x);
	gh_free(ctx, y);
}

#endif							/* LEARN_TESTING_H */
