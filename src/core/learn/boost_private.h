/*
 * boost_private.h
 *		The inside of one fit: for bins-to-trees files and tune.c only.
 *
 * Gradient sums are integers (fixed point, see gradient_scale() in boost.c), so
 * they do not depend on the order of addition: a histogram got by subtraction
 * is the histogram that counting would give, bit for bit.
 */
#ifndef GH_BOOST_PRIVATE_H
#define GH_BOOST_PRIVATE_H

#include "learn/gh_boost.h"

/* First and second derivative of the loss, or sums of them, in fixed point. */
typedef struct gh_sum
{
	int64_t		g,
				h;
} gh_sum;

static inline gh_sum
gh_sum_add(gh_sum a, gh_sum b)
{
	return (gh_sum) {a.g + b.g, a.h + b.h};
}

static inline gh_sum
gh_sum_subtract(gh_sum a, gh_sum b)
{
	return (gh_sum) {a.g - b.g, a.h - b.h};
}

/* XGBoost keeps its parameters as floats; so do we, or near-ties would fall differently. */
typedef struct gh_rates
{
	float		eta,
				lambda,
				alpha,
				gamma,
				min_child_weight,
				max_delta_step;
	const int8_t *monotone;		/* per feature; NULL: none */
	double		unit;			/* what 1 in a gh_sum stands for */
	int64_t		least_hessian;	/* smallest sum that a side of a split may have */
} gh_rates;

typedef struct gh_split
{
	float		gain;			/* 0: none found */
	int			feature;
	int			bin;			/* codes <= bin go left; -1: only missing ones do */
	bool		default_left;
	gh_sum		left;			/* sums of what goes left */
} gh_split;

/* A node while its tree grows. */
typedef struct gh_grown
{
	uint32_t	begin,			/* its rows: order[begin..end) */
				end;
	uint32_t	left;			/* left child; 0: leaf */
	int			depth;
	int32_t		histogram;		/* slot in the pool; -1: none kept */
	int32_t		child_slot;		/* while it is opened: that of its smaller child; -1: none */
	int			extra;			/* while it is counted in parts: the first of their slots behind the pool */
	int			n_extra;
	bool		unparted;		/* its children are leaves for certain, so its rows were not parted for them */
	gh_sum		total;
	float		weight;			/* as a leaf, not times eta */
	float		score;			/* gain of keeping it whole */
	float		lower,			/* bounds of its weight, from monotone constraints above */
				upper;
	gh_split	split;
} gh_grown;

/* Some rows of a node as one task: order[begin..end). */
typedef struct gh_part
{
	uint32_t	node;
	uint32_t	begin,
				end;
	uint32_t	n_parts;		/* of the node, side by side */
	uint32_t	n_left;			/* partition: how many go left, and where both kinds go */
	uint32_t	left_to,
				right_to;
	int32_t		slot;			/* histogram: for the sums */
	bool		taken_out;		/* out of sums that are there */
} gh_part;

/* Rows of a part of a partition at most, when there are threads. */
#define GH_PART_ROWS 8192

/* ---- split.c ----------------------------------------------------------- */

/* Smallest fixed-point number that is above 0 and at least min_child_weight. */
extern int64_t gh_split_least_hessian(double min_child_weight, double unit);
/* Weight of a node with these sums, within [lower, upper]. */
extern float gh_split_weight(const gh_rates *rates, gh_sum sum, float lower, float upper);
/* Fills weight and score from total and the bounds. */
extern void gh_split_weigh(const gh_rates *rates, gh_grown *node);
/* Whether the hessians of a node are enough for two sides. */
extern bool gh_split_possible(const gh_rates *rates, const gh_grown *node);
/*
 * Best split of a node among features[0..n), ascending.  histogram: sums per
 * bin; a feature's bins start at offset[feature].
 */
extern void gh_split_find(const gh_rates *rates, const gh_bins *bins, const gh_sum *histogram, const uint32_t *offset,
						  const uint16_t *features, int n, gh_grown *node);

/* A node of so few rows is searched without a histogram: most of its bins would be empty. */
#define GH_FEW_ROWS 192

/* Copies of the rows of such a node, side by side, and the sums of one feature. */
typedef struct gh_few
{
	size_t		n;
	size_t		size;			/* bytes of the codes of a row */
	uint8_t    *record;			/* codes, GH_FEW_ROWS x size */
	gh_sum		gradient[GH_FEW_ROWS];
	gh_sum		sum[264];		/* by code; 256: missing though all codes are taken; empty between features */
	uint8_t		seen[264];		/* 1: some row has the code */
} gh_few;

