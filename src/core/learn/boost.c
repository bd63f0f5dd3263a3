/*
 * boost.c
 *		The boosting loop: gradients of the logistic loss, trees, early stopping.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/gh_threads.h"
#include "learn/logistic.h"
#include "learn/row_kernels.h"

/* Rows between two polls. */
#define POLL_ROWS ((size_t) 1 << 16)
#define FIRST_TREES 16

/* Rows of a task of one round, and below how many in all no thread is woken. */
#define TASK_ROWS 4096
#define PARALLEL_ROWS (2 * TASK_ROWS)
/* Rows whose leaves or losses are found at once. */
#define ROW_BLOCK 256
/* Tasks that add leaves to the margins, when there are threads. */
#define LEAF_TASKS 16
/* Bytes of records of a task that copies codes, and rows of a block of it, which stays in the cache. */
#define GATHER_BYTES ((size_t) 1 << 18)
#define GATHER_BLOCK 256

/* A base score this near to 0 or 1 is as good as certain (XGBoost's clip). */
#define SMALLEST_BASE 1e-6

struct gh_trainer
{
	gh_ctx	   *ctx;
	const gh_fit *fit;
	const gh_boost_params *params;
	gh_keep		keep;
	bool		one_class;
	double		base_score;

	/* by position in fit->rows */
	gh_records	records;
	uint8_t    *labels;
	float	   *weights;		/* scale_pos_weight included */
	float	   *margins;		/* float sums, as XGBoost's training cache */
	double		scale;			/* 1 / unit */

	const gh_row_kernels *kernels;
	gh_grower	grower;
	bool		growing;		/* the grower is open */
	size_t		leaf_tasks;		/* parts of the sample whose leaves are added apart */
	gh_tree    *trees;
	uint32_t	n_trees,
				max_trees;

	gh_paths	paths;			/* of all trees so far, when only they are kept */

	double	   *valid_margins;	/* double sums, as gh_booster_margin() */
	uint8_t    *valid_labels;
	double		valid_weight;
};

/* ---- before the first tree --------------------------------------------- */

static double
row_weight(const gh_fit *fit, uint32_t row)
{
	return fit->weights != NULL ? fit->weights[row] : 1.0;
}

static gh_status
check_weight(gh_ctx *ctx, const gh_fit *fit, uint32_t row)
{
	double		w = row_weight(fit, row);

	if (w >= 0.0 && w <= FLT_MAX)
		return GH_OK;
	gh_fail(ctx, GH_EDATA, "weight of row %zu is out of range", (size_t) row + 1);
	return gh_fail_detail(ctx, "The weight is %g; it must be finite and not negative.", w);
}

/* Labels and weights by position, and the sums of the weights of both classes. */
static gh_status
gather_rows(gh_trainer *t, double sums[2])
{
	const gh_fit *fit = t->fit;

	t->labels = GH_NEW(t->ctx, fit->n_rows, uint8_t);
	t->weights = GH_NEW(t->ctx, fit->n_rows, float);
	if (t->labels == NULL || t->weights == NULL)
		return gh_ctx_status(t->ctx);
	sums[0] = sums[1] = 0.0;
	for (size_t i = 0; i < fit->n_rows; i++)
	{
		uint32_t	row = fit->rows[i];

		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(t->ctx);
		GH_TRY(check_weight(t->ctx, fit, row));
		t->labels[i] = fit->labels[row] != 0;
		t->weights[i] = (float) row_weight(fit, row);
		sums[t->labels[i]] += t->weights[i];
		if (t->labels[i])
			t->weights[i] *= (float) t->params->scale_pos_weight;
		if (!isfinite(t->weights[i]))
			return gh_fail(t->ctx, GH_EDATA, "weight of row %zu times scale_pos_weight is too large", (size_t) row + 1);
	}
	return GH_OK;
}

static size_t
gather_rows_of_task(const gh_records *records)
{
	return GATHER_BYTES / records->size + 1;
}

