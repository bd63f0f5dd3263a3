/*
 * interactions.c
 *		Exact interaction values of boosted trees by quadrature.
 *
 * The weights of the interaction of two features, |S|! (m-2-|S|)! / (m-1)!, are
 * the integrals of t^|S| (1-t)^(m-2-|S|), so a leaf of value v whose path tests
 * the features F (see shap.c for o and z) gives features i and j each
 *
 *		v / 2 (o_i - z_i) (o_j - z_j) integral prod_{k in F, k != i, j} (z_k (1-t) + o_k t) dt
 *
 * and what is left of a feature's value is its own.
 */
#include "explain/shap_private.h"

#include <string.h>

/* Leaves between two looks at the host. */
#define LEAVES_BETWEEN_POLLS 256

/* One feature of the path: where it stands in the tree's list, and its factor per point. */
typedef struct stop
{
	uint32_t	place;
	double		z;
	bool		o;
} stop;

typedef struct pairs
{
	gh_ctx	   *ctx;
	const gh_tree *tree;
	const gh_shap_tree *t;
	const gh_quadrature *rule;
	const float *x;
	stop		path[GH_MAX_TREE_DEPTH];	/* distinct features */
	int			n_path;
	double	   *sums;			/* n_features x n_features of the tree; i < j by order on the path */
	uint32_t	leaves;
	bool		stopped;
} pairs;

/* Every pair on the path of a leaf. */
static void
add_leaf(pairs *p, double value)
{
	double		take[GH_MAX_TREE_DEPTH];

	if (++p->leaves % LEAVES_BETWEEN_POLLS == 0 && gh_should_stop(p->ctx))
		p->stopped = true;
	for (int q = 0; q < p->rule->n_points; q++)
	{
		double		product = value * p->rule->weight[q];

		for (int i = 0; i < p->n_path; i++)
		{
			const stop *s = &p->path[i];
			double		factor = s->z * p->rule->u[q] + (s->o ? p->rule->t[q] : 0);

			product *= factor;
			take[i] = ((s->o ? 1 : 0) - s->z) / factor;
		}
		for (int i = 1; i < p->n_path; i++)
			for (int j = 0; j < i; j++)
				p->sums[(size_t) p->path[i].place * p->t->n_features + p->path[j].place] += product * take[i] * take[j];
	}
}

static void walk_node(pairs *p, uint32_t node);

/* Into a child, its feature's factor replaced or added, and back. */
static void
walk_edge(pairs *p, uint32_t node, uint32_t child, bool taken)
{
	uint32_t	place = p->t->place[node];
	double		z = p->t->share[child];
	int			at = 0,
				n = p->n_path;
	stop		before;

	while (at < n && p->path[at].place != place)
		at++;
	before = at < n ? p->path[at] : (stop) {place, 1, true};
	if (z < GH_NO_COVER && !(before.o && taken))
		return;
	p->path[at] = (stop) {place, z, before.o && taken};
	p->n_path = at < n ? n : n + 1;
	walk_node(p, child);
	p->path[at] = before;
	p->n_path = n;
}

static void
walk_node(pairs *p, uint32_t node)
{
	uint32_t	left = p->tree->left[node];
	bool		goes_left;

	if (p->stopped)
		return;
	if (left == 0)
	{
		add_leaf(p, p->tree->value[node]);
		return;
	}
	goes_left = gh_shap_goes_left(p->tree, node, p->x);
	walk_edge(p, node, left, goes_left);
	walk_edge(p, node, left + 1, !goes_left);
}

/* A tree's pairs into both halves of the matrix. */
static void
add_tree(const pairs *p, double *values, size_t width)
{
	uint32_t	n = p->t->n_features;

	for (uint32_t a = 0; a < n; a++)
		for (uint32_t b = 0; b < a; b++)
		{
			double		half = (p->sums[(size_t) a * n + b] + p->sums[(size_t) b * n + a]) / 2;

			values[p->t->feature[a] * width + p->t->feature[b]] += half;
			values[p->t->feature[b] * width + p->t->feature[a]] += half;
		}
}

static gh_status
add_pairs(gh_ctx *ctx, const gh_explainer *e, const float *x, double *values)
{
	size_t		width = (size_t) e->booster->n_features + 1,
				most = (size_t) e->max_features * e->max_features;
	pairs		p = {.ctx = ctx,.x = x,.sums = GH_NEW(ctx, most, double)};

	if (p.sums == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t k = 0; k < e->booster->n_trees && !p.stopped; k++)
	{
		p.tree = &e->booster->trees[k];
		p.t = &e->tree[k];
		p.rule = &e->rule[p.t->n_vectors - 1];
		memset(p.sums, 0, (size_t) p.t->n_features * p.t->n_features * sizeof(double));
		walk_node(&p, 0);
		add_tree(&p, values, width);
		p.stopped = p.stopped || gh_should_stop(ctx);
	}
	gh_free(ctx, p.sums);
	return p.stopped ? gh_canceled(ctx) : GH_OK;
}

gh_status
gh_explainer_interactions(gh_ctx *ctx, const gh_explainer *explainer, const float *x, double *values)
{
	size_t		n = (size_t) explainer->booster->n_features,
				width = n + 1;
	double	   *alone = GH_NEW(ctx, width, double);
	gh_status	status;

	if (alone == NULL)
		return gh_ctx_status(ctx);
	memset(values, 0, width * width * sizeof(double));
	status = gh_explainer_values(ctx, explainer, x, alone);
	if (status == GH_OK)
		status = add_pairs(ctx, explainer, x, values);
	for (size_t i = 0; status == GH_OK && i < n; i++)
	{
		double		others = 0;

		for (size_t j = 0; j < n; j++)
			others += values[i * width + j];
		values[i * width + i] = alone[i] - others;
	}
	values[n * width + n] = alone[n];
	gh_free(ctx, alone);
	return status;
}
