/*
 * supergenres_private.h
 *		What assign.c, names.c and discover.c share.
 */
#ifndef GH_SUPERGENRES_PRIVATE_H
#define GH_SUPERGENRES_PRIVATE_H

#include "learn/gh_supergenres.h"

/* Labels turned round: the rows of label g are row[begin[g]..begin[g+1]), ascending, each once. */
typedef struct gh_label_rows
{
	uint64_t   *begin;			/* n_labels + 1 */
	uint32_t   *row;
} gh_label_rows;

extern gh_status gh_label_rows_build(gh_ctx *ctx, const gh_labels *labels, gh_label_rows *out);
extern void gh_label_rows_free(gh_ctx *ctx, gh_label_rows *rows);

/*
 * keep[g] becomes the genre's cluster when it is among the `most` genres with
 * most artists of it, ties by name bytes; else GH_NOISE.
 */
extern gh_status gh_keep_popular(gh_ctx *ctx, const gh_assignment *assignment, uint32_t n_genres,
								 const char *const *genre_name, int most, int32_t *keep);

/*
 * A name per cluster, gh memory, unique and the name of no genre of another
 * cluster.  keep: as gh_keep_popular gives it; size[c]: artists of cluster c.
 */
extern gh_status gh_name_clusters(gh_ctx *ctx, const gh_assignment *assignment, const int32_t *keep, uint32_t n_genres,
								  const char *const *genre_name, const uint64_t *size, int n_clusters, char **name);

#endif							/* GH_SUPERGENRES_PRIVATE_H */
