/*
 * umap_testing.h
 *		Parameters for the tests of UMAP as a whole.
 */
#ifndef UMAP_TESTING_H
#define UMAP_TESTING_H

#include "project_testing.h"

#include "project/gh_umap.h"

/* The defaults, but the coordinates as they are. */
static inline gh_umap_params
plain(void)
{
	gh_umap_params p = gh_umap_defaults();

	p.standardize = false;
	return p;
}

#endif							/* UMAP_TESTING_H */
