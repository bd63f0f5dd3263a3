/*
 * test_boost.c
 *		Bins and boosting against literal oracles.
 */
#include "learn_testing.h"

#include <float.h>

#include "base/gh_isa.h"
#include "explain/gh_metrics.h"

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
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a,
				y = *(const double *) b;

	return (x > y) - (x < y);
}

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

/* ---- bins -------------------------------------------------------------- */

static void
cuts_are_exact_quantiles(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(1500, 3, 0, 0, 9);
	uint32_t	cut_rows[1000];
	double		sorted[1000];
	gh_bins		bins;

	(void) state;
	for (size_t i = 0; i < data.n; i++)
	{
		data.rows[3 * i + 1] = (float) (i % 100);
		data.rows[3 * i + 2] = i % 4 != 0 ? 2 : data.rows[3 * i + 2];	/* one value holds three quarters */
	}
	for (uint32_t i = 0; i < 1000; i++)
		cut_rows[i] = i + 250;
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, 3, 128, cut_rows, 1000, &bins));
	for (int f = 0; f < 3; f++)
	{
		const float *cuts = bins.cuts + bins.cut_begin[f];
		uint32_t	n = bins.cut_begin[f + 1] - bins.cut_begin[f],
					k = 0;

		for (int i = 0; i < 1000; i++)
			sorted[i] = data.rows[3 * cut_rows[i] + (uint32_t) f];
		qsort(sorted, 1000, sizeof(double), compare_doubles);
		if (f == 1)
		{
			assert_int_equal(n, 100);
			for (; k < 99; k++)
				assert_true(cuts[k] == (float) (k + 1));
		}
		else
		{
			for (int q = 1; q < 128; q++)
			{
				float		v = (float) sorted[q * 1000 / 128];

				if (v > (float) sorted[(q - 1) * 1000 / 128])
					assert_true(cuts[k++] == v);
			}
		}
		assert_int_equal(k, n - 1);
		assert_true(cuts[k] > sorted[999]);
		assert_true(bins.below[f] < sorted[0]);
		assert_int_equal(bins.has_missing[f], 0);
		for (size_t i = 0; i < data.n; i++)
		{
			float		v = data.rows[3 * i + (size_t) f];
			uint32_t	bin = 0;

			while (bin + 1 < n && cuts[bin] <= v)
				bin++;
			assert_int_equal(bins.codes[i * (size_t) bins.stride + (size_t) f], bin);
		}
	}
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

static void
bins_refuse_what_they_cannot_cut(void **state)
{
	float		rows[] = {1, INFINITY, 2, 3};
	gh_bins		bins;
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	assert_int_equal(gh_bins_build(ctx, rows, 2, 2, 256, NULL, 0, &bins), GH_EDATA);
	assert_string_equal(gh_ctx_message(ctx), "feature 2 of row 1 is infinite");
	test_close(ctx);
	ctx = gh_ctx_open(NULL);
	assert_int_equal(gh_bins_build(ctx, rows, 0, 2, 256, NULL, 0, &bins), GH_EDATA);
	test_close(ctx);
	ctx = gh_ctx_open(NULL);
	assert_int_equal(gh_bins_build(ctx, rows, 2, 2, 300, NULL, 0, &bins), GH_EINVAL);
	test_close(ctx);
}

/* Constant, empty and extreme columns train and predict. */
static void
odd_columns(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(400, 6, 0, 0, 10);
	gh_boost_params params = gh_boost_defaults();
	gh_bins		bins;
	gh_booster	booster;
	gh_fit		fit = test_fit(&data, &bins);

	(void) state;
	for (size_t i = 0; i < data.n; i++)
	{
		float	   *row = data.rows + 6 * i;

		row[1] = 4;
		row[2] = NAN;
		row[3] = data.labels[i] ? NAN : 7;	/* only being there says anything */
		row[4] = i % 2 ? FLT_MAX : -FLT_MAX;
		row[5] = i % 5 == 0 ? NAN : data.labels[i] ? FLT_MAX : -0.0f;
	}
	params.n_estimators = 10;
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins));
	test_ok(ctx, gh_boost_train(ctx, &fit, &params, &booster, NULL));
	for (size_t i = 0; i < data.n; i++)
		assert_int_equal(gh_booster_margin(&booster, data.rows + 6 * i) > 0, data.labels[i]);
	gh_booster_free(ctx, &booster);
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

