/*
 * gh_model_charts.h
 *		Charts of trained models: scores by genre, one decision, SHAP values of
 *		many songs.
 *
 * Every chart is one SVG document in gh memory of the caller, NUL-terminated
 * UTF-8; *length does not count the NUL.  Names are foreign text and may hold
 * anything.  The same input gives the same bytes.
 */
#ifndef GH_MODEL_CHARTS_H
#define GH_MODEL_CHARTS_H

#include "base/gh_context.h"

/* Features with a row of their own; further ones are taken together. */
#define GH_CHART_FEATURES 20
#define GH_CHART_CLASSIFIERS 4
/* Rows of a precision chart; further ones are left out, and the chart says so. */
#define GH_CHART_GENRES 500
/* Songs of a chart of SHAP values. */
#define GH_CHART_SONGS 5000

/* ---- average precision by genre ---------------------------------------- */

typedef struct gh_precision_row
{
	const char *name;
	bool		is_genre;		/* else a supergenre: its row heads those that follow */
	double		score[GH_CHART_CLASSIFIERS];	/* average precision, NaN: none */
	double		prevalence;		/* share of the songs, NaN: unknown */
} gh_precision_row;

typedef struct gh_precision_chart
{
	const char *model;
	const char *supergenre;		/* the only one shown; NULL: all */
	uint64_t	songs;			/* that the classifiers were scored on */
	int			n_classifiers;	/* 0 to GH_CHART_CLASSIFIERS */
	const char *classifier[GH_CHART_CLASSIFIERS];	/* for the legend */
	size_t		n;
	const gh_precision_row *row;	/* in the order of the chart */
} gh_precision_chart;

extern gh_status gh_draw_precision(gh_ctx *ctx, const gh_precision_chart *chart, char **text, size_t *length);

/* ---- one song through one classifier ----------------------------------- */

typedef struct gh_decision_chart
{
	const char *model;
	const char *node;
	const char *parent;			/* NULL: a top node; else the probability is that of the node given it */
	const char *song;
	int			n_features;
	char *const *feature;
	const double *value;		/* NaN: missing */
	const double *shap;			/* n_features and the base value, log-odds */
} gh_decision_chart;

/* GH_EDATA when a SHAP value is not finite. */
extern gh_status gh_draw_decision(gh_ctx *ctx, const gh_decision_chart *chart, char **text, size_t *length);

/* ---- many songs through one classifier --------------------------------- */

typedef struct gh_shap_chart
{
	const char *model;
	const char *node;
	const char *parent;			/* as above */
	size_t		n;				/* songs, at most GH_CHART_SONGS */
	char *const *song;			/* n */
	int			n_features;
	char *const *feature;
	const float *value;			/* n x n_features, NaN: missing */
	const double *shap;			/* n x (n_features + 1), base value last */
	double		base_value;		/* the same in every row; for charts without a song */
} gh_shap_chart;

/* One row per feature, a dot per song at its SHAP value, coloured by the feature's value. */
extern gh_status gh_draw_shap_summary(gh_ctx *ctx, const gh_shap_chart *chart, char **text, size_t *length);

/* One line per song from the base value to the result, feature by feature, coloured by the result. */
extern gh_status gh_draw_shap_paths(gh_ctx *ctx, const gh_shap_chart *chart, char **text, size_t *length);

#endif							/* GH_MODEL_CHARTS_H */
