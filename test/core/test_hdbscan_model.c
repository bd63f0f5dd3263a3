/*
 * test_hdbscan_model.c
 *		A clustering that is kept: its tree, its clusters, and predictions by their
 *		definition.
 */
#include "hdbscan_model_testing.h"

/* ---- the tree and the clusters -------------------------------------------- */

/* Stability by its definition: over the rows of the tree that leave the cluster. */
static double
literal_stability(const gh_hdbscan_model *model, size_t node)
{
	double		birth = 0,
				sum = 0;

	for (size_t i = 0; i < gh_hdbscan_tree_rows(model); i++)
	{
		gh_tree_row row = gh_hdbscan_tree_row(model, i);

		if (row.child == node)
			birth = row.lambda;
	}
	for (size_t i = 0; i < gh_hdbscan_tree_rows(model); i++)
	{
		gh_tree_row row = gh_hdbscan_tree_row(model, i);

		if (row.parent == node)
			sum += (row.lambda - birth) * (double) row.size;
	}
	return sum;
}

/* The selected node that a point is under, or SIZE_MAX. */
static size_t
selected_above(const gh_hdbscan_model *model, const gh_cluster *clusters, int n_clusters, size_t point)
{
	size_t		node = gh_hdbscan_tree_row(model, model->tree->n_clusters - 1 + point).parent;

	for (;;)
	{
		for (int c = 0; c < n_clusters; c++)
			if (clusters[c].node == node)
				return (size_t) c;
		if (node == model->n)
			return SIZE_MAX;
		node = gh_hdbscan_tree_row(model, node - model->n - 1).parent;
	}
}

static void
check_tree(const double *x, size_t n, int d, const gh_hdbscan_params *params)
{
	gh_ctx	   *ctx = open_threads(2);
	gh_hdbscan_model model = fit(ctx, x, n, d, params);
	int32_t    *labels = malloc(n * sizeof(int32_t));
	size_t	   *below = calloc(2 * n + 2, sizeof(size_t));
	gh_cluster *clusters;
	int			n_clusters,
				n_labels;
	double		highest = 0;

	assert_int_equal(gh_hdbscan(ctx, x, n, d, params, labels, NULL, NULL, &n_labels), GH_OK);
	assert_int_equal(gh_hdbscan_clusters(ctx, &model, &clusters, &n_clusters), GH_OK);
	assert_int_equal(n_clusters, n_labels);
	assert_int_equal(gh_hdbscan_count(&model), n_labels);
	for (size_t i = 0; i < gh_hdbscan_tree_rows(&model); i++)
	{
		gh_tree_row row = gh_hdbscan_tree_row(&model, i);

		assert_true(row.parent >= n && (row.child < n || row.child > row.parent));
		assert_true(row.child >= n || row.size == 1);
		below[row.parent] += row.size;
		highest = row.lambda > highest ? row.lambda : highest;
	}
	assert_int_equal(below[n], n);
	for (size_t i = 0; i + n < gh_hdbscan_tree_rows(&model); i++)
	{
		gh_tree_row row = gh_hdbscan_tree_row(&model, i);

		assert_int_equal(below[row.child], row.size);
		assert_true(row.size >= (size_t) params->min_cluster_size);
	}
	for (int c = 0; c < n_clusters; c++)
	{
		size_t		members = 0;
		double		stability = literal_stability(&model, clusters[c].node);

		for (size_t i = 0; i < n; i++)
		{
			members += labels[i] == c;
			if (labels[i] == c)
				assert_int_equal(selected_above(&model, clusters, n_clusters, i), c);
		}
		assert_int_equal(clusters[c].size, members);
		if (isinf(highest) || highest == 0)
			assert_true(clusters[c].persistence == 1);
		else
		{
			assert_true(fabs(clusters[c].stability - stability) <= 1e-9 * stability);
			assert_true(clusters[c].death >= clusters[c].birth);
			/* one that epsilon chose may have been beaten by its children, whose sum it then carries */
			if (params->epsilon == 0)
				assert_true(fabs(clusters[c].persistence - stability / ((double) members * highest)) < 1e-9);
		}
	}
	for (size_t i = 0; i < n; i++)
	{
		char		id[32];

		snprintf(id, sizeof(id), "n\xc3\xba%zu", i * 7);
		assert_string_equal(model.ids + model.id_begin[i], id);
	}
	gh_free(ctx, clusters);
	gh_hdbscan_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(labels);
	free(below);
}

