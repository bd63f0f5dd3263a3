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
	double	   *extra;			/* n: noise variance that a value has above the others', standardised */
	double		best;			/* smallest posterior mean at a point seen */
} gh_gp;

/*
 * Hyperparameters by maximum a posteriori from several starts; start (d + 1
 * numbers: log lengths, log noise) is one of them when not NULL.  variance:
 * what single values have in noise above the common one, in units of y squared
 * (NULL: nothing).  The process copies what it is given; n <= GH_GP_MAX_POINTS.
 * Free with gh_gp_free.
 */
extern gh_status gh_gp_fit(gh_ctx *ctx, const double *x, const double *y, const double *variance, int n, int d,
						   const double *start, gh_gp *gp);
/* The same with hyperparameters given. */
extern gh_status gh_gp_fix(gh_ctx *ctx, const double *x, const double *y, const double *variance, int n, int d,
						   const double *log_length, double log_noise, gh_gp *gp);
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
 * The next point to try, given n distinct tried ones (n x d), their scores
 * (higher is better) and the variances of these beyond the common noise; hyper: d + 1 numbers kept from call to call, *warm says
 * whether they mean anything.  *found is false when no untried point was met.
 */
extern gh_status gh_suggest(gh_ctx *ctx, const gh_space *space, const double *tried, const double *score,
							const double *variance, int n, uint64_t seed, double *hyper, bool *warm, double *x,
							bool *found);
/* Whether x, an already rounded point, is among the tried ones. */
extern bool gh_was_tried(const double *tried, int n, int d, const double *x);

/* ---- race.c ------------------------------------------------------------ */

#define GH_TUNE_MAX_FOLDS 255

/* The best trial that ran in all folds, and how differences to it are spread from fold to fold. */
typedef struct gh_race
{
	int			n_folds;		/* the rest starts at zero */
	bool		entered;
	double		best[GH_TUNE_MAX_FOLDS];	/* its scores */
	double		mean;
	double		squares;		/* of differences about their means, */
	int			df;				/* and their degrees of freedom */
} gh_race;

/* Whether enough is known to give trials up. */
extern bool gh_race_has_begun(const gh_race *race);
/*
 * Whether a trial with these scores in the first n folds is clearly worse.  If
 * so: what its mean over all folds is likely to be, and the variance of that.
 */
extern bool gh_race_is_lost(const gh_race *race, const double *scores, int n, double *estimate, double *variance);
/* Takes note of a trial that ran in the first n folds. */
extern void gh_race_add(gh_race *race, const double *scores, int n);

/* ---- cross_validate.c -------------------------------------------------- */

/* Folds, ready for trials; opened once a search. */
typedef struct gh_cv gh_cv;

/*
 * *cv is to be closed even after a failure.  lean: folds take turns and share
 * the memory of one; the scores are the same.  Fit and folds must outlive it.
 */
extern gh_status gh_cv_open(gh_ctx *ctx, const gh_fit *fit, const uint8_t *fold, int k, gh_metric metric, bool lean,
							gh_cv **cv);
extern void gh_cv_close(gh_cv *cv); /* NULL is fine */
/* How many folds can be used: with both classes in both parts. */
extern int	gh_cv_folds(const gh_cv *cv);
/*
 * Runs trial->params in all folds, or (race not NULL) until the race is lost.
 * Written: the trial's scores, number of folds and of trees; scores of its
 * folds; *variance of the score, 0 after all folds.
 */
extern gh_status gh_cv_run(gh_cv *cv, const gh_race *race, gh_trial *trial, double *scores, double *variance);
/* Bytes at most with such parameters. */
extern size_t gh_cv_memory(size_t n_rows, size_t n_positives, int n_columns, int k, int threads, int growing,
						   const gh_boost_params *params);

#endif							/* GH_TUNE_PRIVATE_H */
