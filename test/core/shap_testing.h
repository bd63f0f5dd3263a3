/*
 * shap_testing.h
 *		Random boosters, and Shapley values by their definition: the enumeration of
 *		all subsets of features.
 */
#ifndef SHAP_TESTING_H
#define SHAP_TESTING_H

#include "testing.h"

#include "base/gh_random.h"
#include "explain/gh_shap.h"

#define MAX_NODES 255
#define MAX_TREES 8

/* A booster with room of its own. */
typedef struct forest
{
	gh_booster	booster;
	gh_tree		tree[MAX_TREES];
	uint32_t	left[MAX_TREES][MAX_NODES];
	uint16_t	feature[MAX_TREES][MAX_NODES];
	uint8_t		default_left[MAX_TREES][MAX_NODES];
	float		threshold[MAX_TREES][MAX_NODES],
				value[MAX_TREES][MAX_NODES],
				cover[MAX_TREES][MAX_NODES],
				gain[MAX_TREES][MAX_NODES];
} forest;

static inline void
forest_init(forest *f, int n_features, uint32_t n_trees, double base_score)
{
	memset(f, 0, sizeof(*f));
	f->booster.n_features = n_features;
	f->booster.base_score = base_score;
	f->booster.n_trees = n_trees;
	f->booster.trees = f->tree;
	for (uint32_t k = 0; k < n_trees; k++)
	{
		gh_tree    *t = &f->tree[k];

		t->n_nodes = 1;
		t->left = f->left[k];
		t->feature = f->feature[k];
		t->default_left = f->default_left[k];
		t->threshold = f->threshold[k];
		t->value = f->value[k];
		t->cover = f->cover[k];
		t->gain = f->gain[k];
	}
}

/* Split a leaf; returns the left child. */
static inline uint32_t
split(gh_tree *t, uint32_t node, uint16_t feature, float threshold, bool default_left, float left_cover,
	  float right_cover)
{
	uint32_t	left = t->n_nodes;

	assert_true(left + 2 <= MAX_NODES);
	t->n_nodes += 2;
	t->left[node] = left;
	t->feature[node] = feature;
	t->threshold[node] = threshold;
	t->default_left[node] = default_left;
	t->cover[left] = left_cover;
	t->cover[left + 1] = right_cover;
	return left;
}

/* Random numbers of one test, drawn in order. */
static uint64_t draw_seed,
			draw_index;

static inline double
draw(void)
{
	return gh_random_double(draw_seed, GH_STREAM_TEST, draw_index++);
}

static inline void
grow(gh_tree *t, uint32_t node, int depth, int n_features, double empty_child)
{
	double		share = 0.05 + 0.9 * draw();
	uint32_t	left;

	t->value[node] = (float) (4 * draw() - 2);
	if (depth == 0 || (t->n_nodes > 3 && draw() < 0.15))
		return;
	if (draw() < empty_child)
		share = draw() < 0.5 ? 0 : 1;
	left = split(t, node, (uint16_t) (draw() * n_features), (float) draw(), draw() < 0.5,
				 (float) (t->cover[node] * share), (float) (t->cover[node] * (1 - share)));
	grow(t, left, depth - 1, n_features, empty_child);
	grow(t, left + 1, depth - 1, n_features, empty_child);
}

static inline void
random_forest(forest *f, uint64_t seed, int n_features, uint32_t n_trees, int depth, double empty_child)
{
	draw_seed = seed;
	draw_index = 0;
	forest_init(f, n_features, n_trees, 0.3);
	for (uint32_t k = 0; k < n_trees; k++)
	{
		f->tree[k].cover[0] = 100 + k;
		grow(&f->tree[k], 0, depth, n_features, empty_child);
	}
}

/* A chain of n splits, each on a feature of its own. */
static inline void
chain(forest *f, int n)
{
	uint32_t	node = 0;

	forest_init(f, n, 1, 0.5);
	f->tree[0].cover[0] = 1000;
	for (int j = 0; j < n; j++)
	{
		uint32_t	left = split(&f->tree[0], node, (uint16_t) j, 0.5f, j % 3 == 0, f->cover[0][node] * (0.15f + 0.02f * j),
								 f->cover[0][node] * (0.85f - 0.02f * j));

		f->value[0][left] = (float) (j % 5) - 1.7f;
		f->value[0][left + 1] = 3.0f + j;
		node = j % 2 ? left : left + 1;
	}
}

static inline void
random_row(float *x, int n_features, double missing)
{
	for (int j = 0; j < n_features; j++)
		x[j] = draw() < missing ? NAN : (float) draw();
}

static inline bool
goes_left(const gh_tree *t, uint32_t node, const float *x)
{
	float		v = x[t->feature[node]];

	return isnan(v) ? t->default_left[node] != 0 : v < t->threshold[node];
}

/* The game: known features follow the row, unknown ones split by cover. */
static inline double
expectation(const gh_tree *t, uint32_t node, const float *x, uint32_t known)
{
	uint32_t	left = t->left[node];
	double		all = t->cover[node],
				share;

	if (left == 0)
		return t->value[node];
	if (known >> t->feature[node] & 1)
		return expectation(t, goes_left(t, node, x) ? left : left + 1, x, known);
	share = all > 0 ? t->cover[left] / all : 0.5;
	return share * expectation(t, left, x, known)
		+ (all > 0 ? t->cover[left + 1] / all : 0.5) * expectation(t, left + 1, x, known);
}

static inline double
game(const gh_booster *b, const float *x, uint32_t known)
{
	double		sum = gh_booster_start(b->base_score);

	for (uint32_t k = 0; k < b->n_trees; k++)
		sum += expectation(&b->trees[k], 0, x, known);
	return sum;
}

/* values[0..n]: the definition, over all 2^n subsets. */
static inline void
brute_force(const gh_booster *b, const float *x, double *values)
{
	int			n = b->n_features;
	uint32_t	n_sets = UINT32_C(1) << n;
	double	   *v = malloc(n_sets * sizeof(double));

	for (uint32_t set = 0; set < n_sets; set++)
		v[set] = game(b, x, set);
	for (int i = 0; i < n; i++)
	{
		values[i] = 0;
		for (uint32_t set = 0; set < n_sets; set++)
		{
			int			size = __builtin_popcount(set);

			if (set >> i & 1)
				continue;
			values[i] += exp(lgamma(size + 1) + lgamma(n - size) - lgamma(n + 1)) * (v[set | UINT32_C(1) << i] - v[set]);
		}
	}
	values[n] = v[0];
	free(v);
}

#endif							/* SHAP_TESTING_H */