/* ---- training ---------------------------------------------------------- */

static gh_booster
fit_all(gh_ctx *ctx, const test_data *data, const gh_boost_params *params, const float *weights)
{
	gh_bins		bins;
	gh_booster	booster;
	gh_fit		fit = test_fit(data, &bins);

	fit.weights = weights;
	test_ok(ctx, gh_bins_build(ctx, data->rows, data->n, data->d, params->max_bin, NULL, 0, &bins));
	test_ok(ctx, gh_boost_train(ctx, &fit, params, &booster, NULL));
	gh_bins_free(ctx, &bins);
	return booster;
}

/*
 * A thousand copies of a feature change nothing but the size of a histogram:
 * few fit the pool then, and most children are both counted.
 */
static void
trees_do_not_depend_on_the_pool(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	narrow = test_make(1500, 4, 0, 0, 6),
				wide = test_make(1500, 1024, 2, 0, 6);
	gh_boost_params params = gh_boost_defaults();

	(void) state;
	for (size_t i = 0; i < narrow.n; i++)
	{
		wide.labels[i] = narrow.labels[i];
		for (size_t j = 0; j < 1024; j++)
			wide.rows[1024 * i + j] = narrow.rows[4 * i + (j < 4 ? j : 0)];
	}
	params.n_estimators = 2;
	params.max_depth = 7;
	params.min_child_weight = .1;
	for (int policy = 0; policy < 2; policy++)
	{
		gh_booster	a,
					b;

		params.grow_policy = policy == 0 ? GH_GROW_DEPTHWISE : GH_GROW_LOSSGUIDE;
		a = fit_all(ctx, &narrow, &params, NULL);
		b = fit_all(ctx, &wide, &params, NULL);
		assert_true(a.trees[0].n_nodes > 60);
		assert_int_equal(b.n_features, 1024);
		b.n_features = 4;
		test_same_booster(ctx, &a, &b);
		gh_booster_free(ctx, &a);
		gh_booster_free(ctx, &b);
	}
	test_discard(&narrow);
	test_discard(&wide);
	test_close(ctx);
}

static gh_boost_params
sampled_params(void)
{
	gh_boost_params params = gh_boost_defaults();

	params.n_estimators = 8;
	params.subsample = .7;
	params.colsample_bytree = .8;
	params.colsample_bylevel = .7;
	params.colsample_bynode = .6;
	params.seed = 5;
	return params;
}

/* The same fit with 1, 2, 4 and 8 threads, and with the baseline instructions. */
static void
expect_same_bytes(const test_data *data, const gh_boost_params *params)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_booster	first = fit_all(ctx, data, params, NULL);

	for (int i = 1; i < 5; i++)
	{
		gh_ctx	   *other = test_threads(i == 4 ? 1 : 1 << i);
		gh_booster	again;

		gh_isa_limit(i == 4 ? GH_ISA_SCALAR : GH_ISA_AVX512);
		again = fit_all(other, data, params, NULL);
		gh_isa_limit(GH_ISA_AVX512);
		test_same_booster(other, &first, &again);
		gh_booster_free(other, &again);
		test_close(other);
	}
	gh_booster_free(ctx, &first);
	test_close(ctx);
}

