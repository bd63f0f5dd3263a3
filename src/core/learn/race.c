/*
 * race.c
 *		Whether a trial that has run in some folds can still be the best.
 *
 * Paired comparison: a trial and the best one so far are compared on the same
 * folds, so that what makes a fold easy or hard drops out.  The variance of
 * the differences is pooled over all trials: one trial has too few folds to
 * know its own.
 */
#include <math.h>
#include <string.h>

#include "learn/tune_private.h"

/*
 * A trial is given up when it will be worse with 85 % confidence: this many
 * standard deviations.  Searches with 95 % need a fifth more fits and end at
 * scores no higher beyond the noise between seeds.
 */
#define Z 1.0364333894937898

/*
 * The quantile of Student's distribution at the confidence of z, by the
 * expansion of Abramowitz and Stegun, 26.7.5: off by less than 1 % from 4
 * degrees on.
 */
static double
student(double z, int df)
{
	double		z3 = z * z * z,
				z5 = z3 * z * z,
				n = df;

	return z + (z3 + z) / (4.0 * n) + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * n * n);
}

bool
gh_race_has_begun(const gh_race *race)
{
	/* less says nothing about the spread of differences */
	return race->n_folds > 2 && race->df >= (race->n_folds - 1 < 4 ? 4 : race->n_folds - 1);
}

/* Mean of the differences to the best trial in the first n folds; *squares: sum of squares about it. */
static double
difference(const gh_race *race, const double *scores, int n, double *squares)
{
	double		mean = 0.0;

	for (int f = 0; f < n; f++)
		mean += (scores[f] - race->best[f]) / n;
	*squares = 0.0;
	for (int f = 0; f < n; f++)
	{
		double		rest = scores[f] - race->best[f] - mean;

		*squares += rest * rest;
	}
	return mean;
}

bool
gh_race_is_lost(const gh_race *race, const double *scores, int n, double *estimate, double *variance)
{
	double		squares,
				mean = difference(race, scores, n, &squares),
				pooled = (race->squares + squares) / (race->df + n - 1),
				open = pooled * (1.0 / n - 1.0 / race->n_folds);	/* of the mean over all folds, n being known */

	if (mean + student(Z, race->df + n - 1) * sqrt(open) >= 0.0)
		return false;
	*estimate = race->mean + mean;
	*variance = open;
	return true;
}

void
gh_race_add(gh_race *race, const double *scores, int n)
{
	double		mean = 0.0;

	if (race->entered)
	{
		double		squares;

		(void) difference(race, scores, n, &squares);
		race->squares += squares;
		race->df += n - 1;
	}
	for (int f = 0; f < n; f++)
		mean += scores[f] / n;
	if (n < race->n_folds || (race->entered && mean <= race->mean))
		return;
	race->entered = true;
	race->mean = mean;
	memcpy(race->best, scores, (size_t) n * sizeof(double));
}