/* The codes of some rows, as records and as columns. */
static gh_status
gather_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	gh_trainer *t = arg;
	gh_records *r = &t->records;
	size_t		stride = (size_t) t->fit->bins->stride,
				rows = gather_rows_of_task(r),
				begin = task * rows,
				end = begin + rows < r->n ? begin + rows : r->n;

	(void) worker;
	GH_CHECK_STOP(ctx);
	for (size_t first = begin; first < end; first += GATHER_BLOCK)
	{
		size_t		last = first + GATHER_BLOCK < end ? first + GATHER_BLOCK : end;

		for (size_t i = first; i < last; i++)
			memcpy(r->record + i * r->size, t->fit->bins->codes + t->fit->rows[i] * stride, stride);
		for (int c = 0; c < r->n_columns; c++)
		{
			/* memory touched for the first time takes its time, and every column is its own */
			if (first == begin)
				GH_CHECK_STOP(ctx);
			for (size_t i = first; i < last; i++)
				r->column[(size_t) c * r->n + i] = r->record[i * r->size + (size_t) c];
		}
	}
	return GH_OK;
}

static gh_status
gather_codes(gh_trainer *t)
{
	gh_records *r = &t->records;

	r->n = t->fit->n_rows;
	r->n_columns = t->fit->bins->n_columns;
	r->gradient = ((size_t) t->fit->bins->stride + 15) / 16 * 16;
	r->size = r->gradient + sizeof(gh_sum);
	r->record = gh_alloc(t->ctx, r->n, r->size);
	r->column = gh_alloc(t->ctx, r->n, (size_t) r->n_columns);
	if (r->record == NULL || r->column == NULL)
		return gh_ctx_status(t->ctx);
	return gh_parallel(t->ctx, (r->n - 1) / gather_rows_of_task(r) + 1, gather_task, t);
}

/*
 * The probability to start from: the weighted mean of the labels, or one
 * Newton step from margin 0 when positives weigh differently.
 */
static void
choose_base_score(gh_trainer *t, const double sums[2])
{
	double		w = t->params->scale_pos_weight,
				base = t->params->base_score;

	if (base <= 0.0)
	{
		double		g = 0.5 * sums[0] - 0.5 * w * sums[1],
					h = 0.25 * sums[0] + 0.25 * w * sums[1];

		if (t->one_class)
			base = sums[1] > 0.0 ? 1.0 : 0.0;
		else if (w == 1.0)
			base = sums[1] / (sums[0] + sums[1]);
		else
			base = gh_sigmoid(-g / fmax(h, 1e-6));
		base = (float) base;	/* XGBoost keeps a float */
	}
	t->base_score = fmin(fmax(base, SMALLEST_BASE), 1.0 - SMALLEST_BASE);
}

/*
 * Fixed point: 2^k such that no sum of all gradients overflows 62 bits, and
 * no single one the 51 bits that gradient rounding can do.  Both derivatives
 * are at most the row's weight.
 */
static double
gradient_scale(const gh_trainer *t)
{
	double		sum = 0.0,
				largest = 0.0;
	int			sum_exponent,
				largest_exponent,
				k;

	for (size_t i = 0; i < t->fit->n_rows; i++)
	{
		sum += t->weights[i];
		largest = t->weights[i] > largest ? t->weights[i] : largest;
	}
	frexp(sum, &sum_exponent);
	frexp(largest, &largest_exponent);
	k = 61 - sum_exponent < 50 - largest_exponent ? 61 - sum_exponent : 50 - largest_exponent;
	return ldexp(1.0, k);
}

/* What a trainer keeps while it is parked. */
static gh_status
allocate_trainer(gh_trainer *t)
{
	size_t		n = t->fit->n_rows,
				m = t->fit->valid_rows != NULL ? t->fit->n_valid : 0;

	t->margins = GH_NEW(t->ctx, n, float);
	t->valid_margins = GH_NEW(t->ctx, m, double);
	t->valid_labels = GH_NEW(t->ctx, m, uint8_t);
	t->max_trees = FIRST_TREES;
	t->trees = GH_NEW_ZERO(t->ctx, t->max_trees, gh_tree);
	if (t->margins == NULL || t->valid_margins == NULL || t->valid_labels == NULL || t->trees == NULL)
		return gh_ctx_status(t->ctx);
	return GH_OK;
}

