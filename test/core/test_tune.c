/*
 * test_tune.c
 *		Sobol points, the Gaussian process, expected improvement and the search.
 */
#include "learn_testing.h"

#include <stdio.h>

#include "base/gh_lapack.h"
#include "explain/gh_metrics.h"
#include "learn/tune_private.h"

#define OPTIONS(m, n, s) (&(gh_tune_options) {.metric = (m),.iterations = (n),.seed = (s)})

static void
assert_close(double a, double b, double tolerance)
{
	if (!(fabs(a - b) <= tolerance * (1 + fabs(b))))
		fail_msg("%.17g is not %.17g", a, b);
}

/* ---- Sobol ------------------------------------------------------------- */

/* Points 1, 2, 5 and 8 of the unscrambled sequence, as SciPy 1.17 gives them. */
static void
sobol_points_are_joe_and_kuos(void **state)
{
	static const uint32_t index[] = {1, 2, 5, 8};
	static const double wanted[][GH_MAX_DIMENSIONS] = {
		{.5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5},
		{.75, .25, .25, .25, .75, .75, .25, .75, .75, .75, .75, .75, .25, .25, .75, .25},
		{.875, .875, .125, .375, .875, .625, .875, .375, .375, .125, .375, .875, .875, .125, .875, .375},
		{.1875, .3125, .9375, .4375, .5625, .3125, .4375, .9375, .9375, .3125, .6875, .0625, .9375, .9375, .8125, .9375},
	};
	gh_sobol	sobol;
	double		x[GH_MAX_DIMENSIONS];

	(void) state;
	gh_sobol_init_plain(&sobol, GH_MAX_DIMENSIONS);
	for (int i = 0; i < 4; i++)
	{
		gh_sobol_point(&sobol, index[i], x);
		for (int j = 0; j < GH_MAX_DIMENSIONS; j++)
			assert_true(x[j] == wanted[i][j]);
	}
}

/* 2^k points: one in every interval of 2^-k, in every dimension; the first two also in every elementary rectangle. */
static void
sobol_points_are_spread(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 5; seed++)
	{
		gh_sobol	sobol;
		bool		seen[GH_MAX_DIMENSIONS][256] = {{false}};
		int			cell[9][256] = {{0}};
		double		x[GH_MAX_DIMENSIONS],
					first = -1;

		gh_sobol_init(&sobol, GH_MAX_DIMENSIONS, seed);
		for (uint32_t i = 0; i < 256; i++)
		{
			gh_sobol_point(&sobol, i, x);
			if (i == 0)
				first = x[0];
			for (int j = 0; j < GH_MAX_DIMENSIONS; j++)
			{
				assert_true(x[j] >= 0 && x[j] < 1);
				assert_false(seen[j][(int) (x[j] * 256)]);
				seen[j][(int) (x[j] * 256)] = true;
			}
			for (int a = 0; a <= 8; a++)
				cell[a][(int) (x[0] * (1 << a)) * (1 << (8 - a)) + (int) (x[1] * (1 << (8 - a)))]++;
		}
		for (int a = 0; a <= 8; a++)
			for (int c = 0; c < 256; c++)
				assert_int_equal(cell[a][c], 1);
		assert_true(first != 0);	/* scrambled */
	}
}

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
		assert_close(mean, wanted_mean, 1e-9);
		assert_close(sd, sqrt(wanted_var), 1e-8);
		if (q < GP_N)
			best = fmin(best, wanted_mean);
	}
	assert_close(gp.best, best, 1e-9);
	gh_gp_free(ctx, &gp);
	test_close(ctx);
}

/* Log posterior of the hyperparameters, literally; up to a constant. */
static double
literal_posterior(const double *theta)
{
	double		a[GP_N * GP_N],
				z[GP_N],
				alpha[GP_N],
				value = 0;

	standardise(gp_y, z, GP_N);
	memcpy(alpha, z, sizeof(z));
	for (int i = 0; i < GP_N; i++)
		for (int j = 0; j < GP_N; j++)
			a[i * GP_N + j] = kernel(gp_x + i * GP_D, gp_x + j * GP_D, theta, GP_D) + (i == j ? exp(theta[GP_D]) : 0);
	value = -.5 * dense_solve(a, alpha, GP_N);
	for (int i = 0; i < GP_N; i++)
		value -= .5 * z[i] * alpha[i];
	for (int j = 0; j < GP_D; j++)
		value -= pow(theta[j] - sqrt(2) - .5 * log(GP_D), 2) / 6;
	return value - pow(theta[GP_D] + 4, 2) / 2;
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
		assert_close(gh_log_improvement(z, &slope), log(direct), z > -3 ? 1e-12 : 1e-6);
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
		assert_close((up - value) / 1e-5, slope, 1e-3);
		last = value;
	}
	/* no seam where the formulas meet */
	for (int i = 0; i < 2; i++)
	{
		double		seam = i == 0 ? -1 : -25;

		assert_close(gh_log_improvement(seam - 1e-12, &slope), gh_log_improvement(seam + 1e-12, &slope), 1e-10);
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
			assert_close((gh_log_ei(&gp, up, NULL) - gh_log_ei(&gp, down, NULL)) / 2e-5, gradient[j], 1e-4);
		}
	}
	gh_gp_free(ctx, &gp);
	test_close(ctx);
}

