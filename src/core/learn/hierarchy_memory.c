/*
 * hierarchy_memory.c
 *		What a training will need, before it starts, and the fastest way within what is allowed.
 *
 * Threads train classifiers side by side, each with records of its own and a
 * search with those of all folds.  Where that is too much the largest go one
 * after another, with the threads inside the fit; where a search alone is too
 * much its folds take turns.  The model is the same for all of it.
 */
#include "learn/hierarchy_private.h"

#include "base/gh_threads.h"

/* How a classifier is trained. */
typedef enum way
{
	SIDE_BY_SIDE,				/* one thread, others beside it */
	ALONE,						/* all threads inside its fits, or its folds side by side */
	LEAN						/* alone, its folds in turns */
} way;

typedef struct plan
{
	gh_ctx	   *ctx;
	gh_hierarchy_run *run;
	const gh_boost_params *params;
	size_t		codes,			/* the bins */
				shared;			/* what stays from the first classifier to the last */
	size_t		most;			/* at the worst moment so far, above what is in use now */
} plan;

/* a += b * c, SIZE_MAX when it does not fit. */
static void
add_product(size_t *a, size_t b, size_t c)
{
	size_t		product;

	if (gh_mul_overflow(b, c, &product) || gh_add_overflow(*a, product, a))
		*a = SIZE_MAX;
}

/*
 * Bytes of a classifier's trees: as many leaves as the parameters given allow.
 * A search may try deeper ones, but to count the deepest of its space for every
 * classifier would refuse trainings that need a fifth of it.
 */
static size_t
trees_memory(const gh_classifier_task *task, const gh_boost_params *p)
{
	/* left child, feature, direction, and four floats a node; seven blocks with their headers a tree */
	size_t		tree = 2 * gh_boost_usual_leaves(task->rows, task->positives, p) * (4 + 2 + 1 + 4 * 4) + sizeof(gh_tree) + 7 * 64,
				bytes = 0;

	add_product(&bytes, tree, (size_t) p->n_estimators);
	return bytes;
}

static bool
needs_folds(const gh_training *t, const gh_boost_params *p)
{
	return t->iterations > 0 || p->early_stopping_rounds > 0;
}

static int
fold_count(const gh_training *t)
{
	return t->folds >= 2 ? t->folds : 2;
}

/* Bytes while one classifier is trained, the trees that stay left out. */
static size_t
task_memory(const plan *of, const gh_classifier_task *task, way how)
{
	const gh_hierarchy_run *run = of->run;
	const gh_training *t = run->training;
	const gh_boost_params *p = of->params;
	int			threads = gh_ctx_threads(of->ctx);
	size_t		rows = task->rows,
				bytes = gh_boost_memory(rows, run->n_valid, t->n_features, threads, p);

	if (needs_folds(t, p))
	{
		/* class and group of every row */
		size_t		deal = gh_folds_memory(rows, 2, t->group != NULL),
					search = t->iterations > 0 ? gh_tune_memory(rows, task->positives, t->n_features, fold_count(t), threads,
																how == LEAN ? 0 : how == ALONE ? threads : 1,
																&t->params, &t->space) : 0;

		add_product(&deal, rows, 2 * sizeof(uint32_t));
		add_product(&search, (size_t) t->iterations, sizeof(gh_trial));
		bytes = search > bytes ? search : bytes;
		bytes = deal > bytes ? deal : bytes;
		/* a fold for every row, and the list of an early stop */
		add_product(&bytes, rows, sizeof(uint8_t) + (t->iterations == 0 ? sizeof(uint32_t) : 0));
	}
	/* its rows, and labels of all */
	add_product(&bytes, rows, sizeof(uint32_t));
	add_product(&bytes, t->n, sizeof(uint8_t));
	if (task->vanilla && !t->blend)
		add_product(&bytes, trees_memory(task, p), 1);
	return bytes;
}

/* ---- the plan ---------------------------------------------------------- */

/* Bytes above what is in use now while some tasks are under way; the rows are gone by then. */
static size_t
with_tasks(const plan *p, size_t tasks)
{
	const gh_training *t = p->run->training;

	add_product(&tasks, p->codes, 1);
	add_product(&tasks, p->shared, 1);
	if (tasks == SIZE_MAX || t->release == NULL)
		return tasks;
	return tasks > t->releasable ? tasks - t->releasable : 0;
}

