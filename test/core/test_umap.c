/*
 * test_umap.c
 *		UMAP as a whole: its curve, its pictures, and input that leaves little to draw.
 */
#include "umap_testing.h"

#include "base/gh_isa.h"
#include "project/gh_trustworthiness.h"

/* ---- the curve --------------------------------------------------------- */

static void
curve_anchors(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	double		a,
				b;

	(void) state;
	assert_int_equal(gh_umap_curve(ctx, 0.1, 1, &a, &b), GH_OK);
	assert_true(fabs(a - 1.57694361) < 5e-7 && fabs(b - 0.89506072) < 5e-7);
	assert_int_equal(gh_umap_curve(ctx, 0, 1, &a, &b), GH_OK);
	assert_true(fabs(a - 1.93281) < 1e-5 && fabs(b - 0.79049) < 1e-5);
	assert_int_equal(gh_umap_curve(ctx, 0.5, 1, &a, &b), GH_OK);
	assert_true(fabs(a - 0.58303) < 1e-5 && fabs(b - 1.33417) < 1e-5);
	gh_ctx_close(ctx);
}

/* Double the units, and the same curve is met at double the distance. */
static void
curve_units(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	double		a,
				b,
				a2,
				b2;

	(void) state;
	assert_int_equal(gh_umap_curve(ctx, 0.25, 1, &a, &b), GH_OK);
	assert_int_equal(gh_umap_curve(ctx, 0.5, 2, &a2, &b2), GH_OK);
	assert_true(fabs(b - b2) < 1e-9);
	assert_true(fabs(1 / (1 + a * pow(0.7, 2 * b)) - 1 / (1 + a2 * pow(1.4, 2 * b2))) < 1e-9);
	gh_ctx_close(ctx);
}

/* ---- the whole --------------------------------------------------------- */

/* The other point that is nearest to point i. */
static size_t
nearest_to(const double *y, size_t n, int dim, size_t i)
{
	double		least = INFINITY;
	size_t		nearest = i;

	for (size_t j = 0; j < n; j++)
	{
		double		sum = j == i ? INFINITY : 0;

		for (int c = 0; c < dim; c++)
			sum += (y[i * dim + c] - y[j * dim + c]) * (y[i * dim + c] - y[j * dim + c]);
		nearest = sum < least ? j : nearest;
		least = fmin(least, sum);
	}
	return nearest;
}

/* Blobs in 10 dimensions: neighbours stay neighbours and each blob stays together. */
static void
quality(void **state)
{
	gh_ctx	   *ctx = open_threads(2);
	size_t		n = 400;
	int			d = 10;
	double	   *x = blobs(n, d, 6, 3, 11),
			   *y = malloc(sizeof(double) * n * 3);

	(void) state;
	for (int dim = 1; dim <= 3; dim++)
	{
		for (int init = GH_UMAP_SPECTRAL; init <= GH_UMAP_RANDOM; init++)
		{
			gh_umap_params p = plain();
			size_t		astray = 0;
			double		trusted;

			p.n_components = dim;
			p.init = (gh_umap_init) init;
			p.n_epochs = 200;
			assert_int_equal(gh_umap_project(ctx, x, n, d, &p, y), GH_OK);
			for (size_t i = 0; i < n; i++)
				astray += nearest_to(y, n, dim, i) % 6 != i % 6;
			assert_true(astray <= n / 50);
			assert_int_equal(gh_trustworthiness(ctx, x, n, d, y, dim, 15, 0, &trusted), GH_OK);
			assert_true(dim == 1 || trusted > 0.9);
		}
	}
	assert_int_equal(gh_memory_used(ctx), 0);
	free(x);
	free(y);
	gh_ctx_close(ctx);
}

