/*
 * hierarchy_train.c
 *		Training of a whole hierarchy: checks, memory, the order of the work.
 */
#include "learn/hierarchy_private.h"

#include "base/gh_threads.h"
#include "learn/shown.h"

#include <stdlib.h>
#include <string.h>

#define STAGE "training"
#define ROWS_BETWEEN_POLLS 65536

static size_t
count_held_out(const gh_training *t)
{
	size_t		n = 0;

	for (size_t i = 0; t->validation != NULL && i < t->n; i++)
		n += t->validation[i] != 0;
	return n;
}

/* ---- checks ------------------------------------------------------------ */

static gh_status
check_labels(gh_ctx *ctx, const gh_training *t, const gh_model *model)
{
	const gh_labels *labels = t->labels;

	if (labels->n != t->n || labels->n_labels != model->n_genres)
		return gh_fail(ctx, GH_EINTERNAL, "labels are of %zu rows and %u genres, not %zu and %u", labels->n,
					   labels->n_labels, t->n, model->n_genres);
	for (size_t i = 0; i < t->n; i++)
	{
		if (i % ROWS_BETWEEN_POLLS == 0)
			GH_CHECK_STOP(ctx);
		for (uint64_t k = labels->begin[i]; k < labels->begin[i + 1]; k++)
			if (labels->label[k] >= model->n_genres)
				return gh_fail(ctx, GH_EINTERNAL, "label %u of row %zu is not below %u", labels->label[k], i,
							   model->n_genres);
	}
	return GH_OK;
}

static gh_status
check_training(gh_ctx *ctx, const gh_training *t, const gh_model *model)
{
	if (model->n_genres == 0 || model->n_features != t->n_features)
		return gh_fail(ctx, GH_EINTERNAL, "the model has %u genres and %d features, the rows have %d",
					   model->n_genres, model->n_features, t->n_features);
	if (t->blend && !t->vanilla)
		return gh_fail(ctx, GH_EINTERNAL, "a blend needs the vanilla classifiers");
	if (t->n > UINT32_MAX - 1)
	{
		gh_fail(ctx, GH_ELIMIT, "too many rows to train on");
		return gh_fail_detail(ctx, "There are %zu; the limit is %u.", t->n, UINT32_MAX - 1);
	}
	if (t->iterations < 0 || t->iterations > 10000)
	{
		gh_fail(ctx, GH_EINVAL, "parameter \"iterations\" is out of range");
		return gh_fail_detail(ctx, "The value is %d; it must be between 0 and 10000.", t->iterations);
	}
	if (t->iterations > 0 && (t->folds < 2 || t->folds > 255))
	{
		gh_fail(ctx, GH_EINVAL, "parameter \"folds\" is out of range");
		return gh_fail_detail(ctx, "The value is %d; it must be between 2 and 255.", t->folds);
	}
	GH_TRY(gh_boost_check(ctx, &t->params, t->n_features));
	return check_labels(ctx, t, model);
}

/* ---- rows -------------------------------------------------------------- */

/* Labelled rows, held out or not. */
static gh_status
divide_rows(gh_ctx *ctx, gh_hierarchy_run *r)
{
	const gh_training *t = r->training;
	size_t		held_out = count_held_out(t);

	r->train_rows = GH_NEW(ctx, t->n - held_out, uint32_t);
	r->valid_rows = GH_NEW(ctx, held_out, uint32_t);
	if (r->train_rows == NULL || r->valid_rows == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < t->n; i++)
	{
		if (i % ROWS_BETWEEN_POLLS == 0)
			GH_CHECK_STOP(ctx);
		if (t->labels->begin[i] == t->labels->begin[i + 1])
			continue;
		if (t->validation != NULL && t->validation[i])
			r->valid_rows[r->n_valid++] = (uint32_t) i;
		else
			r->train_rows[r->n_train++] = (uint32_t) i;
	}
	if (r->n_train == 0)
	{
		gh_fail(ctx, GH_EDATA, "no rows to train on");
		gh_fail_detail(ctx, "Of %zu rows, %zu are held out for validation and none of the others has a genre of the hierarchy.",
					   t->n, held_out);
		return gh_fail_hint(ctx, "Compare the genres of the rows with those of the hierarchy, or lower the validation fraction.");
	}
	return GH_OK;
}

/* Where the predictions of the validation rows go. */
static gh_status
open_predictions(gh_ctx *ctx, gh_hierarchy_run *r)
{
	const gh_model *model = r->model;

	r->conditional = gh_alloc(ctx, r->n_valid, model->n_nodes * sizeof(double));
	if (r->conditional == NULL)
		return gh_ctx_status(ctx);
	if (!r->training->vanilla)
		return GH_OK;
	r->flat = gh_alloc(ctx, r->n_valid, model->n_genres * sizeof(double));
	return r->flat != NULL ? GH_OK : gh_ctx_status(ctx);
}

/* ---- tasks ------------------------------------------------------------- */

