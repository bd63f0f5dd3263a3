/*
 * test_boost_exact.c
 *		Trees against a literal oracle: exact greedy search on raw values, all in double.
 */
#include "learn_testing.h"

/* ---- the oracle: exact greedy boosting on raw values, all in double ---- */

typedef struct oracle
{
	const test_data *data;
	const gh_boost_params *params;
	const double *weights;
	double	   *margin;
	double	   *g,
			   *h;
	double	   *values;			/* distinct values of a feature, ascending */
	int			nodes;
	int			feature[4096];
	float		threshold[4096];
	bool		default_left[4096];
	int			left[4096];
	double		leaf[4096];
} oracle;

static int
distinct_values(const oracle *o, int f)
{
	size_t		m = 0;
	int			n = 0;

	for (size_t i = 0; i < o->data->n; i++)
	{
		float		v = o->data->rows[i * (size_t) o->data->d + (size_t) f];

		if (!isnan(v))
			o->values[m++] = v;
	}
	qsort(o->values, m, sizeof(double), compare_doubles);
	for (size_t i = 0; i < m; i++)
		if (i == 0 || o->values[i] != o->values[n - 1])
			o->values[n++] = o->values[i];
	return n;
}

static double
soft(double g, double alpha)
{
	return g > alpha ? g - alpha : g < -alpha ? g + alpha : 0;
}

static double
quality(const oracle *o, double g, double h)
{
	double		t = soft(g, o->params->alpha);

	return h <= 0 ? 0 : t * t / (h + o->params->lambda);
}

static bool
row_goes_left(const oracle *o, uint32_t row, int f, double t, bool default_left)
{
	float		v = o->data->rows[row * (size_t) o->data->d + (size_t) f];

	return isnan(v) ? default_left : v < t;
}

/* Gain of one split, by going over the rows. */
static double
gain_of(const oracle *o, const uint32_t *rows, size_t n, int f, double t, bool default_left)
{
	double		g[2] = {0, 0},
				h[2] = {0, 0};

	for (size_t i = 0; i < n; i++)
	{
		bool		l = row_goes_left(o, rows[i], f, t, default_left);

		g[l] += o->g[rows[i]];
		h[l] += o->h[rows[i]];
	}
	if (h[0] <= 0 || h[1] <= 0 || h[0] < o->params->min_child_weight || h[1] < o->params->min_child_weight)
		return -1;
	return quality(o, g[0], h[0]) + quality(o, g[1], h[1]) - quality(o, g[0] + g[1], h[0] + h[1]);
}

typedef struct candidate
{
	double		gain;
	int			f;
	float		t;
	bool		default_left;
} candidate;

/*
 * All splits in the order of the rule: feature, missing right with cuts going
 * up, missing left with cuts going down; the first of equal ones stays.
 */
static candidate
best_split(const oracle *o, const uint32_t *rows, size_t n)
{
	candidate	best = {1e-6, -1, 0, false};

	for (int f = 0; f < o->data->d; f++)
	{
		int			m = distinct_values(o, f);
		bool		missing = false;
		float		top,
					bottom;

		if (m == 0)
			continue;
		top = (float) o->values[m - 1];
		top += fabsf(top) + 1e-5f;
		bottom = (float) o->values[0];
		bottom -= fabsf(bottom) + 1e-5f;
		for (size_t i = 0; i < n; i++)
			missing |= isnan(o->data->rows[rows[i] * (size_t) o->data->d + (size_t) f]);
		for (int pass = 0; pass < (missing ? 2 : 1); pass++)
			for (int k = 1; k <= m; k++)
			{
				int			at = pass == 0 ? k : m - k;
				float		t = at == m ? top : at == 0 ? bottom : (float) o->values[at];
				double		gain = gain_of(o, rows, n, f, t, pass == 1);

				/* sums in another order differ in their last bits: not a better split */
				if (gain > best.gain * (1 + 1e-9))
					best = (candidate) {gain, f, t, pass == 1};
			}
	}
	return best;
}

