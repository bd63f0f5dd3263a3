/*
 * gh_hierarchy.h
 *		The hierarchy of classifiers: structure, training, prediction, bytes.
 *
 * One binary classifier per node.  Siblings policy: a node is trained on the
 * rows that are positive for its parent (all labelled rows for a top node),
 * so it estimates P(node | parent), and P(node) is the product along the path.
 */
#ifndef GH_HIERARCHY_H
#define GH_HIERARCHY_H

#include "explain/gh_metrics.h"
#include "learn/gh_boost.h"
#include "learn/gh_folds.h"
#include "learn/gh_tune.h"

#define GH_MAX_NODES 65535
#define GH_MAX_LEVELS 32
#define GH_MAX_NAME 10000		/* bytes */

/* What gh_tune() says for the parameters that a classifier was trained with. */
typedef struct gh_search
{
	uint32_t	trials;			/* that were run; 0: not searched, and the rest is 0 too */
	uint32_t	folds;			/* of the score */
	double		score,			/* mean over the folds, in the metric of the training */
				score_sd;		/* between the folds */
} gh_search;

typedef struct gh_node
{
	char	   *name;			/* UTF-8 */
	int32_t		parent;			/* index, lower than its own; -1: top */
	int			level;			/* 1: top */
	bool		is_genre;		/* a leaf that is ranked; others are supergenres */
	uint64_t	positives,		/* training rows */
				negatives;
	bool		ap_defined;
	double		average_precision;	/* on the validation rows: of P(node) for the hierarchy */
	char	   *params;			/* JSON text */
	gh_search	search;			/* that found them */
	char	   *vanilla_params; /* those of a genre's vanilla classifier; NULL: none was trained */
	gh_search	vanilla_search;
	gh_booster	booster;
} gh_node;

typedef struct gh_model
{
	int			n_features;
	char	  **feature;		/* names */
	uint32_t	n_nodes;
	gh_node    *node;			/* parents before children; genres in ascending order of name within a parent */
	uint32_t	n_genres;
	gh_booster *flat;			/* n_genres: the vanilla classifiers of a blend, those of top genres empty; NULL: no blend */
	uint32_t   *genre;			/* node index of genre g, in the order of model_genres(): ascending node index */
	char	   *info;			/* JSON object text: what was trained on what */
} gh_model;

/* Frees the contents, not the struct; fine on a zeroed one. */
extern void gh_model_free(gh_ctx *ctx, gh_model *model);

/*
 * Bytes (container of kind GH_MODEL_HIERARCHY); the reader trusts nothing and
 * leaves a zeroed model when it fails.  The bytes are gh memory of the caller.
 */
extern gh_status gh_model_write(gh_ctx *ctx, const gh_model *model, uint8_t **bytes, size_t *length);
extern gh_status gh_model_read(gh_ctx *ctx, const void *bytes, size_t length, gh_model *model);

/*
 * Find a node by name; `genre:NAME` and `supergenre:NAME` settle a name that
 * both have.  GH_EINVAL when unknown (hint: model_nodes) or ambiguous.
 */
extern gh_status gh_model_find(gh_ctx *ctx, const gh_model *model, const char *name, uint32_t *node);

/* GH_EINVAL for an empty or too long name, GH_EDATA for one that a node of the same kind or a sibling has. */
extern gh_status gh_model_rename(gh_ctx *ctx, gh_model *model, uint32_t node, const char *name);

/*
 * conditional[n_nodes] = P(node | parent), joint[n_nodes] = P(node); x:
 * n_features floats, NaN = missing.  In a model with flat classifiers the joint
 * of a genre is gh_blend() of the product along the path and the flat one.
 */
extern void gh_model_predict(const gh_model *model, const float *x, double *conditional, double *joint);

/* order[n_genres]: genres (positions in model->genre) by joint[model->genre[g]] descending, then position. */
extern gh_status gh_model_rank(gh_ctx *ctx, const gh_model *model, const double *joint, uint32_t *order);

/* The probability whose log-odds are the mean of those of two probabilities (clipped to [1e-7, 1 - 1e-7]). */
extern double gh_blend(double a, double b);