/* ---- the space --------------------------------------------------------- */

static void
space_refused(const char *name, double low, double high, const char *message)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_space	space = gh_space_default();

	assert_int_equal(gh_space_set(ctx, &space, name, low, high), GH_EINVAL);
	assert_string_equal(gh_ctx_message(ctx), message);
	test_close(ctx);
}

static void
spaces_are_checked(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_space	space = gh_space_default();

	(void) state;
	test_ok(ctx, gh_space_check(ctx, &space));
	assert_int_equal(gh_space_width(&space), 8);
	test_ok(ctx, gh_space_set(ctx, &space, "learning_rate", .05, .2));
	test_ok(ctx, gh_space_set(ctx, &space, "gamma", 0, 5));	/* begins at 0: linear */
	test_ok(ctx, gh_space_set(ctx, &space, "subsample", .8, .8));
	test_ok(ctx, gh_space_set(ctx, &space, "scale_pos_weight", 1, 9));
	assert_int_equal(space.n, 9);
	assert_int_equal(gh_space_width(&space), 8);
	assert_true(space.dimension[1].low == .05 && space.dimension[1].log_scale);
	assert_false(space.dimension[3].log_scale);
	test_ok(ctx, gh_space_set_log(ctx, &space, "eta", false));
	assert_false(space.dimension[1].log_scale);
	test_close(ctx);
	space_refused("etaa", .1, .2, "unknown parameter \"etaa\" in the search space");
	space_refused("n_estimators", 10, 20, "parameter \"n_estimators\" cannot be searched");
	space_refused("eta", .2, .1, "range of \"eta\" in the search space is empty");
	space_refused("eta", NAN, .1, "range of \"eta\" in the search space is empty");
	space_refused("eta", .2, 1.1, "boosting parameter \"eta\" is out of range");
	space_refused("max_depth", 2.5, 4, "boosting parameter \"max_depth\" must be an integer");
	ctx = gh_ctx_open(NULL);
	assert_int_equal(gh_space_set_log(ctx, &space, "gamma", true), GH_EINVAL);
	assert_string_equal(gh_ctx_message(ctx), "range of \"gamma\" cannot have a logarithmic scale");
	test_close(ctx);
}

static void
points_and_parameters_agree(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_space	space = gh_space_default();
	gh_boost_params base = gh_boost_defaults();
	int			depth[11] = {0};

	(void) state;
	test_ok(ctx, gh_space_set(ctx, &space, "max_leaves", 4, 64));
	for (int i = 0; i < 4000; i++)
	{
		double		x[GH_MAX_DIMENSIONS],
					y[GH_MAX_DIMENSIONS],
					z[GH_MAX_DIMENSIONS];
		gh_boost_params params,
					again;
		char		text[32];

		for (int j = 0; j < 9; j++)
			x[j] = y[j] = test_uniform(35, (uint64_t) (i * 9 + j));
		test_ok(ctx, gh_space_params(ctx, &space, &base, y, &params));
		memcpy(z, y, sizeof(z));
		test_ok(ctx, gh_space_params(ctx, &space, &base, z, &again));
		assert_memory_equal(&params, &again, sizeof(params));	/* rounding twice changes nothing */
		assert_memory_equal(y, z, 9 * sizeof(double));
		depth[params.max_depth]++;
		snprintf(text, sizeof(text), "%.4g", params.eta);
		assert_true(strtod(text, NULL) == params.eta);
		assert_true(fabs(params.eta - .01 * pow(30, x[1])) < 1e-3 * params.eta);
		assert_true(params.max_leaves >= 4 && params.max_leaves <= 64);
		gh_space_snap(&space, x, z);
		assert_true(z[0] == y[0] && z[1] == x[1]);
	}
	for (int k = 3; k <= 10; k++)
		assert_true(depth[k] > 420 && depth[k] < 580);
	test_close(ctx);
}

