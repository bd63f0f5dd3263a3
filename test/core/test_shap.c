/*
 * test_shap.c
 *		Shapley values against their definition: the enumeration of all subsets.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/gh_isa.h"
#include "base/gh_random.h"
#include "explain/gh_shap.h"
#include "stop_testing.h"

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

static void
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
static uint32_t
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

static double
draw(void)
{
	return gh_random_double(draw_seed, GH_STREAM_TEST, draw_index++);
}

static void
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

static void
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

static void
random_row(float *x, int n_features, double missing)
{
	for (int j = 0; j < n_features; j++)
		x[j] = draw() < missing ? NAN : (float) draw();
}

static bool
goes_left(const gh_tree *t, uint32_t node, const float *x)
{
	float		v = x[t->feature[node]];

	return isnan(v) ? t->default_left[node] != 0 : v < t->threshold[node];
}

/* The game: known features follow the row, unknown ones split by cover. */
static double
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

static double
game(const gh_booster *b, const float *x, uint32_t known)
{
	double		sum = gh_logit(b->base_score);

	for (uint32_t k = 0; k < b->n_trees; k++)
		sum += expectation(&b->trees[k], 0, x, known);
	return sum;
}

/* values[0..n]: the definition, over all 2^n subsets. */
static void
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

static void
assert_close(double a, double b, double tolerance)
{
	if (!(fabs(a - b) <= tolerance))
		fail_msg("%.17g is not %.17g", a, b);
}

/* Against the definition, and the sum against the margin. */
static void
check_row(const gh_booster *b, const float *x)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		ours[32],
				literal[32],
				sum = 0,
				margin = gh_booster_margin(b, x);

	assert_int_equal(gh_shap(ctx, b, x, ours), GH_OK);
	brute_force(b, x, literal);
	for (int i = 0; i <= b->n_features; i++)
	{
		assert_close(ours[i], literal[i], 1e-12);
		sum += ours[i];
	}
	assert_close(sum, margin, 1e-9 * (1 + fabs(margin)));
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

/* The definition of interactions, over all subsets of the others. */
static void
brute_interactions(const gh_booster *b, const float *x, double *values)
{
	int			n = b->n_features;
	uint32_t	n_sets = UINT32_C(1) << n;
	double	   *v = malloc(n_sets * sizeof(double)),
				alone[32];

	for (uint32_t set = 0; set < n_sets; set++)
		v[set] = game(b, x, set);
	memset(values, 0, (size_t) ((n + 1) * (n + 1)) * sizeof(double));
	brute_force(b, x, alone);
	for (int i = 0; i < n; i++)
	{
		values[i * (n + 1) + i] += alone[i];
		for (int j = 0; j < n; j++)
			for (uint32_t set = 0; j != i && set < n_sets; set++)
			{
				uint32_t	a = UINT32_C(1) << i,
							c = UINT32_C(1) << j;
				int			size = __builtin_popcount(set);
				double		part;

				if (set & (a | c))
					continue;
				part = exp(lgamma(size + 1) + lgamma(n - size - 1) - lgamma(n)) / 2 *
					(v[set | a | c] - v[set | a] - v[set | c] + v[set]);
				values[i * (n + 1) + j] += part;
				values[i * (n + 1) + i] -= part;
			}
	}
	values[n * (n + 1) + n] = alone[n];
	free(v);
}

static void
check_interactions(const gh_booster *b, const float *x)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_explainer explainer;
	int			width = b->n_features + 1;
	double		ours[32 * 32],
				literal[32 * 32],
				alone[32];

	assert_int_equal(gh_explainer_open(ctx, b, &explainer), GH_OK);
	assert_int_equal(gh_explainer_interactions(ctx, &explainer, x, ours), GH_OK);
	assert_int_equal(gh_explainer_values(ctx, &explainer, x, alone), GH_OK);
	brute_interactions(b, x, literal);
	for (int i = 0; i < width; i++)
	{
		double		sum = 0;

		for (int j = 0; j < width; j++)
		{
			assert_close(ours[i * width + j], literal[i * width + j], 1e-12);
			assert_true(ours[i * width + j] == ours[j * width + i]);
			sum += ours[i * width + j];
		}
		assert_close(sum, alone[i], 1e-13 * (1 + fabs(alone[i])));
	}
	gh_explainer_free(ctx, &explainer);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