static void
measure_shared(plan *p)
{
	const gh_training *t = p->run->training;
	const gh_model *model = p->run->model;

	p->codes = gh_bins_memory(t->n, 0, t->n_features, 1);
	/* predictions of the validation rows, and trees */
	add_product(&p->shared, p->run->n_valid, model->n_nodes * sizeof(double));
	if (t->vanilla)
		add_product(&p->shared, p->run->n_valid, model->n_genres * sizeof(double));
	for (size_t i = 0; i < p->run->n_tasks; i++)
		if (!p->run->tasks[i].vanilla || t->blend)
			add_product(&p->shared, trees_memory(&p->run->tasks[i], p->params), 1);
	if (t->iterations > 0)
		add_product(&p->shared, model->n_nodes, sizeof(gh_boost_params) + sizeof(bool));
}

/* The largest of a wave alone, as few as will do, so that the rest fits side by side. */
static void
plan_wave(plan *p, size_t begin, size_t end)
{
	gh_classifier_task *tasks = p->run->tasks;
	size_t		threads = (size_t) gh_ctx_threads(p->ctx),
				together;

	for (; begin < end; begin++)
	{
		size_t		alone = task_memory(p, &tasks[begin], ALONE);

		together = 0;
		for (size_t i = begin; i < end && i < begin + threads; i++)
			add_product(&together, task_memory(p, &tasks[i], SIDE_BY_SIDE), 1);
		if (gh_memory_fits(p->ctx, with_tasks(p, together)))
			break;
		tasks[begin].alone = true;
		tasks[begin].lean = p->run->training->iterations > 0 && !gh_memory_fits(p->ctx, with_tasks(p, alone));
		if (tasks[begin].lean)
			alone = task_memory(p, &tasks[begin], LEAN);
		p->most = with_tasks(p, alone) > p->most ? with_tasks(p, alone) : p->most;
	}
	if (begin < end)
		p->most = with_tasks(p, together) > p->most ? with_tasks(p, together) : p->most;
}

/* The smallest way: one classifier at a time, folds in turns, one feature sorted at a time. */
static size_t
least_memory(const plan *p)
{
	const gh_training *t = p->run->training;
	size_t		most = gh_bins_memory(t->n, p->run->n_train, t->n_features, 1);

	for (size_t i = 0; i < p->run->n_tasks; i++)
	{
		size_t		bytes = with_tasks(p, task_memory(p, &p->run->tasks[i], LEAN));

		most = bytes > most ? bytes : most;
	}
	return most;
}

static void
note_plan(const plan *p)
{
	size_t		alone = 0,
				lean = 0;

	for (size_t i = 0; i < p->run->n_tasks; i++)
	{
		alone += p->run->tasks[i].alone;
		lean += p->run->tasks[i].lean;
	}
	if (alone > 0)
		gh_note(p->ctx, "training", "the memory allowed is short: %zu of %zu classifiers are trained one after another, "
				"%zu of them with folds in turns", alone, p->run->n_tasks, lean);
}

gh_status
gh_hierarchy_plan_memory(gh_ctx *ctx, gh_hierarchy_run *run, size_t *bytes)
{
	const gh_training *t = run->training;
	plan		p = {.ctx = ctx, .run = run, .params = &t->params};
	int			threads = gh_ctx_threads(ctx);
	size_t		least;

	measure_shared(&p);
	least = least_memory(&p);
	if (!gh_memory_fits(ctx, least))
		return gh_memory_refuse(ctx, least, "training the hierarchy", t->advice);
	/* for the bins only */
	while (threads > 1 && !gh_memory_fits(ctx, gh_bins_memory(t->n, run->n_train, t->n_features, threads)))
		threads--;
	gh_threads_cap(ctx, threads);
	p.most = gh_bins_memory(t->n, run->n_train, t->n_features, threads);
	for (size_t begin = 0, end; begin < run->n_tasks; begin = end)
	{
		for (end = begin; end < run->n_tasks && run->tasks[end].wave == run->tasks[begin].wave;)
			end++;
		plan_wave(&p, begin, end);
	}
	note_plan(&p);
	*bytes = gh_memory_used(ctx) + p.most;
	return GH_OK;
}