/* The same split from the rows themselves. */
extern void gh_split_find_few(const gh_rates *rates, const gh_bins *bins, gh_few *few, const uint16_t *features, int n,
							  gh_grown *node);

/* ---- histogram.c ------------------------------------------------------- */

/* Sums of a column that has every code. */
#define GH_FULL_COLUMN 256

/*
 * Training rows as the trees read them.  A record is one row: its codes, then
 * its gradient; so a row out of order costs one cache line.  Columns are the
 * codes again, one feature after the other, for partitions.
 */
typedef struct gh_records
{
	size_t		n;
	int			n_columns;
	size_t		size;			/* bytes of a record, a multiple of 16 */
	size_t		gradient;		/* where its gradient stands; gh_sum, 16-byte aligned */
	uint8_t    *record;			/* n x size */
	uint8_t    *column;			/* n_columns x n */
} gh_records;

static inline gh_sum *
gh_record_gradient(const gh_records *records, size_t row)
{
	return (gh_sum *) (records->record + row * records->size + records->gradient);
}

/*
 * Sums per column and code of the rows order[0..n) (order NULL: 0..n-1).
 * offset[c]: where a column's sums begin; columns[0..n_columns): which to
 * count.  `histogram` starts at zero.
 */
extern gh_status gh_histogram_count(gh_ctx *ctx, const gh_records *records, const uint32_t *order, size_t n,
									const uint16_t *columns, int n_columns, const uint32_t *offset, gh_sum *histogram);
/* Takes few rows out of a histogram again. */
extern void gh_histogram_take_out(const gh_records *records, const gh_bins *bins, const uint32_t *order, size_t n,
								  const uint16_t *columns, int n_columns, const uint32_t *offset, gh_sum *histogram);

/* ---- grow.c ------------------------------------------------------------ */

/*
 * One step of the path of a coded row through a finished tree.  A leaf leads
 * to itself, so a row may go on stepping there.
 */
typedef struct gh_step
{
	uint32_t	left;			/* a leaf: its own number */
	float		value;			/* of a leaf, times eta */
	int16_t		bin;
	uint16_t	column;
	uint16_t	miss_column;
	int16_t		miss_code;		/* -1: never missing */
	bool		default_left;
} gh_step;

/* The step of a leaf: to itself. */
extern gh_step gh_step_to_leaf(uint32_t id, float value);
/* That of a split; values in bins <= bin go to `left`, others to left + 1. */
extern gh_step gh_step_to_children(const gh_bins *bins, int feature, int bin, bool default_left, uint32_t left);

static inline bool
gh_step_goes_left(const gh_step *step, const uint8_t *code)
{
	if (code[step->miss_column] == step->miss_code)
		return step->default_left;
	return code[step->column] <= step->bin;
}

/* Everything that growing one tree after another needs, allocated once a fit. */
typedef struct gh_grower
{
	gh_ctx	   *ctx;
	const gh_bins *bins;
	const gh_boost_params *params;
	gh_rates	rates;
	const gh_records *records;	/* by position */

	uint32_t   *order;			/* positions: those in the sample first, by node */
	uint32_t   *spare;			/* n, for partitions */
	size_t		n_sample;

	uint32_t   *offset;			/* per column, into a histogram */
	size_t		histogram_size; /* sums in one */
	gh_sum	   *pool;
	int			n_slots;
	int			n_extra;		/* slots behind it, for parts of nodes */
	int32_t    *free_slot;
	int			n_free;

	uint16_t   *columns;		/* to count for this tree, and how many */
	int			n_columns;
	uint16_t   *tree_features;	/* drawn for this tree, ascending */
	int			n_tree_features;
	uint16_t   *level_features; /* drawn for level_depth */
	int			n_level_features;
	int			level_depth;
	uint16_t   *node_features;	/* a row of n_features for every thread */
	uint32_t   *shuffle;		/* scratch of a draw, the same */
	gh_few	   *few;			/* one for every thread */
	int			n_few;

	gh_grown   *nodes;
	uint32_t	n_nodes,
				max_nodes;
	uint32_t   *queue;			/* open nodes: a heap when lossguide, else first come first served */
	uint32_t   *batch;			/* nodes that are opened together */
	int			n_batch;
	size_t		batch_rows;
	gh_part    *parts;			/* of the batch */
	size_t		n_parts;
	int			n_groups;		/* of columns, counted apart */
	uint32_t	queue_head,
				queue_tail;
	gh_step    *steps;			/* of the tree just grown; as large as nodes */
	int			depth;			/* of its deepest leaf */
} gh_grower;