static gh_hdbscan_params
setting(int i)
{
	gh_hdbscan_params params = gh_hdbscan_defaults();

	params.min_cluster_size = i == 3 ? 12 : 5 + i;
	params.min_samples = i == 1 ? 1 : i == 2 ? 17 : 3;
	params.selection = i == 1 ? GH_SELECT_LEAF : GH_SELECT_EOM;
	params.epsilon = i == 3 ? 0.2 : 0;
	params.allow_single_cluster = i == 4;
	params.max_cluster_size = i == 5 ? 60 : 0;
	/* below 1 distances outweigh core distances */
	params.alpha = i == 6 ? 1.3 : i == 7 ? 0.4 : 1;
	return params;
}

#define N_SETTINGS 8

static void
tree_and_clusters(void **state)
{
	(void) state;
	for (int kind = 0; kind < N_KINDS; kind++)
	{
		double	   *x = make_points((point_kind) kind, 300, 2, 4);

		for (int i = 0; i < N_SETTINGS; i++)
		{
			gh_hdbscan_params params = setting(i);

			check_tree(x, 300, 2, &params);
		}
		free(x);
	}
}

/* ---- predictions ------------------------------------------------------------ */

typedef struct seen
{
	double		distance;
	size_t		point;
} seen;

static int
compare_seen(const void *a, const void *b)
{
	const seen *x = a,
			   *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return x->point < y->point ? -1 : 1;
}

/* What approximate_predict makes of joining `neighbour` at lambda. */
static void
literal_join(const gh_hdbscan_model *model, const gh_cluster *clusters, int n_clusters, size_t neighbour, double lambda,
			 double threshold, int *label, double *probability)
{
	size_t		splits = gh_hdbscan_tree_rows(model) - model->n;
	gh_tree_row row = gh_hdbscan_tree_row(model, splits + neighbour);
	size_t		node = row.parent;

	if (row.lambda > lambda)
	{
		while (node != model->n && gh_hdbscan_tree_row(model, node - model->n - 1).lambda >= lambda)
			node = gh_hdbscan_tree_row(model, node - model->n - 1).parent;
	}
	*label = GH_NOISE;
	*probability = 0;
	for (;;)
	{
		for (int c = 0; c < n_clusters; c++)
			if (clusters[c].node == node)
				*label = c;
		if (*label != GH_NOISE || node == model->n)
			break;
		node = gh_hdbscan_tree_row(model, node - model->n - 1).parent;
	}
	if (*label == GH_NOISE)
		return;
	if (node == model->n && !(fmin(lambda, row.lambda) >= threshold))
	{
		*label = GH_NOISE;
		return;
	}
	*probability = clusters[*label].death == 0 || isinf(lambda) ? 1 :
		fmin(lambda, clusters[*label].death) / clusters[*label].death;
}

/* The highest lambda at which something leaves the root. */
static double
root_death(const gh_hdbscan_model *model)
{
	double		death = 0;

	for (size_t i = 0; i < gh_hdbscan_tree_rows(model); i++)
	{
		gh_tree_row row = gh_hdbscan_tree_row(model, i);

		if (row.parent == model->n && row.lambda > death)
			death = row.lambda;
	}
	return death;
}

/*
 * One prediction from the distances to all points.  Equal distances leave open
 * which neighbours are seen and which of them is joined: then every choice that
 * there is must lead to the same, or nothing is checked.  Returns whether it was.
 */