/* Level by level, as depthwise growth numbers nodes. */
static void
oracle_tree(oracle *o, uint32_t **rows, size_t *count, int depth[4096])
{
	o->nodes = 1;
	depth[0] = 0;
	for (int node = 0; node < o->nodes; node++)
	{
		candidate	c = {0, -1, 0, false};
		double		g = 0,
					h = 0;
		size_t		l = 0,
					r = 0;

		for (size_t i = 0; i < count[node]; i++)
		{
			g += o->g[rows[node][i]];
			h += o->h[rows[node][i]];
		}
		o->left[node] = 0;
		o->leaf[node] = h <= 0 || h < o->params->min_child_weight ? 0 :
			-soft(g, o->params->alpha) / (h + o->params->lambda) * o->params->eta;
		if (depth[node] < o->params->max_depth)
			c = best_split(o, rows[node], count[node]);
		if (c.f < 0 || c.gain < o->params->gamma)
			continue;
		o->left[node] = o->nodes;
		o->feature[node] = c.f;
		o->threshold[node] = c.t;
		o->default_left[node] = c.default_left;
		for (int side = 0; side < 2; side++)
		{
			rows[o->nodes] = malloc(count[node] * sizeof(uint32_t));
			depth[o->nodes++] = depth[node] + 1;
		}
		for (size_t i = 0; i < count[node]; i++)
		{
			if (row_goes_left(o, rows[node][i], c.f, c.t, c.default_left))
				rows[o->left[node]][l++] = rows[node][i];
			else
				rows[o->left[node] + 1][r++] = rows[node][i];
		}
		count[o->left[node]] = l;
		count[o->left[node] + 1] = r;
	}
	for (int node = 0; node < o->nodes; node++)
		for (size_t i = 0; o->left[node] == 0 && i < count[node]; i++)
			o->margin[rows[node][i]] += o->leaf[node];
}

static void
compare_with_oracle(const oracle *o, const gh_tree *tree)
{
	assert_int_equal(tree->n_nodes, o->nodes);
	for (int i = 0; i < o->nodes; i++)
	{
		assert_int_equal(tree->left[i], o->left[i]);
		if (o->left[i] == 0)
		{
			if (!(fabs(tree->value[i] - o->leaf[i]) <= 2e-5 * (1 + fabs(o->leaf[i]))))
				fail_msg("leaf %d is %.9g, not %.9g", i, tree->value[i], o->leaf[i]);
			continue;
		}
		assert_int_equal(tree->feature[i], o->feature[i]);
		if (tree->threshold[i] != o->threshold[i])
			fail_msg("threshold of node %d is %.9g, not %.9g", i, tree->threshold[i], o->threshold[i]);
		assert_int_equal(tree->default_left[i], o->default_left[i]);
	}
}

