/*
 * gh_subspace.h
 *		Leading eigenvectors of a large symmetric operator, at a bounded cost.
 *
 * Block subspace iteration with Chebyshev filters and Rayleigh-Ritz: Zhou and
 * Saad, "A Chebyshev-Davidson algorithm for large symmetric eigenproblems",
 * SIAM J. Matrix Anal. Appl. 29(3), 2007, https://doi.org/10.1137/050630404
 * (the filter); Saad, "Numerical Methods for Large Eigenvalue Problems",
 * chapter 5 (the iteration).  Meant for starting positions: a thousandth of a
 * radian is enough, and a graph whose eigenvalues crowd at 1 must not hang it.
 */
#ifndef GH_SUBSPACE_H
#define GH_SUBSPACE_H

#include "base/gh_context.h"

#define GH_SUBSPACE_MOST_COLUMNS 24

/* Symmetric, eigenvalues in [-1, 1]. */
typedef struct gh_operator
{
	const void *arg;
	/* out[0..m) = row `row` of A x; x has m columns, row-major. */
	void		(*apply_row) (const void *arg, size_t row, int m, const double *x, double *out);
} gh_operator;

typedef struct gh_subspace
{
	gh_operator op;
	const uint32_t *rows;		/* the rows that take part; NULL: 0 .. n_rows - 1 */
	size_t		n_rows;
	const double *known;		/* an eigenvector to stay away from, of any length; or NULL */
	double		known_norm2;	/* its squared length over the rows */
	int			wanted;			/* eigenvectors asked for */
	int			m;				/* columns of the block, >= wanted; gh_subspace_block() */
	double	   *x;				/* room for rows x m, row-major; gets the vectors, largest eigenvalue first */
	double	   *y;				/* scratch of the same size */
	bool		started;		/* x holds vectors to start from; else it is filled with random ones */
	uint64_t	seed;
	double		tolerance;		/* residual over the distance to the eigenvalues outside the block */
	int			most_applications;	/* hard limit on block products */
	/* results */
	double		values[GH_SUBSPACE_MOST_COLUMNS];	/* m Ritz values, descending */
	double		residuals[GH_SUBSPACE_MOST_COLUMNS];	/* |A x - value x| of each */
	int			applications;	/* block products used */
	bool		converged;
} gh_subspace;

/* Columns of the block for so many wanted vectors, at most 16. */
extern int	gh_subspace_block(int wanted);

/*
 * Fills x and the results.  Not converging is no failure: `converged` is false
 * and x holds the best found.  Threaded, and the same for any thread count.
 */
extern gh_status gh_subspace_solve(gh_ctx *ctx, gh_subspace *s);

#endif							/* GH_SUBSPACE_H */
