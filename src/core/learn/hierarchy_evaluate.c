/*
 * hierarchy_evaluate.c
 *		Scores of the classifiers on the validation rows.
 *
 * vanilla: the flat classifier of every genre.  hierarchical: the product of
 * P(node | parent) along the path.  hierarchical_hint: the same with every
 * ancestor's probability replaced by the truth, 0 or 1.  blend: mean log-odds of
 * vanilla and hierarchical.
 */
#include "learn/hierarchy_private.h"

#include "base/gh_threads.h"

#include <math.h>
#include <string.h>

#define ROWS_PER_TASK 256
#define ROWS_BETWEEN_POLLS 65536

/* Sums of one worker: integers, so their order does not matter. */
typedef struct tally
{
	uint64_t	coverage[GH_N_CLASSIFIERS];
	uint64_t	true_genres;
	uint64_t   *node_coverage;	/* GH_N_CLASSIFIERS x n_nodes */
	uint64_t   *node_positives; /* n_nodes */
} tally;

typedef struct scoring
{
	const gh_hierarchy_run *trainer;
	gh_evaluation *evaluation;
	tally	   *tallies;		/* per worker */
	int			n_tallies;
} scoring;

/* ---- per node: average precision -------------------------------------- */

/* Product of the conditionals along the path, from the top down as gh_model_predict does. */
static void
path_product(const gh_hierarchy_run *r, uint32_t node, double *scores)
{
	const gh_node *nodes = r->model->node;
	uint32_t	path[GH_MAX_LEVELS];
	int			length = 0;

	for (int32_t v = (int32_t) node; v >= 0; v = nodes[v].parent)
		path[length++] = (uint32_t) v;
	memcpy(scores, r->conditional + path[length - 1] * r->n_valid, r->n_valid * sizeof(double));
	for (int k = length - 2; k >= 0; k--)
		for (size_t i = 0; i < r->n_valid; i++)
			scores[i] *= r->conditional[path[k] * r->n_valid + i];
}

/* The scores of a node by one classifier for every validation row; false where it has none. */
static bool
node_scores(const gh_hierarchy_run *r, int classifier, uint32_t node, const uint8_t *in_parent, double *scores)
{
	const gh_node *nodes = r->model->node;
	const double *own = r->conditional + node * r->n_valid;

	if (classifier == GH_VANILLA)
	{
		if (r->flat == NULL || r->position[node] == GH_NOT_A_GENRE)
			return false;
		memcpy(scores, r->flat + r->position[node] * r->n_valid, r->n_valid * sizeof(double));
		return true;
	}
	if (classifier == GH_BLEND && (!r->training->blend || !nodes[node].is_genre))
		return false;
	if (classifier == GH_HIERARCHICAL_HINT)
	{
		if (nodes[node].parent < 0)
			return false;
		for (size_t i = 0; i < r->n_valid; i++)
			scores[i] = in_parent[i] ? own[i] : 0;
		return true;
	}
	path_product(r, node, scores);
	if (classifier == GH_BLEND && nodes[node].parent >= 0)
		for (size_t i = 0; i < r->n_valid; i++)
			scores[i] = gh_blend(scores[i], r->flat[r->position[node] * r->n_valid + i]);
	return true;
}

/* in[i] = 1 for the validation rows that are positive for a node (-1: all). */
static gh_status
truth_of_node(gh_ctx *ctx, const gh_hierarchy_run *r, int64_t node, uint8_t *in)
{
	uint8_t    *mask = GH_NEW(ctx, r->model->n_genres, uint8_t);

	if (mask == NULL)
		return gh_ctx_status(ctx);
	gh_hierarchy_mask(r->model, node, mask);
	for (size_t i = 0; i < r->n_valid; i++)
	{
		if (i % ROWS_BETWEEN_POLLS == 0 && gh_should_stop(ctx))
		{
			gh_free(ctx, mask);
			return gh_canceled(ctx);
		}
		in[i] = gh_row_in_mask(r->training->labels, r->valid_rows[i], mask);
	}
	gh_free(ctx, mask);
	return GH_OK;
}