rules_integrate_polynomials(void **state)
{
	(void) state;
	for (int n = 1; n <= GH_MAX_POINTS; n++)
	{
		gh_quadrature rule;

		gh_quadrature_rule(n, &rule);
		for (int degree = 0; degree < 2 * n; degree++)
		{
			double		sum = 0,
						mixed = 0;

			for (int q = 0; q < n; q++)
			{
				sum += rule.weight[q] * pow(rule.t[q], degree);
				mixed += rule.weight[q] * pow(rule.u[q], degree);
			}
			assert_close(sum, 1.0 / (degree + 1), 2e-15);
			assert_close(mixed, 1.0 / (degree + 1), 2e-15);
		}
		for (int q = 0; q < n; q++)
		{
			assert_close(rule.t[q] + rule.u[q], 1, 2e-16);
			assert_true(rule.t[q] > (q > 0 ? rule.t[q - 1] : 0) && rule.u[q] > 0);
		}
	}
}

static void
eight_points_are_the_published_ones(void **state)
{
	const double node[4] = {.1834346424956498, .5255324099163290, .7966664774136267, .9602898564975363},
				weight[4] = {.3626837833783620, .3137066458778873, .2223810344533745, .1012285362903763};
	gh_quadrature rule;

	(void) state;
	gh_quadrature_rule(8, &rule);
	for (int i = 0; i < 4; i++)
	{
		assert_close(rule.t[4 + i], (1 + node[i]) / 2, 2e-16);
		assert_close(rule.t[3 - i], (1 - node[i]) / 2, 2e-16);
		assert_close(rule.weight[4 + i], weight[i] / 2, 2e-16);
		assert_close(rule.weight[3 - i], weight[i] / 2, 2e-16);
	}
}

static void
random_forests_equal_the_definition(void **state)
{
	static forest f;
	float		x[8];

	(void) state;
	for (uint64_t seed = 1; seed <= 30; seed++)
	{
		random_forest(&f, seed, 7, 4, 6, 0);
		for (int row = 0; row < 4; row++)
		{
			random_row(x, 7, 0);
			check_row(&f.booster, x);
		}
	}
}

static void
repeated_features_and_missing_values(void **state)
{
	static forest f;
	float		x[3];

	(void) state;
	for (uint64_t seed = 100; seed < 140; seed++)
	{
		/* three features on paths of up to seven splits */
		random_forest(&f, seed, 3, 5, 7, 0);
		for (int row = 0; row < 6; row++)
		{
			random_row(x, 3, row * 0.2);
			check_row(&f.booster, x);
		}
	}
}

static void
children_without_cover(void **state)
{
	static forest f;
	float		x[6];

	(void) state;
	for (uint64_t seed = 200; seed < 260; seed++)
	{
		random_forest(&f, seed, 6, 4, 6, 0.4);
		for (int row = 0; row < 4; row++)
		{
			random_row(x, 6, 0.1);
			check_row(&f.booster, x);
		}
	}
	/* a root that nothing covers */
	random_forest(&f, 300, 4, 2, 3, 0);
	memset(f.cover, 0, sizeof(f.cover));
	random_row(x, 4, 0);
	check_row(&f.booster, x);
}

/* A chain of n splits, each on a feature of its own. */
static void
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