/* Enough rows that threads take part in every step. */
static void
same_bytes_for_any_threads_and_instructions(void **state)
{
	test_data	data = test_make(40000, 9, 0, .1, 11),
				coarse = test_make(18000, 5, 250, 0, 12),
				wide = test_make(17000, 70, 3, .1, 13);
	gh_boost_params params = sampled_params();

	(void) state;
	params.n_estimators = 3;
	expect_same_bytes(&data, &params);
	params = gh_boost_defaults();
	params.n_estimators = 3;
	expect_same_bytes(&coarse, &params);
	params.grow_policy = GH_GROW_LOSSGUIDE;
	params.max_leaves = 30;
	params.max_depth = 0;
	expect_same_bytes(&coarse, &params);
	params = gh_boost_defaults();
	params.n_estimators = 2;
	params.max_depth = 4;
	expect_same_bytes(&wide, &params);
	params.colsample_bytree = .5;
	expect_same_bytes(&wide, &params);
	test_discard(&data);
	test_discard(&coarse);
	test_discard(&wide);
}

static void
the_seed_counts(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(3000, 9, 0, .1, 11);
	gh_boost_params params = sampled_params();
	gh_booster	first = fit_all(ctx, &data, &params, NULL);

	(void) state;
	params.seed = 6;
	{
		gh_booster	other = fit_all(ctx, &data, &params, NULL);
		float		x[9] = {0};
		bool		differs = false;

		for (int i = 0; i < 50; i++)
		{
			x[0] = (float) i / 20;
			differs |= gh_booster_margin(&first, x) != gh_booster_margin(&other, x);
		}
		assert_true(differs);
		gh_booster_free(ctx, &other);
	}
	gh_booster_free(ctx, &first);
	test_discard(&data);
	test_close(ctx);
}

/* A weight of three is the row three times, a weight of nothing is no row. */
static void
weights_are_repeated_rows(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(300, 4, 60, .1, 12),
				repeated = test_make(1200, 4, 60, .1, 12);
	float		weights[300];
	gh_boost_params params = gh_boost_defaults();
	gh_booster	a,
				b;

	(void) state;
	params.n_estimators = 6;
	params.max_depth = 4;
	repeated.n = 0;
	for (size_t i = 0; i < data.n; i++)
	{
		weights[i] = (float) (test_uniform(3, i) * 4 < 1 ? 0 : floor(test_uniform(3, i) * 4));
		for (int k = 0; k < weights[i]; k++)
		{
			memcpy(repeated.rows + 4 * repeated.n, data.rows + 4 * i, 4 * sizeof(float));
			repeated.labels[repeated.n++] = data.labels[i];
		}
	}
	a = fit_all(ctx, &data, &params, weights);
	b = fit_all(ctx, &repeated, &params, NULL);
	assert_int_equal(a.n_trees, b.n_trees);
	for (size_t i = 0; i < data.n; i++)
		assert_true(fabs(gh_booster_margin(&a, data.rows + 4 * i) - gh_booster_margin(&b, data.rows + 4 * i)) < 1e-5);
	gh_booster_free(ctx, &a);
	gh_booster_free(ctx, &b);
	test_discard(&data);
	test_discard(&repeated);
	test_close(ctx);
}

static void
monotone_constraints_hold(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(1500, 4, 0, .05, 13);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	free_one,
				bound;
	int			falls = 0;

	(void) state;
	params.n_estimators = 30;
	free_one = fit_all(ctx, &data, &params, NULL);
	params.n_monotone = 4;
	params.monotone[0] = 1;
	params.monotone[1] = -1;	/* against the data */
	bound = fit_all(ctx, &data, &params, NULL);
	for (size_t i = 0; i < 200; i++)
		for (int f = 0; f < 2; f++)
		{
			float		x[4];
			double		last = 0;

			memcpy(x, data.rows + 4 * i, sizeof(x));
			for (int step = 0; step <= 100; step++)
			{
				double		m;

				x[f] = (float) (step * .03 - 1);
				m = gh_booster_margin(&bound, x) * (f == 0 ? 1 : -1);
				assert_true(step == 0 || m >= last - 1e-12);
				last = m;
			}
			for (int step = 1; step <= 100; step++)
			{
				float		y[4];

				memcpy(y, x, sizeof(y));
				x[f] = (float) (step * .03 - 1);
				y[f] = x[f] - .03f;
				falls += (gh_booster_margin(&free_one, x) - gh_booster_margin(&free_one, y)) * (f == 0 ? 1 : -1) < 0;
			}
		}
	assert_true(falls > 100);	/* without constraints it is not monotone, so the test can fail */
	gh_booster_free(ctx, &free_one);
	gh_booster_free(ctx, &bound);
	test_discard(&data);
	test_close(ctx);
}

