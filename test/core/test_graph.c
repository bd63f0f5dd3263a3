/*
 * test_graph.c
 *		The fuzzy graph of the neighbours against literal memberships, and its pruning.
 */
#include "project_testing.h"

#include "project/gh_graph.h"
#include "project/gh_neighbours.h"

/* Literal memberships: all distances, the row sorted, sigma by a fine bisection of its own. */
static void
oracle_memberships(const double *x, size_t n, int d, int k, double *p)
{
	double	   *sorted = malloc(sizeof(double) * n * n),
			   *all = malloc(sizeof(double) * n * n);
	double		mean_all = 0;

	memset(p, 0, sizeof(double) * n * n);
	for (size_t i = 0; i < n; i++)
	{
		for (size_t j = 0; j < n; j++)
		{
			double		sum = 0;

			for (int c = 0; c < d; c++)
				sum += (x[i * d + c] - x[j * d + c]) * (x[i * d + c] - x[j * d + c]);
			all[i * n + j] = sqrt(sum);
		}
	}
	for (size_t i = 0; i < n; i++)
	{
		size_t		m = 0;

		for (size_t j = 0; j < n; j++)
		{
			size_t		at = m;

			if (j == i)
				continue;
			for (; at > 0 && sorted[i * n + at - 1] > all[i * n + j]; at--)
				sorted[i * n + at] = sorted[i * n + at - 1];
			sorted[i * n + at] = all[i * n + j];
			m++;
		}
		for (int r = 0; r < k; r++)
			mean_all += sorted[i * n + r] / ((double) n * (k + 1));
	}
	for (size_t i = 0; i < n; i++)
	{
		const double *row = sorted + i * n;
		double		rho = 0,
					mean = 0,
					low = 1e-12,
					high = 1e6,
					floor_at;
		int			taken = 0;

		for (int r = k - 1; r >= 0; r--)
			rho = row[r] > 0 ? row[r] : rho;
		for (int r = 0; r < k; r++)
			mean += row[r] / (k + 1);
		for (int step = 0; step < 200; step++)
		{
			double		sigma = sqrt(low * high),
						sum = 0;

			for (int r = 0; r < k; r++)
				sum += row[r] - rho > 0 ? exp(-(row[r] - rho) / sigma) : 1;
			if (sum > log2(k + 1))
				high = sigma;
			else
				low = sigma;
		}
		floor_at = 1e-3 * (rho > 0 ? mean : mean_all);
		low = low > floor_at ? low : floor_at;
		/* the k nearest by (distance, index) */
		for (int r = 0; r < k; r++)
		{
			for (size_t j = 0; j < n && taken < k; j++)
			{
				if (j == i || all[i * n + j] != row[r] || p[i * n + j] > 0)
					continue;
				p[i * n + j] = row[r] <= rho ? 1 : exp(-(row[r] - rho) / low);
				taken++;
			}
		}
	}
	free(sorted);
	free(all);
}

static void
check_graph(const double *x, size_t n, int d, int k, double tolerance)
{
	gh_ctx	   *ctx = open_threads(2);
	gh_kdtree	tree;
	uint32_t   *indices = malloc(sizeof(uint32_t) * n * k);
	double	   *distances = malloc(sizeof(double) * n * k),
			   *p = malloc(sizeof(double) * n * n),
			   *dense = calloc(n * n, sizeof(double));
	gh_graph	g;

	assert_int_equal(gh_kdtree_build(ctx, x, n, d, &tree), GH_OK);
	assert_int_equal(gh_neighbours(ctx, &tree, k, indices, distances), GH_OK);
	assert_int_equal(gh_graph_build(ctx, &tree, k, indices, distances, &g), GH_OK);
	for (size_t v = 0; v < n; v++)
	{
		for (size_t e = g.offsets[v]; e < g.offsets[v + 1]; e++)
		{
			assert_true(e == g.offsets[v] || g.columns[e] > g.columns[e - 1]);
			assert_true(g.weights[e] > 0 && g.weights[e] <= 1);
			dense[tree.order[v] * n + tree.order[g.columns[e]]] = g.weights[e];
		}
	}
	oracle_memberships(x, n, d, k, p);
	for (size_t i = 0; i < n; i++)
	{
		for (size_t j = 0; j < n; j++)
		{
			double		expected = p[i * n + j] + p[j * n + i] - p[i * n + j] * p[j * n + i];

			assert_true(fabs(dense[i * n + j] - expected) < tolerance);
			assert_true(dense[i * n + j] == dense[j * n + i]);
		}
	}
	gh_graph_free(ctx, &g);
	gh_kdtree_free(ctx, &tree);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(indices);
	free(distances);
	free(p);
	free(dense);
}