static void
interactions_equal_the_definition(void **state)
{
	static forest f;
	float		x[8];

	(void) state;
	for (uint64_t seed = 600; seed < 640; seed++)
	{
		int			d = 1 + (int) (seed % 7);

		/* repeated features, missing values, children without cover */
		random_forest(&f, seed, d, 4, 6, seed % 2 ? 0.2 : 0);
		for (int row = 0; row < 3; row++)
		{
			random_row(x, d, 0.1 * row);
			check_interactions(&f.booster, x);
		}
	}
	chain(&f, 11);
	random_row(x, 8, 0);
	check_interactions(&f.booster, (float[11]) {x[0], x[1], NAN, x[3], x[4], 0, 1, x[5], NAN, x[6], x[7]});
}

/* Nothing may be infinite where covers make no sense, and no memory may stay where there is none. */
static void
interactions_of_hostile_covers_and_without_memory(void **state)
{
	static forest f;
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_explainer explainer;
	float		x[5];
	double		values[36];
	gh_status	status = GH_ENOMEM;

	(void) state;
	for (uint64_t seed = 700; seed < 740; seed++)
	{
		random_forest(&f, seed, 5, 3, 7, 0.1);
		for (uint32_t k = 0; k < 3; k++)
			for (uint32_t i = 0; i < f.tree[k].n_nodes; i++)
				if (draw() < 0.5)
					f.cover[k][i] = draw() < 0.5 ? 1e-45f : 0;
		random_row(x, 5, 0.2);
		assert_int_equal(gh_explainer_open(ctx, &f.booster, &explainer), GH_OK);
		assert_int_equal(gh_explainer_interactions(ctx, &explainer, x, values), GH_OK);
		for (int j = 0; j < 36; j++)
			assert_true(isfinite(values[j]));
		gh_explainer_free(ctx, &explainer);
	}
	gh_ctx_close(ctx);
	for (uint64_t k = 1; status != GH_OK; k++)
	{
		ctx = gh_ctx_open(NULL);
		gh_ctx_fail_allocation(ctx, k, true);
		status = gh_explainer_open(ctx, &f.booster, &explainer);
		if (status == GH_OK)
		{
			status = gh_explainer_interactions(ctx, &explainer, x, values);
			gh_explainer_free(ctx, &explainer);
		}
		assert_true(status == GH_OK || status == GH_ENOMEM);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
		assert_true(k < 200);
	}
}

static void
single_leaves_give_only_the_base(void **state)
{
	static forest f;
	const float x[2] = {0.5, NAN};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		values[3];

	(void) state;
	forest_init(&f, 2, 2, 0.25);
	f.tree[0].value[0] = 0.5f;
	f.tree[1].value[0] = -2;
	f.tree[0].cover[0] = 3;
	assert_int_equal(gh_shap(ctx, &f.booster, x, values), GH_OK);
	assert_true(values[0] == 0 && values[1] == 0);
	assert_close(values[2], log(0.25 / 0.75) - 1.5, 1e-15);
	f.booster.n_trees = 0;
	assert_int_equal(gh_shap(ctx, &f.booster, x, values), GH_OK);
	assert_true(values[0] == 0 && values[1] == 0);
	assert_close(values[2], log(0.25 / 0.75), 1e-15);
	gh_ctx_close(ctx);
}

static void
equal_to_the_threshold_goes_right(void **state)
{
	static forest f;
	const float threshold = 0.1f;
	float		x[1];

	(void) state;
	forest_init(&f, 1, 1, 0.5);
	f.tree[0].cover[0] = 4;
	split(&f.tree[0], 0, 0, threshold, true, 1, 3);
	f.value[0][1] = 1;
	f.value[0][2] = 2;
	x[0] = threshold;
	check_row(&f.booster, x);
	x[0] = nextafterf(threshold, 0);
	check_row(&f.booster, x);
	x[0] = NAN;
	check_row(&f.booster, x);
	x[0] = INFINITY;
	check_row(&f.booster, x);
}