static void
max_delta_step_bounds_leaves(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(500, 4, 0, 0, 14);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	booster;
	float		largest = 0;

	(void) state;
	params.max_delta_step = .25;
	params.n_estimators = 5;
	booster = fit_all(ctx, &data, &params, NULL);
	for (uint32_t t = 0; t < booster.n_trees; t++)
		for (uint32_t i = 0; i < booster.trees[t].n_nodes; i++)
			if (booster.trees[t].left[i] == 0)
				largest = fmaxf(largest, fabsf(booster.trees[t].value[i]));
	assert_true(largest == .25f * .3f);
	gh_booster_free(ctx, &booster);
	test_discard(&data);
	test_close(ctx);
}

static int
tree_depth(const gh_tree *tree, uint32_t node)
{
	int			l,
				r;

	if (tree->left[node] == 0)
		return 0;
	l = tree_depth(tree, tree->left[node]);
	r = tree_depth(tree, tree->left[node] + 1);
	return 1 + (l > r ? l : r);
}

static void
growth_keeps_its_limits(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(2000, 5, 0, 0, 15);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	booster;

	(void) state;
	params.n_estimators = 2;
	params.min_child_weight = 0;
	params.max_leaves = 11;
	booster = fit_all(ctx, &data, &params, NULL);
	assert_int_equal(booster.trees[0].n_nodes, 21);
	gh_booster_free(ctx, &booster);

	params.max_leaves = 1;
	booster = fit_all(ctx, &data, &params, NULL);
	assert_int_equal(booster.trees[0].n_nodes, 1);
	gh_booster_free(ctx, &booster);

	params.max_leaves = 25;
	params.grow_policy = GH_GROW_LOSSGUIDE;
	params.max_depth = 0;
	booster = fit_all(ctx, &data, &params, NULL);
	for (uint32_t t = 0; t < 2; t++)
	{
		const gh_tree *tree = &booster.trees[t];
		float		least = INFINITY;

		assert_int_equal(tree->n_nodes, 49);
		/* nodes open in the order of gain: one opened later has less, unless it is a descendant */
		for (uint32_t left = 1; left < tree->n_nodes; left += 2)
			for (uint32_t i = 0; i < tree->n_nodes; i++)
				if (tree->left[i] == left)
				{
					float		gain = tree->gain[i];
					bool		was_open = left == 1 || i < left - 2;

					if (was_open)
						assert_true(gain <= least);
					least = gain;
				}
	}
	gh_booster_free(ctx, &booster);

	params.max_leaves = 0;
	booster = fit_all(ctx, &data, &params, NULL);
	assert_true(tree_depth(&booster.trees[0], 0) < GH_MAX_TREE_DEPTH);
	assert_true(booster.trees[0].n_nodes > 200);
	gh_booster_free(ctx, &booster);

	params.max_depth = 3;
	booster = fit_all(ctx, &data, &params, NULL);
	assert_int_equal(tree_depth(&booster.trees[0], 0), 3);
	gh_booster_free(ctx, &booster);
	test_discard(&data);
	test_close(ctx);
}

static uint32_t
features_used(const gh_tree *tree, bool *used)
{
	uint32_t	n = 0;

	memset(used, 0, 40);
	for (uint32_t i = 0; i < tree->n_nodes; i++)
		if (tree->left[i] != 0 && !used[tree->feature[i]])
		{
			used[tree->feature[i]] = true;
			n++;
		}
	return n;
}