/* Every margin at its start. */
static gh_status
start_margins(gh_trainer *t)
{
	double		start = gh_booster_start(t->base_score);

	for (size_t i = 0; i < t->fit->n_rows; i++)
	{
		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(t->ctx);
		t->margins[i] = (float) start;
	}
	t->valid_weight = 0.0;
	for (size_t i = 0; t->fit->valid_rows != NULL && i < t->fit->n_valid; i++)
	{
		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(t->ctx);
		GH_TRY(check_weight(t->ctx, t->fit, t->fit->valid_rows[i]));
		t->valid_margins[i] = start;
		t->valid_labels[i] = t->fit->labels[t->fit->valid_rows[i]] != 0;
		t->valid_weight += row_weight(t->fit, t->fit->valid_rows[i]);
	}
	return GH_OK;
}

/* Codes and what trees grow with: all that a parked trainer lacks but labels and weights. */
static gh_status
open_grower(gh_trainer *t)
{
	GH_TRY(gather_codes(t));
	GH_TRY(gh_grower_open(t->ctx, t->fit->bins, t->params, &t->records, 1.0 / t->scale, &t->grower));
	t->growing = true;
	return GH_OK;
}

static gh_status
prepare(gh_trainer *t)
{
	double		sums[2];

	GH_TRY(allocate_trainer(t));
	GH_TRY(gather_rows(t, sums));
	if (!(sums[0] + sums[1] > 0.0))
		return gh_fail(t->ctx, GH_EDATA, "the weights of all rows are zero");
	/* there is nothing to learn beyond the probability of the data, but there is from another one on */
	t->one_class = (sums[0] == 0.0 || sums[1] == 0.0) && t->params->base_score <= 0.0;
	choose_base_score(t, sums);
	GH_TRY(start_margins(t));
	if (t->one_class)
		return GH_OK;
	t->scale = gradient_scale(t);
	return open_grower(t);
}

gh_status
gh_trainer_open(gh_ctx *ctx, const gh_fit *fit, const gh_boost_params *params, gh_keep keep, gh_trainer **trainer)
{
	gh_trainer *t;
	gh_status	status;

	*trainer = NULL;
	GH_TRY(gh_boost_check(ctx, params, fit->bins->n_features));
	if (fit->n_rows == 0)
		return gh_fail(ctx, GH_EDATA, "there are no rows to train on");
	GH_TRY(gh_memory_check(ctx, gh_boost_memory(fit->n_rows, fit->valid_rows != NULL ? fit->n_valid : 0,
												fit->bins->n_columns, gh_ctx_threads(ctx), params), "training"));
	t = GH_NEW_ZERO(ctx, 1, gh_trainer);
	if (t == NULL)
		return gh_ctx_status(ctx);
	t->ctx = ctx;
	t->fit = fit;
	t->params = params;
	t->keep = keep;
	t->kernels = gh_row_kernels_get();
	status = prepare(t);
	if (status != GH_OK)
		gh_trainer_close(t);
	else
		*trainer = t;
	return status;
}

void
gh_trainer_park(gh_trainer *t)
{
	if (t->growing)
		gh_grower_close(&t->grower);
	t->growing = false;
	gh_free(t->ctx, t->records.record);
	gh_free(t->ctx, t->records.column);
	gh_free(t->ctx, t->labels);
	gh_free(t->ctx, t->weights);
	memset(&t->records, 0, sizeof(t->records));
	t->labels = NULL;
	t->weights = NULL;
}

void
gh_trainer_rest(gh_trainer *t)
{
	if (t->growing)
		gh_pool_rest(&t->grower);
}

/* What a parked trainer gave back, made anew; its margins say where it was. */
static gh_status
resume(gh_trainer *t)
{
	double		sums[2];

	GH_TRY(gather_rows(t, sums));
	return open_grower(t);
}

void
gh_trainer_close(gh_trainer *t)
{
	if (t == NULL)
		return;
	for (uint32_t i = 0; t->trees != NULL && i < t->max_trees; i++)
		gh_tree_free(t->ctx, &t->trees[i]);
	gh_free(t->ctx, t->trees);
	gh_trainer_park(t);
	gh_free(t->ctx, t->margins);
	gh_free(t->ctx, t->valid_margins);
	gh_free(t->ctx, t->valid_labels);
	gh_paths_free(t->ctx, &t->paths);
	gh_free(t->ctx, t);
}

