/*
 * acquire.c
 *		Expected improvement in log space.
 *
 * Ament, Daulton, Eriksson, Balandat and Bakshy,
 * https://arxiv.org/abs/2310.20708: EI underflows to 0 on most of the cube,
 * and with it the gradient; its logarithm does not.
 */
#include <math.h>

#include "learn/tune_private.h"

#define LOG_SQRT_2PI 0.91893853320467274178
#define SQRT_HALF 0.70710678118654752440
#define SQRT_HALF_PI 1.25331413731550025121
/* From here on the asymptotic series has full precision. */
#define FAR 25.0

/* Phi(z) / phi(z) for z <= 0, while erfc does not underflow (Mills' ratio). */
static double
mills_ratio(double z)
{
	return SQRT_HALF_PI * erfc(-z * SQRT_HALF) * exp(0.5 * z * z);
}

/* 1 - f/t^2 + f (f+2)/t^4 - f (f+2) (f+4)/t^6 + ... for first factor f. */
static double
asymptotic(double t, int first)
{
	double		u = 1.0 / (t * t),
				term = 1.0,
				sum = 1.0;

	for (int k = 0; k < 12; k++)
	{
		term *= -(first + 2 * k) * u;
		sum += term;
	}
	return sum;
}

double
gh_log_improvement(double z, double *slope)
{
	double		log_phi = -0.5 * z * z - LOG_SQRT_2PI,
				h,
				ratio;

	if (z > -1.0)
	{
		double		cdf = 0.5 * erfc(-z * SQRT_HALF);

		h = exp(log_phi) + z * cdf;
		*slope = cdf / h;
		return log(h);
	}
	if (z > -FAR)
	{
		/* h / phi = 1 - |z| Phi / phi */
		ratio = mills_ratio(z);
		h = 1.0 + z * ratio;
	}
	else
	{
		/* h / phi = 1/z^2 - 3/z^4 + 15/z^6 - ..., and Phi / phi = 1/|z| - 1/|z|^3 + ... */
		ratio = asymptotic(z, 1) / -z;
		h = asymptotic(z, 3) / (z * z);
	}
	*slope = ratio / h;
	return log_phi + log(h);
}

double
gh_log_ei(const gh_gp *gp, const double *x, double *gradient)
{
	double		mean_gradient[GH_MAX_DIMENSIONS],
				sd_gradient[GH_MAX_DIMENSIONS];
	double		mean,
				sd,
				z,
				slope,
				value;

	gh_gp_predict(gp, x, &mean, &sd, gradient != NULL ? mean_gradient : NULL, gradient != NULL ? sd_gradient : NULL);
	z = (gp->best - mean) / sd;
	value = gh_log_improvement(z, &slope) + log(sd);
	for (int j = 0; gradient != NULL && j < gp->d; j++)
		gradient[j] = slope * (-mean_gradient[j] - z * sd_gradient[j]) / sd + sd_gradient[j] / sd;
	return value;
}
