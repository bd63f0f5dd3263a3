/*
 * test_selection.c
 *		Which clusters of a condensed tree are selected, on trees made by hand.
 */
#include "cluster_testing.h"

/* A root with two children, the first of which has two more; births are 0, 1, 2. */
typedef struct small_tree
{
	uint32_t	parent[5],
				child[5],
				size[5];
	double		birth[5],
				death[5],
				stability[5];
} small_tree;

static const small_tree five_clusters = {
	.parent = {0, 0, 0, 1, 1},
	.child = {1, 3, 0, 0, 0},
	.size = {100, 60, 40, 30, 30},
	.birth = {0, 1, 1, 2, 2},
	.death = {1, 2, 3, 4, 4},
	.stability = {0, 2, 1, 1, 1}
};

static void
check_selection(small_tree tree, const gh_hdbscan_params *params, const char *expected)
{
	gh_condensed condensed = {.n_points = 100,.n_clusters = 5,.parent = tree.parent,.child = tree.child,
	.size = tree.size,.birth = tree.birth,.death = tree.death,.stability = tree.stability};
	uint8_t		selected[5];
	double		mass[5];
	gh_ctx	   *ctx = open_threads(1);

	assert_int_equal(gh_select_clusters(ctx, &condensed, params, selected, mass), GH_OK);
	for (int c = 0; c < 5; c++)
		assert_int_equal(selected[c], expected[c] - '0');
	gh_ctx_close(ctx);
}

static void
equal_stabilities_keep_the_parent(void **state)
{
	gh_hdbscan_params params = gh_hdbscan_defaults();
	small_tree	tree = five_clusters;

	(void) state;
	check_selection(tree, &params, "01100");
	/* more than the parent's, but not as floats: the hdbscan package keeps the parent */
	tree.stability[3] = 1 + 1e-9;
	check_selection(tree, &params, "01100");
	tree.stability[3] = 1 + 1e-6;
	check_selection(tree, &params, "00111");
	tree.stability[0] = 2.5;
	params.allow_single_cluster = true;
	check_selection(tree, &params, "00111");
	tree.stability[0] = 3.5;
	check_selection(tree, &params, "10000");
	/* the root's size is that of its children */
	params.max_cluster_size = 100;
	check_selection(tree, &params, "10000");
	params.max_cluster_size = 99;
	check_selection(tree, &params, "00111");
}

static void
epsilon_climbs_to_clusters_above_it(void **state)
{
	gh_hdbscan_params params = gh_hdbscan_defaults();

	(void) state;
	params.selection = GH_SELECT_LEAF;
	check_selection(five_clusters, &params, "00111");
	params.epsilon = 0.5;		/* where 3 and 4 split off: not below */
	check_selection(five_clusters, &params, "00111");
	params.epsilon = 0.75;
	check_selection(five_clusters, &params, "01100");
	params.epsilon = 1;			/* 1 splits off at the threshold, not above: the climb ends next to the root */
	check_selection(five_clusters, &params, "01100");
	params.allow_single_cluster = true;
	check_selection(five_clusters, &params, "10100");
	params.epsilon = 1.5;
	check_selection(five_clusters, &params, "10000");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_stabilities_keep_the_parent),
		cmocka_unit_test(epsilon_climbs_to_clusters_above_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
