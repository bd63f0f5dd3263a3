/*
 * gp.c
 *		Gaussian process regression: Rasmussen and Williams, algorithm 2.1 and 5.1.
 *
 * Priors of the hyperparameters: log length scales normal with mean -1 +
 * log(d) / 2, which grows with the dimensions as distances in the cube do
 * (Hvarfner, Hellsten and Nardi, https://arxiv.org/abs/2402.02229), and
 * deviation 1/2; log noise variance normal with mean -4 and deviation 1.
 * Hvarfner's own mean, sqrt(2) + log(d) / 2, is for hundreds of dimensions: in
 * eight, and with some twenty values, the process stays nearly a plane, and its
 * improvement lies in the corners.  The signal variance is 1 because the values
 * are standardised.
 */
#include <math.h>
#include <string.h>

#include "base/gh_lapack.h"
#include "base/gh_optimize.h"
#include "learn/tune_private.h"

#define NOISE_MEAN -4.0
#define LENGTH_MEAN -1.0
#define LENGTH_VARIANCE 0.25
/* Added to the diagonal in turn until the matrix is positive definite. */
#define FIRST_JITTER 1e-8
#define LAST_JITTER 1e-2
#define SMALLEST_VARIANCE 1e-12
#define MAX_EVALUATIONS 60
#define TOLERANCE 1e-5

static double
length_mean(int d)
{
	return LENGTH_MEAN + 0.5 * log((double) d);
}

/* Matern 5/2 at distance r5 = sqrt(5) times the scaled distance. */
static inline double
matern(double r5)
{
	return (1.0 + r5 + r5 * r5 / 3.0) * exp(-r5);
}

/* sqrt(5 sum ((a - b) / l)^2) */
static double
scaled_distance(const double *a, const double *b, const double *inverse_length, int d)
{
	double		sum = 0.0;

	for (int j = 0; j < d; j++)
	{
		double		t = (a[j] - b[j]) * inverse_length[j];

		sum += t * t;
	}
	return sqrt(5.0 * sum);
}

static void
fill_kernel(const gh_gp *gp, const double *inverse_length, double noise, double *k)
{
	size_t		n = (size_t) gp->n,
				d = (size_t) gp->d;

	for (size_t i = 0; i < n; i++)
	{
		k[i * n + i] = 1.0 + noise + gp->extra[i];
		for (size_t j = 0; j < i; j++)
			k[i * n + j] = k[j * n + i] = matern(scaled_distance(gp->x + i * d, gp->x + j * d, inverse_length, gp->d));
	}
}

/* Cholesky factor of k in place, with as little jitter as it takes; `copy`: n x n scratch. */
static gh_status
factor(gh_ctx *ctx, int n, double *k, double *copy)
{
	size_t		size = (size_t) n * (size_t) n * sizeof(double);
	bool		ok;

	memcpy(copy, k, size);
	for (double jitter = 0.0; jitter <= LAST_JITTER; jitter = jitter == 0.0 ? FIRST_JITTER : jitter * 10.0)
	{
		memcpy(k, copy, size);
		for (int i = 0; i < n; i++)
			k[(size_t) i * (size_t) n + (size_t) i] += jitter;
		GH_TRY(gh_lapack_cholesky(ctx, n, k, &ok));
		if (ok)
			return GH_OK;
	}
	return gh_fail(ctx, GH_EINTERNAL, "covariance matrix of %d trials is not positive definite", n);
}

/* inverse = (L L')^-1, alpha = inverse y */
static gh_status
solve(gh_ctx *ctx, const double *l, const double *y, int n, double *inverse, double *alpha)
{
	memset(inverse, 0, (size_t) n * (size_t) n * sizeof(double));
	for (int i = 0; i < n; i++)
		inverse[(size_t) i * (size_t) n + (size_t) i] = 1.0;
	GH_TRY(gh_lapack_cholesky_solve(ctx, n, l, n, inverse));
	memcpy(alpha, y, (size_t) n * sizeof(double));
	return gh_lapack_cholesky_solve(ctx, n, l, 1, alpha);
}

