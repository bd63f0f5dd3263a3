/*
 * gh_xgboost_json.h
 *		Models in XGBoost's own JSON, both ways.
 *
 * Format: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
 */
#ifndef GH_XGBOOST_JSON_H
#define GH_XGBOOST_JSON_H

#include "learn/gh_boost_bytes.h"

/*
 * The model as XGBoost 1.7 and later load it: an objective "binary:logistic",
 * its trees, its base score.  The features' names are left out when they are
 * feature_1, feature_2, ..., so that plain arrays predict too.  *text: gh
 * memory, UTF-8, with a terminator that *length does not count.
 */
extern gh_status gh_xgboost_write(gh_ctx *ctx, const gh_boost_model *model, char **text, size_t *length);

/*
 * What XGBoost's save_model("x.json") and save_raw("json") write.  GH_EDATA
 * for everything that is not one binary classifier of plain trees; nothing is
 * left allocated after a failure.  Nodes are renumbered level by level.
 */
extern gh_status gh_xgboost_read(gh_ctx *ctx, const char *text, size_t length, gh_boost_model *model);

#endif							/* GH_XGBOOST_JSON_H */