/* One song's classifiers, compared: vanilla, hierarchical, hierarchical_hint, and blend where there is one. */
typedef enum gh_classifier
{
	GH_VANILLA = 0,
	GH_HIERARCHICAL,
	GH_HIERARCHICAL_HINT,
	GH_BLEND,
	GH_N_CLASSIFIERS
} gh_classifier;

extern const char *gh_classifier_name(int classifier);

typedef struct gh_score
{
	bool		defined;
	double		average_precision;	/* macro mean over genres with a positive among the validation rows */
	double		coverage_error;
	double		min_coverage_error; /* mean number of true genres */
} gh_score;

/* What hierarchy training takes. Labels are nodes: a row carries genres only; ancestors follow. */
typedef struct gh_training
{
	const float *rows;			/* n x n_features, row-major */
	size_t		n;
	int			n_features;
	const gh_labels *labels;	/* genre labels: positions in genre order */
	const uint32_t *group;		/* fold groups (artists), or NULL */
	const float *weights;		/* n: of the rows in training, NULL: all 1; the scores on validation rows do not know them */
	const uint8_t *validation;	/* 1: held out of training and tuning; NULL: none */
	gh_boost_params params;
	gh_space	space;
	int			iterations;		/* 0: params as they are */
	int			folds;
	gh_metric	metric;
	bool		exhaustive;		/* every fold of every trial */
	uint64_t	seed;
	bool		vanilla;		/* train and score the flat classifier too */
	void		(*release) (void *arg); /* called when `rows` are not read any more, may be NULL; */
	void	   *release_arg;
	size_t		releasable;		/* how many bytes it frees, of this context's memory */
	const char *advice;			/* what else would help when memory is short: "Raise the setting, or ADVICE." */
	bool		blend;			/* keep it in the model and blend with it; needs vanilla */
} gh_training;

typedef struct gh_evaluation
{
	uint64_t	training_rows,
				validation_rows;
	gh_score	score[GH_N_CLASSIFIERS];

	/*
	 * GH_N_CLASSIFIERS x n_nodes (classifier by classifier), NaN where
	 * undefined: without a validation row positive for the node; vanilla and
	 * blend have genres only; the hint of a top node is the truth, not a prediction.
	 */
	double	   *node_ap;
	double	   *node_coverage;	/* over the rows positive for it: mean number of genres (of supergenres of its level) scored at least as high */
	uint64_t   *node_positives; /* n_nodes, among validation rows */
} gh_evaluation;				/* gh memory: free with gh_evaluation_free */

/*
 * Rows without a label are left out.  params.early_stopping_rounds finds the
 * number of trees on one of `folds` folds of a node's training rows, never on
 * the validation rows; every classifier ends with a fit on all its training rows.
 *
 * In: model with features, nodes (names, parents, is_genre) and genre order set;
 * boosters empty.  Out: boosters, counts, params and scores filled.  Threads
 * over nodes; progress per node; cancel anywhere.  Checks the memory first.
 */
extern gh_status gh_hierarchy_train(gh_ctx *ctx, const gh_training *training, gh_model *model, gh_evaluation *evaluation);
extern void gh_evaluation_free(gh_ctx *ctx, gh_evaluation *evaluation);

/*
 * Build the nodes from (name, parent name or NULL) pairs: any order, any depth.
 * A name that is somebody's parent is a supergenre, any other is a genre; the
 * pair (x, x) says that the supergenre x has a genre of the same name.  Parents
 * that no pair declares are top nodes; a top node without children is a genre
 * of level 1.  Nodes stand in depth-first order, siblings by the bytes of their
 * names.  GH_EDATA for cycles, a pair twice, a node below two parents, no pair
 * at all, too many nodes or levels; GH_EINVAL for empty or too long names.
 */
extern gh_status gh_model_plan(gh_ctx *ctx, const char *const *name, const char *const *parent, size_t n,
							   const char *const *feature, int n_features, gh_model *model);

#endif							/* GH_HIERARCHY_H */