/* Everything but ctx must outlive the grower.  unit: what 1 in a gh_sum stands for. */
extern gh_status gh_grower_open(gh_ctx *ctx, const gh_bins *bins, const gh_boost_params *params,
								const gh_records *records, double unit, gh_grower *grower);
extern void gh_grower_close(gh_grower *grower);
/*
 * Grow tree number `index` from the gradients, into *tree unless that is NULL.
 * Afterwards nodes, order, steps and depth describe it until the next call.
 */
extern gh_status gh_grower_grow(gh_grower *grower, uint32_t index, gh_tree *tree);
extern size_t gh_grower_memory(size_t n, int n_columns, int threads, const gh_boost_params *params);
/* Leaves of a tree of n rows at most. */
extern size_t gh_grower_most_leaves(size_t n, const gh_boost_params *params);

/* ---- pool.c ------------------------------------------------------------ */

/* Where each column's sums begin, and a pool of histograms. */
extern gh_status gh_pool_open(gh_grower *grower);
/* Between two trees: gives its sums back, and takes them again. */
extern void gh_pool_rest(gh_grower *grower);
extern gh_status gh_pool_wake(gh_grower *grower);
extern size_t gh_pool_memory(size_t n, int n_columns, int threads, const gh_boost_params *params);
/* All slots free. */
extern void gh_pool_reset(gh_grower *grower);
extern int	gh_pool_slots(size_t n, const gh_boost_params *params, size_t histogram_size);
/* Slots behind the last one, for nodes that several threads count. */
extern int	gh_pool_extra(size_t n, int n_columns, int threads);
/* Groups of columns that are counted apart, where rows are not. */
extern int	gh_pool_groups(int n_columns, int threads);
/* A slot of the pool, or (n_slots) the one that is never kept. */
extern int32_t gh_pool_take(gh_grower *grower);
extern void gh_pool_release(gh_grower *grower, int32_t slot);
static inline gh_sum *
gh_pool_sums(const gh_grower *grower, int32_t slot)
{
	return grower->pool + (size_t) slot * grower->histogram_size;
}

/* ---- partition.c ------------------------------------------------------- */

/* Parts of one batch at most, in a tree of so many nodes. */
static inline size_t
gh_parts_most(const gh_grower *grower, uint32_t nodes)
{
	return nodes / 2 + grower->records->n / GH_PART_ROWS + (size_t) grower->n_extra + 1;
}

/* Rows order[begin..end) of a node as parts of at most most_rows; how many. */
extern uint32_t gh_parts_add(gh_grower *grower, uint32_t id, uint32_t begin, uint32_t end, uint32_t most_rows);
/* Rows of one part by side; a part that is the whole node is done then. */
extern gh_status gh_partition_part(gh_grower *grower, gh_part *part);
/* The children's rows, when all parts are done; whether some must be moved. */
extern bool gh_partition_place(gh_grower *grower);
extern void gh_partition_move(gh_grower *grower, const gh_part *part);
/* Adds their leaves to the margins of the rows order[first..last) of the finished tree. */
extern gh_status gh_partition_add_leaves(const gh_grower *grower, uint32_t first, uint32_t last, float *margins);

/* ---- open.c ------------------------------------------------------------ */

/* The root's sums and best split, from its rows. */
extern gh_status gh_open_root(gh_grower *grower, uint32_t index);
/*
 * Split the nodes of the batch, all of one depth: children and, when those may
 * split in turn, partitions, histograms and best splits.
 */
extern gh_status gh_open_batch(gh_grower *grower, uint32_t index, bool children_may_split);
/* How node `id` sends its rows on. */
extern gh_step gh_open_step(const gh_grower *grower, uint32_t id);
/* Whether its children can be evaluated together with others of the batch. */
extern bool gh_open_prepared(const gh_grower *grower, const gh_grown *node);
/* Whether a node's best split is worth making. */
extern bool gh_open_worth(const gh_grower *grower, const gh_grown *node);

