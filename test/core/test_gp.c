/*
 * test_gp.c
 *		The Gaussian process and expected improvement.
 */
#include "learn_testing.h"

#include "learn/tune_private.h"

/* ---- the Gaussian process ---------------------------------------------- */

/* Gauss-Jordan with pivots: a (n x n) is destroyed, b becomes a^-1 b; returns log |det a|. */
static double
dense_solve(double *a, double *b, int n)
{
	double		log_det = 0;

	for (int c = 0; c < n; c++)
	{
		int			p = c;

		for (int r = c + 1; r < n; r++)
			if (fabs(a[r * n + c]) > fabs(a[p * n + c]))
				p = r;
		for (int j = 0; j < n; j++)
		{
			double		t = a[c * n + j];

			a[c * n + j] = a[p * n + j];
			a[p * n + j] = t;
		}
		{
			double		t = b[c];

			b[c] = b[p];
			b[p] = t;
		}
		log_det += log(fabs(a[c * n + c]));
		for (int r = 0; r < n; r++)
		{
			double		f = a[r * n + c] / a[c * n + c];

			if (r == c)
				continue;
			for (int j = c; j < n; j++)
				a[r * n + j] -= f * a[c * n + j];
			b[r] -= f * b[c];
		}
	}
	for (int c = 0; c < n; c++)
		b[c] /= a[c * n + c];
	return log_det;
}

static double
kernel(const double *a, const double *b, const double *log_length, int d)
{
	double		r = 0;

	for (int j = 0; j < d; j++)
		r += pow((a[j] - b[j]) / exp(log_length[j]), 2);
	r = sqrt(r);
	return (1 + sqrt(5) * r + 5 * r * r / 3) * exp(-sqrt(5) * r);
}

#define GP_N 20
#define GP_D 3

static double gp_x[GP_N * GP_D];
static double gp_y[GP_N];

static void
make_gp_data(void)
{
	for (int i = 0; i < GP_N; i++)
	{
		double	   *x = gp_x + i * GP_D;

		for (int j = 0; j < GP_D; j++)
			x[j] = test_uniform(31, (uint64_t) (i * GP_D + j));
		gp_y[i] = 10 + sin(7 * x[0]) + x[1] * x[1] + .05 * test_uniform(32, (uint64_t) i);
	}
}

static void
standardise(const double *y, double *z, int n)
{
	double		mean = 0,
				var = 0;

	for (int i = 0; i < n; i++)
		mean += y[i] / n;
	for (int i = 0; i < n; i++)
		var += (y[i] - mean) * (y[i] - mean) / (n - 1);
	for (int i = 0; i < n; i++)
		z[i] = (y[i] - mean) / sqrt(var);
}

static void
posterior_is_the_formulas(void **state)
{
	static const double log_length[] = {-1.2, .3, 1.5};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_gp		gp;
	double		best = INFINITY,
				z[GP_N];

	(void) state;
	make_gp_data();
	standardise(gp_y, z, GP_N);
	test_ok(ctx, gh_gp_fix(ctx, gp_x, gp_y, NULL, GP_N, GP_D, log_length, -5, &gp));
	for (int q = 0; q < 60; q++)
	{
		double		x[GP_D],
					mean,
					sd,
					k[GP_N],
					alpha[GP_N],
					v[GP_N],
					a[GP_N * GP_N],
					wanted_mean = 0,
					wanted_var = 1;

		for (int j = 0; j < GP_D; j++)
			x[j] = q < GP_N ? gp_x[q * GP_D + j] : test_uniform(33, (uint64_t) (q * GP_D + j));
		for (int solve = 0; solve < 2; solve++)
		{
			for (int i = 0; i < GP_N; i++)
				for (int j = 0; j < GP_N; j++)
					a[i * GP_N + j] = kernel(gp_x + i * GP_D, gp_x + j * GP_D, log_length, GP_D) +
						(i == j ? exp(-5) : 0);
			for (int i = 0; i < GP_N; i++)
			{
				k[i] = kernel(gp_x + i * GP_D, x, log_length, GP_D);
				(solve == 0 ? alpha : v)[i] = solve == 0 ? z[i] : k[i];
			}
			dense_solve(a, solve == 0 ? alpha : v, GP_N);
		}
		for (int i = 0; i < GP_N; i++)
		{
			wanted_mean += k[i] * alpha[i];
			wanted_var -= k[i] * v[i];
		}
		gh_gp_predict(&gp, x, &mean, &sd, NULL, NULL);
		assert_relative(mean, wanted_mean, 1e-9);
		assert_relative(sd, sqrt(wanted_var), 1e-8);
		if (q < GP_N)
			best = fmin(best, wanted_mean);
	}
	assert_relative(gp.best, best, 1e-9);
	gh_gp_free(ctx, &gp);
	test_close(ctx);
}

