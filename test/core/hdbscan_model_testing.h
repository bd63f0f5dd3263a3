/*
 * hdbscan_model_testing.h
 *		Clusterings that are kept, with ids for their points.
 */
#ifndef HDBSCAN_MODEL_TESTING_H
#define HDBSCAN_MODEL_TESTING_H

#include <stdio.h>

#include "cluster_testing.h"

#include "cluster/gh_hdbscan_model.h"

static inline char **
make_ids(size_t n)
{
	char	  **ids = malloc((n + 1) * sizeof(char *));

	for (size_t i = 0; i < n; i++)
	{
		ids[i] = malloc(32);
		snprintf(ids[i], 32, "n\xc3\xba%zu", i * 7);
	}
	return ids;
}

static inline void
free_ids(char **ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(ids[i]);
	free(ids);
}

static inline gh_hdbscan_model
fit(gh_ctx *ctx, const double *x, size_t n, int d, const gh_hdbscan_params *params)
{
	char	  **ids = make_ids(n);
	gh_hdbscan_model model;

	assert_int_equal(gh_hdbscan_fit(ctx, x, n, d, (const char *const *) ids, params, &model), GH_OK);
	free_ids(ids, n);
	return model;
}

#endif							/* HDBSCAN_MODEL_TESTING_H */