static void
twenty_features_on_one_path(void **state)
{
	static forest f;
	float		x[20];

	(void) state;
	chain(&f, 20);
	draw_seed = 5;
	draw_index = 0;
	random_row(x, 20, 0.1);
	check_row(&f.booster, x);
	for (int j = 0; j < 20; j++)
		x[j] = j % 2 ? 0 : 1;	/* all the way down */
	check_row(&f.booster, x);
}

/* 64 distinct features are too many to enumerate: additivity must hold all the same. */
static void
the_deepest_path_adds_up(void **state)
{
	static forest f;
	float		x[64];
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		values[65],
				sum = 0,
				margin;

	(void) state;
	forest_init(&f, 64, 1, 0.5);
	f.cover[0][0] = 1e9f;
	for (int j = 0, node = 0; j < 64; j++)
	{
		uint32_t	left = split(&f.tree[0], (uint32_t) node, (uint16_t) j, 0.5f, true, f.cover[0][node] * 0.25f,
								 f.cover[0][node] * 0.75f);

		f.value[0][left] = (float) j / 10;
		f.value[0][left + 1] = 7;
		node = (int) left + 1;
	}
	for (int j = 0; j < 64; j++)
		x[j] = j == 40 ? 0 : 1;
	assert_int_equal(gh_shap(ctx, &f.booster, x, values), GH_OK);
	for (int j = 0; j <= 64; j++)
	{
		assert_true(isfinite(values[j]));
		sum += values[j];
	}
	margin = gh_booster_margin(&f.booster, x);
	assert_close(sum, margin, 1e-9 * (1 + fabs(margin)));
	/* split 63 is far below the failed split 40 */
	assert_true(fabs(values[40]) > fabs(values[63]));
	gh_ctx_close(ctx);
}

static void
covers_of_a_hostile_model_give_finite_values(void **state)
{
	static forest f;
	const float bad[4] = {-1, 3e38f, 1e-45f, 0};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	float		x[5];
	double		values[6];

	(void) state;
	for (uint64_t seed = 400; seed < 500; seed++)
	{
		random_forest(&f, seed, 5, 3, 7, 0.1);
		for (uint32_t k = 0; k < 3; k++)
			for (uint32_t i = 0; i < f.tree[k].n_nodes; i++)
				if (draw() < 0.5)
					f.cover[k][i] = bad[(int) (4 * draw())];
		random_row(x, 5, 0.2);
		assert_int_equal(gh_shap(ctx, &f.booster, x, values), GH_OK);
		for (int j = 0; j <= 5; j++)
			assert_true(isfinite(values[j]));
	}
	/* shares so small that their products underflow */
	forest_init(&f, 1, 1, 0.5);
	f.cover[0][0] = 3e38f;
	for (uint32_t i = 0, node = 0; i < 60; i++)
	{
		node = split(&f.tree[0], node, 0, 0.9f - 0.001f * i, true, 1e-45f, 3e38f);
		f.value[0][node] = f.value[0][node + 1] = 3e38f;
	}
	for (int k = 0; k < 2; k++)
	{
		x[0] = (float) k;
		assert_int_equal(gh_shap(ctx, &f.booster, x, values), GH_OK);
		assert_true(isfinite(values[0]) && isfinite(values[1]));
	}
	gh_ctx_close(ctx);
}

