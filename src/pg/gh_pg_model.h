/*
 * gh_pg_model.h
 *		What the glue files about models share: parameters from jsonb, training
 *		rows, the cache of parsed models, the registry.
 */
#ifndef GH_PG_MODEL_H
#define GH_PG_MODEL_H

#include "gh_pg.h"

#include "utils/jsonb.h"

#include "base/gh_container.h"
#include "cluster/gh_hdbscan_model.h"
#include "explain/gh_shap.h"
#include "learn/gh_boost_bytes.h"
#include "learn/gh_hierarchy.h"
#include "learn/gh_supergenres.h"
#include "project/gh_umap_model.h"

/* ---- names.c ---------------------------------------------------------- */

/* Strings numbered in order of arrival; equal strings have one number. */
typedef struct gh_names
{
	MemoryContext context;
	struct gh_names_table *table;
	uint32		n;
	uint32		capacity;
	char	  **name;			/* n */
	char	   *block;			/* where the next string goes */
	Size		left;
} gh_names;

extern gh_names *gh_names_make(void);	/* in the current context */
extern uint32 gh_names_add(gh_names *names, const char *string, Size length);
/* PG_UINT32_MAX when unknown */
extern uint32 gh_names_find(gh_names *names, const char *string, Size length);
/* rank[n], palloc'd: the place of each name in the order of their bytes */
extern uint32 *gh_names_rank(const gh_names *names);
/* The names in the order of their bytes: a palloc'd array of n. */
extern char **gh_names_sorted(const gh_names *names, const uint32 *rank);
/* Elements of a text[]; NULL elements are skipped.  Calls back with each. */
typedef void (*gh_text_callback) (void *arg, const char *string, Size length);
extern void gh_texts_each(Datum array, gh_text_callback callback, void *arg);

/* ---- params_json.c ---------------------------------------------------- */

/* What a `params` argument may hold. */
typedef struct gh_json_params
{
	gh_boost_params boost;
	gh_space	space;
	gh_metric	metric;
	bool		exhaustive;		/* every fold of every trial */
	int64		max_songs;		/* 0: all */
	gh_discovery_params discovery;
} gh_json_params;

#define GH_PARAMS_TUNING 1		/* also: exhaustive, metric, space */
#define GH_PARAMS_CATALOGUE 4	/* also: max_songs */
#define GH_PARAMS_DISCOVERY 2	/* also: the limits of the search for supergenres */

/*
 * Defaults, then what the object says.  22023 with a hint that lists the known
 * keys for an unknown one; 22023 with detail for a wrong type or range.
 * feature[n_features] (n_features 0: not known) gives the features' names to
 * monotone_constraints written as an object.
 */
extern void gh_params_parse(gh_ctx *ctx, Jsonb *json, int accepts, const char *const *feature, int n_features,
							gh_json_params *out);
/* The `space` argument: {"max_depth": [2, 8], "eta": {"low": .01, "high": .5, "log": true}, "gamma": 0}. */
extern void gh_space_parse(gh_ctx *ctx, Jsonb *json, gh_space *space, gh_boost_params *base);
extern gh_metric gh_metric_parse(const char *name);

/* ---- training_rows.c -------------------------------------------------- */

/* Rows that a query returns to train on, in gh memory of ctx. */
typedef struct gh_rows
{
	gh_ctx	   *ctx;
	const char *what;			/* function, for messages */
	size_t		n,
				capacity;
	int			n_features;		/* 0 before the first row */
	float	   *x;				/* n x n_features, NaN = missing */
	uint8_t    *label;			/* NULL unless rows have one */
	float	   *weight;			/* NULL unless the query gives it */
	uint32_t   *group;			/* NULL unless the query gives it; else number of the group */
	uint64_t   *id;				/* NULL unless the query gives it; where in id_text it stands */
	char	   *id_text;
	size_t		id_length,
				id_capacity;
} gh_rows;

extern void gh_rows_init(gh_rows *rows, gh_ctx *ctx, const char *what);
/* Gives the row added last its id. */
extern void gh_rows_set_id(gh_rows *rows, const char *id);
static inline const char *
gh_rows_id(const gh_rows *rows, size_t row)
{
	return rows->id_text + rows->id[row];
}
/* Ids are not needed any more. */
extern void gh_rows_drop_ids(gh_rows *rows);
/* Gives back the room for rows that did not come. */
extern void gh_rows_trim(gh_rows *rows);
/* Room for one more row of n_features; sets n_features at the first row and checks it later. */
extern float *gh_rows_add(gh_rows *rows, int n_features, const char *id);
/*
 * float8[] with NULL elements for missing values -> floats; NaN and infinite
 * elements (also in single precision) are errors that name the row.
 */