static gh_status
score_node(gh_ctx *ctx, const scoring *s, uint32_t node, uint8_t *truth, uint8_t *in_parent, double *scores)
{
	const gh_hierarchy_run *r = s->trainer;
	gh_node    *n = &r->model->node[node];

	GH_TRY(truth_of_node(ctx, r, node, truth));
	GH_TRY(truth_of_node(ctx, r, n->parent, in_parent));
	for (int classifier = 0; classifier < GH_N_CLASSIFIERS; classifier++)
	{
		double		value = NAN;
		bool		defined = false;

		if (node_scores(r, classifier, node, in_parent, scores))
			GH_TRY(gh_average_precision(ctx, truth, scores, NULL, r->n_valid, &value, &defined));
		s->evaluation->node_ap[(size_t) classifier * r->model->n_nodes + node] = defined ? value : NAN;
		if (classifier != (r->training->blend && n->is_genre ? GH_BLEND : GH_HIERARCHICAL))
			continue;
		n->ap_defined = defined;
		n->average_precision = defined ? value : 0;
	}
	return GH_OK;
}

static gh_status
node_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	const scoring *s = arg;
	size_t		n = s->trainer->n_valid;
	uint8_t    *truth = GH_NEW(ctx, n, uint8_t),
			   *in_parent = GH_NEW(ctx, n, uint8_t);
	double	   *scores = GH_NEW(ctx, n, double);
	gh_status	status;

	(void) worker;
	if (truth == NULL || in_parent == NULL || scores == NULL)
		status = gh_ctx_status(ctx);
	else
		status = score_node(ctx, s, (uint32_t) task, truth, in_parent, scores);
	gh_free(ctx, scores);
	gh_free(ctx, in_parent);
	gh_free(ctx, truth);
	return status;
}

/* ---- per row: coverage ------------------------------------------------- */

/* One row's truth and scores. */
typedef struct row_view
{
	uint8_t    *truth;			/* n_nodes */
	double	   *score;			/* n_nodes, of one classifier */
	uint8_t    *genre_truth;	/* n_genres */
	double	   *genre_score;	/* n_genres */
} row_view;

static void
mark_truth(const gh_hierarchy_run *r, size_t row, row_view *view)
{
	const gh_labels *labels = r->training->labels;
	uint32_t	at = r->valid_rows[row];

	memset(view->truth, 0, r->model->n_nodes);
	memset(view->genre_truth, 0, r->model->n_genres);
	for (uint64_t k = labels->begin[at]; k < labels->begin[at + 1]; k++)
	{
		view->genre_truth[labels->label[k]] = 1;
		for (int64_t v = r->model->genre[labels->label[k]]; v >= 0 && !view->truth[v]; v = r->model->node[v].parent)
			view->truth[v] = 1;
	}
}

/* Scores of all nodes; NaN where the classifier has none. */
static void
mark_scores(const gh_hierarchy_run *r, int classifier, size_t row, row_view *view)
{
	const gh_model *model = r->model;

	for (uint32_t v = 0; v < model->n_nodes; v++)
	{
		double		own = r->conditional[v * r->n_valid + row];
		int32_t		parent = model->node[v].parent;

		if (classifier == GH_HIERARCHICAL || classifier == GH_BLEND)
			view->score[v] = parent < 0 ? own : view->score[parent] * own;
		else if (classifier == GH_HIERARCHICAL_HINT)
			view->score[v] = parent < 0 || view->truth[parent] ? own : 0;
		else
			view->score[v] = r->position[v] == GH_NOT_A_GENRE ? NAN : r->flat[r->position[v] * r->n_valid + row];
	}
	for (uint32_t g = 0; g < model->n_genres; g++)
	{
		uint32_t	v = model->genre[g];

		/* what stands above genres in the loop before are products, and no genre stands above another */
		if (classifier == GH_BLEND && model->node[v].parent >= 0)
			view->score[v] = gh_blend(view->score[v], r->flat[g * r->n_valid + row]);
		view->genre_score[g] = view->score[v];
	}
}

/* Nodes of one kind (genres; supergenres of one level) scored at least as high as v. */
static uint32_t
count_above(const gh_model *model, const double *score, uint32_t v)
{
	uint32_t	count = 0;

	for (uint32_t u = 0; u < model->n_nodes; u++)
		count += model->node[u].is_genre == model->node[v].is_genre
			&& (model->node[v].is_genre || model->node[u].level == model->node[v].level)
			&& score[u] >= score[v];
	return count;
}

