/*
 * gh_umap_model.h
 *		A projection as a value that takes new points: fit, bytes, transform.
 *
 * Container of kind GH_MODEL_UMAP with four sections:
 *	PARM	u32 n, u32 d, then the parameters, the epochs of the fit, a and b
 *	SCAL	d times: factor, mean, sd (f64)
 *	POIN	n x d scaled coordinates (f32)
 *	EMBE	n x n_components coordinates of the projection (f32)
 */
#ifndef GH_UMAP_MODEL_H
#define GH_UMAP_MODEL_H

#include "project/gh_kdtree.h"
#include "project/gh_scale.h"
#include "project/gh_umap.h"

typedef struct gh_umap_model
{
	size_t		n;
	int			d;
	gh_umap_params params;		/* n_epochs as it was, not 0 */
	double		a,				/* of the curve 1 / (1 + a x^(2b)) */
				b;
	gh_scale_column *column;	/* d */
	float	   *point;			/* n x d, scaled; NULL once the tree stands */
	float	   *embedding;		/* n x n_components */
	gh_kdtree	tree;			/* of the points; empty until gh_umap_model_prepare */
} gh_umap_model;				/* gh memory throughout */

/* Frees the contents, not the struct; fine on a zeroed one. */
extern void gh_umap_model_free(gh_ctx *ctx, gh_umap_model *model);

/*
 * Projects as gh_umap_project does, to the same embedding, and keeps what a new
 * point needs.  points: n x d, finite, n >= 1 (GH_EDATA without points).
 * Checks the memory budget, the bytes included, first.  Nothing is left
 * allocated after a failure.
 */
extern gh_status gh_umap_fit(gh_ctx *ctx, const double *points, size_t n, int d, const gh_umap_params *params,
							 gh_umap_model *model);

/* Length of the bytes of such a model, exactly; SIZE_MAX when there is no such number. */
extern size_t gh_umap_model_length(size_t n, int d, int n_components);

/* The bytes are gh memory of the caller. */
extern gh_status gh_umap_model_write(gh_ctx *ctx, const gh_umap_model *model, uint8_t **bytes, size_t *length);

/* Trusts nothing: GH_ECORRUPT with section and byte.  Nothing is left allocated after a failure. */
extern gh_status gh_umap_model_read(gh_ctx *ctx, const void *bytes, size_t length, gh_umap_model *model);

/* Builds the tree out of the points, which are freed: then the model can transform, but no longer be written. */
extern gh_status gh_umap_model_prepare(gh_ctx *ctx, gh_umap_model *model);

/*
 * Places one point: features[d], finite (GH_EDATA otherwise); out[n_components].
 * Weights exp(-(d_j - d_1) / sigma) to the n_neighbors nearest points of the
 * training, sigma such that the weights of all but the first, exp(-d_j / sigma),
 * add up to log2(k); the start is their weighted mean, or the place of the first
 * one when it is equal to the new point; then a third of the fit's epochs (at
 * least 30), at a quarter of its step, with the training's points at rest.
 * McInnes, Healy and Melville, section 3; umap-learn's transform, made a
 * function of the one point: the weights are relative to the point's own
 * greatest, and the random numbers are keyed by its scaled features.
 */
extern gh_status gh_umap_transform(gh_ctx *ctx, const gh_umap_model *model, const double *features, double *out);

#endif							/* GH_UMAP_MODEL_H */
