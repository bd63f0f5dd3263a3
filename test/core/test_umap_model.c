/*
 * test_umap_model.c
 *		A projection as a value: what it keeps, its bytes, and where new points land.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/gh_bytes.h"
#include "base/gh_container.h"
#include "base/gh_isa.h"
#include "base/gh_random.h"
#include "project/gh_umap_model.h"

static gh_ctx *
open_threads(int threads)
{
	gh_host		host = {.threads = threads,.memory_limit = SIZE_MAX};

	return gh_ctx_open(&host);
}

/* Gaussian blobs far apart; blob of point i: i % groups. */
static double *
blobs(size_t n, int d, int groups, uint64_t seed)
{
	double	   *x = malloc(sizeof(double) * n * d);

	for (size_t i = 0; i < n; i++)
	{
		for (int j = 0; j < d; j++)
			x[i * d + j] = gh_random_normal(seed, GH_STREAM_TEST, i * d + j) +
				6 * gh_random_normal(40, GH_STREAM_TEST + 1, (i % groups) * d + j);
	}
	return x;
}

static void
fit(gh_ctx *ctx, const double *x, size_t n, int d, const gh_umap_params *params, gh_umap_model *model)
{
	assert_int_equal(gh_umap_fit(ctx, x, n, d, params, model), GH_OK);
}

/* The places of m points in a model that was fitted, written and read. */
static double *
places(const double *x, size_t n, int d, const gh_umap_params *params, const double *points, size_t m, int threads)
{
	gh_ctx	   *ctx = open_threads(threads);
	gh_umap_model model;
	uint8_t    *bytes;
	size_t		length;
	double	   *out = malloc(sizeof(double) * m * params->n_components);

	fit(ctx, x, n, d, params, &model);
	assert_int_equal(gh_umap_model_write(ctx, &model, &bytes, &length), GH_OK);
	assert_int_equal(length, gh_umap_model_length(n, d, params->n_components));
	gh_umap_model_free(ctx, &model);
	assert_int_equal(gh_umap_model_read(ctx, bytes, length, &model), GH_OK);
	gh_free(ctx, bytes);
	assert_int_equal(gh_umap_model_prepare(ctx, &model), GH_OK);
	for (size_t i = 0; i < m; i++)
		assert_int_equal(gh_umap_transform(ctx, &model, points + i * d, out + i * params->n_components), GH_OK);
	gh_umap_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return out;
}

static double
distance(const double *a, const double *b, int dim)
{
	double		sum = 0;

	for (int c = 0; c < dim; c++)
		sum += (a[c] - b[c]) * (a[c] - b[c]);
	return sqrt(sum);
}

static double *
project(const double *x, size_t n, int d, const gh_umap_params *params)
{
	gh_ctx	   *ctx = open_threads(1);
	double	   *y = malloc(sizeof(double) * n * params->n_components);

	assert_int_equal(gh_umap_project(ctx, x, n, d, params, y), GH_OK);
	gh_ctx_close(ctx);
	return y;
}

/* ---- the fit ----------------------------------------------------------- */

static void
keeps_the_projection(void **state)
{
	size_t		n = 400;
	double	   *x = blobs(n, 5, 4, 1);
	gh_umap_params params = gh_umap_defaults();
	double	   *y = project(x, n, 5, &params);
	gh_ctx	   *ctx = open_threads(2);
	gh_umap_model model;

	(void) state;
	fit(ctx, x, n, 5, &params, &model);
	for (size_t i = 0; i < n * 2; i++)
		assert_true(model.embedding[i] == y[i]);
	for (int j = 0; j < 5; j++)
	{
		double		mean = 0,
					variance = 0;

		for (size_t i = 0; i < n; i++)
			mean += x[i * 5 + j] / (double) n;
		for (size_t i = 0; i < n; i++)
			variance += (x[i * 5 + j] - mean) * (x[i * 5 + j] - mean) / (double) n;
		for (size_t i = 0; i < n; i++)
			assert_true(fabs(model.point[i * 5 + j] - (x[i * 5 + j] - mean) / sqrt(variance)) < 1e-6);
	}
	assert_int_equal(model.params.n_epochs, 500);
	assert_true(fabs(model.a - 1.57694361) < 5e-7 && fabs(model.b - 0.89506072) < 5e-7);
	gh_umap_model_free(ctx, &model);
	gh_umap_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(x);
	free(y);
}