/* ---- one round --------------------------------------------------------- */

/* Work over the rows of a round is dealt to threads when it is long enough to wake them for. */
static gh_status
run_rows(gh_trainer *t, size_t n_rows, size_t n_tasks, gh_task task)
{
	if (n_rows >= PARALLEL_ROWS)
		return gh_parallel(t->ctx, n_tasks, task, t);
	for (size_t i = 0; i < n_tasks; i++)
		GH_TRY(task(t->ctx, t, i, 0));
	return GH_OK;
}

static gh_status
gradient_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	gh_trainer *t = arg;
	size_t		begin = task * TASK_ROWS,
				end = begin + TASK_ROWS < t->fit->n_rows ? begin + TASK_ROWS : t->fit->n_rows;

	(void) worker;
	GH_CHECK_STOP(ctx);
	t->kernels->gradients(t->margins, t->labels, t->weights, t->scale, &t->records, begin, end);
	return GH_OK;
}

static gh_status
update_gradients(gh_trainer *t)
{
	return run_rows(t, t->fit->n_rows, (t->fit->n_rows - 1) / TASK_ROWS + 1, gradient_task);
}

/* The leaves of one part of the sample. */
static gh_status
leaf_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	gh_trainer *t = arg;
	size_t		first,
				last;

	(void) ctx;
	(void) worker;
	gh_chunk(t->grower.n_sample, t->leaf_tasks, task, &first, &last);
	return gh_partition_add_leaves(&t->grower, (uint32_t) first, (uint32_t) last, t->margins);
}

/* Rows outside the sample, by their path. */
static gh_status
path_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	gh_trainer *t = arg;
	const gh_grower *g = &t->grower;
	size_t		begin = g->n_sample + task * TASK_ROWS,
				end = t->fit->n_rows - begin < TASK_ROWS ? t->fit->n_rows : begin + TASK_ROWS;

	float		value[ROW_BLOCK];

	(void) worker;
	GH_CHECK_STOP(ctx);
	for (; begin < end; begin += ROW_BLOCK)
	{
		int			n = end - begin < ROW_BLOCK ? (int) (end - begin) : ROW_BLOCK;

		gh_walk(g->steps, g->depth, t->records.record, t->records.size, g->order + begin, n, value);
		for (int i = 0; i < n; i++)
			t->margins[g->order[begin + (size_t) i]] += value[i];
	}
	return GH_OK;
}

/* Add the tree just grown to the margins. */
static gh_status
update_margins(gh_trainer *t)
{
	const gh_grower *g = &t->grower;
	size_t		outside = t->fit->n_rows - g->n_sample;

	/* leaves differ much in size, so the rows are dealt, not the leaves */
	t->leaf_tasks = gh_threads_here(t->ctx) > 1 ? LEAF_TASKS : 1;
	GH_TRY(run_rows(t, g->n_sample, t->leaf_tasks, leaf_task));
	return run_rows(t, outside, (outside + TASK_ROWS - 1) / TASK_ROWS, path_task);
}

/* Adds a tree to the margins of some validation rows. */
static void
add_to_valid(const gh_trainer *t, const gh_step *steps, int depth, size_t begin, size_t end, double *margins)
{
	const gh_bins *bins = t->fit->bins;
	float		value[ROW_BLOCK];

	for (; begin < end; begin += ROW_BLOCK)
	{
		int			n = end - begin < ROW_BLOCK ? (int) (end - begin) : ROW_BLOCK;

		gh_walk(steps, depth, bins->codes, (size_t) bins->stride, t->fit->valid_rows + begin, n, value);
		for (int i = 0; i < n; i++)
			margins[begin + (size_t) i] += value[i];
	}
}

static gh_status
valid_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	gh_trainer *t = arg;
	size_t		begin = task * TASK_ROWS,
				end = begin + TASK_ROWS < t->fit->n_valid ? begin + TASK_ROWS : t->fit->n_valid;

	(void) worker;
	GH_CHECK_STOP(ctx);
	add_to_valid(t, t->grower.steps, t->grower.depth, begin, end, t->valid_margins);
	return GH_OK;
}