static void
samples_have_their_sizes(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(4000, 40, 0, 0, 16);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	booster;
	bool		used[40],
				ever[40] = {false};
	double		cover = 0;

	(void) state;
	for (size_t i = 0; i < data.n; i++)
		data.labels[i] = test_uniform(5, i) < .5;
	params.n_estimators = 150;
	params.max_depth = 6;
	params.colsample_bytree = .1;
	params.min_child_weight = 0;
	params.subsample = .4;
	booster = fit_all(ctx, &data, &params, NULL);
	for (uint32_t t = 0; t < 150; t++)
	{
		assert_int_equal(features_used(&booster.trees[t], used), 4);
		for (int f = 0; f < 40; f++)
			ever[f] |= used[f];
	}
	for (int f = 0; f < 40; f++)
		assert_true(ever[f]);
	cover = booster.trees[0].cover[0] / (4000 * booster.base_score * (1 - booster.base_score));
	assert_true(fabs(cover - .4) < .04 && cover != .4);
	assert_true(booster.trees[1].cover[0] != booster.trees[0].cover[0]);
	gh_booster_free(ctx, &booster);

	params.n_estimators = 40;
	params.colsample_bytree = 1;
	params.colsample_bylevel = .05;	/* two features a level */
	booster = fit_all(ctx, &data, &params, NULL);
	for (uint32_t t = 0; t < 40; t++)
	{
		const gh_tree *tree = &booster.trees[t];
		int			first = -1,
					second = -1;

		for (uint32_t child = 1; child <= 2; child++)
			for (uint32_t i = tree->left[child]; tree->left[child] != 0 && i < tree->left[child] + 2; i++)
				if (tree->left[i] != 0)
				{
					int			f = tree->feature[i];

					if (first < 0 || first == f)
						first = f;
					else if (second < 0 || second == f)
						second = f;
					else
						fail_msg("a third feature on level 2 of tree %u", t);
				}
	}
	gh_booster_free(ctx, &booster);

	params.colsample_bylevel = 1;
	params.colsample_bynode = .01;	/* at least one */
	booster = fit_all(ctx, &data, &params, NULL);
	assert_true(features_used(&booster.trees[0], used) > 10);
	gh_booster_free(ctx, &booster);
	test_discard(&data);
	test_close(ctx);
}

/* The sample of every tree by the rule, and its sum of hessians by the trees before. */
static void
samples_are_the_drawn_rows(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(700, 4, 0, .1, 26);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	booster;

	(void) state;
	params.n_estimators = 12;
	params.subsample = .45;
	params.seed = 77;
	booster = fit_all(ctx, &data, &params, NULL);
	for (uint32_t t = 0; t < 12; t++)
	{
		gh_booster	before = booster;
		uint64_t	seed = gh_random_seed(77, t, 0);
		double		cover = 0;

		before.n_trees = t;
		for (uint64_t i = 0; i < data.n; i++)
			if (gh_random_block(seed, GH_STREAM_BOOST_ROWS, i / 4).v[i % 4] < .45 * 4294967296.0)
			{
				double		p = gh_booster_probability(&before, data.rows + 4 * i);

				cover += p * (1 - p);
			}
		assert_true(fabs(booster.trees[t].cover[0] - cover) < 1e-4 * cover);
	}
	gh_booster_free(ctx, &booster);
	test_discard(&data);
	test_close(ctx);
}