static void
refuses_what_it_cannot_fit(void **state)
{
	double	   *x = blobs(50, 3, 2, 2);
	gh_umap_params params = gh_umap_defaults();
	gh_umap_model model;
	gh_ctx	   *ctx = open_threads(1);

	(void) state;
	assert_int_equal(gh_umap_fit(ctx, x, 0, 3, &params, &model), GH_EDATA);
	assert_non_null(gh_ctx_hint(ctx));
	gh_ctx_close(ctx);
	ctx = open_threads(1);
	params.n_neighbors = 1;
	assert_int_equal(gh_umap_fit(ctx, x, 50, 3, &params, &model), GH_EINVAL);
	gh_ctx_close(ctx);
	ctx = open_threads(1);
	params = gh_umap_defaults();
	x[10] = NAN;
	assert_int_equal(gh_umap_fit(ctx, x, 50, 3, &params, &model), GH_EDATA);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(x);
}

/* ---- new points -------------------------------------------------------- */

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a,
				y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* Within a fiftieth of the picture's size, half of them within a hundredth. */
static void
check_own_places(const double *x, size_t n, int d, const gh_umap_params *params)
{
	int			dim = params->n_components;
	double	   *y = project(x, n, d, params),
			   *z = places(x, n, d, params, x, n, 1),
			   *moved = malloc(sizeof(double) * n),
				low[GH_UMAP_MOST_COMPONENTS],
				high[GH_UMAP_MOST_COMPONENTS],
				size;

	memcpy(low, y, sizeof(double) * dim);
	memcpy(high, y, sizeof(double) * dim);
	for (size_t i = 0; i < n; i++)
	{
		for (int c = 0; c < dim; c++)
		{
			low[c] = fmin(low[c], y[i * dim + c]);
			high[c] = fmax(high[c], y[i * dim + c]);
		}
		moved[i] = distance(y + i * dim, z + i * dim, dim);
	}
	size = distance(low, high, dim);
	qsort(moved, n, sizeof(double), compare_doubles);
	assert_true(moved[n / 2] < size / 100);
	assert_true(moved[n * 9 / 10] < size / 50);
	free(y);
	free(z);
	free(moved);
}

static void
training_points_land_on_their_places(void **state)
{
	double	   *x = blobs(800, 6, 5, 3);
	gh_umap_params params = gh_umap_defaults();

	(void) state;
	check_own_places(x, 800, 6, &params);
	params.n_components = 3;
	params.min_dist = 0;
	check_own_places(x, 800, 6, &params);
	params.n_components = 1;
	params.standardize = false;
	check_own_places(x, 800, 6, &params);
	free(x);
}

/* New points land among the points of their own blob: the nearest training point there is of it. */
static void
new_points_land_in_their_group(void **state)
{
	size_t		n = 900,
				m = 300;
	double	   *x = blobs(n, 6, 5, 4),
			   *points = blobs(m, 6, 5, 5);
	gh_umap_params params = gh_umap_defaults();
	double	   *y = project(x, n, 6, &params),
			   *z = places(x, n, 6, &params, points, m, 2);

	(void) state;
	for (size_t i = 0; i < m; i++)
	{
		size_t		nearest = 0;

		for (size_t j = 1; j < n; j++)
		{
			if (distance(z + 2 * i, y + 2 * j, 2) < distance(z + 2 * i, y + 2 * nearest, 2))
				nearest = j;
		}
		assert_int_equal(nearest % 5, i % 5);
	}
	free(x);
	free(points);
	free(y);
	free(z);
}

/* Alone, among others, in another order, after a fit with more threads and with other instructions: the same bytes. */
static void
depends_on_the_point_alone(void **state)
{
	size_t		n = 300,
				m = 40;
	double	   *x = blobs(n, 4, 3, 6),
			   *points = blobs(m, 4, 3, 7),
			   *reversed = malloc(sizeof(double) * m * 4);
	gh_umap_params params = gh_umap_defaults();
	double	   *all = places(x, n, 4, &params, points, m, 1),
			   *turned,
			   *threads,
			   *scalar;

	(void) state;
	for (size_t i = 0; i < m; i++)
		memcpy(reversed + i * 4, points + (m - 1 - i) * 4, 4 * sizeof(double));
	turned = places(x, n, 4, &params, reversed, m, 2);
	threads = places(x, n, 4, &params, points, m, 8);
	gh_isa_limit(GH_ISA_SCALAR);
	scalar = places(x, n, 4, &params, points, m, 1);
	gh_isa_limit(GH_ISA_AVX512);
	for (size_t i = 0; i < m; i += 8)
	{
		double	   *alone = places(x, n, 4, &params, points + i * 4, 1, 1);

		assert_memory_equal(alone, all + 2 * i, 2 * sizeof(double));
		free(alone);
	}
	for (size_t i = 0; i < m; i++)
		assert_memory_equal(turned + 2 * (m - 1 - i), all + 2 * i, 2 * sizeof(double));
	assert_memory_equal(threads, all, m * 2 * sizeof(double));
	assert_memory_equal(scalar, all, m * 2 * sizeof(double));
	params.seed = 43;
	free(turned);
	turned = places(x, n, 4, &params, points, m, 1);
	assert_memory_not_equal(turned, all, m * 2 * sizeof(double));
	free(x);
	free(points);
	free(reversed);
	free(all);
	free(turned);
	free(threads);
	free(scalar);
}