static void
rows_equal_single_rows_for_any_threads(void **state)
{
	static forest f;
	enum
	{
		n = 333,
		d = 7,
		stride = 9
	};
	static float rows[n * stride];
	static double values[3][n * (d + 1)];
	const int	threads[3] = {1, 2, 8};
	gh_ctx	   *ctx;

	(void) state;
	random_forest(&f, 7, d, MAX_TREES, 6, 0.05);
	random_row(rows, n * stride, 0.05);
	for (int k = 0; k < 3; k++)
	{
		gh_host		host = {.threads = threads[k], .memory_limit = SIZE_MAX};

		ctx = gh_ctx_open(&host);
		gh_isa_limit(k == 1 ? GH_ISA_SCALAR : GH_ISA_AVX512);
		assert_int_equal(gh_shap_rows(ctx, &f.booster, rows, n, stride, values[k]), GH_OK);
		gh_isa_limit(GH_ISA_AVX512);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
		assert_memory_equal(values[k], values[0], sizeof(values[0]));
	}
	ctx = gh_ctx_open(NULL);
	for (int i = 0; i < n; i++)
	{
		double		one[d + 1];

		assert_int_equal(gh_shap(ctx, &f.booster, rows + i * stride, one), GH_OK);
		assert_memory_equal(one, values[0] + i * (d + 1), sizeof(one));
	}
	assert_int_equal(gh_shap_rows(ctx, &f.booster, rows, 0, stride, values[1]), GH_OK);
	/* no room for tables: the same bytes */
	{
		gh_host		host = {.threads = 1, .memory_limit = 200000};
		gh_ctx	   *poor = gh_ctx_open(&host);

		assert_int_equal(gh_shap_rows(poor, &f.booster, rows, n, stride, values[1]), GH_OK);
		assert_memory_equal(values[1], values[0], sizeof(values[0]));
		assert_true(gh_memory_peak(poor) < 200000);
		gh_ctx_close(poor);
	}
	gh_ctx_close(ctx);
}

static void
stops_and_fails_cleanly(void **state)
{
	static forest f;
	enum
	{
		n = 200
	};
	static float rows[n * 7];
	static double values[n * 8];
	gh_host		host = {.should_stop = stop_after_polls, .threads = 2, .memory_limit = SIZE_MAX};
	gh_status	status = GH_ECANCELED;

	(void) state;
	random_forest(&f, 9, 7, MAX_TREES, 6, 0);
	random_row(rows, n * 7, 0);
	for (int polls = 0; polls < 12 && status != GH_OK; polls++)
	{
		gh_ctx	   *ctx = gh_ctx_open(&host);

		polls_left = polls;
		status = gh_shap_rows(ctx, &f.booster, rows, n, 7, values);
		assert_true(status == GH_OK || status == GH_ECANCELED);
		assert_true(polls > 0 || status == GH_ECANCELED);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
	status = GH_ENOMEM;
	for (uint64_t k = 1; status != GH_OK; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);

		assert_true(k < 100);
		gh_ctx_fail_allocation(ctx, k, false);
		status = gh_shap_rows(ctx, &f.booster, rows, n, 7, values);
		assert_true(status == GH_OK || status == GH_ENOMEM);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

static void
too_deep_a_tree_is_refused(void **state)
{
	static forest f;
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	const float x[1] = {0};
	double		values[2];

	(void) state;
	forest_init(&f, 1, 1, 0.5);
	f.cover[0][0] = 1;
	for (uint32_t i = 0, node = 0; i < GH_MAX_TREE_DEPTH + 1; i++)
		node = split(&f.tree[0], node, 0, 0, true, 1, 1);
	assert_int_equal(gh_shap(ctx, &f.booster, x, values), GH_EINTERNAL);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_integrate_polynomials),
		cmocka_unit_test(eight_points_are_the_published_ones),
		cmocka_unit_test(random_forests_equal_the_definition),
		cmocka_unit_test(repeated_features_and_missing_values),
		cmocka_unit_test(children_without_cover),
		cmocka_unit_test(interactions_equal_the_definition),
		cmocka_unit_test(interactions_of_hostile_covers_and_without_memory),
		cmocka_unit_test(single_leaves_give_only_the_base),
		cmocka_unit_test(equal_to_the_threshold_goes_right),
		cmocka_unit_test(twenty_features_on_one_path),
		cmocka_unit_test(the_deepest_path_adds_up),
		cmocka_unit_test(covers_of_a_hostile_model_give_finite_values),
		cmocka_unit_test(rows_equal_single_rows_for_any_threads),
		cmocka_unit_test(stops_and_fails_cleanly),
		cmocka_unit_test(too_deep_a_tree_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