static void
tally_row(const gh_hierarchy_run *r, size_t row, row_view *view, tally *sums)
{
	const gh_model *model = r->model;

	mark_truth(r, row, view);
	for (uint32_t g = 0; g < model->n_genres; g++)
		sums->true_genres += view->genre_truth[g];
	for (uint32_t v = 0; v < model->n_nodes; v++)
		sums->node_positives[v] += view->truth[v];
	for (int classifier = 0; classifier < GH_N_CLASSIFIERS; classifier++)
	{
		if ((classifier == GH_VANILLA && r->flat == NULL) || (classifier == GH_BLEND && !r->training->blend))
			continue;
		mark_scores(r, classifier, row, view);
		sums->coverage[classifier] += gh_coverage(view->genre_truth, view->genre_score, model->n_genres);
		for (uint32_t v = 0; v < model->n_nodes; v++)
			if (view->truth[v])
				sums->node_coverage[(size_t) classifier * model->n_nodes + v] += count_above(model, view->score, v);
	}
}

static gh_status
rows_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	const scoring *s = arg;
	const gh_hierarchy_run *r = s->trainer;
	size_t		begin = task * ROWS_PER_TASK,
				end = begin + ROWS_PER_TASK < r->n_valid ? begin + ROWS_PER_TASK : r->n_valid;
	row_view	view;
	gh_status	status = GH_OK;

	view.truth = GH_NEW(ctx, r->model->n_nodes, uint8_t);
	view.score = GH_NEW(ctx, r->model->n_nodes, double);
	view.genre_truth = GH_NEW(ctx, r->model->n_genres, uint8_t);
	view.genre_score = GH_NEW(ctx, r->model->n_genres, double);
	if (view.truth == NULL || view.score == NULL || view.genre_truth == NULL || view.genre_score == NULL)
		status = gh_ctx_status(ctx);
	for (size_t i = begin; i < end && status == GH_OK; i++)
	{
		tally_row(r, i, &view, &s->tallies[worker]);
		if (gh_should_stop(ctx))
			status = gh_canceled(ctx);
	}
	gh_free(ctx, view.genre_score);
	gh_free(ctx, view.genre_truth);
	gh_free(ctx, view.score);
	gh_free(ctx, view.truth);
	return status;
}

/* ---- sums -------------------------------------------------------------- */

/* True where a classifier makes a prediction of its own for a node. */
static bool
predicts(const gh_hierarchy_run *r, int classifier, uint32_t node)
{
	if (classifier == GH_VANILLA)
		return r->flat != NULL && r->position[node] != GH_NOT_A_GENRE;
	if (classifier == GH_BLEND)
		return r->training->blend && r->position[node] != GH_NOT_A_GENRE;
	return classifier == GH_HIERARCHICAL || r->model->node[node].parent >= 0;
}

static void
finish_nodes(const scoring *s)
{
	const gh_hierarchy_run *r = s->trainer;
	gh_evaluation *e = s->evaluation;
	size_t		n_nodes = r->model->n_nodes;

	for (uint32_t v = 0; v < n_nodes; v++)
	{
		e->node_positives[v] = 0;
		for (int w = 0; w < s->n_tallies; w++)
			e->node_positives[v] += s->tallies[w].node_positives[v];
		for (int classifier = 0; classifier < GH_N_CLASSIFIERS; classifier++)
		{
			size_t		at = (size_t) classifier * n_nodes + v;
			uint64_t	sum = 0;

			for (int w = 0; w < s->n_tallies; w++)
				sum += s->tallies[w].node_coverage[at];
			e->node_coverage[at] = predicts(r, classifier, v) && e->node_positives[v] > 0
				? (double) sum / (double) e->node_positives[v] : NAN;
		}
	}
}

/* Mean over the genres with a positive; a top genre knows no hint, so its own prediction stands. */
static bool
macro_average(const scoring *s, int classifier, double *mean)
{
	const gh_model *model = s->trainer->model;
	double		sum = 0;
	uint32_t	count = 0;

	for (uint32_t g = 0; g < model->n_genres; g++)
	{
		uint32_t	v = model->genre[g];
		int			by = classifier == GH_HIERARCHICAL_HINT && model->node[v].parent < 0 ? GH_HIERARCHICAL : classifier;
		double		ap = s->evaluation->node_ap[(size_t) by * model->n_nodes + v];

		if (isnan(ap))
			continue;
		sum += ap;
		count++;
	}
	*mean = count > 0 ? sum / count : 0;
	return count > 0;
}