/* A model by hand: n points on a line, laid out on another. */
static gh_umap_model
on_a_line(gh_ctx *ctx, size_t n, int n_neighbors, int negative)
{
	gh_umap_model model = {.n = n,.d = 1,.params = gh_umap_defaults(),.a = 1.5,.b = 0.9};

	model.params.n_neighbors = n_neighbors;
	model.params.n_components = 1;
	model.params.negative_sample_rate = negative;
	model.params.n_epochs = 90;
	model.column = GH_NEW(ctx, 1, gh_scale_column);
	model.point = GH_NEW(ctx, n, float);
	model.embedding = GH_NEW(ctx, n, float);
	model.column[0] = (gh_scale_column) {0.5, 1, 2};	/* z = (x / 2 - 1) / 2 */
	for (size_t i = 0; i < n; i++)
	{
		model.point[i] = (float) i;
		model.embedding[i] = 10.0f * (float) i;
	}
	return model;
}

/*
 * Without negatives nothing is random, and the walk can be written down: two
 * neighbours at distances 0.25 and 0.75, k = 2, so sigma is the first power of
 * two with exp(-0.75 / sigma) = log2(2) to within 1e-5.
 */
static void
a_walk_by_hand(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	gh_umap_model model = on_a_line(ctx, 2, 2, 0);
	double		x = 2 + 4 * 0.25,	/* scaled: 0.25 */
				w[2] = {1, (float) exp(-0.5 / ldexp(1, 17))},	/* exp(-0.75 / 2^17) is within 1e-5 of 1 */
				place,
				at = 10 * w[1] / (1 + w[1]);

	(void) state;
	assert_int_equal(gh_umap_model_prepare(ctx, &model), GH_OK);
	assert_int_equal(gh_umap_transform(ctx, &model, &x, &place), GH_OK);
	for (int epoch = 1; epoch <= 30; epoch++)
	{
		for (int r = 0; r < 2; r++)
		{
			double		delta = at - 10 * r,
						d2 = delta * delta,
						step = -2 * 1.5 * 0.9 * pow(d2, 0.9 - 1) / (1 + 1.5 * pow(d2, 0.9)) * delta;

			if (floor(epoch * w[r]) == floor((epoch - 1) * w[r]))
				continue;
			at += 0.25 * (1 - (epoch - 1) / 30.0) * fmax(-4, fmin(4, step));
		}
	}
	assert_true(fabs(place - at) < 1e-5);
	gh_umap_model_free(ctx, &model);
	gh_ctx_close(ctx);
}

static double
place_of(size_t n, int n_neighbors, int negative, double x)
{
	gh_ctx	   *ctx = open_threads(1);
	gh_umap_model model = on_a_line(ctx, n, n_neighbors, negative);
	double		place = NAN;

	assert_int_equal(gh_umap_model_prepare(ctx, &model), GH_OK);
	assert_int_equal(gh_umap_transform(ctx, &model, &x, &place), GH_OK);
	gh_umap_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return place;
}

static void
odd_models_and_points(void **state)
{
	(void) state;
	/* one point: equal to it, and not */
	assert_true(place_of(1, 15, 5, 2) == 0);
	assert_true(isfinite(place_of(1, 15, 5, 700)));
	/* fewer points than neighbours */
	assert_true(fabs(place_of(5, 15, 5, 10) - 20) < 10);
	/* farther than squares can be told */
	assert_true(isfinite(place_of(50, 5, 5, 1e300)) && isfinite(place_of(50, 5, 5, -1.7e308)));
	assert_true(isfinite(place_of(50, 40, 5, 1e200)));
	/* no negatives: between the neighbours */
	assert_true(place_of(50, 3, 0, 2 + 4 * 20.25) >= 190 && place_of(50, 3, 0, 2 + 4 * 20.25) <= 220);
}