/* Log posterior of the hyperparameters given n points of d coordinates, literally; up to a constant. */
static double
posterior_of(const double *x, const double *y, int n, int d, const double *theta)
{
	double		a[GP_N * GP_N],
				z[GP_N],
				alpha[GP_N],
				value = 0;

	standardise(y, z, n);
	memcpy(alpha, z, sizeof(z));
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			a[i * n + j] = kernel(x + i * d, x + j * d, theta, d) + (i == j ? exp(theta[d]) : 0);
	value = -.5 * dense_solve(a, alpha, n);
	for (int i = 0; i < n; i++)
		value -= .5 * z[i] * alpha[i];
	for (int j = 0; j < d; j++)
		value -= pow(theta[j] + 1 - .5 * log(d), 2) / (2 * .25);
	return value - pow(theta[d] + 4, 2) / 2;
}

static double
literal_posterior(const double *theta)
{
	return posterior_of(gp_x, gp_y, GP_N, GP_D, theta);
}

/* The posterior that a fit reaches. */
static double
reached(const double *x, const double *y, int n, int d, const double *start)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_gp		gp;
	double		theta[GP_D + 1];

	test_ok(ctx, gh_gp_fit(ctx, x, y, NULL, n, d, start, &gp));
	memcpy(theta, gp.log_length, (size_t) d * sizeof(double));
	theta[d] = gp.log_noise;
	gh_gp_free(ctx, &gp);
	test_close(ctx);
	return posterior_of(x, y, n, d, theta);
}

/* Waves so short that a climb from the prior's mean takes them for noise: short lengths are begun with, too. */
static void
short_waves_are_no_noise(void **state)
{
	double		x[14],
				y[14];

	(void) state;
	for (int i = 0; i < 14; i++)
	{
		x[i] = test_uniform(156, (uint64_t) i);
		y[i] = sin(36 * x[i]) + .3 * test_uniform(556, (uint64_t) i);
	}
	assert_true(reached(x, y, 14, 1, NULL) > -7);
	/* a bad start is one more, and in nobody's place */
	assert_close(reached(x, y, 14, 1, (double[2]) {6, 1}), reached(x, y, 14, 1, NULL), 1e-3);
}

/* What the trial before found is a start of its own: here it leads to where the others do not. */
static void
the_start_given_counts(void **state)
{
	static const double start[] = {-3.722, -2.989, -6.662};
	double		x[32],
				y[16];

	(void) state;
	for (int i = 0; i < 32; i++)
		x[i] = test_uniform(120, (uint64_t) i);
	for (int i = 0; i < 16; i++)
		y[i] = sin(36 * x[2 * i]) + .7 * cos(36 * .6 * x[2 * i + 1]) + .3 * test_uniform(520, (uint64_t) i);
	assert_true(reached(x, y, 16, 2, start) > reached(x, y, 16, 2, NULL) + 1);
}

static void
hyperparameters_are_at_the_maximum(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_gp		gp;
	double		theta[GP_D + 1],
				top;

	(void) state;
	make_gp_data();
	test_ok(ctx, gh_gp_fit(ctx, gp_x, gp_y, NULL, GP_N, GP_D, NULL, &gp));
	memcpy(theta, gp.log_length, GP_D * sizeof(double));
	theta[GP_D] = gp.log_noise;
	top = literal_posterior(theta);
	for (int j = 0; j <= GP_D; j++)
		for (double step = -.1; step < .2; step += .2)
		{
			double		other[GP_D + 1];

			memcpy(other, theta, sizeof(other));
			other[j] += step;
			assert_true(literal_posterior(other) < top);
		}
	/* the unused coordinate is far longer than the one that matters */
	assert_true(gp.log_length[2] > gp.log_length[0] + 1);
	gh_gp_free(ctx, &gp);
	test_close(ctx);
}