static void
finish_scores(const scoring *s)
{
	const gh_hierarchy_run *r = s->trainer;

	for (int classifier = 0; classifier < GH_N_CLASSIFIERS; classifier++)
	{
		gh_score   *score = &s->evaluation->score[classifier];
		uint64_t	coverage = 0,
					true_genres = 0;

		score->defined = macro_average(s, classifier, &score->average_precision);
		if (!score->defined)
			continue;
		for (int w = 0; w < s->n_tallies; w++)
		{
			coverage += s->tallies[w].coverage[classifier];
			true_genres += s->tallies[w].true_genres;
		}
		score->coverage_error = (double) coverage / (double) r->n_valid;
		score->min_coverage_error = (double) true_genres / (double) r->n_valid;
	}
}

static gh_status
open_tallies(gh_ctx *ctx, scoring *s)
{
	size_t		n_nodes = s->trainer->model->n_nodes;

	s->n_tallies = gh_ctx_threads(ctx);
	s->tallies = GH_NEW_ZERO(ctx, s->n_tallies, tally);
	if (s->tallies == NULL)
		return gh_ctx_status(ctx);
	for (int w = 0; w < s->n_tallies; w++)
	{
		s->tallies[w].node_coverage = GH_NEW_ZERO(ctx, GH_N_CLASSIFIERS * n_nodes, uint64_t);
		s->tallies[w].node_positives = GH_NEW_ZERO(ctx, n_nodes, uint64_t);
		if (s->tallies[w].node_coverage == NULL || s->tallies[w].node_positives == NULL)
			return gh_ctx_status(ctx);
	}
	return GH_OK;
}

static void
close_tallies(gh_ctx *ctx, scoring *s)
{
	for (int w = 0; s->tallies != NULL && w < s->n_tallies; w++)
	{
		gh_free(ctx, s->tallies[w].node_positives);
		gh_free(ctx, s->tallies[w].node_coverage);
	}
	gh_free(ctx, s->tallies);
}

static gh_status
open_evaluation(gh_ctx *ctx, const gh_hierarchy_run *r, gh_evaluation *e)
{
	size_t		n_nodes = r->model->n_nodes;

	e->training_rows = r->n_train;
	e->validation_rows = r->n_valid;
	e->node_ap = GH_NEW(ctx, GH_N_CLASSIFIERS * n_nodes, double);
	e->node_coverage = GH_NEW(ctx, GH_N_CLASSIFIERS * n_nodes, double);
	e->node_positives = GH_NEW(ctx, n_nodes, uint64_t);
	return e->node_ap != NULL && e->node_coverage != NULL && e->node_positives != NULL ? GH_OK : gh_ctx_status(ctx);
}

gh_status
gh_hierarchy_evaluate(gh_ctx *ctx, const gh_hierarchy_run *trainer, gh_evaluation *evaluation)
{
	scoring		s = {.trainer = trainer, .evaluation = evaluation};
	gh_status	status;

	GH_GOTO(done, open_evaluation(ctx, trainer, evaluation));
	GH_GOTO(done, open_tallies(ctx, &s));
	GH_GOTO(done, gh_parallel_stage(ctx, "training: precision", trainer->model->n_nodes, node_task, &s));
	GH_GOTO(done, gh_parallel_stage(ctx, "training: coverage", (trainer->n_valid + ROWS_PER_TASK - 1) / ROWS_PER_TASK,
									rows_task, &s));
	finish_nodes(&s);
	finish_scores(&s);
done:
	close_tallies(ctx, &s);
	return status;
}

void
gh_evaluation_free(gh_ctx *ctx, gh_evaluation *evaluation)
{
	gh_free(ctx, evaluation->node_positives);
	gh_free(ctx, evaluation->node_coverage);
	gh_free(ctx, evaluation->node_ap);
	memset(evaluation, 0, sizeof(*evaluation));
}
