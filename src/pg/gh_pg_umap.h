/*
 * gh_pg_umap.h
 *		Options that umap_project and hierarchy_grid read alike.
 */
#ifndef GH_PG_UMAP_H
#define GH_PG_UMAP_H

#include "gh_pg.h"

#include "project/gh_umap.h"

/* spectral, pca or random; 22023 for any other name. */
extern gh_umap_init gh_pg_umap_init(const char *what, const char *name);

/* Argument n, n_epochs: 0 for NULL, 22023 below 1. */
extern int	gh_pg_umap_epochs(const gh_args *args, int n);

#endif							/* GH_PG_UMAP_H */