/* ---- the search -------------------------------------------------------- */

/* A smooth function of the cube; its maximum is -.0165 where max_depth can stand nearest to .65. */
static double
hill(const double *x, int d)
{
	double		sum = 0;

	for (int j = 0; j < d; j++)
		sum -= (j + 1) * pow(x[j] - .2 - .15 * j, 2);
	return sum;
}

/* Suggestions climb to where random points do not get; nothing is tried twice. */
static void
suggestions_find_the_top(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_space	space = {0};
	gh_boost_params base = gh_boost_defaults();
	double		best[3] = {-INFINITY, -INFINITY, -INFINITY};

	(void) state;
	test_ok(ctx, gh_space_set(ctx, &space, "eta", .01, .3));
	test_ok(ctx, gh_space_set(ctx, &space, "lambda", 1e-3, 100));
	test_ok(ctx, gh_space_set(ctx, &space, "subsample", .5, 1));
	test_ok(ctx, gh_space_set(ctx, &space, "max_depth", 3, 10));
	for (int run = 0; run < 3; run++)
	{
		double		tried[30 * 4],
					score[30],
					variance[30] = {0},
					hyper[5];
		bool		warm = false,
					found;
		gh_sobol	sobol;

		gh_sobol_init(&sobol, 4, (uint64_t) run);
		for (int n = 0; n < 30; n++)
		{
			double	   *x = tried + 4 * n;
			gh_boost_params params;

			gh_sobol_point(&sobol, (uint32_t) n, x);
			found = true;
			if (n >= 8)
				test_ok(ctx, gh_suggest(ctx, &space, tried, score, variance, n, gh_random_seed(7, (uint64_t) run, (uint64_t) n),
										hyper, &warm, x, &found));
			assert_true(found);
			test_ok(ctx, gh_space_params(ctx, &space, &base, x, &params));
			assert_false(gh_was_tried(tried, n, 4, x));
			score[n] = hill(x, 4);
			best[run] = fmax(best[run], score[n]);
		}
	}
	for (int run = 0; run < 3; run++)
	{
		double		lottery = -INFINITY;

		for (uint64_t i = 0; i < 30; i++)
		{
			double		x[4];

			for (uint64_t j = 0; j < 4; j++)
				x[j] = test_uniform(36 + (uint64_t) run, i * 4 + j);
			lottery = fmax(lottery, hill(x, 4));
		}
		assert_true(best[run] > -.025);
		assert_true(lottery < -.07);
	}
	test_close(ctx);
}

typedef struct tuning
{
	test_data	data;
	gh_bins		bins;
	gh_fit		fit;
	uint8_t    *fold;
} tuning;

static tuning
make_tuning(gh_ctx *ctx, size_t n, int k)
{
	tuning		t = {.data = test_make(n, 5, 0, .05, 41),.fold = malloc(n)};

	for (size_t i = 0; i < n; i++)
		t.fold[i] = (uint8_t) (i * 7 % (size_t) k);
	test_ok(ctx, gh_bins_build(ctx, t.data.rows, n, 5, 256, NULL, 0, &t.bins));
	return t;
}

static void
discard(gh_ctx *ctx, tuning *t)
{
	gh_bins_free(ctx, &t->bins);
	test_discard(&t->data);
	free(t->fold);
}