extern int	gh_features_read(const char *what, const char *id, uint64 row, Datum array, float **out);
/* Label, features, [weight], [id], [fold_group] in canonical order: the order of the query's rows has no say. */
extern void gh_rows_query(gh_rows *rows, const char *query, bool with_group);
/* All rows, in their order, as what one fit trains on: cuts their bins. */
extern void gh_rows_fit(gh_rows *rows, int max_bin, gh_bins *bins, gh_fit *fit);
/* The steps of it, for rows collected elsewhere: groups numbered in the order of their names ... */
extern void gh_rows_rank_groups(gh_rows *rows, const gh_names *groups);
/* ... rows sorted by id, label, features, weight, group: order[n], gh memory, is where each came from ... */
extern uint32 *gh_rows_sort(gh_rows *rows);
/* ... and rows without a group (PG_UINT32_MAX) given one each. */
extern void gh_rows_single_groups(gh_rows *rows, const gh_names *groups);
/* text[] of names for n features; NULL: feature_1 ... feature_n.  UTF-8, palloc'd. */
extern char **gh_feature_names(ArrayType *names, int n_features);
/* The same without knowing n: reads and checks what is given (NULL gives *n = 0). */
extern char **gh_feature_names_given(ArrayType *names, int *n);

/* ---- model_cache.c ---------------------------------------------------- */

/* A parsed model, kept for the rest of the query. */
typedef struct gh_parsed
{
	MemoryContext context;		/* its own; deleting it closes ctx */
	gh_ctx	   *ctx;
	bool		external;		/* key: the TOAST pointer ... */
	struct varatt_external pointer;
	struct varlena *copy;		/* ... or the bytes */
	Size		length;
	int			kind;			/* gh_model_kind */
	gh_boost_model boost;		/* of GH_MODEL_BOOST */
	gh_model	hierarchy;		/* of GH_MODEL_HIERARCHY */
	gh_umap_model umap;			/* of GH_MODEL_UMAP, prepared */
	gh_hdbscan_model hdbscan;	/* of GH_MODEL_HDBSCAN, prepared */
	int			n_features;
	char	  **feature;		/* in the server's encoding */
	float	   *x;				/* n_features: the row being predicted */
	double	   *given;			/* the same as it was given, NaN = missing */
	double	   *conditional,	/* n_nodes */
			   *joint;
	const gh_booster *explained;	/* what the explainer is of; NULL: of nothing yet */
	gh_explainer explainer;
	int			n_explained;	/* rows so far, up to when tables were made */
} gh_parsed;

typedef struct gh_cache
{
	gh_parsed  *parsed;			/* NULL: empty */
	uint64		generation;		/* grows with every model parsed */
} gh_cache;

/* The model, parsed now or found in the cache (parent: lifetime of a new entry).  kind 0: any. */
extern gh_parsed *gh_cache_get(gh_cache *cache, MemoryContext parent, Datum model, int kind);
/* The same with the cache of the running function. */
extern gh_parsed *gh_function_model(FunctionCallInfo fcinfo, int argument, int kind);
/* Features of one row into parsed->x: NULL or NaN is missing, wrong length 2202E, infinite 22000. */
extern void gh_parsed_row(gh_parsed *parsed, const char *what, ArrayType *features);
/* One of them. */
extern void gh_parsed_value(gh_parsed *parsed, const char *what, int i, double v);
/* UTF-8 name of a model as a text Datum in the server's encoding */
extern Datum gh_name_datum(const char *utf8);
/* JSON text out of a model as jsonb; damaged text is reported as a damaged model */
extern Datum gh_json_datum(const char *utf8);

/* ---- model.c, shap.c -------------------------------------------------- */

/* Rows of predict_genres and shap_values for the row in parsed->x. */
extern void gh_predict_rows(gh_parsed *parsed, bool all, int64 top_k, Tuplestorestate *store, TupleDesc tupdesc);
/* The explainer of one of the model's classifiers, kept from row to row. */
extern const gh_explainer *gh_parsed_explainer(gh_parsed *parsed, const gh_booster *booster);
extern void gh_shap_values_rows(gh_parsed *parsed, const char *node, Tuplestorestate *store, TupleDesc tupdesc);
extern int64 gh_top_k_argument(FunctionCallInfo fcinfo, int argument, bool *all);