/* rows[v] += 1 for every node that a training row is positive for; seen: last row of each node. */
static gh_status
count_node_rows(gh_ctx *ctx, const gh_hierarchy_run *r, uint64_t *rows, uint32_t *seen)
{
	const gh_labels *labels = r->training->labels;

	memset(seen, 0xff, r->model->n_nodes * sizeof(uint32_t));
	for (size_t i = 0; i < r->n_train; i++)
	{
		uint32_t	row = r->train_rows[i];

		if (i % ROWS_BETWEEN_POLLS == 0)
			GH_CHECK_STOP(ctx);
		for (uint64_t k = labels->begin[row]; k < labels->begin[row + 1]; k++)
			for (int64_t v = r->model->genre[labels->label[k]]; v >= 0 && seen[v] != row; v = r->model->node[v].parent)
			{
				seen[v] = row;
				rows[v]++;
			}
	}
	return GH_OK;
}

/* By wave, the heaviest first; then by node, the hierarchy's before the vanilla's. */
static int
compare_tasks(const void *va, const void *vb)
{
	const gh_classifier_task *a = va,
			   *b = vb;

	if (a->wave != b->wave)
		return a->wave < b->wave ? -1 : 1;
	if (a->rows != b->rows)
		return a->rows > b->rows ? -1 : 1;
	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return (int) a->vanilla - (int) b->vanilla;
}

/* A vanilla classifier of a top genre would be the same as the hierarchy's: not trained twice. */
static bool
needs_vanilla(const gh_hierarchy_run *r, uint32_t node)
{
	return r->training->vanilla && r->model->node[node].is_genre && r->model->node[node].parent >= 0;
}

static gh_status
list_tasks(gh_ctx *ctx, gh_hierarchy_run *r)
{
	const gh_model *model = r->model;
	uint64_t   *rows = GH_NEW_ZERO(ctx, model->n_nodes, uint64_t);
	uint32_t   *seen = GH_NEW(ctx, model->n_nodes, uint32_t);
	gh_status	status;

	r->tasks = GH_NEW_ZERO(ctx, 2 * (size_t) model->n_nodes, gh_classifier_task);
	r->position = GH_NEW(ctx, model->n_nodes, uint32_t);
	if (rows == NULL || seen == NULL || r->tasks == NULL || r->position == NULL)
		status = gh_ctx_status(ctx);
	else
		status = count_node_rows(ctx, r, rows, seen);
	for (uint32_t v = 0; status == GH_OK && v < model->n_nodes; v++)
	{
		int32_t		parent = model->node[v].parent;
		int			wave = r->training->iterations > 0 ? model->node[v].level : 0;

		r->position[v] = GH_NOT_A_GENRE;
		r->tasks[r->n_tasks++] = (gh_classifier_task) {
			.node = v, .wave = wave, .rows = parent < 0 ? r->n_train : rows[parent], .positives = rows[v]
		};
		if (needs_vanilla(r, v))
			r->tasks[r->n_tasks++] = (gh_classifier_task) {
				.node = v, .vanilla = true, .wave = wave + (r->training->iterations > 0), .rows = r->n_train, .positives = rows[v]
			};
	}
	for (uint32_t g = 0; status == GH_OK && g < model->n_genres; g++)
		r->position[model->genre[g]] = g;
	if (status == GH_OK)
		qsort(r->tasks, r->n_tasks, sizeof(gh_classifier_task), compare_tasks);
	gh_free(ctx, seen);
	gh_free(ctx, rows);
	return status;
}

/* By node, the hierarchy's classifier before the vanilla's. */
static int
compare_nodes(const void *va, const void *vb)
{
	const gh_classifier_task *a = va,
			   *b = vb;

	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return (int) a->vanilla - (int) b->vanilla;
}

/* What the host should know about single classifiers, in the order of the nodes. */
static void
note_remarks(gh_ctx *ctx, gh_hierarchy_run *r)
{
	qsort(r->tasks, r->n_tasks, sizeof(gh_classifier_task), compare_nodes);
	for (size_t i = 0; i < r->n_tasks; i++)
	{
		const gh_classifier_task *task = &r->tasks[i];
		const gh_node *node = &r->model->node[task->node];
		const char *kind = task->vanilla ? "vanilla genre" : node->is_genre ? "genre" : "supergenre";

		if (task->remark == GH_FIT_ONE_CLASS)
			gh_note(ctx, STAGE, "%s \"%.*s\": %s of its %llu training rows are positive; its probability is constant",
					kind, GH_SHOWN(node->name), node->positives > 0 ? "all" : "none", (unsigned long long) task->rows);
		else if (task->remark == GH_FIT_NO_FOLDS)
			gh_note(ctx, STAGE, "%s \"%.*s\": a class has too few groups for folds; its parameters are taken as given",
					kind, GH_SHOWN(node->name));
	}
}

/* ---- waves ------------------------------------------------------------- */

/* Whether a task belongs to the part of the wave that begins at wave_begin: those alone come first. */
static bool
joins(const gh_hierarchy_run *r, size_t task)
{
	const gh_classifier_task *first = &r->tasks[r->wave_begin];

	return r->tasks[task].wave == first->wave && r->tasks[task].alone == first->alone;
}