/* The first trial by hand: curves of every fold from prefixes of a full run. */
static void
first_trial_is_cross_validation(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	tuning		t = make_tuning(ctx, 600, 3);
	gh_fit		fit = test_fit(&t.data, &t.bins);
	gh_boost_params base = gh_boost_defaults();
	gh_space	space = gh_space_default();
	gh_trial	trial[2];
	gh_booster	booster[3];
	double		curve[60] = {0},
				scores[3],
				mean = 0,
				sd = 0;
	int			best,
				top = 0,
				last = -1,
				different = 0;

	(void) state;
	base.n_estimators = 60;
	base.eta = .15;
	base.max_depth = 3;
	for (int patience = 1; patience <= 12; patience++)
	{
		int			metric = patience % 2;

		base.early_stopping_rounds = patience;
		memset(curve, 0, sizeof(curve));
		top = 0;
		test_ok(ctx, gh_tune(ctx, &fit, t.fold, 3, &base, &space, OPTIONS((gh_metric) metric, 1, 1), trial, &best));
		for (int f = 0; f < 3; f++)
		{
			uint32_t	rows[600];
			size_t		n = 0;
			gh_fit		part = fit;
			gh_boost_params params = base;

			for (uint32_t i = 0; i < 600; i++)
				if (t.fold[i] != f)
					rows[n++] = i;
			part.rows = rows;
			part.n_rows = n;
			params.early_stopping_rounds = 0;
			test_ok(ctx, gh_boost_train(ctx, &part, &params, &booster[f], NULL));
			for (uint32_t m = 1; m <= 60; m++)
			{
				gh_booster	prefix = booster[f];

				prefix.n_trees = m;
				for (size_t i = 0; i < 600; i++)
					if (t.fold[i] == f)
					{
						double		p = gh_booster_probability(&prefix, t.data.rows + 5 * i);

						curve[m - 1] -= log(t.data.labels[i] ? p : 1 - p) / (double) (600 - n) / 3;
					}
			}
		}
		for (int m = 1; m < 60 && m - top <= patience; m++)
			if (curve[m] < curve[top])
				top = m;
		assert_true(top > 3 && top < 58);
		different += top != last;
		last = top;
		assert_int_equal(trial[0].params.n_estimators, top + 1);
		assert_int_equal(trial[0].params.early_stopping_rounds, 0);
		mean = sd = 0;
		for (int f = 0; f < 3; f++)
		{
			uint8_t		labels[600];
			double		margins[600];
			size_t		n = 0;
			bool		defined;

			booster[f].n_trees = (uint32_t) top + 1;
			for (size_t i = 0; i < 600; i++)
				if (t.fold[i] == f)
				{
					labels[n] = t.data.labels[i];
					margins[n++] = gh_booster_margin(&booster[f], t.data.rows + 5 * i);
				}
			if (metric == GH_METRIC_AVERAGE_PRECISION)
				test_ok(ctx, gh_average_precision(ctx, labels, margins, NULL, n, &scores[f], &defined));
			else
			{
				scores[f] = 0;
				for (size_t i = 0; i < n; i++)
					scores[f] -= log1p(exp(labels[i] ? -margins[i] : margins[i])) / (double) n;
			}
			mean += scores[f] / 3;
			booster[f].n_trees = 60;
			gh_booster_free(ctx, &booster[f]);
		}
		for (int f = 0; f < 3; f++)
			sd += (scores[f] - mean) * (scores[f] - mean) / 2;
		assert_close(trial[0].score, mean, 1e-12);
		assert_close(trial[0].score_sd, sqrt(sd), 1e-9);
		assert_true(trial[0].best && best == 0);
	}
	assert_true(different > 2);	/* the curve has dips, so patience matters */
	discard(ctx, &t);
	test_close(ctx);
}

static void
tuning_beats_the_default(void **state)
{
	enum
	{
		ITERATIONS = 20
	};
	gh_trial   *first = malloc(ITERATIONS * sizeof(gh_trial)),
			   *trials = malloc(ITERATIONS * sizeof(gh_trial));

	(void) state;
	for (int threads = 1; threads <= 8; threads += threads == 1 ? 1 : 6)
	{
		gh_ctx	   *ctx = test_threads(threads);
		tuning		t = make_tuning(ctx, 500, 4);
		gh_fit		fit = test_fit(&t.data, &t.bins);
		gh_boost_params base = gh_boost_defaults();
		gh_space	space = gh_space_default();
		int			best;

		base.n_estimators = 80;
		test_ok(ctx, gh_tune(ctx, &fit, t.fold, 4, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, ITERATIONS, 3), trials, &best));
		if (threads == 1)
			memcpy(first, trials, ITERATIONS * sizeof(gh_trial));
		assert_memory_equal(first, trials, ITERATIONS * sizeof(gh_trial));

		/* the first is the base; the best is better, and at the end, not only among the spread ones */
		assert_true(trials[0].params.eta == base.eta && trials[0].params.gamma == base.gamma);
		assert_true(trials[best].best);
		assert_true(trials[best].score > trials[0].score + .01);
		assert_true(best >= 6);
		for (int i = 0; i < ITERATIONS; i++)
		{
			assert_true(trials[i].best == (i == best));
			assert_true(trials[i].score <= trials[best].score);
			assert_true(trials[i].params.n_estimators >= 1 && trials[i].params.n_estimators <= 80);
			assert_false(trials[i].repeated);
			for (int j = 0; j < i; j++)
			{
				gh_boost_params a = trials[i].params,
							b = trials[j].params;

				a.n_estimators = b.n_estimators = 0;
				assert_true(memcmp(&a, &b, sizeof(a)) != 0);
			}
		}
		discard(ctx, &t);
		test_close(ctx);
	}
	free(first);
	free(trials);
}