/* Train ours, then the oracle tree by tree on the same data. */
static void
expect_oracle(test_data *data, gh_boost_params params, const float *weights)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_bins		bins;
	gh_booster	booster;
	gh_fit		fit = test_fit(data, &bins);
	oracle	   *o = calloc(1, sizeof(oracle));
	uint32_t  **rows = calloc(4096, sizeof(uint32_t *));
	size_t	   *count = calloc(4096, sizeof(size_t));
	int		   *depth = calloc(4096, sizeof(int));
	double		total = 0,
				positive = 0;

	fit.weights = weights;
	test_ok(ctx, gh_bins_build(ctx, data->rows, data->n, data->d, params.max_bin, NULL, 0, &bins));
	test_ok(ctx, gh_boost_train(ctx, &fit, &params, &booster, NULL));
	assert_int_equal(booster.n_trees, params.n_estimators);
	o->data = data;
	o->params = &params;
	o->margin = malloc(data->n * sizeof(double));
	o->g = malloc(data->n * sizeof(double));
	o->h = malloc(data->n * sizeof(double));
	o->values = malloc(data->n * sizeof(double));
	for (size_t i = 0; i < data->n; i++)
	{
		total += weights != NULL ? weights[i] : 1;
		positive += data->labels[i] ? weights != NULL ? weights[i] : 1 : 0;
	}
	if (params.scale_pos_weight == 1)
		assert_true(fabs(booster.base_score - positive / total) < 1e-7);
	else
	{
		double		p = params.scale_pos_weight * positive,
					n = total - positive;

		assert_true(fabs(booster.base_score - 1 / (1 + exp(-2 * (p - n) / (p + n)))) < 1e-7);
	}
	for (size_t i = 0; i < data->n; i++)
		o->margin[i] = log(booster.base_score / (1 - booster.base_score));
	for (uint32_t t = 0; t < booster.n_trees; t++)
	{
		for (size_t i = 0; i < data->n; i++)
		{
			double		p = 1 / (1 + exp(-o->margin[i])),
						w = weights != NULL ? weights[i] : 1;

			w *= data->labels[i] ? params.scale_pos_weight : 1;
			o->g[i] = (p - data->labels[i]) * w;
			o->h[i] = p * (1 - p) * w;
		}
		rows[0] = malloc(data->n * sizeof(uint32_t));
		memcpy(rows[0], data->all, data->n * sizeof(uint32_t));
		count[0] = data->n;
		oracle_tree(o, rows, count, depth);
		compare_with_oracle(o, &booster.trees[t]);
		for (int i = 0; i < o->nodes; i++)
			free(rows[i]);
	}
	free(o->margin);
	free(o->g);
	free(o->h);
	free(o->values);
	free(o);
	free(rows);
	free(count);
	free(depth);
	gh_booster_free(ctx, &booster);
	gh_bins_free(ctx, &bins);
	test_close(ctx);
}

static void
trees_are_those_of_exact_search(void **state)
{
	test_data	whole = test_make(220, 4, 0, 0, 1),
				holes = test_make(240, 4, 0, .25, 2),
				coarse = test_make(250, 5, 7, .2, 3);
	gh_boost_params params = gh_boost_defaults();
	float		weights[250];

	(void) state;
	params.n_estimators = 4;
	params.max_depth = 4;
	params.min_child_weight = .5;
	expect_oracle(&whole, params, NULL);
	expect_oracle(&holes, params, NULL);
	expect_oracle(&coarse, params, NULL);
	params.lambda = .3;
	params.alpha = .4;
	params.gamma = .8;
	params.min_child_weight = 2;
	expect_oracle(&whole, params, NULL);
	expect_oracle(&holes, params, NULL);
	for (int i = 0; i < 250; i++)
		weights[i] = (float) (.25 + test_uniform(17, (uint64_t) i));
	weights[7] = 0;
	params.scale_pos_weight = 2.5;
	expect_oracle(&holes, params, weights);
	expect_oracle(&coarse, params, weights);
	test_discard(&whole);
	test_discard(&holes);
	test_discard(&coarse);
}

/* 256 distinct values and missing ones: the code for "missing" has a column of its own. */
static void
a_full_feature_may_have_missing_values(void **state)
{
	test_data	data = test_make(600, 2, 0, 0, 5);
	gh_boost_params params = gh_boost_defaults();
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_bins		bins;

	(void) state;
	for (size_t i = 0; i < data.n; i++)
	{
		data.rows[2 * i] = i % 3 == 2 ? NAN : (float) (i % 256);
		data.rows[2 * i + 1] = (float) (i * 7 % 256);
	}
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, 2, 256, NULL, 0, &bins));
	assert_int_equal(bins.cut_begin[1], 256);
	assert_int_equal(bins.n_columns, 3);
	for (size_t i = 0; i < data.n; i++)
	{
		const uint8_t *code = bins.codes + i * (size_t) bins.stride;

		assert_int_equal(code[2], i % 3 == 2);
		assert_int_equal(code[0], i % 3 == 2 ? 255 : i % 256);
	}
	gh_bins_free(ctx, &bins);
	test_close(ctx);
	params.n_estimators = 3;
	params.max_depth = 5;
	params.min_child_weight = .1;
	expect_oracle(&data, params, NULL);
	test_discard(&data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_are_those_of_exact_search),
		cmocka_unit_test(a_full_feature_may_have_missing_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