/* The same bytes for any threads and instruction set; another seed, another picture. */
static void
deterministic(void **state)
{
	size_t		n = 9000;		/* four chunks of the layout */
	int			d = 8;
	double	   *x = blobs(n, d, 7, 2, 12);
	size_t		size = sizeof(double) * n * 2;
	double	   *first = malloc(size),
			   *other = malloc(size);
	gh_umap_params p = plain();

	(void) state;
	p.n_epochs = 15;
	for (int isa = GH_ISA_SCALAR; isa <= GH_ISA_AVX512; isa++)
	{
		for (int threads = 1; threads <= 8; threads = threads == 2 ? 8 : threads + 1)
		{
			gh_ctx	   *ctx = open_threads(threads);
			bool		is_first = isa == GH_ISA_SCALAR && threads == 1;

			gh_isa_limit((gh_isa) isa);
			assert_int_equal(gh_umap_project(ctx, x, n, d, &p, is_first ? first : other), GH_OK);
			if (!is_first)
				assert_memory_equal(first, other, size);
			gh_ctx_close(ctx);
		}
	}
	gh_isa_limit(GH_ISA_AVX512);
	{
		gh_ctx	   *ctx = open_threads(1);

		p.seed++;
		assert_int_equal(gh_umap_project(ctx, x, n, d, &p, other), GH_OK);
		assert_memory_not_equal(first, other, size);
		gh_ctx_close(ctx);
	}
	free(x);
	free(first);
	free(other);
}

static void
project_finite(const double *x, size_t n, int d, const gh_umap_params *p)
{
	gh_ctx	   *ctx = open_threads(2);
	double	   *y = malloc(sizeof(double) * (n * p->n_components + 1));

	for (size_t i = 0; i < n * p->n_components; i++)
		y[i] = NAN;
	assert_int_equal(gh_umap_project(ctx, x, n, d, p, y), GH_OK);
	for (size_t i = 0; i < n * p->n_components; i++)
		assert_true(isfinite(y[i]) && fabs(y[i]) < 1e4);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(y);
}

static void
degenerate(void **state)
{
	double	   *x = blobs(600, 4, 2, 3, 13);
	double	   *equal = calloc(1200 * 4, sizeof(double));

	(void) state;
	for (int init = GH_UMAP_SPECTRAL; init <= GH_UMAP_RANDOM; init++)
	{
		for (int standardize = 0; standardize < 2; standardize++)
		{
			gh_umap_params p = gh_umap_defaults();

			p.init = (gh_umap_init) init;
			p.standardize = standardize;
			p.n_epochs = 50;
			for (size_t n = 0; n <= 20; n++)
				project_finite(x, n, 4, &p);
			p.n_epochs = 20;
			project_finite(equal, 1200, 4, &p);
			project_finite(equal, 100, 1, &p);
			p.n_neighbors = 2;
			project_finite(x, 600, 4, &p);
			p.n_neighbors = 1000;
			project_finite(x, 600, 4, &p);
			p.n_neighbors = 15;
			p.n_components = 16;
			project_finite(x, 600, 4, &p);
			project_finite(x, 600, 1, &p);
			project_finite(x, 17, 4, &p);
			p.n_components = 2;
			p.n_epochs = 1;
			project_finite(x, 600, 4, &p);
			p.n_epochs = 20;
			p.negative_sample_rate = 0;
			project_finite(x, 600, 4, &p);
			p.negative_sample_rate = 21;
			p.min_dist = p.spread = 3;
			project_finite(x, 600, 4, &p);
		}
	}
	free(x);
	free(equal);
}

/* Values whose squares leave the range of a double, and a column that is constant. */
static void
extreme_values(void **state)
{
	size_t		n = 300;
	double	   *x = blobs(n, 3, 2, 4, 14),
			   *big = malloc(sizeof(double) * n * 3),
			   *y = malloc(sizeof(double) * n * 2),
			   *z = malloc(sizeof(double) * n * 2);
	gh_umap_params p = plain();
	gh_ctx	   *ctx = open_threads(1);

	(void) state;
	p.n_epochs = 50;
	for (int sign = -1; sign <= 1; sign += 2)
	{
		for (size_t i = 0; i < n * 3; i++)
			big[i] = ldexp(x[i], sign * 900);
		p.standardize = false;
		project_finite(big, n, 3, &p);
		p.standardize = true;
		assert_int_equal(gh_umap_project(ctx, x, n, 3, &p, y), GH_OK);
		assert_int_equal(gh_umap_project(ctx, big, n, 3, &p, z), GH_OK);
		assert_memory_equal(y, z, sizeof(double) * n * 2);
	}
	for (size_t i = 0; i < n; i++)
		x[i * 3 + 1] = 0.1;
	project_finite(x, n, 3, &p);
	gh_ctx_close(ctx);
	free(x);
	free(big);
	free(y);
	free(z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(curve_anchors),
		cmocka_unit_test(curve_units),
		cmocka_unit_test(quality),
		cmocka_unit_test(deterministic),
		cmocka_unit_test(degenerate),
		cmocka_unit_test(extreme_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