static void
not_finite_is_refused(void **state)
{
	const double bad[] = {NAN, INFINITY, -INFINITY};

	(void) state;
	for (int i = 0; i < 3; i++)
	{
		gh_ctx	   *ctx = open_threads(1);
		gh_umap_model model = on_a_line(ctx, 5, 3, 5);
		double		place;

		assert_int_equal(gh_umap_model_prepare(ctx, &model), GH_OK);
		assert_int_equal(gh_umap_transform(ctx, &model, &bad[i], &place), GH_EDATA);
		assert_non_null(gh_ctx_hint(ctx));
		gh_umap_model_free(ctx, &model);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

/* Constant features have no say, in the model or in a new point. */
static void
constant_features_are_ignored(void **state)
{
	size_t		n = 100;
	double	   *x = blobs(n, 3, 2, 9),
				point[3] = {0.5, 0, -1},
			   *one,
			   *two;
	gh_umap_params params = gh_umap_defaults();

	(void) state;
	for (size_t i = 0; i < n; i++)
		x[3 * i + 1] = 7;
	one = places(x, n, 3, &params, point, 1, 1);
	point[1] = 1e9;
	two = places(x, n, 3, &params, point, 1, 1);
	assert_memory_equal(one, two, 2 * sizeof(double));
	free(x);
	free(one);
	free(two);
}

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

/* The checksum of changed bytes, made good again. */
static void
seal(uint8_t *bytes, size_t length)
{
	uint32_t	crc = gh_crc32c(bytes + 16, length - 16);

	for (int i = 0; i < 4; i++)
		bytes[12 + i] = (uint8_t) (crc >> 8 * i);
}

static void
bytes_come_back_the_same(void **state)
{
	size_t		n = 200,
				length,
				again;
	double	   *x = blobs(n, 4, 3, 10);
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
	fit(ctx, x, n, 4, &params, &model);
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

static gh_status
whole_life(gh_ctx *ctx, const double *x, size_t n)
{
	gh_umap_params params = gh_umap_defaults();
	gh_umap_model model,
				back;
	uint8_t    *bytes;
	size_t		length;
	double		place[2];
	gh_status	status;

	params.n_epochs = 5;
	params.init = GH_UMAP_RANDOM;
	GH_TRY(gh_umap_fit(ctx, x, n, 3, &params, &model));
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
		status = gh_umap_transform(ctx, &back, x, place);
	gh_umap_model_free(ctx, &back);
	return status;
}

static void
failing_memory_leaves_nothing(void **state)
{
	double	   *x = blobs(70, 3, 2, 11);
	gh_status	status = GH_ENOMEM;
	uint64_t	k;

	(void) state;
	for (k = 1; status != GH_OK; k++)
	{
		gh_ctx	   *ctx = open_threads(1);

		gh_ctx_fail_allocation(ctx, k, true);
		status = whole_life(ctx, x, 70);
		assert_true(status == GH_OK || status == GH_ENOMEM);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
	assert_true(k > 30);
	free(x);
}

static bool
stop_later(void *arg)
{
	int		   *left = arg;

	return --*left < 0;
}

static void
can_be_cancelled(void **state)
{
	double	   *x = blobs(600, 3, 2, 12);
	int			refused = 0;

	(void) state;
	for (int polls = 0;; polls += 1 + polls / 8)
	{
		int			left = polls;
		gh_host		host = {.arg = &left,.should_stop = stop_later,.threads = 1,.memory_limit = SIZE_MAX};
		gh_ctx	   *ctx = gh_ctx_open(&host);
		gh_status	status = whole_life(ctx, x, 600);

		assert_true(status == GH_OK || status == GH_ECANCELED);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
		if (status == GH_OK)
			break;
		refused++;
	}
	assert_true(refused > 10);
	free(x);
}

/* Refused as a whole or done, whatever the budget; and the greatest need is not far above the use. */
static void
memory_is_estimated(void **state)
{
	size_t		n = 20000;
	double	   *x = blobs(n, 14, 5, 13);
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
		cmocka_unit_test(keeps_the_projection),
		cmocka_unit_test(refuses_what_it_cannot_fit),
		cmocka_unit_test(training_points_land_on_their_places),
		cmocka_unit_test(new_points_land_in_their_group),
		cmocka_unit_test(depends_on_the_point_alone),
		cmocka_unit_test(a_walk_by_hand),
		cmocka_unit_test(odd_models_and_points),
		cmocka_unit_test(not_finite_is_refused),
		cmocka_unit_test(constant_features_are_ignored),
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
