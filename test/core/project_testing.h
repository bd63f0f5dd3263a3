/*
 * project_testing.h
 *		Points for the tests of the projection's room.
 */
#ifndef PROJECT_TESTING_H
#define PROJECT_TESTING_H

#include "testing.h"

#include "base/gh_random.h"

/* Coordinates in 0 .. 1; with `levels` whole numbers below it: many equal points and distances. */
static inline double *
random_points(size_t n, int d, uint64_t seed, int levels)
{
	double	   *x = malloc(sizeof(double) * (n * d + 1));

	for (size_t i = 0; i < n * d; i++)
	{
		double		u = gh_random_double(seed, GH_STREAM_TEST, i);

		x[i] = levels > 0 ? (double) (int) (u * levels) : u;
	}
	return x;
}

/*
 * Point i belongs to blob i % groups: Gaussian, the blobs' centres drawn from a
 * Gaussian `apart` times as wide.  One seed for the centres, one for the points.
 */
static inline double *
blobs_around(size_t n, int d, int groups, double apart, uint64_t centre_seed, uint64_t seed)
{
	double	   *x = malloc(sizeof(double) * (n * d + 1));

	for (size_t i = 0; i < n; i++)
	{
		for (int j = 0; j < d; j++)
			x[i * d + j] = gh_random_normal(seed, GH_STREAM_TEST, i * d + j) +
				apart * gh_random_normal(centre_seed, GH_STREAM_TEST + 1, (i % groups) * d + j);
	}
	return x;
}

static inline double *
blobs(size_t n, int d, int groups, double apart, uint64_t seed)
{
	return blobs_around(n, d, groups, apart, seed, seed);
}

#endif							/* PROJECT_TESTING_H */
