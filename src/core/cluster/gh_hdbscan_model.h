/*
 * gh_hdbscan_model.h
 *		A clustering as a value that takes new points: fit, bytes, prediction, its condensed tree.
 *
 * Container of kind GH_MODEL_HDBSCAN with five sections:
 *	PARM	u32 n, u32 d, then the parameters
 *	POIN	n x d coordinates (f64)
 *	CORE	n distances to the (min_samples - 1)-th nearest other point (f64)
 *	TREE	u32 clusters, for each: u32 parent, u32 size, birth, death and
 *			stability (f64); for each point: u32 cluster, lambda (f64)
 *	NAME	n ids (u32 length, UTF-8)
 */
#ifndef GH_HDBSCAN_MODEL_H
#define GH_HDBSCAN_MODEL_H

#include "cluster/gh_hdbscan.h"

typedef struct gh_hdbscan_model
{
	size_t		n;
	int			d;
	gh_hdbscan_params params;	/* min_samples as it was used */
	double	   *point;			/* n x d; NULL once it is prepared */
	double	   *near_core;		/* n */
	size_t	   *id_begin;		/* n + 1; id i is ids + id_begin[i], NUL-terminated */
	char	   *ids;
	struct gh_condensed *tree;
	struct gh_flat *flat;		/* with mass: what the tree and the parameters say */
	double	   *mass;			/* n clusters of the tree */
	struct gh_hdbscan_index *index; /* for predictions; NULL until it is prepared */
} gh_hdbscan_model;				/* gh memory throughout */

/* Frees the contents, not the struct; fine on a zeroed one. */
extern void gh_hdbscan_model_free(gh_ctx *ctx, gh_hdbscan_model *model);

/*
 * Clusters as gh_hdbscan does.  points: n x d, finite, n >= 1 (GH_EDATA without
 * points); ids[n]: UTF-8.  Checks the memory budget, the bytes included, first.
 * Nothing is left allocated after a failure.
 */
extern gh_status gh_hdbscan_fit(gh_ctx *ctx, const double *points, size_t n, int d, const char *const *ids,
								const gh_hdbscan_params *params, gh_hdbscan_model *model);
/* Bytes that a fit takes, those of the model included; id_bytes: of all ids together. */
extern size_t gh_hdbscan_fit_memory(size_t n, int d, size_t id_bytes, const gh_hdbscan_params *params);

/* The bytes are gh memory of the caller; before the model is prepared. */
extern gh_status gh_hdbscan_model_write(gh_ctx *ctx, const gh_hdbscan_model *model, uint8_t **bytes, size_t *length);
/* Their length at most; SIZE_MAX when there is no such number. */
extern size_t gh_hdbscan_model_length(size_t n, int d, size_t id_bytes, int min_cluster_size);

/* Trusts nothing: GH_ECORRUPT with section and byte.  Nothing is left allocated after a failure. */
extern gh_status gh_hdbscan_model_read(gh_ctx *ctx, const void *bytes, size_t length, gh_hdbscan_model *model);

/* Builds what predictions search in out of the points, which are freed. */
extern gh_status gh_hdbscan_model_prepare(gh_ctx *ctx, gh_hdbscan_model *model);

/*
 * The cluster of a new point, or GH_NOISE, and its membership; q[d], finite
 * (GH_EDATA otherwise).  As approximate_predict of the hdbscan package: of the 2
 * min_samples nearest points of the training, the nearest by mutual reachability
 * is joined at lambda = 1 / that distance, and the new point belongs to the
 * cluster which that neighbour was in then.  Where the root is the only cluster,
 * its threshold holds for new points as for the training's.  In a prepared model
 * only, by one thread at a time.
 */
extern gh_status gh_hdbscan_predict(gh_ctx *ctx, gh_hdbscan_model *model, const double *q, int32_t *label,
									double *probability);

/* A row of the condensed tree: a cluster (child >= n) or a point (child < n) leaves `parent` at lambda. */
typedef struct gh_tree_row
{
	size_t		parent;			/* n is the root, clusters follow */
	size_t		child;
	double		lambda;
	size_t		size;			/* points that leave */
} gh_tree_row;

/* Number of rows, and row i of them: clusters first, by id, then the points. */
extern size_t gh_hdbscan_tree_rows(const gh_hdbscan_model *model);
extern gh_tree_row gh_hdbscan_tree_row(const gh_hdbscan_model *model, size_t i);

/* A cluster of the flat clustering. */
typedef struct gh_cluster
{
	size_t		node;			/* its number in the tree's rows */
	size_t		size;			/* points labelled so */
	double		persistence;	/* the hdbscan package's cluster_persistence_ */
	double		stability;
	double		birth,			/* lambda at which it splits off, */
				death;			/* and at which the last point leaves it */
} gh_cluster;

/* How many they are. */
extern int	gh_hdbscan_count(const gh_hdbscan_model *model);
/* clusters: gh memory of the caller, by label. */
extern gh_status gh_hdbscan_clusters(gh_ctx *ctx, const gh_hdbscan_model *model, gh_cluster **clusters, int *n_clusters);

#endif							/* GH_HDBSCAN_MODEL_H */
