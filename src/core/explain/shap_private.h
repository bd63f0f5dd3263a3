/*
 * shap_private.h
 *		The inside of Shapley values: edges, their states, the kernels.
 */
#ifndef GH_SHAP_PRIVATE_H
#define GH_SHAP_PRIVATE_H

#include <math.h>

#include "explain/gh_shap.h"

/* A share of the cover this small counts as none, before a factor of it underflows. */
#define GH_NO_COVER 1e-280

/* Doubles of a vector: of four points of a rule. */
#define GH_LANES 4

/* How a row and an edge on feature j stand to each other. */
enum
{
	GH_EDGE_TAKEN = 0,			/* the row went the path's way at all splits on j, at this one too */
	GH_EDGE_MISSED,				/* the same above, but not at this one */
	GH_EDGE_LOST,				/* it left the path at an earlier split on j */
	GH_EDGE_STATES
};

static inline bool
gh_shap_goes_left(const gh_tree *tree, uint32_t node, const float *x)
{
	float		value = x[tree->feature[node]];

	return isnan(value) ? tree->default_left[node] != 0 : value < tree->threshold[node];
}

/*
 * Two times n_vectors vectors of an edge in a state: what the product over the
 * features changes by at the edge, and what the edge gives its feature of the
 * sum below it.  For an edge to a leaf, both times the leaf's value and the
 * rule's weights, and the second times the first.
 */
extern void gh_shap_edge(const gh_tree *tree, const gh_shap_tree *t, const gh_quadrature *rule, uint32_t parent,
						 uint32_t child, int state, double *out);

/* Doubles from one edge and state to the next in a table. */
static inline size_t
gh_shap_edge_size(const gh_shap_tree *t)
{
	return 2 * GH_LANES * (size_t) t->n_vectors;
}

/* Scratch of one row in one tree. */
typedef struct gh_shap_scratch
{
	double	   *product;		/* max_nodes x max_vectors vectors */
	double	   *below;			/* the same */
	double	   *phi;			/* max_features x max_vectors vectors */
	double	   *edge;			/* of one edge */
	uint8_t    *state;			/* max_nodes */
	void	   *block;			/* all of it */
} gh_shap_scratch;

/* Adds a tree's part to values; false: the host wants to stop. */
typedef bool (*gh_shap_kernel) (gh_ctx *ctx, const gh_tree *tree, const gh_shap_tree *t, const gh_quadrature *rule,
								const float *x, const gh_shap_scratch *scratch, double *values);

extern gh_shap_kernel gh_shap_kernel_get(void);

extern const gh_shap_kernel gh_shap_baseline;
#if defined(__x86_64__)
extern const gh_shap_kernel gh_shap_avx2;
extern const gh_shap_kernel gh_shap_avx512;
#endif

#endif							/* GH_SHAP_PRIVATE_H */