static void
equal_values_and_single_points_fit(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		x[] = {.1, .5, .5, .9},
				y[] = {2, 2, 2, 2},
				mean,
				sd;
	gh_gp		gp;

	(void) state;
	test_ok(ctx, gh_gp_fit(ctx, x, y, NULL, 4, 1, NULL, &gp));	/* a point twice, too */
	gh_gp_predict(&gp, x, &mean, &sd, NULL, NULL);
	assert_true(fabs(mean) < 1e-12 && sd > 0);
	gh_gp_free(ctx, &gp);
	test_ok(ctx, gh_gp_fit(ctx, x, y, NULL, 1, 1, NULL, &gp));
	gh_gp_predict(&gp, x, &mean, &sd, NULL, NULL);
	assert_true(fabs(mean) < 1e-12 && sd > 0);
	gh_gp_free(ctx, &gp);
	test_close(ctx);
}

/* ---- expected improvement ---------------------------------------------- */

static void
log_improvement_is_the_direct_formula(void **state)
{
	double		slope,
				last = -INFINITY;

	(void) state;
	for (double z = -6; z <= 30; z += .01)
	{
		double		direct = exp(-z * z / 2) / sqrt(2 * M_PI) + z * erfc(-z / sqrt(2)) / 2;

		/* the direct difference loses digits as z falls */
		assert_relative(gh_log_improvement(z, &slope), log(direct), z > -3 ? 1e-12 : 1e-6);
	}
	/* deep in the tail: between the first terms of the asymptotic series */
	for (double z = -12; z > -1e7; z *= 1.3)
	{
		double		value = gh_log_improvement(z, &slope) + z * z / 2 + log(2 * M_PI) / 2 + 2 * log(-z),
					u = 1 / (z * z);

		assert_true(value <= log1p(-3 * u + 15 * u * u) + 1e-9 + z * z * 3e-16);
		assert_true(value >= log1p(-3 * u) - 1e-9 - z * z * 3e-16);
	}
	for (double z = -40; z <= 5; z += .0037)
	{
		double		up,
					ignored,
					value = gh_log_improvement(z, &slope);

		up = gh_log_improvement(z + 1e-5, &ignored);
		assert_true(value > last);
		assert_relative((up - value) / 1e-5, slope, 1e-3);
		last = value;
	}
	/* no seam where the formulas meet */
	for (int i = 0; i < 2; i++)
	{
		double		seam = i == 0 ? -1 : -25;

		assert_relative(gh_log_improvement(seam - 1e-12, &slope), gh_log_improvement(seam + 1e-12, &slope), 1e-10);
	}
	assert_true(isfinite(gh_log_improvement(-1e150, &slope)) && isfinite(slope));
}

static void
gradients_are_the_slopes(void **state)
{
	static const double log_length[] = {-.7, .1, .9};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_gp		gp;

	(void) state;
	make_gp_data();
	test_ok(ctx, gh_gp_fix(ctx, gp_x, gp_y, NULL, GP_N, GP_D, log_length, -6, &gp));
	for (int q = 0; q < 100; q++)
	{
		double		x[GP_D],
					gradient[GP_D];

		for (int j = 0; j < GP_D; j++)
			x[j] = test_uniform(34, (uint64_t) (q * GP_D + j));
		gh_log_ei(&gp, x, gradient);
		for (int j = 0; j < GP_D; j++)
		{
			double		up[GP_D],
						down[GP_D];

			memcpy(up, x, sizeof(x));
			memcpy(down, x, sizeof(x));
			up[j] += 1e-5;
			down[j] -= 1e-5;
			assert_relative((gh_log_ei(&gp, up, NULL) - gh_log_ei(&gp, down, NULL)) / 2e-5, gradient[j], 1e-4);
		}
	}
	gh_gp_free(ctx, &gp);
	test_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posterior_is_the_formulas),
		cmocka_unit_test(hyperparameters_are_at_the_maximum),
		cmocka_unit_test(short_waves_are_no_noise),
		cmocka_unit_test(the_start_given_counts),
		cmocka_unit_test(equal_values_and_single_points_fit),
		cmocka_unit_test(log_improvement_is_the_direct_formula),
		cmocka_unit_test(gradients_are_the_slopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
