/*
 * umap_model_testing.h
 *		Projections that are kept: points for them, and one made by hand.
 */
#ifndef UMAP_MODEL_TESTING_H
#define UMAP_MODEL_TESTING_H

#include "project_testing.h"

#include "project/gh_umap_model.h"

/* Blobs far apart, whose centres are the same for every seed: new points have a group to land in. */
static inline double *
songs(size_t n, int d, int groups, uint64_t seed)
{
	return blobs_around(n, d, groups, 6, 40, seed);
}

/* A model by hand: n points on a line, laid out on another. */
static inline gh_umap_model
on_a_line(gh_ctx *ctx, size_t n, int n_neighbors, int negative)
{
	gh_umap_model model = {.n = n,.d = 1,.params = gh_umap_defaults(),.a = 1.5,.b = 0.9};

	model.params.n_neighbors = n_neighbors;
	model.params.n_components = 1;
	model.params.negative_sample_rate = negative;
	model.params.n_epochs = 90;
	model.column = GH_NEW(ctx, 1, gh_scale_column);
	model.point = GH_NEW(ctx, n, float);
	model.embedding = GH_NEW(ctx, n, float);
	model.column[0] = (gh_scale_column) {0.5, 1, 2};	/* z = (x / 2 - 1) / 2 */
	for (size_t i = 0; i < n; i++)
	{
		model.point[i] = (float) i;
		model.embedding[i] = 10.0f * (float) i;
	}
	return model;
}

#endif							/* UMAP_MODEL_TESTING_H */
