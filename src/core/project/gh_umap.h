/*
 * gh_umap.h
 *		UMAP: McInnes, Healy and Melville, https://arxiv.org/abs/1802.03426
 */
#ifndef GH_UMAP_H
#define GH_UMAP_H

#include "base/gh_context.h"

typedef enum gh_umap_init
{
	GH_UMAP_SPECTRAL = 0,
	GH_UMAP_PCA,
	GH_UMAP_RANDOM
} gh_umap_init;

typedef struct gh_umap_params
{
	int			n_neighbors;	/* the point itself included, as in umap-learn; 2.. */
	int			n_components;	/* 1..16 */
	double		min_dist;
	double		spread;
	int			n_epochs;		/* 0: 500 up to 10,000 points, else 200 */
	double		learning_rate;
	int			negative_sample_rate;
	gh_umap_init init;
	bool		standardize;	/* z-scores first; a constant column becomes 0 */
	uint64_t	seed;
} gh_umap_params;

/* The greatest values of the parameters. */
#define GH_UMAP_MOST_NEIGHBORS 100000
#define GH_UMAP_MOST_COMPONENTS 16
#define GH_UMAP_MOST_EPOCHS 100000
#define GH_UMAP_MOST_NEGATIVE 1000
#define GH_UMAP_MOST_SPREAD 1000.0
#define GH_UMAP_MOST_LEARNING_RATE 100.0

extern gh_umap_params gh_umap_defaults(void);
extern int	gh_umap_epochs(const gh_umap_params *params, size_t n); /* n_epochs, or the number it stands for */

/* GH_EINVAL with the parameter's name, value and range. */
extern gh_status gh_umap_check(gh_ctx *ctx, const gh_umap_params *params);

/* Bytes needed for n points of d coordinates, the input and output not counted. */
extern size_t gh_umap_memory(size_t n, int d, const gh_umap_params *params);

/*
 * points: n x d row-major, finite (GH_EDATA otherwise).  embedding: n x
 * n_components, the caller's.  n <= n_neighbors uses n-1 neighbours and notes it
 * (as umap-learn does); n = 1 gives zeros; n = 0 does nothing.  Checks the
 * memory budget first.
 */
extern gh_status gh_umap_project(gh_ctx *ctx, const double *points, size_t n, int d, const gh_umap_params *params,
								 double *embedding);

/*
 * What projections of the same points have in common: the neighbours, of which
 * each takes as many as it wants, and the places to start from for the
 * n_neighbors that were last in use.
 */
typedef struct gh_umap_shared
{
	int			k;				/* other points per point */
	uint32_t   *indices;		/* n x k */
	double	   *distances;		/* n x k */
	double	   *start;			/* n x n_components, by tree position */
	int			start_neighbors;	/* n_neighbors that start is of; 0: none yet */
} gh_umap_shared;

/*
 * Neighbours for all projections whose n_neighbors is at most that of `most`, and
 * which agree with it in n_components, n_epochs, init, standardize and seed.
 * Close also after a failure.
 */
extern gh_status gh_umap_shared_open(gh_ctx *ctx, const double *points, size_t n, int d, const gh_umap_params *most,
									 gh_umap_shared *shared);
extern void gh_umap_shared_close(gh_ctx *ctx, gh_umap_shared *shared);
/* Bytes that it holds; to open it takes no more than a projection. */
extern size_t gh_umap_shared_memory(size_t n, const gh_umap_params *most);

/* As gh_umap_project, to the same bytes; shared may be NULL. */
extern gh_status gh_umap_project_shared(gh_ctx *ctx, const double *points, size_t n, int d,
										const gh_umap_params *params, gh_umap_shared *shared, double *embedding);

/* a and b of 1/(1 + a x^(2b)), fitted to min_dist and spread. */
extern gh_status gh_umap_curve(gh_ctx *ctx, double min_dist, double spread, double *a, double *b);

#endif							/* GH_UMAP_H */