/* Every classifier; without tuning none waits for another. */
static gh_status
fit_all(gh_ctx *ctx, gh_hierarchy_run *r)
{
	static const char stage[] = "training: rows in fits";
	uint64_t	done = 0,
				total = 0;

	for (size_t i = 0; i < r->n_tasks; i++)
		total += gh_hierarchy_work(r->training, &r->tasks[i]);
	for (size_t end; r->wave_begin < r->n_tasks; r->wave_begin = end)
	{
		uint64_t	work = 0;

		for (end = r->wave_begin; end < r->n_tasks && joins(r, end); end++)
			work += gh_hierarchy_work(r->training, &r->tasks[end]);
		if (r->tasks[r->wave_begin].alone)
			GH_TRY(gh_serial_part(ctx, stage, done, total, end - r->wave_begin, gh_hierarchy_fit, r));
		else
			GH_TRY(gh_parallel_part(ctx, stage, done, total, end - r->wave_begin, gh_hierarchy_fit, r));
		done += work;
	}
	return GH_OK;
}

/* Where the vanilla classifiers of a blend go; top genres have none of their own. */
static gh_status
open_blend(gh_ctx *ctx, gh_hierarchy_run *r)
{
	gh_model   *model = r->model;

	if (!r->training->blend)
		return GH_OK;
	model->flat = GH_NEW_ZERO(ctx, model->n_genres, gh_booster);
	if (model->flat == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t g = 0; g < model->n_genres; g++)
	{
		model->flat[g].n_features = model->n_features;
		model->flat[g].base_score = 0.5;
	}
	return GH_OK;
}

static gh_status
open_findings(gh_ctx *ctx, gh_hierarchy_run *r)
{
	if (r->training->iterations == 0)
		return GH_OK;
	r->found = GH_NEW(ctx, r->model->n_nodes, gh_boost_params);
	r->is_found = GH_NEW_ZERO(ctx, r->model->n_nodes, bool);
	return r->found != NULL && r->is_found != NULL ? GH_OK : gh_ctx_status(ctx);
}

/* The vanilla classifier of a top genre is the hierarchy's. */
static gh_status
copy_top_genres(gh_ctx *ctx, gh_hierarchy_run *r)
{
	for (uint32_t g = 0; g < r->model->n_genres; g++)
	{
		uint32_t	v = r->model->genre[g];
		gh_node    *node = &r->model->node[v];
		size_t		size;

		if (node->parent >= 0)
			continue;
		memcpy(r->flat + g * r->n_valid, r->conditional + v * r->n_valid, r->n_valid * sizeof(double));
		size = strlen(node->params) + 1;
		node->vanilla_params = gh_alloc(ctx, size, 1);
		if (node->vanilla_params == NULL)
			return gh_ctx_status(ctx);
		memcpy(node->vanilla_params, node->params, size);
		node->vanilla_search = node->search;
	}
	return GH_OK;
}

/* ---- the whole --------------------------------------------------------- */

static gh_status
run(gh_ctx *ctx, gh_hierarchy_run *r, gh_evaluation *evaluation)
{
	const gh_training *t = r->training;
	size_t		bytes;

	GH_TRY(check_training(ctx, t, r->model));
	GH_TRY(divide_rows(ctx, r));
	GH_TRY(list_tasks(ctx, r));
	GH_TRY(gh_hierarchy_plan_memory(ctx, r, &bytes));
	gh_note(ctx, STAGE, "%zu classifiers on %zu rows, %zu rows held out; about %.1f MB of memory", r->n_tasks, r->n_train,
			r->n_valid, (double) bytes / (1024.0 * 1024.0));
	GH_TRY(gh_bins_build(ctx, t->rows, t->n, t->n_features, t->params.max_bin, r->train_rows, r->n_train, &r->bins));
	gh_threads_cap(ctx, 0);
	if (t->release != NULL)
		t->release(t->release_arg);
	GH_TRY(open_predictions(ctx, r));
	GH_TRY(open_findings(ctx, r));
	GH_TRY(open_blend(ctx, r));
	GH_TRY(fit_all(ctx, r));
	note_remarks(ctx, r);
	if (t->vanilla)
		GH_TRY(copy_top_genres(ctx, r));
	return gh_hierarchy_evaluate(ctx, r, evaluation);
}

gh_status
gh_hierarchy_train(gh_ctx *ctx, const gh_training *training, gh_model *model, gh_evaluation *evaluation)
{
	gh_hierarchy_run	r = {.training = training, .model = model};
	gh_status	status;

	memset(evaluation, 0, sizeof(*evaluation));
	status = run(ctx, &r, evaluation);
	if (r.bins.codes != NULL)
		gh_bins_free(ctx, &r.bins);
	gh_free(ctx, r.flat);
	gh_free(ctx, r.conditional);
	gh_free(ctx, r.found);
	gh_free(ctx, r.is_found);
	gh_free(ctx, r.tasks);
	gh_free(ctx, r.position);
	gh_free(ctx, r.valid_rows);
	gh_free(ctx, r.train_rows);
	if (status != GH_OK)
		gh_evaluation_free(ctx, evaluation);
	return status;
}