/* ---- umap_model.c ----------------------------------------------------- */

/* What model_info says of a projection: members of a JSON object. */
extern void gh_umap_info(StringInfo json, const gh_umap_model *model);

/* ---- hdbscan_model.c -------------------------------------------------- */

/* The same of a clustering. */
extern void gh_hdbscan_info(StringInfo json, const gh_hdbscan_model *model);

/* ---- labels.c --------------------------------------------------------- */

/* Labels of rows being read; a label twice in a row counts once.  In gh memory. */
typedef struct gh_label_list
{
	gh_ctx	   *ctx;
	size_t		n,
				row_capacity;
	uint64_t   *begin;			/* n + 1 */
	size_t		capacity;
	uint32_t   *label;
} gh_label_list;

extern void gh_label_list_init(gh_label_list *list, gh_ctx *ctx);
extern void gh_label_list_row(gh_label_list *list); /* begins a row */
extern void gh_label_list_add(gh_label_list *list, uint32 label);	/* to the row begun last */
/* Gives back the room for rows and labels that did not come. */
extern void gh_label_list_trim(gh_label_list *list);
extern void gh_label_list_free(gh_label_list *list);
/* What the core takes; valid until the list changes. */
extern gh_labels gh_label_list_view(const gh_label_list *list, uint32 n_labels);

/* ---- links.c ---------------------------------------------------------- */

/* A hierarchy as rows: each says which parent a name has. */
typedef struct gh_links
{
	size_t		n,
				capacity;
	bool		two_levels;		/* (genre, supergenre): the two columns name different things */
	char	  **name;			/* palloc'd, server's encoding */
	char	  **parent;			/* NULL: top */
} gh_links;

extern void gh_links_init(gh_links *links, bool two_levels);
extern void gh_links_add(gh_links *links, const char *name, const char *parent);
/* Runs a query with columns (genre, supergenre) or (genre, parent), read only. */
extern void gh_links_query(gh_links *links, const char *what, const char *query);
/* leaf[n], palloc'd: the row's name is the parent of no other. */
extern bool *gh_links_leaves(const gh_links *links);
/* The nodes of a model without classifiers. feature: UTF-8. */
extern void gh_links_plan(gh_ctx *ctx, const gh_links *links, char **feature, int n_features, gh_model *model);
/* The genres of a planned model by name (server's encoding): number = position in model->genre. */
extern gh_names *gh_model_genre_names(const gh_model *model);

/* ---- training.c ------------------------------------------------------- */

#define GH_MAX_FOLDS 100
#define GH_MAX_ITERATIONS 10000

/* Settings of a training, as hierarchy_fit and train_hierarchy share them. */
typedef struct gh_train_options
{
	gh_json_params params;
	int			iterations;
	int			folds;
	double		validation_fraction;
	int64		seed;
} gh_train_options;

/* 22023 naming function, argument, value and range */
extern void gh_check_between(const char *what, const char *name, double value, double low, double high);
extern void gh_train_options_check(const char *what, const gh_train_options *options);
/* validation[n], gh memory: 1 = held out.  group may be NULL.  NULL when nothing is held out. */
extern uint8_t *gh_validation_split(gh_ctx *ctx, const gh_train_options *options, const gh_labels *labels,
									const uint32_t *group);
/* A gh_training with the options in it and the rows still to be set. */
extern void gh_training_init(gh_training *training, const gh_train_options *options);
/* "[{"classifier": "vanilla", "average_precision": ..., ...}, ...]" of the classifiers that were scored */
extern void gh_scores_json(StringInfo out, const gh_evaluation *evaluation);
extern void gh_json_number(StringInfo out, double v);	/* null when not finite */
extern void gh_json_string(StringInfo out, const char *string);
/* The options as members of a JSON object. */
extern void gh_options_json(gh_ctx *ctx, StringInfo out, const gh_train_options *options);
/* Sets model->info from JSON text in the server's encoding. */
extern void gh_model_set_info(gh_ctx *ctx, gh_model *model, const char *json);
extern bytea *gh_model_bytea(gh_ctx *ctx, const gh_model *model);
/* Bytes of a model (gh memory, freed here) as a bytea; 54000 when they would not fit one. */
extern bytea *gh_bytes_bytea(gh_ctx *ctx, uint8_t *bytes, size_t length);
/* gh memory for n things, raising the core's error when there is none */
extern void *gh_pg_alloc(gh_ctx *ctx, size_t n, size_t size);
extern void *gh_pg_realloc(gh_ctx *ctx, void *block, size_t n, size_t size);
/* The next capacity of an array that grows row by row. */
extern size_t gh_pg_grow(size_t capacity);