static gh_status
update_valid_margins(gh_trainer *t)
{
	size_t		n = t->fit->valid_rows != NULL ? t->fit->n_valid : 0;

	if (t->keep == GH_KEEP_PATHS)
		GH_TRY(gh_paths_keep(t->ctx, &t->paths, t->grower.steps, t->grower.n_nodes, t->grower.depth));
	return run_rows(t, n, (n + TASK_ROWS - 1) / TASK_ROWS, valid_task);
}

/* Margins of some validation rows after the first trees; steps: room for the largest of them. */
static gh_status
walk_again(const gh_trainer *t, uint32_t n_trees, size_t begin, size_t end, gh_step *steps, double *out)
{
	double		start = gh_booster_start(t->base_score);

	for (size_t i = begin; i < end; i++)
		out[i] = start;
	for (uint32_t k = 0; k < n_trees; k++)
	{
		const gh_path *path = &t->paths.tree[k];

		GH_CHECK_STOP(t->ctx);
		gh_path_unfold(path, t->fit->bins, steps);
		add_to_valid(t, steps, path->depth, begin, end, out);
	}
	return GH_OK;
}

gh_status
gh_trainer_valid_margins_at(gh_trainer *t, uint32_t n_trees, double *out)
{
	gh_step    *steps;
	gh_status	status = GH_OK;

	if (n_trees >= t->n_trees)
	{
		memcpy(out, t->valid_margins, t->fit->n_valid * sizeof(double));
		return GH_OK;
	}
	steps = GH_NEW(t->ctx, t->paths.most_steps, gh_step);
	if (steps == NULL)
		return gh_ctx_status(t->ctx);
	for (size_t begin = 0; status == GH_OK && begin < t->fit->n_valid; begin += TASK_ROWS)
	{
		size_t		end = begin + TASK_ROWS < t->fit->n_valid ? begin + TASK_ROWS : t->fit->n_valid;

		status = walk_again(t, n_trees, begin, end, steps, out);
	}
	gh_free(t->ctx, steps);
	return status;
}

static gh_status
reserve_trees(gh_trainer *t)
{
	gh_tree    *more;

	if (t->n_trees < t->max_trees)
		return GH_OK;
	more = gh_realloc(t->ctx, t->trees, (size_t) t->max_trees * 2, sizeof(gh_tree));
	if (more == NULL)
		return gh_ctx_status(t->ctx);
	memset(more + t->max_trees, 0, t->max_trees * sizeof(gh_tree));
	t->trees = more;
	t->max_trees *= 2;
	return GH_OK;
}

gh_status
gh_trainer_round(gh_trainer *t)
{
	gh_tree    *tree = NULL;

	if (t->one_class)
		return GH_OK;
	if (!t->growing)
		GH_TRY(resume(t));
	if (t->keep == GH_KEEP_TREES)
	{
		GH_TRY(reserve_trees(t));
		tree = &t->trees[t->n_trees];
	}
	GH_TRY(update_gradients(t));
	GH_TRY(gh_grower_grow(&t->grower, t->n_trees, tree));
	t->n_trees++;
	GH_TRY(update_margins(t));
	return update_valid_margins(t);
}

uint32_t
gh_trainer_rounds(const gh_trainer *t)
{
	return t->n_trees;
}

gh_status
gh_trainer_valid_loss(gh_trainer *t, double *value)
{
	const gh_fit *fit = t->fit;
	size_t		n_valid = fit->valid_rows != NULL ? fit->n_valid : 0;
	double		sum = 0.0,
				z[ROW_BLOCK],
				loss[ROW_BLOCK];

	for (size_t begin = 0; begin < n_valid; begin += ROW_BLOCK)
	{
		int			n = n_valid - begin < ROW_BLOCK ? (int) (n_valid - begin) : ROW_BLOCK;

		if (begin % POLL_ROWS == 0)
			GH_CHECK_STOP(t->ctx);
		for (int i = 0; i < n; i++)
			z[i] = t->valid_labels[begin + (size_t) i] ? t->valid_margins[begin + (size_t) i] : -t->valid_margins[begin + (size_t) i];
		t->kernels->losses(z, n, loss);
		for (int i = 0; i < n; i++)
			sum += row_weight(fit, fit->valid_rows[begin + (size_t) i]) * loss[i];
	}
	*value = t->valid_weight > 0.0 ? sum / t->valid_weight : 0.0;
	return GH_OK;
}