/* The curve by literal log-losses of prefixes of the long run. */
static void
early_stopping_stops_at_the_best(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(900, 5, 0, .1, 18);
	gh_boost_params params = gh_boost_defaults();
	gh_bins		bins;
	gh_booster	full,
				stopped;
	gh_fit		fit = test_fit(&data, &bins);
	double		margins[300],
				curve[60];
	int			last = -1,
				different = 0;

	(void) state;
	params.eta = .25;
	params.max_depth = 4;
	params.lambda = 1;
	fit.n_rows = 600;
	fit.valid_rows = data.all + 600;
	fit.n_valid = 300;
	params.n_estimators = 60;
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, data.all, 600, &bins));
	test_ok(ctx, gh_boost_train(ctx, &fit, &params, &full, margins));
	assert_int_equal(full.n_trees, 60);
	for (int i = 0; i < 300; i++)
		assert_true(margins[i] == gh_booster_margin(&full, data.rows + 5 * (600 + i)));
	for (int t = 0; t < 60; t++)
	{
		gh_booster	prefix = full;

		prefix.n_trees = (uint32_t) t + 1;
		curve[t] = 0;
		for (int i = 600; i < 900; i++)
		{
			double		p = gh_booster_probability(&prefix, data.rows + 5 * i);

			curve[t] -= log(data.labels[i] ? p : 1 - p) / 300;
		}
	}
	for (int patience = 1; patience <= 12; patience++)
	{
		int			best = 0;

		for (int t = 1; t < 60 && t - best <= patience; t++)
			if (curve[t] < curve[best])
				best = t;
		assert_true(best < 50);
		params.early_stopping_rounds = patience;
		test_ok(ctx, gh_boost_train(ctx, &fit, &params, &stopped, margins));
		assert_int_equal(stopped.n_trees, best + 1);
		for (int i = 0; i < 300; i++)
			assert_true(margins[i] == gh_booster_margin(&stopped, data.rows + 5 * (600 + i)));
		full.n_trees = stopped.n_trees;
		test_same_booster(ctx, &full, &stopped);
		gh_booster_free(ctx, &stopped);
		different += best != last;
		last = best;
	}
	assert_true(different > 1);	/* the curve has dips, so patience matters */
	full.n_trees = 60;
	gh_booster_free(ctx, &full);
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);

	/* nothing to stop by */
	ctx = gh_ctx_open(NULL);
	data = test_make(50, 3, 0, 0, 1);
	fit = test_fit(&data, &bins);
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins));
	assert_int_equal(gh_boost_train(ctx, &fit, &params, &full, NULL), GH_EINVAL);
	assert_string_equal(gh_ctx_message(ctx), "early_stopping_rounds needs validation rows");
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

static void
one_class_gives_a_constant(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(40, 3, 0, 0, 19);
	gh_boost_params params = gh_boost_defaults();
	gh_bins		bins;
	gh_fit		fit = test_fit(&data, &bins);
	float		weights[40];

	(void) state;
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins));
	for (int class = 0; class < 2; class++)
	{
		gh_booster	booster;
		double		margins[3];

		memset(data.labels, class, data.n);
		fit.valid_rows = data.all;
		fit.n_valid = 3;
		params.early_stopping_rounds = 5 * class;
		test_ok(ctx, gh_boost_train(ctx, &fit, &params, &booster, margins));
		assert_int_equal(booster.n_trees, 0);
		assert_true(booster.base_score == (class ? 1 - 1e-6 : 1e-6));
		assert_true(margins[2] == gh_logit(booster.base_score));
		gh_booster_free(ctx, &booster);
	}
	memset(weights, 0, sizeof(weights));
	fit.weights = weights;
	{
		gh_booster	booster;

		assert_int_equal(gh_boost_train(ctx, &fit, &params, &booster, NULL), GH_EDATA);
		assert_string_equal(gh_ctx_message(ctx), "the weights of all rows are zero");
	}
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

static void
bad_weights_are_named(void **state)
{
	static const float bad[] = {-1, NAN, INFINITY};

	(void) state;
	for (int k = 0; k < 3; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		test_data	data = test_make(40, 3, 0, 0, 19);
		gh_boost_params params = gh_boost_defaults();
		gh_bins		bins;
		gh_booster	booster;
		gh_fit		fit = test_fit(&data, &bins);
		float		weights[40];

		for (int i = 0; i < 40; i++)
			weights[i] = 1;
		weights[4] = bad[k];
		fit.weights = weights;
		test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins));
		assert_int_equal(gh_boost_train(ctx, &fit, &params, &booster, NULL), GH_EDATA);
		assert_string_equal(gh_ctx_message(ctx), "weight of row 5 is out of range");
		gh_bins_free(ctx, &bins);
		test_discard(&data);
		test_close(ctx);
	}
}