/* ---- tables.c --------------------------------------------------------- */

/* One of the user's tables, found with the caller's search path. */
typedef struct gh_table
{
	Oid			relid;
	const char *argument;		/* which argument named it */
	const char *columns;		/* what it should have, for hints */
	char	   *name;			/* qualified and quoted */
	char	   *stored;			/* the same, with pg_temp for a temporary one: fit to be kept */
} gh_table;

/* A query begins with a word that begins one, or a parenthesis; anything else is the name of a relation. */
extern bool gh_is_query(const char *given);
/* As to_regclass(): InvalidOid when there is none. */
extern Oid	gh_table_look_up(const char *name);
/* The same, with every reason why it will not do as an error. */
extern void gh_table_find(const char *argument, const char *name, const char *columns, gh_table *table);
/* Number and base type of a column; 42703 when it is missing. */
extern Oid	gh_table_column(const gh_table *table, const char *column);
/* SQL expressions, qualified everywhere: a column as float8; an id as text in byte order; text[]. */
extern char *gh_table_number(const gh_table *table, const char *alias, const char *column);
extern char *gh_table_id(const gh_table *table, const char *alias, const char *column);
extern char *gh_table_texts(const gh_table *table, const char *alias, const char *column);
/* The condition that ids of two tables are equal; 42804 when their types do not compare. */
extern char *gh_table_equal(const gh_table *a, const char *alias_a, const gh_table *b, const char *alias_b,
							const char *column);
/* The features as ARRAY[...]::float8[], and the condition that all are finite. */
extern char *gh_table_features(const gh_table *songs, const char *alias, char **feature, int n);
extern char *gh_table_complete(const gh_table *songs, const char *alias, char **feature, int n);

/* ---- registry.c ------------------------------------------------------- */

/* The newest version of a model, read with the caller's rights; in the SPI procedure's memory. */
typedef struct gh_registered
{
	int32		version;
	char	   *songs;			/* qualified and quoted */
	Datum		features;		/* text[] */
	Datum		model;			/* bytea, perhaps a TOAST pointer */
	bool		artist_context; /* the second half of the model's features are means of the artist's songs, */
	char	   *song_artists;	/* found with this table */
} gh_registered;

/* Qualified name of the registry; 42501 with the GRANT when the caller lacks one of the privileges. */
extern char *gh_registry(FunctionCallInfo fcinfo, AclMode needed);
extern void gh_registry_check_name(const char *model);
extern void gh_registry_unknown(const char *registry, const char *model) pg_attribute_noreturn();
/* Between SPI_connect and SPI_finish.  *plan is prepared when NULL, and kept. */
extern void gh_registry_newest(const char *registry, const char *model, bool read_only, SPIPlanPtr *plan,
							   gh_registered *out);
/* Inserts the next version of `model` and returns its number.  Connects to SPI itself. */
extern int32 gh_registry_insert(const char *registry, const char *model, const char *songs, Datum features,
								Datum params, Datum metrics, Datum bytes);

/* ---- catalogue_songs.c ------------------------------------------------ */

/*
 * Between SPI_connect and SPI_finish: the newest model of a name, with the features of
 * a song of its table in x and given.  Uses the fn_extra of the running function.
 */
extern gh_parsed *gh_catalogue_song(FunctionCallInfo fcinfo, const char *what, const char *id, const char *model);

/* ---- catalogue.c ------------------------------------------------------ */

#define GH_SONGS_COLUMNS "song_id (text or bigint) and a numeric column per feature"
#define GH_ARTISTS_COLUMNS "artist_id (text or bigint), followers (bigint) and genres (text[])"
#define GH_LINKS_COLUMNS "song_id and artist_id"

/* Names of features out of a text[] argument: server's encoding, checked. */
extern char **gh_catalogue_features(ArrayType *features, int *n);

#endif							/* GH_PG_MODEL_H */
