/*
 * gh_boost_bytes.h
 *		One classifier as a value: boosted trees with the names of their features.
 *
 * Container of kind GH_MODEL_BOOST with three sections:
 *	NAME	u32 number of features, then each name
 *	INFO	JSON object text: parameters and what was trained on
 *	TREE	the booster (gh_tree.h)
 */
#ifndef GH_BOOST_BYTES_H
#define GH_BOOST_BYTES_H

#include "learn/gh_tree.h"

typedef struct gh_boost_model
{
	int			n_features;
	char	  **feature;		/* UTF-8 names */
	char	   *info;			/* JSON object text, UTF-8 */
	gh_booster	booster;
} gh_boost_model;				/* gh memory throughout */

/* Frees the contents, not the struct; fine on a zeroed one. */
extern void gh_boost_model_free(gh_ctx *ctx, gh_boost_model *model);

/* The bytes are gh memory of the caller. */
extern gh_status gh_boost_model_write(gh_ctx *ctx, const gh_boost_model *model, uint8_t **bytes, size_t *length);

/* Trusts nothing: GH_ECORRUPT with section and byte.  Nothing is left allocated after a failure. */
extern gh_status gh_boost_model_read(gh_ctx *ctx, const void *bytes, size_t length, gh_boost_model *model);

#endif							/* GH_BOOST_BYTES_H */
