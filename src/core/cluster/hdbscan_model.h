/*
 * hdbscan_model.h
 *		Between hdbscan_model.c, hdbscan_bytes.c and hdbscan_predict.c.
 */
#ifndef HDBSCAN_MODEL_H
#define HDBSCAN_MODEL_H

#include "cluster/gh_hdbscan_model.h"
#include "cluster_private.h"

/* Fills flat and mass from the tree and the parameters. */
extern gh_status gh_hdbscan_model_select(gh_ctx *ctx, gh_hdbscan_model *model);

/* NULL is fine. */
extern void gh_hdbscan_index_free(gh_ctx *ctx, struct gh_hdbscan_index *index);

#endif							/* HDBSCAN_MODEL_H */
