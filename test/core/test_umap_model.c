/*
 * test_umap_model.c
 *		A projection that is kept: what it keeps, and where new points land.
 */
#include "umap_model_testing.h"

#include "base/gh_isa.h"

/* The places of m points in a model that was fitted, written and read. */
static double *
places(const double *x, size_t n, int d, const gh_umap_params *params, const double *points, size_t m, int threads)
{
	gh_ctx	   *ctx = open_threads(threads);
	gh_umap_model model;
	uint8_t    *bytes;
	size_t		length;
	double	   *out = malloc(sizeof(double) * m * params->n_components);

	assert_int_equal(gh_umap_fit(ctx, x, n, d, params, &model), GH_OK);
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
	double	   *x = songs(n, 5, 4, 1);
	gh_umap_params params = gh_umap_defaults();
	double	   *y = project(x, n, 5, &params);
	gh_ctx	   *ctx = open_threads(2);
	gh_umap_model model;

	(void) state;
	assert_int_equal(gh_umap_fit(ctx, x, n, 5, &params, &model), GH_OK);
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
	double	   *x = songs(50, 3, 2, 2);
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
	double	   *x = songs(800, 6, 5, 3);
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
	double	   *x = songs(n, 6, 5, 4),
			   *points = songs(m, 6, 5, 5);
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
	double	   *x = songs(n, 4, 3, 6),
			   *points = songs(m, 4, 3, 7),
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

/* The width that makes the weights of all neighbours but the nearest add up to log2(k): umap-learn's bisection. */
static double
literal_sigma(const double *distance, int k)
{
	double		low = 0,
				high = INFINITY,
				sigma = 1;

	for (int step = 0; step < 64; step++)
	{
		double		sum = 0;

		for (int r = 1; r < k; r++)
			sum += exp(-distance[r] / sigma);
		if (fabs(sum - log2(k)) < 1e-5)
			break;
		if (sum > log2(k))
			high = sigma;
		else
			low = sigma;
		sigma = isinf(high) ? 2 * sigma : (low + high) / 2;
	}
	return sigma;
}

/* A step between the new point, at `at`, and a point of the line; positive coefficients push. */
static double
literal_step(double at, double other, bool push)
{
	double		a = 1.5,
				b = 0.9,
				delta = at - other,
				d2 = delta * delta,
				coefficient;

	if (d2 == 0)
		return 0;
	coefficient = push ? 2 * b / ((0.001 + d2) * (1 + a * pow(d2, b))) : -2 * a * b * pow(d2, b - 1) / (1 + a * pow(d2, b));
	return fmax(-4, fmin(4, coefficient * delta));
}

/* Where a point at z among points at 0, 1, 2, ... walks; they rest at 0, 10, 20, ... */
static double
literal_walk(const gh_umap_model *m, double z)
{
	int			n = (int) m->n,
				k = m->params.n_neighbors,
				epochs = m->params.n_epochs < 90 ? 30 : m->params.n_epochs / 3,
				nearest[8];
	float		scaled = (float) z;
	uint64_t	key = gh_random_seed(m->params.seed, gh_hash_bytes(&scaled, sizeof(scaled)), 0),
				drawn = 0;
	double		distance[8],
				total = 0,
				at = 0,
				sigma;
	float		w[8];
	bool		equal;

	for (int r = 0; r < k; r++)
	{
		nearest[r] = -1;
		for (int i = 0; i < n; i++)
		{
			bool		taken = false;

			for (int s = 0; s < r; s++)
				taken |= nearest[s] == i;
			if (!taken && (nearest[r] < 0 || fabs(z - i) < fabs(z - nearest[r])))
				nearest[r] = i;
		}
		distance[r] = fabs(z - nearest[r]);
	}
	equal = distance[0] == 0;
	sigma = literal_sigma(distance, k);
	for (int r = 0; r < k; r++)
	{
		w[r] = (float) exp(-(distance[r] - distance[0]) / sigma);
		if (r == 0 || !equal)
		{
			at += w[r] * 10.0 * nearest[r];
			total += w[r];
		}
	}
	at /= total;
	for (int epoch = 1; epoch <= epochs; epoch++)
	{
		double		alpha = m->params.learning_rate / 4 * (1 - (epoch - 1) / (double) epochs);

		for (int r = 0; r < k; r++)
		{
			if (floor(epoch * w[r]) == floor((epoch - 1) * w[r]))
				continue;
			at += alpha * literal_step(at, 10 * nearest[r], false);
			for (int s = 0; s < m->params.negative_sample_rate; s++, drawn++)
			{
				gh_random4	block = gh_random_block(key, GH_STREAM_UMAP_TRANSFORM, drawn / 4);
				int			other = (int) ((uint64_t) block.v[drawn % 4] * m->n >> 32);

				if (!equal || other != nearest[0])
					at += alpha * literal_step(at, 10 * other, true);
			}
		}
	}
	return at;
}

/* The walk with random points that push, from between points, from beyond them, and on one. */
static void
a_walk_among_others(void **state)
{
	static const double z[] = {0.25, 2.6, 4.1, 7.5, -3, 2, 5};

	(void) state;
	for (int t = 0; t < 3 * 7; t++)
	{
		gh_ctx	   *ctx = open_threads(1);
		gh_umap_model model = on_a_line(ctx, 6, 3 + t / 7, 1 + 2 * (t / 7));
		double		x = 2 + 4 * z[t % 7],
					place;

		model.params.learning_rate = t / 7 == 1 ? 0.7 : 1;
		model.params.n_epochs = t / 7 == 0 ? 70 : t / 7 == 1 ? 90 : 155;
		assert_int_equal(gh_umap_model_prepare(ctx, &model), GH_OK);
		assert_int_equal(gh_umap_transform(ctx, &model, &x, &place), GH_OK);
		assert_close(place, literal_walk(&model, z[t % 7]), 1e-4);
		gh_umap_model_free(ctx, &model);
		gh_ctx_close(ctx);
	}
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
	double	   *x = songs(n, 3, 2, 9),
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
		cmocka_unit_test(a_walk_among_others),
		cmocka_unit_test(odd_models_and_points),
		cmocka_unit_test(not_finite_is_refused),
		cmocka_unit_test(constant_features_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