static void
used_up_spaces_repeat_the_best(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	tuning		t = make_tuning(ctx, 300, 3);
	gh_fit		fit = test_fit(&t.data, &t.bins);
	gh_boost_params base = gh_boost_defaults();
	gh_space	space = {0};
	gh_trial	trials[8];
	int			best,
				seen[8] = {0};

	(void) state;
	base.n_estimators = 15;
	test_ok(ctx, gh_space_set(ctx, &space, "max_depth", 3, 6));
	test_ok(ctx, gh_space_set(ctx, &space, "eta", .125, .125));
	test_ok(ctx, gh_tune(ctx, &fit, t.fold, 3, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, 8, 3), trials, &best));
	for (int i = 0; i < 8; i++)
	{
		assert_true(trials[i].params.eta == .125);
		assert_true(trials[i].repeated == (i >= 4));
		if (i < 4)
			assert_int_equal(seen[trials[i].params.max_depth]++, 0);
		else
		{
			assert_true(trials[i].score == trials[best].score);
			assert_false(trials[i].best);
		}
	}
	assert_int_equal(trials[0].params.max_depth, 6);

	/* nothing to search at all */
	test_ok(ctx, gh_space_set(ctx, &space, "max_depth", 4, 4));
	test_ok(ctx, gh_tune(ctx, &fit, t.fold, 3, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, 3, 3), trials, &best));
	assert_int_equal(best, 0);
	assert_int_equal(trials[0].params.max_depth, 4);
	assert_true(trials[2].repeated);
	discard(ctx, &t);
	test_close(ctx);
}

static void
folds_of_one_class_are_left_out(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	tuning		t = make_tuning(ctx, 300, 3);
	gh_fit		fit = test_fit(&t.data, &t.bins);
	gh_boost_params base = gh_boost_defaults();
	gh_space	space = gh_space_default();
	gh_trial	with[2],
				without[2];
	int			best;

	(void) state;
	base.n_estimators = 15;
	/* a fourth fold without positives: its rows train the others, but it is not scored */
	for (size_t i = 0; i < 300; i++)
		if (!t.data.labels[i] && i % 2 == 0)
			t.fold[i] = 3;
	test_ok(ctx, gh_tune(ctx, &fit, t.fold, 4, &base, &space, OPTIONS(GH_METRIC_AVERAGE_PRECISION, 1, 3), with, &best));
	assert_true(with[0].score > 0 && with[0].score < 1);

	/* positives in one fold only: no fold can be used */
	for (size_t i = 0; i < 300; i++)
		t.fold[i] = t.data.labels[i] ? 0 : (uint8_t) (i % 3);
	test_ok(ctx, gh_tune(ctx, &fit, t.fold, 3, &base, &space, OPTIONS(GH_METRIC_AVERAGE_PRECISION, 2, 3), without, &best));
	assert_int_equal(best, 0);
	assert_true(isnan(without[0].score) && isnan(without[1].score) && without[0].best && !without[1].best);
	assert_true(without[0].params.eta == base.eta && without[0].params.n_estimators == 15);

	memset(t.data.labels, 1, 300);
	test_ok(ctx, gh_tune(ctx, &fit, t.fold, 3, &base, &space, OPTIONS(GH_METRIC_AVERAGE_PRECISION, 2, 3), without, &best));
	assert_true(isnan(without[0].score));
	discard(ctx, &t);
	test_close(ctx);
}

