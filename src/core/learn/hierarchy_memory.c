/*
 * hierarchy_memory.c
 *		What a training will need, before it starts, and how many threads that allows.
 */
#include "learn/hierarchy_private.h"

#include "base/gh_threads.h"

#include <string.h>

/* a += b * c, SIZE_MAX when it does not fit. */
static void
add_product(size_t *a, size_t b, size_t c)
{
	size_t		product;

	if (gh_mul_overflow(b, c, &product) || gh_add_overflow(*a, product, a))
		*a = SIZE_MAX;
}

/* The parameters with which the search may grow the largest trees. */
static gh_boost_params
largest_params(const gh_training *t)
{
	gh_boost_params p = t->params;

	for (int k = 0; t->iterations > 0 && k < t->space.n; k++)
	{
		const gh_dimension *d = &t->space.dimension[k];
		int		   *whole = strcmp(d->name, "max_depth") == 0 ? &p.max_depth
			: strcmp(d->name, "max_leaves") == 0 ? &p.max_leaves
			: strcmp(d->name, "n_estimators") == 0 ? &p.n_estimators : NULL;

		/* 0 is no limit already */
		if (whole != NULL && *whole > 0 && d->high > *whole)
			*whole = (int) d->high;
		if (strcmp(d->name, "min_child_weight") == 0 && d->low < p.min_child_weight)
			p.min_child_weight = d->low;
		if (strcmp(d->name, "scale_pos_weight") == 0 && d->high > p.scale_pos_weight)
			p.scale_pos_weight = d->high;
	}
	return p;
}

/*
 * Most leaves of one tree of a classifier.  Every leaf holds hessians of
 * min_child_weight at least, and they add up to rows * p (1 - p) where
 * boosting starts, p the share of positives, and to less as it goes on.
 */
static size_t
most_leaves(const gh_classifier_task *task, const gh_boost_params *p)
{
	double		positives = (double) task->positives,
				negatives = (double) (task->rows - task->positives),
				hessian = task->rows > 0 ? positives * negatives / (double) task->rows : 0.0;
	size_t		most = task->rows > 0 ? task->rows : 1;

	if (p->scale_pos_weight > 1.0)
		hessian *= p->scale_pos_weight;
	if (p->min_child_weight > 0.0 && hessian / p->min_child_weight + 1.0 < (double) most)
		most = (size_t) (hessian / p->min_child_weight) + 1;
	if (p->max_depth > 0 && p->max_depth < 30 && (size_t) 1 << p->max_depth < most)
		most = (size_t) 1 << p->max_depth;
	if (p->max_leaves > 0 && (size_t) p->max_leaves < most)
		most = (size_t) p->max_leaves;
	return most;
}

/* Bytes of a classifier's trees. */
static size_t
trees_memory(const gh_classifier_task *task, const gh_boost_params *p)
{
	/* left child, feature, direction, and four floats a node; seven blocks with their headers a tree */
	size_t		tree = 2 * most_leaves(task, p) * (4 + 2 + 1 + 4 * 4) + sizeof(gh_tree) + 7 * 64,
				bytes = 0;

	add_product(&bytes, tree, (size_t) p->n_estimators);
	return bytes;
}

/* Bytes while one classifier is trained, its finished trees left out. */
static size_t
task_memory(const gh_training *t, const gh_classifier_task *task, const gh_boost_params *p)
{
	size_t		rows = task->rows,
				bytes = gh_boost_memory(rows, 0, t->n_features, p);

	if (t->iterations > 0 && t->folds > 1)
	{
		size_t		search = gh_tune_memory(rows, task->positives, t->n_features, t->folds, &t->params, &t->space, false);

		bytes = search > bytes ? search : bytes;
		add_product(&bytes, (size_t) t->iterations, sizeof(gh_trial));
	}
	/* its rows and labels; labels, groups and numbers of the folds */
	add_product(&bytes, rows, sizeof(uint32_t));
	add_product(&bytes, t->n, sizeof(uint8_t));
	if (t->iterations > 0 || p->early_stopping_rounds > 0)
		add_product(&bytes, rows, sizeof(uint64_t) + 4 * sizeof(uint32_t) + 1);
	if (task->vanilla && !t->blend)
		add_product(&bytes, trees_memory(task, p), 1);
	return bytes;
}

/* Bytes at the worst moment: while the bins are cut, or afterwards without the rows. */
static size_t
needed(const gh_training *t, size_t bins, size_t shared, size_t largest, int threads)
{
	add_product(&shared, largest, (size_t) threads);
	add_product(&shared, bins, 1);
	if (shared == SIZE_MAX || t->release == NULL)
		return shared;
	return shared > bins + t->releasable ? shared - t->releasable : bins;
}

gh_status
gh_hierarchy_check_memory(gh_ctx *ctx, const gh_hierarchy_run *run)
{
	const gh_training *t = run->training;
	gh_boost_params p = largest_params(t);
	size_t		bins = gh_bins_memory(t->n, t->n_features),
				shared = 0,
				largest = 0;
	int			threads = gh_ctx_threads(ctx);

	for (size_t i = 0; i < run->n_tasks; i++)
	{
		size_t		bytes = task_memory(t, &run->tasks[i], &p);

		largest = bytes > largest ? bytes : largest;
		if (!run->tasks[i].vanilla || t->blend)
			add_product(&shared, trees_memory(&run->tasks[i], &p), 1);
	}
	if (t->iterations > 0)
		add_product(&shared, run->model->n_nodes, sizeof(gh_boost_params) + sizeof(bool));
	/* fewer threads make the same model in less memory */
	for (; threads > 1; threads--)
	{
		if (gh_memory_fits(ctx, needed(t, bins, shared, largest, threads)))
			break;
	}
	if (threads == 1)
		GH_TRY(gh_memory_check(ctx, needed(t, bins, shared, largest, 1), "training the hierarchy"));
	if (threads < gh_ctx_threads(ctx))
		gh_note(ctx, "training", "the memory allowed is enough for %d of %d threads", threads, gh_ctx_threads(ctx));
	gh_threads_cap(ctx, threads);
	return GH_OK;
}
