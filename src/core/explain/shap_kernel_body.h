/*
 * shap_kernel_body.h
 *		One row through one tree; included once per instruction set.
 *
 * Down the tree every edge multiplies the product over the features, a number
 * per point of the rule; on the way back it takes its feature's share out of
 * the sum over the leaves below it.  Only multiplications and additions of
 * vectors, in one order: the same bytes everywhere.
 */
#include <string.h>

#include "explain/shap_private.h"

/* Splits between two looks at the host. */
#define SPLITS_BETWEEN_POLLS 4096

typedef double vector __attribute__((vector_size(32), may_alias));

/* The vectors of an edge: from the table, or made. */
static inline __attribute__((always_inline)) const vector *
edge_vectors(const gh_tree *tree, const gh_shap_tree *t, const gh_quadrature *rule, uint32_t parent, uint32_t child,
			 int state, const gh_shap_scratch *s, const int n)
{
	if (t->table != NULL)
		return (const vector *) t->table + ((size_t) (child - 1) * GH_EDGE_STATES + (size_t) state) * 2 * (size_t) n;
	gh_shap_edge(tree, t, rule, parent, child, state, s->edge);
	return (const vector *) s->edge;
}

/* n: vectors of the tree, a constant where this is inlined. */
static inline __attribute__((always_inline)) void
walk_edge(const gh_tree *tree, const gh_shap_tree *t, const gh_quadrature *rule, uint32_t node, uint32_t child,
		  int state, const gh_shap_scratch *s, const int n)
{
	const vector *edge = edge_vectors(tree, t, rule, node, child, state, s, n);
	const vector *product = (const vector *) s->product + (size_t) node * (size_t) n;
	vector	   *below = (vector *) s->below + (size_t) node * (size_t) n;

	s->state[child] = (uint8_t) state;
	if (tree->left[child] != 0)
	{
		vector	   *out = (vector *) s->product + (size_t) child * (size_t) n;

		for (int q = 0; q < n; q++)
			out[q] = product[q] * edge[q];
	}
	else
	{
		vector	   *phi = (vector *) s->phi + (size_t) t->place[node] * (size_t) n;

		for (int q = 0; q < n; q++)
		{
			below[q] += product[q] * edge[q];
			phi[q] += product[q] * edge[n + q];
		}
	}
}

static inline __attribute__((always_inline)) bool
walk_down(gh_ctx *ctx, const gh_tree *tree, const gh_shap_tree *t, const gh_quadrature *rule, const float *x,
		  const gh_shap_scratch *s, const int n)
{
	for (uint32_t k = 0; k < t->n_splits; k++)
	{
		uint32_t	node = t->split[k],
					left = tree->left[node];
		bool		goes_left = gh_shap_goes_left(tree, node, x),
					lost = s->state[t->above[node]] != GH_EDGE_TAKEN;

		if ((k + 1) % SPLITS_BETWEEN_POLLS == 0 && gh_should_stop(ctx))
			return false;
		memset((vector *) s->below + (size_t) node * (size_t) n, 0, (size_t) n * sizeof(vector));
		walk_edge(tree, t, rule, node, left, lost ? GH_EDGE_LOST : goes_left ? GH_EDGE_TAKEN : GH_EDGE_MISSED, s, n);
		walk_edge(tree, t, rule, node, left + 1, lost ? GH_EDGE_LOST : goes_left ? GH_EDGE_MISSED : GH_EDGE_TAKEN, s,
				  n);
	}
	return true;
}

/* The edge from a split to a child that splits, on the way back. */
static inline __attribute__((always_inline)) void
walk_back(const gh_tree *tree, const gh_shap_tree *t, const gh_quadrature *rule, uint32_t node, uint32_t child,
		  const gh_shap_scratch *s, const int n)
{
	const vector *from = (const vector *) s->below + (size_t) child * (size_t) n;
	vector	   *below = (vector *) s->below + (size_t) node * (size_t) n,
			   *phi = (vector *) s->phi + (size_t) t->place[node] * (size_t) n;
	const vector *edge;

	if (tree->left[child] == 0)
		return;
	edge = edge_vectors(tree, t, rule, node, child, s->state[child], s, n) + n;
	for (int q = 0; q < n; q++)
	{
		below[q] += from[q];
		phi[q] += from[q] * edge[q];
	}
}

static inline __attribute__((always_inline)) bool
walk_tree(gh_ctx *ctx, const gh_tree *tree, const gh_shap_tree *t, const gh_quadrature *rule, const float *x,
		  const gh_shap_scratch *s, double *values, const int n)
{
	memset(s->phi, 0, (size_t) t->n_features * (size_t) n * sizeof(vector));
	s->state[0] = GH_EDGE_TAKEN;
	for (int q = 0; q < n * GH_LANES; q++)
		s->product[q] = 1;
	if (!walk_down(ctx, tree, t, rule, x, s, n))
		return false;
	for (uint32_t k = t->n_splits; k-- > 0;)
	{
		uint32_t	node = t->split[k];

		if ((k + 1) % SPLITS_BETWEEN_POLLS == 0 && gh_should_stop(ctx))
			return false;
		walk_back(tree, t, rule, node, tree->left[node], s, n);
		walk_back(tree, t, rule, node, tree->left[node] + 1, s, n);
	}
	for (uint32_t j = 0; j < t->n_features; j++)
	{
		const double *phi = s->phi + (size_t) j * (size_t) n * GH_LANES;
		double		sum = 0;

		for (int q = 0; q < n * GH_LANES; q += GH_LANES)
			sum += (phi[q] + phi[q + 1]) + (phi[q + 2] + phi[q + 3]);
		values[t->feature[j]] += sum;
	}
	return true;
}

static bool
tree_values(gh_ctx *ctx, const gh_tree *tree, const gh_shap_tree *t, const gh_quadrature *rule, const float *x,
			const gh_shap_scratch *s, double *values)
{
	if (t->n_vectors == 1)
		return walk_tree(ctx, tree, t, rule, x, s, values, 1);
	if (t->n_vectors == 2)
		return walk_tree(ctx, tree, t, rule, x, s, values, 2);
	return walk_tree(ctx, tree, t, rule, x, s, values, t->n_vectors);
}

const gh_shap_kernel GH_SHAP_NAME = tree_values;