/* ---- hyperparameters --------------------------------------------------- */

typedef struct evidence
{
	gh_ctx	   *ctx;
	const gh_gp *gp;
	double	   *k,				/* n x n each: kernel and its factor, inverse, scratch */
			   *inverse,
			   *copy,
			   *alpha;			/* n */
	gh_status	status;			/* of what failed inside */
} evidence;

/*
 * d/dtheta of the data term: 1/2 tr((K^-1 - a a') dK).  For a log length,
 * dK_ij = 5/3 (1 + r5) exp(-r5) ((x_i - x_j) / l)^2.
 */
static void
data_gradient(const evidence *e, const double *inverse_length, double noise, double *gradient)
{
	const gh_gp *gp = e->gp;
	size_t		n = (size_t) gp->n,
				d = (size_t) gp->d;

	for (size_t i = 0; i < n; i++)
	{
		gradient[d] += 0.5 * noise * (e->inverse[i * n + i] - e->alpha[i] * e->alpha[i]);
		for (size_t j = 0; j < i; j++)
		{
			const double *a = gp->x + i * d,
					   *b = gp->x + j * d;
			double		r5 = scaled_distance(a, b, inverse_length, gp->d),
						w = (e->inverse[i * n + j] - e->alpha[i] * e->alpha[j]) * 5.0 / 3.0 * (1.0 + r5) * exp(-r5);

			for (size_t c = 0; c < d; c++)
			{
				double		t = (a[c] - b[c]) * inverse_length[c];

				gradient[c] += w * t * t;
			}
		}
	}
}

/* Minus the log posterior of theta = (log lengths, log noise), up to a constant. */
static double
minus_log_posterior(int m, const double *theta, double *gradient, void *arg)
{
	evidence   *e = arg;
	const gh_gp *gp = e->gp;
	int			n = gp->n,
				d = gp->d;
	double		inverse_length[GH_MAX_DIMENSIONS],
				full[GH_MAX_DIMENSIONS + 1] = {0},
				noise = exp(theta[d]),
				value = 0.0;

	for (int j = 0; j < d; j++)
		inverse_length[j] = exp(-theta[j]);
	fill_kernel(gp, inverse_length, noise, e->k);
	if (e->status == GH_OK)
		e->status = factor(e->ctx, n, e->k, e->copy);
	if (e->status == GH_OK)
		e->status = solve(e->ctx, e->k, gp->y, n, e->inverse, e->alpha);
	if (e->status != GH_OK)
	{
		/* flat, so that the search ends; the caller looks at e->status */
		memset(gradient != NULL ? gradient : full, 0, (size_t) m * sizeof(double));
		return 0.0;
	}

	for (int i = 0; i < n; i++)
		value += 0.5 * gp->y[i] * e->alpha[i] + log(e->k[(size_t) i * (size_t) n + (size_t) i]);
	for (int j = 0; j < m; j++)
	{
		double		center = j < d ? length_mean(d) : NOISE_MEAN,
					variance = j < d ? LENGTH_VARIANCE : 1.0;

		value += 0.5 * (theta[j] - center) * (theta[j] - center) / variance;
		full[j] = (theta[j] - center) / variance;
	}
	if (gradient != NULL)
	{
		data_gradient(e, inverse_length, noise, full);
		memcpy(gradient, full, (size_t) m * sizeof(double));
	}
	return value;
}

/*
 * Best of the starts: the prior's mean, shorter lengths, and the
 * hyperparameters of the trial before.  The short ones are needed every time:
 * from long lengths the climb often ends where a coordinate passes for noise.
 */