/* ---- sample.c ---------------------------------------------------------- */

/* Rows of tree `index`: fills order (sample first, each part ascending) and n_sample. */
extern gh_status gh_sample_rows(gh_grower *grower, uint32_t index);
/* Features of tree `index`, and the columns to count for them. */
extern void gh_sample_tree_features(gh_grower *grower, uint32_t index);
/* Draws the features of a depth; before those of its nodes. */
extern void gh_sample_level_features(gh_grower *grower, uint32_t index, int depth);
/* Features that a node may split on; *n of them, ascending; valid until the next call of this thread. */
extern const uint16_t *gh_sample_node_features(const gh_grower *grower, uint32_t index, uint32_t node, int worker,
											   int *n);

/* ---- walk.c ------------------------------------------------------------ */

/*
 * value[i]: that of the leaf where row rows[i] of n ends, `depth` steps below
 * the root at most; its codes stand at codes + rows[i] * stride.
 */
extern void gh_walk(const gh_step *steps, int depth, const uint8_t *codes, size_t stride, const uint32_t *rows, int n,
					float *value);

/* A step without what the bins say about its feature, and without what only a leaf or only a split has. */
typedef struct gh_kept_step
{
	uint32_t	left;			/* 0: a leaf */
	union
	{
		float		value;		/* of a leaf */
		struct
		{
			uint16_t	feature;
			uint16_t	bin;	/* 2 (bin + 1), and 1 when missing values go left */
		}			split;
	}			u;
} gh_kept_step;

typedef struct gh_path
{
	gh_kept_step *step;
	uint32_t	n_steps;
	int			depth;
} gh_path;

/* Trees kept as steps, so that margins after any of them can be had again. */
typedef struct gh_paths
{
	gh_path    *tree;
	uint32_t	n_trees,
				max_trees;
	uint32_t	most_steps;		/* of the largest */
} gh_paths;

/* One more tree; the steps are copied. */
extern gh_status gh_paths_keep(gh_ctx *ctx, gh_paths *paths, const gh_step *steps, uint32_t n_steps, int depth);
/* The steps again, as they were. */
extern void gh_path_unfold(const gh_path *path, const gh_bins *bins, gh_step *steps);
extern void gh_paths_free(gh_ctx *ctx, gh_paths *paths);
/* Bytes of n_trees trees of so many leaves. */
extern size_t gh_paths_memory(size_t n_trees, size_t leaves);

/* ---- boost.c ----------------------------------------------------------- */

/* A fit that can be carried on tree by tree. */
typedef struct gh_trainer gh_trainer;

/* What a trainer keeps of its trees. */
typedef enum gh_keep
{
	GH_KEEP_TREES,				/* whole, for a booster */
	GH_KEEP_PATHS				/* as far as the margins of the validation rows need them */
} gh_keep;

/* The fit and the params must outlive the trainer.  NULL fit->valid_rows: no curve. */
extern gh_status gh_trainer_open(gh_ctx *ctx, const gh_fit *fit, const gh_boost_params *params, gh_keep keep,
								 gh_trainer **trainer);
extern void gh_trainer_close(gh_trainer *trainer);	/* NULL is fine */
/*
 * Gives back what can be made anew from the fit: all but margins and trees.
 * The fit's row lists may go too, until the next round, which makes it anew.
 */
extern void gh_trainer_park(gh_trainer *trainer);
/* Gives back what the next round makes anew at no cost: histograms. */
extern void gh_trainer_rest(gh_trainer *trainer);
/* One more tree; nothing when the labels are all of one class. */
extern gh_status gh_trainer_round(gh_trainer *trainer);
extern uint32_t gh_trainer_rounds(const gh_trainer *trainer);
/*
 * Margins of the validation rows after the first n_trees trees, as
 * gh_booster_margin() gives them, of a trainer that keeps paths.  out: n_valid
 * numbers.
 */
extern gh_status gh_trainer_valid_margins_at(gh_trainer *trainer, uint32_t n_trees, double *out);
/* Weighted mean log-loss of those now; 0 without rows or weight. */
extern gh_status gh_trainer_valid_loss(gh_trainer *trainer, double *value);
/* Hands over the first n_trees trees; the trainer can only be closed then. */
extern void gh_trainer_take(gh_trainer *trainer, uint32_t n_trees, gh_booster *booster);

#endif							/* GH_BOOST_PRIVATE_H */