void
gh_trainer_take(gh_trainer *t, uint32_t n_trees, gh_booster *booster)
{
	for (uint32_t i = n_trees; i < t->n_trees; i++)
		gh_tree_free(t->ctx, &t->trees[i]);
	*booster = (gh_booster) {
		.n_features = t->fit->bins->n_features,
		.base_score = t->base_score,
		.n_trees = n_trees,
		.trees = t->trees
	};
	t->trees = NULL;
	t->n_trees = t->max_trees = 0;
}

/* ---- a whole fit ------------------------------------------------------- */

/*
 * Rounds until n_estimators, or until the validation loss has not improved
 * for early_stopping_rounds.  *best: how many trees to keep.
 */
static gh_status
run_rounds(gh_trainer *t, double *best_margins, uint32_t *best)
{
	uint32_t	total = (uint32_t) t->params->n_estimators,
				patience = (uint32_t) t->params->early_stopping_rounds;
	double		best_loss = INFINITY,
				loss;

	*best = 0;
	for (uint32_t round = 1; round <= total && !t->one_class; round++)
	{
		GH_TRY(gh_trainer_round(t));
		gh_tick(t->ctx, "boost: trees", round, total);
		if (patience == 0)
		{
			*best = round;
			continue;
		}
		GH_TRY(gh_trainer_valid_loss(t, &loss));
		if (loss < best_loss)
		{
			best_loss = loss;
			*best = round;
			memcpy(best_margins, t->valid_margins, t->fit->n_valid * sizeof(double));
		}
		else if (round - *best >= patience)
			break;
	}
	if (patience == 0 || t->one_class)
		memcpy(best_margins, t->valid_margins, (t->fit->valid_rows != NULL ? t->fit->n_valid : 0) * sizeof(double));
	return GH_OK;
}

gh_status
gh_boost_train(gh_ctx *ctx, const gh_fit *fit, const gh_boost_params *params, gh_booster *booster,
			   double *valid_margins)
{
	size_t		n_valid = fit->valid_rows != NULL ? fit->n_valid : 0;
	gh_trainer *t = NULL;
	double	   *margins = NULL;
	uint32_t	best;
	gh_status	status;

	memset(booster, 0, sizeof(*booster));
	if (params->early_stopping_rounds > 0 && n_valid == 0)
	{
		gh_fail(ctx, GH_EINVAL, "early_stopping_rounds needs validation rows");
		return gh_fail_hint(ctx, "Hold rows out for validation, or set early_stopping_rounds to 0.");
	}
	margins = valid_margins != NULL ? valid_margins : GH_NEW(ctx, n_valid, double);
	if (margins == NULL)
		return gh_ctx_status(ctx);
	GH_GOTO(done, gh_trainer_open(ctx, fit, params, GH_KEEP_TREES, &t));
	GH_GOTO(done, run_rounds(t, margins, &best));
	gh_trainer_take(t, best, booster);
done:
	gh_trainer_close(t);
	if (margins != valid_margins)
		gh_free(ctx, margins);
	return status;
}

size_t
gh_boost_memory(size_t n_rows, size_t n_valid, int n_columns, int threads, const gh_boost_params *params)
{
	/* records, columns, label, weight and margin; two margins of a validation row: now and where they were best */
	size_t		record = ((size_t) n_columns + 15) / 16 * 16 + sizeof(gh_sum),
				row = record + (size_t) n_columns + 1 + 4 + 4,
				valid,
				bytes;

	if (gh_mul_overflow(n_rows, row, &bytes) || gh_mul_overflow(n_valid, 2 * sizeof(double) + 1, &valid) ||
		gh_add_overflow(bytes, valid, &bytes) ||
		gh_add_overflow(bytes, gh_grower_memory(n_rows, n_columns, threads, params), &bytes))
		return SIZE_MAX;
	return bytes;
}