static void
bad_requests_are_refused(void **state)
{
	static const struct
	{
		int			k,
					iterations;
		double		eta;
		const char *message;
	}			cases[] = {
		{1, 5, .3, "number of folds is out of range"},
		{300, 5, .3, "number of folds is out of range"},
		{3, 0, .3, "number of iterations is out of range"},
		{3, 20000, .3, "number of iterations is out of range"},
		{3, 5, 7, "boosting parameter \"eta\" is out of range"},
		{2, 5, .3, "fold 2 of row 2 is not below 2"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		tuning		t = make_tuning(ctx, 60, 3);
		gh_fit		fit = test_fit(&t.data, &t.bins);
		gh_boost_params base = gh_boost_defaults();
		gh_space	space = gh_space_default();
		gh_trial	trial[5];
		int			best;

		base.eta = cases[i].eta;
		assert_true(gh_tune(ctx, &fit, t.fold, cases[i].k, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, cases[i].iterations, 1),
							trial, &best) != GH_OK);
		assert_string_equal(gh_ctx_message(ctx), cases[i].message);
		discard(ctx, &t);
		test_close(ctx);
	}
	{
		/* a corner of the space that cannot be trained is found before any trial */
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		tuning		t = make_tuning(ctx, 60, 3);
		gh_fit		fit = test_fit(&t.data, &t.bins);
		gh_boost_params base = gh_boost_defaults();
		gh_space	space = gh_space_default();
		gh_trial	trial[5];
		int			best;

		test_ok(ctx, gh_space_set(ctx, &space, "max_depth", 0, 5));
		assert_int_equal(gh_tune(ctx, &fit, t.fold, 3, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, 5, 1), trial, &best), GH_EINVAL);
		assert_string_equal(gh_ctx_message(ctx), "max_depth 0 needs grow_policy \"lossguide\"");
		discard(ctx, &t);
		test_close(ctx);
	}
}

static void
memory_estimate_holds(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL),
			   *own = gh_ctx_open(NULL);
	tuning		t = make_tuning(ctx, 3000, 3);
	gh_fit		fit = test_fit(&t.data, &t.bins);
	gh_boost_params base = gh_boost_defaults();
	gh_space	space = gh_space_default();
	gh_trial	trials[4];
	size_t		announced;
	int			best;

	(void) state;
	base.n_estimators = 8;
	announced = gh_tune_memory(3000, 3000, 5, 3, &base, &space, false);
	test_ok(own, gh_tune(own, &fit, t.fold, 3, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, 4, 1), trials, &best));
	assert_true(gh_memory_peak(own) < announced);
	assert_true(gh_memory_peak(own) > announced / 4);
	discard(ctx, &t);
	test_close(own);
	test_close(ctx);
}

static int	polls_left;

static bool
stop_after_polls(void *arg)
{
	(void) arg;
	return polls_left-- <= 0;
}

static void
cancel_and_no_memory_leave_nothing(void **state)
{
	int			canceled = 0,
				failed = 0;

	(void) state;
	for (int run = 0; run < 120; run++)
	{
		gh_host		host = {.should_stop = stop_after_polls,.threads = 1,.memory_limit = SIZE_MAX};
		gh_ctx	   *ctx = gh_ctx_open(&host);
		tuning		t;
		gh_fit		fit;
		gh_boost_params base = gh_boost_defaults();
		gh_space	space = gh_space_default();
		gh_trial	trials[7];
		int			best;
		gh_status	status;

		polls_left = 1 << 30;
		t = make_tuning(ctx, 80, 2);
		fit = test_fit(&t.data, &t.bins);
		base.n_estimators = 3;
		if (run < 60)
			polls_left = run * run;
		else
			gh_ctx_fail_allocation(ctx, (uint64_t) ((run - 60) * (run - 60) / 4 + 1), false);
		status = gh_tune(ctx, &fit, t.fold, 2, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, 7, 1), trials, &best);
		assert_true(status == GH_OK || status == (run < 60 ? GH_ECANCELED : GH_ENOMEM));
		canceled += status == GH_ECANCELED;
		failed += status == GH_ENOMEM;
		discard(ctx, &t);
		test_close(ctx);
	}
	assert_true(canceled > 20 && failed > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sobol_points_are_joe_and_kuos),
		cmocka_unit_test(sobol_points_are_spread),
		cmocka_unit_test(posterior_is_the_formulas),
		cmocka_unit_test(hyperparameters_are_at_the_maximum),
		cmocka_unit_test(equal_values_and_single_points_fit),
		cmocka_unit_test(log_improvement_is_the_direct_formula),
		cmocka_unit_test(gradients_are_the_slopes),
		cmocka_unit_test(spaces_are_checked),
		cmocka_unit_test(points_and_parameters_agree),
		cmocka_unit_test(suggestions_find_the_top),
		cmocka_unit_test(first_trial_is_cross_validation),
		cmocka_unit_test(tuning_beats_the_default),
		cmocka_unit_test(used_up_spaces_repeat_the_best),
		cmocka_unit_test(folds_of_one_class_are_left_out),
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(memory_estimate_holds),
		cmocka_unit_test(cancel_and_no_memory_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