static gh_status
maximise_posterior(evidence *e, const double *start, double *theta)
{
	int			d = e->gp->d;
	double		lower[GH_MAX_DIMENSIONS + 1],
				upper[GH_MAX_DIMENSIONS + 1],
				best = INFINITY;
	double		offset[] = {-2.4, -1.6, 0.0};

	for (int j = 0; j < d; j++)
	{
		lower[j] = -4.0;
		upper[j] = 7.0;
	}
	lower[d] = -14.0;
	upper[d] = 2.0;
	for (int s = start != NULL ? -1 : 0; s < 3; s++)
	{
		double		x[GH_MAX_DIMENSIONS + 1],
					value;

		for (int j = 0; j <= d; j++)
			x[j] = s < 0 ? start[j] : j < d ? length_mean(d) + offset[s] : NOISE_MEAN;
		GH_TRY(gh_minimize(e->ctx, d + 1, minus_log_posterior, e, lower, upper, TOLERANCE, MAX_EVALUATIONS, x,
						   &value));
		GH_TRY(e->status);
		if (value < best)
		{
			best = value;
			memcpy(theta, x, sizeof(x));
		}
	}
	return GH_OK;
}

/* ---- fit and predict --------------------------------------------------- */

void
gh_gp_free(gh_ctx *ctx, gh_gp *gp)
{
	gh_free(ctx, gp->x);
	gh_free(ctx, gp->y);
	gh_free(ctx, gp->extra);
	gh_free(ctx, gp->inverse);
	gh_free(ctx, gp->alpha);
	memset(gp, 0, sizeof(*gp));
}

/* Copies, and values with mean 0 and deviation 1. */
static gh_status
take_data(gh_ctx *ctx, const double *x, const double *y, const double *variance, int n, int d, gh_gp *gp)
{
	double		sum = 0.0;

	memset(gp, 0, sizeof(*gp));
	gp->n = n;
	gp->d = d;
	gp->x = GH_NEW(ctx, (size_t) n * (size_t) d, double);
	gp->y = GH_NEW(ctx, (size_t) n, double);
	gp->extra = GH_NEW(ctx, (size_t) n, double);
	gp->alpha = GH_NEW(ctx, (size_t) n, double);
	gp->inverse = GH_NEW(ctx, (size_t) n * (size_t) n, double);
	if (gp->x == NULL || gp->y == NULL || gp->extra == NULL || gp->alpha == NULL || gp->inverse == NULL)
		return gh_ctx_status(ctx);
	memcpy(gp->x, x, (size_t) n * (size_t) d * sizeof(double));
	for (int i = 0; i < n; i++)
		gp->mean += y[i] / n;
	for (int i = 0; i < n; i++)
		sum += (y[i] - gp->mean) * (y[i] - gp->mean);
	gp->sd = n > 1 ? sqrt(sum / (n - 1)) : 0.0;
	if (!(gp->sd > 0.0))
		gp->sd = 1.0;			/* all equal: nothing to scale */
	for (int i = 0; i < n; i++)
	{
		gp->y[i] = (y[i] - gp->mean) / gp->sd;
		gp->extra[i] = variance != NULL ? variance[i] / (gp->sd * gp->sd) : 0.0;
	}
	return GH_OK;
}

static gh_status
condition(gh_ctx *ctx, gh_gp *gp, double *k, double *copy)
{
	double		inverse_length[GH_MAX_DIMENSIONS];

	for (int j = 0; j < gp->d; j++)
		inverse_length[j] = exp(-gp->log_length[j]);
	fill_kernel(gp, inverse_length, exp(gp->log_noise), k);
	GH_TRY(factor(ctx, gp->n, k, copy));
	GH_TRY(solve(ctx, k, gp->y, gp->n, gp->inverse, gp->alpha));
	gp->best = INFINITY;
	for (int i = 0; i < gp->n; i++)
	{
		double		mean,
					sd;

		gh_gp_predict(gp, gp->x + (size_t) i * (size_t) gp->d, &mean, &sd, NULL, NULL);
		gp->best = mean < gp->best ? mean : gp->best;
	}
	return GH_OK;
}