static bool
check_prediction(gh_ctx *ctx, gh_hdbscan_model *model, const gh_cluster *clusters, int n_clusters, const double *x,
				 const double *q)
{
	size_t		n = model->n;
	int			d = model->d,
				m = model->params.min_samples,
				label,
				expected = GH_NOISE - 1;
	size_t		k = (size_t) (2 * m) < n ? (size_t) (2 * m) : n;
	seen	   *all = malloc(n * sizeof(seen));
	double		core,
				best = INFINITY,
				probability,
				expected_probability = 0;
	double		threshold = model->params.epsilon > 0 ? 1 / model->params.epsilon : root_death(model);
	bool		clear = true;

	for (size_t i = 0; i < n; i++)
	{
		double		sum = 0;

		for (int j = 0; j < d; j++)
			sum += (x[i * d + j] - q[j]) * (x[i * d + j] - q[j]);
		all[i] = (seen) {sqrt(sum), i};
	}
	qsort(all, n, sizeof(seen), compare_seen);
	core = all[(size_t) m < k ? (size_t) m : k - 1].distance;
	clear = k == n || all[k].distance > all[k - 1].distance;
	for (int pass = 0; pass < 2; pass++)
	{
		for (size_t r = 0; r < k; r++)
		{
			double		mutual = fmax(fmax(core, model->near_core[all[r].point]), all[r].distance / model->params.alpha);
			int			choice;
			double		choice_probability;

			if (pass == 0)
				best = fmin(best, mutual);
			if (pass == 0 || mutual != best)
				continue;
			/* of equal ones the first: only equal distances leave a choice */
			if (expected >= GH_NOISE && all[r].distance > all[r - 1].distance)
				break;
			literal_join(model, clusters, n_clusters, all[r].point, best > 0 ? 1 / best : INFINITY, threshold, &choice,
						 &choice_probability);
			if (expected >= GH_NOISE && (choice != expected || choice_probability != expected_probability))
				clear = false;
			expected = choice;
			expected_probability = choice_probability;
			if (r + 1 < k && all[r + 1].distance > all[r].distance)
				break;
		}
	}
	free(all);
	assert_int_equal(gh_hdbscan_predict(ctx, model, q, &label, &probability), GH_OK);
	if (clear)
	{
		assert_int_equal(label, expected);
		assert_true(probability == expected_probability);
	}
	return clear;
}

static void
check_predictions(point_kind kind, size_t n, int d, const gh_hdbscan_params *params)
{
	gh_ctx	   *ctx = open_threads(1);
	double	   *x = make_points(kind, n, d, 21),
			   *q = make_points(kind, 80, d, 22);
	gh_hdbscan_model model = fit(ctx, x, n, d, params);
	gh_cluster *clusters;
	int			n_clusters,
				checked = 0;

	assert_int_equal(gh_hdbscan_clusters(ctx, &model, &clusters, &n_clusters), GH_OK);
	assert_int_equal(gh_hdbscan_model_prepare(ctx, &model), GH_OK);
	for (size_t i = 0; i < 80; i++)
		checked += check_prediction(ctx, &model, clusters, n_clusters, x, q + i * d);
	/* and the training's own points */
	for (size_t i = 0; i < n; i += 7)
		checked += check_prediction(ctx, &model, clusters, n_clusters, x, x + i * d);
	if (kind == UNIFORM || kind == BLOBS)
		assert_true(checked >= 80);
	gh_free(ctx, clusters);
	gh_hdbscan_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(x);
	free(q);
}

static void
predictions_by_definition(void **state)
{
	(void) state;
	for (int kind = 0; kind < N_KINDS; kind++)
	{
		for (int i = 0; i < N_SETTINGS; i++)
		{
			gh_hdbscan_params params = setting(i);

			check_predictions((point_kind) kind, 400, 2, &params);
			check_predictions((point_kind) kind, 90, 1 + 4 * i, &params);
		}
	}
}

/*
 * The nearest points of the new one are far from each other, and a farther one in
 * the dense is nearer by mutual reachability: it lies beyond the min_samples + 1
 * nearest, where a first look ends.
 */
