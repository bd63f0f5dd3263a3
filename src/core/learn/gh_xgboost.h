/*
 * gh_xgboost.h
 *		Models in XGBoost's own formats: JSON both ways, UBJSON to read.
 *
 * Format: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
 */
#ifndef GH_XGBOOST_H
#define GH_XGBOOST_H

#include "learn/gh_boost_bytes.h"

/*
 * The model as XGBoost 1.7 and later load it: an objective "binary:logistic",
 * its trees, its base score.  The features' names are left out when they are
 * feature_1, feature_2, ..., so that plain arrays predict too.  Attributes that
 * an import kept go along.  *text: gh memory, UTF-8, with a terminator that
 * *length does not count.
 */
extern gh_status gh_xgboost_write(gh_ctx *ctx, const gh_boost_model *model, char **text, size_t *length);

/*
 * What XGBoost's save_model() and save_raw() write, in JSON or UBJSON: the
 * first two bytes tell them apart.  GH_EDATA for everything that is not one
 * binary classifier of plain trees; nothing is left allocated after a failure.
 * Nodes are renumbered level by level.
 *
 * best_iteration: only the trees up to the model's attribute of that name, as
 * XGBoost's scikit-learn classes predict after early stopping; a model without
 * it keeps all of them.
 *
 * Attributes (texts by name) are kept in the model's info, best_iteration
 * counted in trees; one of more than 64 kB, and what is beyond 512 kB in all,
 * is left out.
 */
extern gh_status gh_xgboost_read(gh_ctx *ctx, const void *bytes, size_t length, bool best_iteration, gh_boost_model *model);

#endif							/* GH_XGBOOST_H */
