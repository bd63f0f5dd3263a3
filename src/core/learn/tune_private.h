/*
 * tune_private.h
 *		The inside of the search: points, the Gaussian process, its acquisition.
 *
 * Points live in the unit cube, one coordinate a searched parameter.
 */
#ifndef GH_TUNE_PRIVATE_H
#define GH_TUNE_PRIVATE_H

#include "learn/gh_tune.h"

/* ---- sobol.c ----------------------------------------------------------- */

/* A Sobol sequence of up to GH_MAX_DIMENSIONS, scrambled by `seed`. */
typedef struct gh_sobol
{
	int			d;
	uint32_t	direction[GH_MAX_DIMENSIONS][32];
	uint32_t	shift[GH_MAX_DIMENSIONS];
} gh_sobol;

extern void gh_sobol_init(gh_sobol *sobol, int d, uint64_t seed);
/* The sequence as published, for tests. */
extern void gh_sobol_init_plain(gh_sobol *sobol, int d);
/* Point `index`, in [0, 1)^d. */
extern void gh_sobol_point(const gh_sobol *sobol, uint32_t index, double *x);

/* ---- gp.c -------------------------------------------------------------- */

/* More trials than this: the process sees the best ones only. */
#define GH_GP_MAX_POINTS 256

/*
 * Gaussian process on n points of d coordinates: values standardised, Matern
 * 5/2 with a length scale per dimension, unit signal variance, noise.  Small
 * values are good here (scores come in negated).
 */
typedef struct gh_gp
{
	int			n,
				d;
	double	   *x;				/* n x d */
	double	   *y;				/* n, standardised */
	double		mean,
				sd;				/* of the raw values */
	double		log_length[GH_MAX_DIMENSIONS];
	double		log_noise;
	double	   *inverse;		/* n x n: (K + noise I)^-1 */
	double	   *alpha;			/* n: inverse * y */
	double		best;			/* smallest posterior mean at a point seen */
} gh_gp;

/*
 * Hyperparameters by maximum a posteriori from several starts; start (d + 1
 * numbers: log lengths, log noise) is one of them when not NULL.  The process
 * copies x and y; n <= GH_GP_MAX_POINTS.  Free with gh_gp_free.
 */
extern gh_status gh_gp_fit(gh_ctx *ctx, const double *x, const double *y, int n, int d, const double *start, gh_gp *gp);
/* The same with hyperparameters given. */
extern gh_status gh_gp_fix(gh_ctx *ctx, const double *x, const double *y, int n, int d, const double *log_length,
						   double log_noise, gh_gp *gp);
extern void gh_gp_free(gh_ctx *ctx, gh_gp *gp);
/* Posterior mean and standard deviation (of the noiseless function, standardised units); gradients may be NULL. */
extern void gh_gp_predict(const gh_gp *gp, const double *x, double *mean, double *sd, double *mean_gradient,
						  double *sd_gradient);

/* ---- acquire.c --------------------------------------------------------- */

/* log(phi(z) + z Phi(z)), to full precision for any z; *slope: its derivative. */
extern double gh_log_improvement(double z, double *slope);
/* log expected improvement below gp->best at x; gradient may be NULL. */
extern double gh_log_ei(const gh_gp *gp, const double *x, double *gradient);

/* ---- space.c ----------------------------------------------------------- */

/* Coordinates of the parameters, clamped to the cube; dimensions of one value are left out. */
extern int	gh_space_width(const gh_space *space);
extern void gh_space_point(const gh_space *space, const gh_boost_params *params, double *x);
/*
 * The parameters at x: the others from base, integers and four significant
 * digits rounded.  x becomes the point that the rounded values stand at.
 */
extern gh_status gh_space_params(gh_ctx *ctx, const gh_space *space, const gh_boost_params *base, double *x,
								 gh_boost_params *params);
/* x with its integer coordinates where they stand after rounding. */
extern void gh_space_snap(const gh_space *space, const double *x, double *snapped);
extern bool gh_space_is_integer(const gh_space *space, int coordinate);
/* GH_EINVAL for a space that cannot be searched. */
extern gh_status gh_space_check(gh_ctx *ctx, const gh_space *space);

/* ---- suggest.c --------------------------------------------------------- */

/*
 * The next point to try, given n distinct tried ones (n x d) and their scores
 * (higher is better); hyper: d + 1 numbers kept from call to call, *warm says
 * whether they mean anything.  *found is false when no untried point was met.
 */
extern gh_status gh_suggest(gh_ctx *ctx, const gh_space *space, const double *tried, const double *score, int n,
							uint64_t seed, double *hyper, bool *warm, double *x, bool *found);
/* Whether x, an already rounded point, is among the tried ones. */
extern bool gh_was_tried(const double *tried, int n, int d, const double *x);

#endif							/* GH_TUNE_PRIVATE_H */