static void
joins_beyond_the_nearest(void **state)
{
	enum
	{
		dense = 30,
		n = 2 * dense + 4
	};
	double		x[4 * n] = {0},
				q[4] = {0};
	gh_ctx	   *ctx = open_threads(1);
	gh_hdbscan_params params = gh_hdbscan_defaults();
	gh_hdbscan_model model;
	gh_cluster *clusters;
	int			n_clusters;
	int32_t		label;
	double		probability;

	(void) state;
	for (int i = 0; i < 2 * dense; i++)
		for (int j = 0; j < 4; j++)
			x[4 * i + j] = (i < dense ? -1.25 : 30) + 0.01 * gh_random_double(31, GH_STREAM_TEST, (uint64_t) (4 * i + j));
	for (int i = 0; i < 4; i++)
		x[4 * (2 * dense + i) + i] = 2 + 0.001 * i;
	params.min_samples = 3;
	model = fit(ctx, x, n, 4, &params);
	assert_int_equal(gh_hdbscan_clusters(ctx, &model, &clusters, &n_clusters), GH_OK);
	assert_int_equal(n_clusters, 2);
	assert_int_equal(gh_hdbscan_model_prepare(ctx, &model), GH_OK);
	assert_true(check_prediction(ctx, &model, clusters, n_clusters, x, q));
	assert_int_equal(gh_hdbscan_predict(ctx, &model, q, &label, &probability), GH_OK);
	/* about 1 / 2.5, not 1 / 2.83 */
	assert_close(probability * clusters[label].death, 0.4, 0.01);
	gh_free(ctx, clusters);
	gh_hdbscan_model_free(ctx, &model);
	gh_ctx_close(ctx);
}

/* Far from everything is noise; on a point of the training that has a cluster, that cluster. */
static void
near_and_far(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	gh_hdbscan_params params = gh_hdbscan_defaults();
	double	   *x = make_points(BLOBS, 1500, 2, 9),
				far[2] = {1e6, -1e6},
				bad[2] = {0, NAN};
	int32_t    *labels = malloc(1500 * sizeof(int32_t)),
				label;
	int			n_clusters,
				members = 0;
	double		probability;
	gh_hdbscan_model model;

	(void) state;
	params.min_cluster_size = 40;
	params.min_samples = 8;
	model = fit(ctx, x, 1500, 2, &params);
	assert_int_equal(gh_hdbscan(ctx, x, 1500, 2, &params, labels, NULL, NULL, &n_clusters), GH_OK);
	assert_true(n_clusters >= 3);
	assert_int_equal(gh_hdbscan_model_prepare(ctx, &model), GH_OK);
	assert_int_equal(gh_hdbscan_predict(ctx, &model, far, &label, &probability), GH_OK);
	assert_int_equal(label, GH_NOISE);
	assert_true(probability == 0);
	for (size_t i = 0; i < 1500; i++)
	{
		assert_int_equal(gh_hdbscan_predict(ctx, &model, x + 2 * i, &label, &probability), GH_OK);
		assert_true(probability >= 0 && probability <= 1);
		if (labels[i] == GH_NOISE)
			continue;
		members++;
		assert_int_equal(label, labels[i]);
	}
	assert_true(members > 700);
	assert_int_equal(gh_hdbscan_predict(ctx, &model, bad, &label, &probability), GH_EDATA);
	gh_hdbscan_model_free(ctx, &model);
	gh_ctx_close(ctx);
	free(x);
	free(labels);
}

static void
few_points(void **state)
{
	double		x[6] = {0, 0, 3, 4, 3, 4};
	gh_hdbscan_params params = gh_hdbscan_defaults();

	(void) state;
	params.min_cluster_size = 2;
	for (size_t n = 1; n <= 3; n++)
	{
		gh_ctx	   *ctx = open_threads(1);
		gh_hdbscan_model model = fit(ctx, x, n, 2, &params);
		int32_t		label;
		double		probability;

		assert_int_equal(gh_hdbscan_tree_rows(&model), n);
		assert_int_equal(gh_hdbscan_model_prepare(ctx, &model), GH_OK);
		for (size_t i = 0; i < n; i++)
		{
			assert_int_equal(gh_hdbscan_predict(ctx, &model, x + 2 * i, &label, &probability), GH_OK);
			assert_int_equal(label, GH_NOISE);
		}
		gh_hdbscan_model_free(ctx, &model);
		gh_ctx_close(ctx);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_and_clusters),
		cmocka_unit_test(predictions_by_definition),
		cmocka_unit_test(joins_beyond_the_nearest),
		cmocka_unit_test(near_and_far),
		cmocka_unit_test(few_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
