/*
 * test_pca.c
 *		What becomes of coordinates before the layout: scaling, principal components.
 */
#include "project_testing.h"

#include "project/gh_pca.h"
#include "project/gh_scale.h"

/* Columns of a known shape; for more than 128 coordinates by iteration. */
static void
principal_components(void **state)
{
	static const int dims[] = {3, 20, 200};
	gh_ctx	   *ctx = open_threads(2);
	size_t		n = 500;

	(void) state;
	for (int t = 0; t < 3; t++)
	{
		int			d = dims[t];
		double	   *x = malloc(sizeof(double) * n * d),
				   *y = malloc(sizeof(double) * n * 2);
		uint32_t   *order = malloc(sizeof(uint32_t) * n);
		double		xy = 0,
					xx = 0,
					yy = 0,
					cross = 0;

		for (size_t i = 0; i < n; i++)
		{
			double		along = gh_random_normal(4, GH_STREAM_TEST, i),
						across = gh_random_normal(5, GH_STREAM_TEST, i);

			for (int j = 0; j < d; j++)
				x[i * d + j] = 7 + 10 * along / sqrt(d) + (j % 2 ? 3 : -3) * across / sqrt(d) +
					0.1 * gh_random_normal(6, GH_STREAM_TEST, i * d + j);
			order[i] = (uint32_t) (n - 1 - i);
		}
		assert_int_equal(gh_pca_project(ctx, x, n, d, order, 2, 1, y), GH_OK);
		for (size_t v = 0; v < n; v++)
		{
			double		along = gh_random_normal(4, GH_STREAM_TEST, order[v]);

			xy += along * y[2 * v];
			xx += along * along;
			yy += y[2 * v] * y[2 * v];
			cross += y[2 * v] * y[2 * v + 1];
		}
		assert_true(xy / sqrt(xx * yy) > 0.98);
		assert_true(fabs(cross) < 1e-2 * yy);
		free(x);
		free(y);
		free(order);
	}
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
scaling(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	double		x[] = {1, 5, 1e300, -1, 2, 5, -1e300, 1, 3, 5, 1e300, 0, 6, 5, -1e300, 0};
	double		z[16];

	(void) state;
	assert_int_equal(gh_scale_points(ctx, x, 4, 4, true, z), GH_OK);
	for (int j = 0; j < 4; j++)
	{
		double		sum = 0,
					squares = 0;

		for (int i = 0; i < 4; i++)
		{
			sum += z[i * 4 + j];
			squares += z[i * 4 + j] * z[i * 4 + j];
		}
		assert_true(fabs(sum) < 1e-12);
		assert_true(j == 1 ? squares == 0 : fabs(squares - 4) < 1e-12);
	}
	assert_int_equal(gh_scale_points(ctx, x, 4, 4, false, z), GH_OK);
	assert_true(fabs(z[2]) >= 0.5 && fabs(z[2]) < 1);
	x[5] = NAN;
	assert_int_equal(gh_scale_points(ctx, x, 4, 4, true, z), GH_EDATA);
	assert_string_equal(gh_ctx_detail(ctx), "Coordinate 2 of point 2 is nan.");
	gh_ctx_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(principal_components),
		cmocka_unit_test(scaling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
