/*
 * test_spanning_tree.c
 *		Core distances and the minimum spanning tree of mutual reachability, against
 *		Prim on the full matrix.
 */
#include "hdbscan_testing.h"

static void
our_spanning_tree(const double *x, size_t n, int d, int m, double alpha, int k_seeds, int threads, double *core,
				  gh_edge *edges)
{
	gh_ctx	   *ctx = open_threads(threads);
	gh_kdtree	tree;
	gh_seeds	seeds;
	gh_reachability graph;

	assert_int_equal(gh_kdtree_build(ctx, x, n, d, &tree), GH_OK);
	assert_int_equal(gh_core_distances(ctx, &tree, &m, 1, core, k_seeds, &seeds), GH_OK);
	assert_int_equal(gh_reachability_open(ctx, &tree, core, alpha, &graph), GH_OK);
	graph.seeds = &seeds;
	assert_int_equal(gh_spanning_tree(ctx, &graph, edges), GH_OK);
	gh_reachability_close(ctx, &graph);
	gh_seeds_free(ctx, &seeds);
	gh_kdtree_free(ctx, &tree);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
check_spanning_tree(point_kind kind, size_t n, int d, int m, double alpha)
{
	double	   *x = make_points(kind, n, d, 17 * n + d + m);
	double	   *core = malloc(n * sizeof(double)),
			   *expected_core = malloc(n * sizeof(double));
	gh_edge    *edges = malloc(n * sizeof(gh_edge)),
			   *expected = malloc(n * sizeof(gh_edge));
	int			k = (int) n - 1 < 5 ? (int) n - 1 : 5;

	literal_cores(x, n, d, m, expected_core);
	literal_spanning_tree(x, n, d, expected_core, alpha, expected);
	for (int with_seeds = 0; with_seeds < 2; with_seeds++)
	{
		our_spanning_tree(x, n, d, m, alpha, with_seeds ? k : 0, 1 + with_seeds, core, edges);
		for (size_t i = 0; i < n; i++)
			assert_true(core[i] == expected_core[i]);
		for (size_t e = 0; e + 1 < n; e++)
		{
			assert_true(edges[e].weight == expected[e].weight);
			assert_int_equal(edges[e].low, expected[e].low);
			assert_int_equal(edges[e].high, expected[e].high);
		}
	}
	free(x);
	free(core);
	free(expected_core);
	free(edges);
	free(expected);
}

static void
spanning_tree_is_prims(void **state)
{
	static const int dimensions[] = {1, 2, 3, 14, 50};
	static const int samples[] = {1, 4, 20};

	(void) state;
	for (int kind = 0; kind < N_KINDS; kind++)
		for (int i = 0; i < 5; i++)
			for (int m = 0; m < 3; m++)
				check_spanning_tree((point_kind) kind, 150, dimensions[i], samples[m], 1);
	for (int kind = 0; kind < N_KINDS; kind++)
	{
		check_spanning_tree((point_kind) kind, 600, 2, 10, 0.5);
		check_spanning_tree((point_kind) kind, 600, 3, 3, 1.7);
		check_spanning_tree((point_kind) kind, 2, 3, 1, 1);
		check_spanning_tree((point_kind) kind, 3, 1, 2, 1);
		check_spanning_tree((point_kind) kind, 40, 2, 39, 1);
	}
	/* several tasks */
	check_spanning_tree(BLOBS, 2500, 2, 7, 1);
	check_spanning_tree(GRID, 2200, 2, 60, 1);
}

static void
core_distances_for_many_samples(void **state)
{
	static const int m[] = {1, 3, 7, 39};
	double	   *x = make_points(TWINS, 40, 2, 5);
	double		core[4 * 40],
				expected[40];
	gh_ctx	   *ctx = open_threads(2);
	gh_kdtree	tree;
	gh_seeds	seeds;

	(void) state;
	assert_int_equal(gh_kdtree_build(ctx, x, 40, 2, &tree), GH_OK);
	assert_int_equal(gh_core_distances(ctx, &tree, m, 4, core, 2, &seeds), GH_OK);
	for (int c = 0; c < 4; c++)
	{
		literal_cores(x, 40, 2, m[c], expected);
		assert_memory_equal(core + 40 * c, expected, sizeof(expected));
	}
	literal_cores(x, 40, 2, 1, expected);
	for (uint32_t p = 0; p < 40; p++)
	{
		uint32_t	i = tree.order[p];

		assert_true(seeds.distance[2 * p] == expected[i]);
		assert_true(seeds.position[2 * p] != p && seeds.position[2 * p + 1] != p);
		assert_true(seeds.position[2 * p] != seeds.position[2 * p + 1]);
		assert_true(literal_distance(x, 2, i, tree.order[seeds.position[2 * p + 1]]) == seeds.distance[2 * p + 1]);
	}
	gh_seeds_free(ctx, &seeds);
	gh_kdtree_free(ctx, &tree);
	gh_ctx_close(ctx);
	free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spanning_tree_is_prims),
		cmocka_unit_test(core_distances_for_many_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