/* Huge and tiny weights keep their proportions in fixed point. */
static void
weights_scale_away(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(400, 4, 0, 0, 23);
	gh_boost_params params = gh_boost_defaults();
	gh_booster	plain,
				scaled;
	float		weights[400];

	(void) state;
	params.n_estimators = 5;
	params.lambda = 0;
	params.min_child_weight = 0;
	plain = fit_all(ctx, &data, &params, NULL);
	for (int e = -60; e <= 60; e += 40)
	{
		for (int i = 0; i < 400; i++)
			weights[i] = ldexpf(1, e);
		scaled = fit_all(ctx, &data, &params, weights);
		if (e == -60)			/* no gain is above the least that counts */
			assert_int_equal(scaled.trees[0].n_nodes, 1);
		for (size_t i = 0; e >= 0 && i < 400; i++)
			assert_true(fabs(gh_booster_margin(&plain, data.rows + 4 * i) -
							 gh_booster_margin(&scaled, data.rows + 4 * i)) < 1e-5);
		gh_booster_free(ctx, &scaled);
	}
	gh_booster_free(ctx, &plain);
	test_discard(&data);
	test_close(ctx);
}

/* A subset of the rows, in pieces, trains as if it were all there is. */
static void
subsets_are_taken_out(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(900, 5, 40, .1, 20),
				part = test_make(900, 5, 40, .1, 20);
	gh_boost_params params = sampled_params();
	gh_bins		bins;
	gh_booster	a,
				b;
	gh_fit		fit = test_fit(&data, &bins);
	uint32_t	rows[900];

	(void) state;
	part.n = 0;
	for (uint32_t i = 0; i < 900; i++)
		if (i % 3 != 1)
		{
			memcpy(part.rows + 5 * part.n, data.rows + 5 * i, 5 * sizeof(float));
			part.labels[part.n] = data.labels[i];
			rows[part.n++] = i;
		}
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, rows, part.n, &bins));
	fit.rows = rows;
	fit.n_rows = part.n;
	test_ok(ctx, gh_boost_train(ctx, &fit, &params, &a, NULL));
	b = fit_all(ctx, &part, &params, NULL);
	test_same_booster(ctx, &a, &b);
	gh_booster_free(ctx, &a);
	gh_booster_free(ctx, &b);
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_discard(&part);
	test_close(ctx);
}

static int	polls_left;

static bool
stop_after_polls(void *arg)
{
	(void) arg;
	return polls_left-- <= 0;
}

/* Stop at the first, second, ... poll, and run out of memory at every allocation: nothing leaks. */
static void
cancel_and_no_memory_leave_nothing(void **state)
{
	test_data	data = test_make(300, 4, 0, .1, 21);
	gh_boost_params params = sampled_params();
	int			canceled = 0,
				failed = 0;

	(void) state;
	params.n_estimators = 3;
	for (int run = 0; run < 400; run++)
	{
		gh_host		host = {.should_stop = stop_after_polls,.threads = 1,.memory_limit = SIZE_MAX};
		gh_ctx	   *ctx = gh_ctx_open(&host);
		gh_bins		bins = {0};
		gh_booster	booster = {0};
		gh_fit		fit = test_fit(&data, &bins);
		gh_status	status;

		polls_left = run < 200 ? run : 1 << 30;
		if (run >= 200)
			gh_ctx_fail_allocation(ctx, (uint64_t) (run - 199), run % 2);
		status = gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins);
		if (status == GH_OK)
			status = gh_boost_train(ctx, &fit, &params, &booster, NULL);
		if (run < 200)
			assert_true(status == GH_OK || status == GH_ECANCELED);
		else
			assert_true(status == GH_OK || status == GH_ENOMEM);
		canceled += status == GH_ECANCELED;
		failed += status == GH_ENOMEM;
		gh_booster_free(ctx, &booster);
		gh_bins_free(ctx, &bins);
		test_close(ctx);
	}
	assert_true(canceled > 10 && failed > 30);
	test_discard(&data);
}

