/*
 * gh_pg_hdbscan.h
 *		Options that hdbscan_cluster, hdbscan_fit and the grids read alike.
 */
#ifndef GH_PG_HDBSCAN_H
#define GH_PG_HDBSCAN_H

#include "gh_pg.h"

#include "cluster/gh_hdbscan.h"

/* eom or leaf; 22023 for any other name. */
extern gh_selection gh_pg_selection(const char *what, const char *name);

/* The value itself; 22023 below 1: 0 would mean "as min_cluster_size" to the core, which in SQL is NULL. */
extern int	gh_pg_min_samples(const char *what, int min_samples);

/* Arguments from 1 on of hdbscan_cluster and hdbscan_fit. */
extern gh_hdbscan_params gh_pg_hdbscan_options(const gh_args *args);

/* cluster_selection_epsilon, max_cluster_size, allow_single_cluster and alpha: four arguments from `first` on. */
extern void gh_pg_hdbscan_common(const gh_args *args, int first, gh_hdbscan_params *params);

#endif							/* GH_PG_HDBSCAN_H */