/* Both ways to a process: with hyperparameters given, or found. */
static gh_status
fit(gh_ctx *ctx, const double *x, const double *y, const double *variance, int n, int d, const double *start,
	const double *given, gh_gp *gp)
{
	size_t		cells = (size_t) n * (size_t) n;
	double		theta[GH_MAX_DIMENSIONS + 1];
	double	   *k = GH_NEW(ctx, cells, double),
			   *copy = GH_NEW(ctx, cells, double);
	gh_status	status = take_data(ctx, x, y, variance, n, d, gp);

	if (status == GH_OK && (k == NULL || copy == NULL))
		status = gh_ctx_status(ctx);
	if (status == GH_OK && given != NULL)
		memcpy(theta, given, ((size_t) d + 1) * sizeof(double));
	else if (status == GH_OK)
	{
		evidence	e = {ctx, gp, k, gp->inverse, copy, gp->alpha, GH_OK};

		status = maximise_posterior(&e, start, theta);
	}
	if (status == GH_OK)
	{
		memcpy(gp->log_length, theta, (size_t) d * sizeof(double));
		gp->log_noise = theta[d];
		status = condition(ctx, gp, k, copy);
	}
	gh_free(ctx, k);
	gh_free(ctx, copy);
	if (status != GH_OK)
		gh_gp_free(ctx, gp);
	return status;
}

gh_status
gh_gp_fit(gh_ctx *ctx, const double *x, const double *y, const double *variance, int n, int d, const double *start,
		  gh_gp *gp)
{
	return fit(ctx, x, y, variance, n, d, start, NULL, gp);
}

gh_status
gh_gp_fix(gh_ctx *ctx, const double *x, const double *y, const double *variance, int n, int d,
		  const double *log_length, double log_noise, gh_gp *gp)
{
	double		theta[GH_MAX_DIMENSIONS + 1];

	memcpy(theta, log_length, (size_t) d * sizeof(double));
	theta[d] = log_noise;
	return fit(ctx, x, y, variance, n, d, NULL, theta, gp);
}

/*
 * mean = k' alpha, variance = 1 - k' K^-1 k.  Gradients:
 * dk_i/dx_c = -5/3 (1 + r5) exp(-r5) (x_c - x_ic) / l_c^2.
 */
void
gh_gp_predict(const gh_gp *gp, const double *x, double *mean, double *sd, double *mean_gradient, double *sd_gradient)
{
	size_t		n = (size_t) gp->n,
				d = (size_t) gp->d;
	double		inverse_length[GH_MAX_DIMENSIONS],
				k[GH_GP_MAX_POINTS],
				r5[GH_GP_MAX_POINTS],
				variance = 1.0,
				m = 0.0;

	for (size_t c = 0; c < d; c++)
	{
		inverse_length[c] = exp(-gp->log_length[c]);
		if (mean_gradient != NULL)
			mean_gradient[c] = sd_gradient[c] = 0.0;
	}
	for (size_t i = 0; i < n; i++)
	{
		r5[i] = scaled_distance(x, gp->x + i * d, inverse_length, gp->d);
		k[i] = matern(r5[i]);
	}
	for (size_t i = 0; i < n; i++)
	{
		double		slope = -5.0 / 3.0 * (1.0 + r5[i]) * exp(-r5[i]),
					solved = 0.0;

		for (size_t j = 0; j < n; j++)
			solved += gp->inverse[i * n + j] * k[j];
		m += k[i] * gp->alpha[i];
		variance -= k[i] * solved;
		for (size_t c = 0; mean_gradient != NULL && c < d; c++)
		{
			double		dk = slope * (x[c] - gp->x[i * d + c]) * inverse_length[c] * inverse_length[c];

			mean_gradient[c] += gp->alpha[i] * dk;
			sd_gradient[c] -= solved * dk;	/* half of d variance */
		}
	}
	*mean = m;
	*sd = sqrt(variance > SMALLEST_VARIANCE ? variance : SMALLEST_VARIANCE);
	for (size_t c = 0; mean_gradient != NULL && c < d; c++)
		sd_gradient[c] = variance > SMALLEST_VARIANCE ? sd_gradient[c] / *sd : 0.0;
}