static void
graph_oracle(void **state)
{
	double	   *x = blobs(300, 5, 4, 3, 1);
	double	   *tied = malloc(sizeof(double) * 200 * 2);

	(void) state;
	check_graph(x, 300, 5, 14, 2e-5);
	check_graph(x, 300, 5, 2, 2e-5);
	check_graph(x, 40, 5, 39, 2e-5);
	/* a grid of 5 x 5 places with many equal points */
	for (int i = 0; i < 400; i++)
		tied[i] = (double) (gh_random_u64(3, GH_STREAM_TEST, i) % 5);
	check_graph(tied, 200, 2, 14, 2e-5);
	check_graph(tied, 200, 2, 3, 2e-5);
	free(x);
	free(tied);
}

static void
graph_pruning(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	size_t		n = 500;
	double	   *x = blobs(n, 6, 3, 2, 2);
	uint32_t   *indices = malloc(sizeof(uint32_t) * n * 14);
	double	   *distances = malloc(sizeof(double) * n * 14);
	gh_kdtree	tree;
	gh_graph	g,
				small;
	size_t		kept = 0;
	float	   *old;
	size_t		old_edges;

	(void) state;
	assert_int_equal(gh_kdtree_build(ctx, x, n, 6, &tree), GH_OK);
	assert_int_equal(gh_neighbours(ctx, &tree, 14, indices, distances), GH_OK);
	assert_int_equal(gh_graph_build(ctx, &tree, 14, indices, distances, &g), GH_OK);
	old_edges = g.offsets[n];
	old = malloc(sizeof(float) * old_edges);
	memcpy(old, g.weights, sizeof(float) * old_edges);
	assert_int_equal(gh_graph_prune(ctx, &g, 5), GH_OK);
	for (size_t e = 0; e < old_edges; e++)
		kept += old[e] >= 1.0f / 5;
	assert_true(kept < old_edges);
	assert_int_equal(g.offsets[n], kept);
	for (size_t v = 0; v < n; v++)
		assert_true(g.offsets[v + 1] > g.offsets[v]);
	for (size_t e = 0; e < kept; e++)
		assert_true(g.weights[e] >= 1.0f / 5);
	/* what counts is the part of the greatest weight: quarters of all weights leave the same edges */
	assert_int_equal(gh_graph_build(ctx, &tree, 14, indices, distances, &small), GH_OK);
	for (size_t e = 0; e < old_edges; e++)
		small.weights[e] /= 4;
	assert_int_equal(gh_graph_prune(ctx, &small, 5), GH_OK);
	assert_memory_equal(small.offsets, g.offsets, sizeof(size_t) * (n + 1));
	assert_memory_equal(small.columns, g.columns, sizeof(uint32_t) * kept);
	gh_graph_free(ctx, &small);
	gh_graph_free(ctx, &g);
	gh_kdtree_free(ctx, &tree);
	gh_ctx_close(ctx);
	free(x);
	free(old);
	free(indices);
	free(distances);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(graph_oracle),
		cmocka_unit_test(graph_pruning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