static void
memory_is_checked_first(void **state)
{
	gh_host		host = {.threads = 1,.memory_limit = 100000,.memory_setting = "work_mem"};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	test_data	data = test_make(200, 4, 0, 0, 22);
	gh_boost_params params = gh_boost_defaults();
	gh_bins		bins;
	gh_booster	booster;
	gh_fit		fit = test_fit(&data, &bins);

	(void) state;
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins));
	assert_int_equal(gh_boost_train(ctx, &fit, &params, &booster, NULL), GH_ELIMIT);
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

/* What is used stays below what was announced, bins and fit each in a context of its own. */
static void
memory_estimate_holds(void **state)
{
	test_data	data = test_make(6000, 14, 0, .1, 24);
	uint32_t   *odd = malloc(3000 * sizeof(uint32_t));
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_bins		bins;
	gh_fit		fit = test_fit(&data, &bins);

	(void) state;
	for (uint32_t i = 0; i < 3000; i++)
		odd[i] = 2 * i + 1;
	fit.rows = odd;
	fit.n_rows = 3000;
	fit.valid_rows = data.all;
	fit.n_valid = 3000;
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins));
	assert_true(gh_memory_peak(ctx) <= gh_bins_memory(data.n, data.n, data.d, 1));
	for (int depth = 2; depth <= 14; depth += 4)
	{
		gh_ctx	   *own = gh_ctx_open(NULL);
		gh_boost_params params = gh_boost_defaults();
		gh_booster	booster;

		params.n_estimators = 2;
		params.max_depth = depth;
		params.min_child_weight = 0;
		test_ok(own, gh_boost_train(own, &fit, &params, &booster, NULL));
		if (gh_memory_peak(own) - gh_memory_used(own) > gh_boost_memory(3000, 3000, data.d, &params))
			fail_msg("depth %d: %zu bytes used, %zu announced", depth, gh_memory_peak(own) - gh_memory_used(own),
					 gh_boost_memory(3000, 3000, data.d, &params));
		assert_true(gh_memory_peak(own) > gh_boost_memory(3000, 3000, data.d, &params) / 3);
		gh_booster_free(own, &booster);
		test_close(own);
	}
	gh_bins_free(ctx, &bins);
	free(odd);
	test_discard(&data);
	test_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_are_those_of_exact_search),
		cmocka_unit_test(a_full_feature_may_have_missing_values),
		cmocka_unit_test(trees_do_not_depend_on_the_pool),
		cmocka_unit_test(cuts_are_exact_quantiles),
		cmocka_unit_test(bins_refuse_what_they_cannot_cut),
		cmocka_unit_test(odd_columns),
		cmocka_unit_test(same_bytes_for_any_threads_and_instructions),
		cmocka_unit_test(the_seed_counts),
		cmocka_unit_test(weights_are_repeated_rows),
		cmocka_unit_test(monotone_constraints_hold),
		cmocka_unit_test(max_delta_step_bounds_leaves),
		cmocka_unit_test(growth_keeps_its_limits),
		cmocka_unit_test(samples_have_their_sizes),
		cmocka_unit_test(samples_are_the_drawn_rows),
		cmocka_unit_test(early_stopping_stops_at_the_best),
		cmocka_unit_test(one_class_gives_a_constant),
		cmocka_unit_test(bad_weights_are_named),
		cmocka_unit_test(weights_scale_away),
		cmocka_unit_test(subsets_are_taken_out),
		cmocka_unit_test(cancel_and_no_memory_leave_nothing),
		cmocka_unit_test(memory_is_checked_first),
		cmocka_unit_test(memory_estimate_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
