/*
 * inverse_squares.h
 *		Sums of 1 / |q - x|^2 in the plane: the inner loop of all-points core distances.
 *
 * Built once per instruction set from inverse_squares_body.h, with the same
 * operations in the same order, so the results are the same bytes everywhere.
 */
#ifndef GH_INVERSE_SQUARES_H
#define GH_INVERSE_SQUARES_H

#include <stddef.h>

/*
 * Coordinates are to be scaled so that no squared distance exceeds 2.  A
 * distance of 0 counts as 2^50, which adds nothing to a sum of 1/2 or more.
 * A sum that comes out above GH_INVERSE_SQUARES_MOST (or not finite) has met a
 * distance too short for the arithmetic and means nothing.
 */
#define GH_INVERSE_SQUARES_MOST 0x1p240
/* No distance but 0 was met when the sum is below. */
#define GH_INVERSE_SQUARES_LEAST 0x1p-60

typedef struct gh_inverse_squares
{
	/* sum over i < n of 1 / ((x_i - qx)^2 + (y_i - qy)^2) */
	double		(*sum) (const double *x, const double *y, size_t n, double qx, double qy);
	/* the same with weights of either sign */
	double		(*weighted_sum) (const double *x, const double *y, const double *weight, size_t n, double qx, double qy);
} gh_inverse_squares;

extern const gh_inverse_squares *gh_inverse_squares_get(void);

#endif							/* GH_INVERSE_SQUARES_H */
