/*
 * test_hdbscan.c
 *		HDBSCAN* against literal oracles: Prim on the full matrix, and the
 *		condensed tree, selection and labels by their definitions.
 */
#include "cluster_testing.h"

#include "base/gh_isa.h"
#include "hdbscan_example.h"

/* ---- spanning tree ------------------------------------------------------ */

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a,
				y = *(const double *) b;

	return (x > y) - (x < y);
}

static int
compare_edges(const void *a, const void *b)
{
	const gh_edge *x = a,
			   *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? -1 : 1;
	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return (x->high > y->high) - (x->high < y->high);
}

static void
literal_cores(const double *x, size_t n, int d, int m, double *core)
{
	double	   *row = malloc(n * sizeof(double));

	for (size_t i = 0; i < n; i++)
	{
		for (size_t j = 0; j < n; j++)
			row[j] = j == i ? -1 : literal_distance(x, d, i, j);
		qsort(row, n, sizeof(double), compare_doubles);
		core[i] = row[m];
	}
	free(row);
}

static gh_edge
literal_edge(const double *x, int d, const double *core, double alpha, uint32_t a, uint32_t b)
{
	gh_edge		edge = {literal_distance(x, d, a, b) / alpha, a < b ? a : b, a < b ? b : a};

	edge.weight = core[a] > edge.weight ? core[a] : edge.weight;
	edge.weight = core[b] > edge.weight ? core[b] : edge.weight;
	return edge;
}

/* Prim; edges compared as (weight, low, high), so that there is only one minimal tree. */
static void
literal_spanning_tree(const double *x, size_t n, int d, const double *core, double alpha, gh_edge *edges)
{
	gh_edge    *best = malloc(n * sizeof(gh_edge));
	bool	   *inside = calloc(n, sizeof(bool));
	uint32_t	added = 0;

	for (size_t i = 0; i < n; i++)
		best[i] = (gh_edge) {INFINITY, UINT32_MAX, UINT32_MAX};
	for (size_t e = 0; e + 1 < n; e++)
	{
		uint32_t	next = UINT32_MAX;

		inside[added] = true;
		for (uint32_t j = 0; j < n; j++)
		{
			gh_edge		edge;

			if (inside[j])
				continue;
			edge = literal_edge(x, d, core, alpha, added, j);
			if (compare_edges(&edge, &best[j]) < 0)
				best[j] = edge;
			if (next == UINT32_MAX || compare_edges(&best[j], &best[next]) < 0)
				next = j;
		}
		edges[e] = best[next];
		added = next;
	}
	qsort(edges, n - 1, sizeof(gh_edge), compare_edges);
	free(best);
	free(inside);
}

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

/* ---- condensed tree, selection and labels by definition ------------------- */

/* A dendrogram node with all its points spelt out. */
typedef struct node
{
	struct node *left,
			   *right;
	double		height;
	uint32_t	n;
	uint32_t   *points;
	int			level;			/* distance from the root */
	int			place;			/* from left to right within the level */
} node;

typedef struct cluster
{
	struct cluster *parent,
			   *child[2];
	const node *born;
	double		birth,
				death,
				mass;			/* stability, then what is handed upwards */
	bool		chosen;
	int			number;
} cluster;

typedef struct oracle
{
	node	   *nodes[4096];
	int			n_nodes;
	cluster    *clusters[4096];
	int			n_clusters;
	cluster    *home[4096];		/* per point: the last cluster it was in */
	double		lambda[4096];
	int			next_place[4096];
} oracle;

static node *
new_node(oracle *o, node *left, node *right, double height, uint32_t point)
{
	node	   *v = calloc(1, sizeof(node));

	v->left = left;
	v->right = right;
	v->height = height;
	v->n = left == NULL ? 1 : left->n + right->n;
	v->points = malloc(v->n * sizeof(uint32_t));
	if (left == NULL)
		v->points[0] = point;
	else
	{
		memcpy(v->points, left->points, left->n * sizeof(uint32_t));
		memcpy(v->points + left->n, right->points, right->n * sizeof(uint32_t));
	}
	o->nodes[o->n_nodes++] = v;
	return v;
}

static node *
literal_dendrogram(oracle *o, const gh_edge *edges, size_t n)
{
	node	  **of = malloc(n * sizeof(node *));
	node	   *root = NULL;

	for (uint32_t i = 0; i < n; i++)
		root = of[i] = new_node(o, NULL, NULL, 0, i);
	for (size_t e = 0; e + 1 < n; e++)
	{
		root = new_node(o, of[edges[e].low], of[edges[e].high], edges[e].weight, 0);
		for (uint32_t i = 0; i < root->n; i++)
			of[root->points[i]] = root;
	}
	free(of);
	return root;
}

static void
number_levels(oracle *o, node *v, int level)
{
	v->level = level;
	v->place = o->next_place[level]++;
	if (v->left != NULL)
	{
		number_levels(o, v->left, level + 1);
		number_levels(o, v->right, level + 1);
	}
}

static void
leave(oracle *o, cluster *c, const node *v, double lambda)
{
	for (uint32_t i = 0; i < v->n; i++)
	{
		o->home[v->points[i]] = c;
		o->lambda[v->points[i]] = lambda;
		c->mass += lambda - c->birth;
	}
	c->death = lambda > c->death ? lambda : c->death;
}

/* The cluster that is born at v, and all below. */
static cluster *
literal_condense(oracle *o, const node *v, cluster *parent, double birth, uint32_t size)
{
	cluster    *c = calloc(1, sizeof(cluster));

	c->parent = parent;
	c->born = v;
	c->birth = birth;
	o->clusters[o->n_clusters++] = c;
	while (v->left != NULL)
	{
		double		lambda = v->height > 0 ? 1 / v->height : INFINITY;
		bool		left = v->left->n >= size,
					right = v->right->n >= size;

		if (left && right)
		{
			c->mass += (lambda - c->birth) * v->left->n;
			c->mass += (lambda - c->birth) * v->right->n;
			c->death = lambda > c->death ? lambda : c->death;
			c->child[0] = literal_condense(o, v->left, c, lambda, size);
			c->child[1] = literal_condense(o, v->right, c, lambda, size);
			break;
		}
		if (!left)
			leave(o, c, v->left, lambda);
		if (!right)
			leave(o, c, v->right, lambda);
		if (!left && !right)
			break;
		v = left ? v->left : v->right;
	}
	return c;
}

static void
choose_none(cluster *c)
{
	c->chosen = false;
	for (int i = 0; i < 2; i++)
		if (c->child[i] != NULL)
			choose_none(c->child[i]);
}

static void
choose_by_mass(cluster *c, const gh_hdbscan_params *params)
{
	float		below = 0;
	uint32_t	size = c->born->n;

	for (int i = 0; i < 2; i++)
	{
		if (c->child[i] != NULL)
		{
			choose_by_mass(c->child[i], params);
			below = (float) (below + c->child[i]->mass);
		}
	}
	if (c->parent == NULL && !params->allow_single_cluster)
		return;
	if (c->parent == NULL)
		size = c->child[0] == NULL ? 0 : c->child[0]->born->n + c->child[1]->born->n;
	if (below > c->mass || (params->max_cluster_size > 0 && size > (uint32_t) params->max_cluster_size))
		c->mass = below;
	else
	{
		choose_none(c);
		c->chosen = true;
	}
}

static void
choose_leaves(cluster *c)
{
	c->chosen = c->child[0] == NULL && c->parent != NULL;
	for (int i = 0; i < 2; i++)
		if (c->child[i] != NULL)
			choose_leaves(c->child[i]);
}

/* Malzer and Baum's climb, one cluster at a time. */
static cluster *
climb(cluster *c, const gh_hdbscan_params *params)
{
	for (;;)
	{
		cluster    *up = c->parent;

		if (up->parent == NULL)
			return params->allow_single_cluster ? up : c;
		if (1 / up->birth > params->epsilon)
			return up;
		c = up;
	}
}

static void
literal_epsilon(oracle *o, const gh_hdbscan_params *params)
{
	cluster   **chosen = malloc(o->n_clusters * sizeof(cluster *));
	int			n = 0;

	for (int i = 0; i < o->n_clusters; i++)
	{
		if (o->clusters[i]->chosen && o->clusters[i]->parent == NULL)
		{
			free(chosen);
			return;
		}
		if (o->clusters[i]->chosen)
			chosen[n++] = o->clusters[i];
		o->clusters[i]->chosen = false;
	}
	for (int i = 0; i < n; i++)
	{
		cluster    *c = chosen[i];

		if (1 / c->birth < params->epsilon)
			c = climb(c, params);
		c->chosen = true;
	}
	free(chosen);
}

static int
compare_levels(const void *a, const void *b)
{
	const node *x = (*(cluster *const *) a)->born,
			   *y = (*(cluster *const *) b)->born;

	return x->level != y->level ? x->level - y->level : x->place - y->place;
}

static double
highest_death(const cluster *c)
{
	double		death = c->death;

	for (int i = 0; i < 2; i++)
		if (c->child[i] != NULL)
			death = fmax(death, highest_death(c->child[i]));
	return death;
}

static int
literal_labels(oracle *o, size_t n, const gh_hdbscan_params *params, int32_t *labels, double *probabilities,
			   double *scores)
{
	int			count = 0;

	qsort(o->clusters, o->n_clusters, sizeof(cluster *), compare_levels);
	for (int i = 0; i < o->n_clusters; i++)
		o->clusters[i]->number = o->clusters[i]->chosen ? count++ : -1;
	for (size_t i = 0; i < n; i++)
	{
		cluster    *c = o->home[i];
		double		lambda = o->lambda[i],
					highest = highest_death(c);

		scores[i] = highest == 0 || isinf(lambda) ? 0 : isinf(highest) ? 1 : (highest - lambda) / highest;
		while (c != NULL && !c->chosen)
			c = c->parent;
		if (c != NULL && c->parent == NULL &&
			(count != 1 || !params->allow_single_cluster ||
			 lambda < (params->epsilon > 0 ? 1 / params->epsilon : c->death)))
			c = NULL;
		labels[i] = c == NULL ? -1 : c->number;
		if (c == NULL)
			probabilities[i] = 0;
		else if (c->death == 0 || isinf(lambda))
			probabilities[i] = 1;
		else
			probabilities[i] = fmin(lambda, c->death) / c->death;
	}
	return count;
}

static int
literal_hdbscan(const double *x, size_t n, int d, const gh_hdbscan_params *params, int32_t *labels,
				double *probabilities, double *scores)
{
	oracle	   *o = calloc(1, sizeof(oracle));
	double	   *core = malloc(n * sizeof(double));
	gh_edge    *edges = malloc(n * sizeof(gh_edge));
	int			m = params->min_samples > 0 ? params->min_samples : params->min_cluster_size;
	cluster    *root;
	int			count;

	literal_cores(x, n, d, m > (int) n - 1 ? (int) n - 1 : m, core);
	literal_spanning_tree(x, n, d, core, params->alpha, edges);
	literal_dendrogram(o, edges, n);
	number_levels(o, o->nodes[o->n_nodes - 1], 0);
	root = literal_condense(o, o->nodes[o->n_nodes - 1], NULL, 0, params->min_cluster_size);
	if (params->selection == GH_SELECT_EOM)
		choose_by_mass(root, params);
	else
		choose_leaves(root);
	if (params->epsilon > 0)
		literal_epsilon(o, params);
	count = literal_labels(o, n, params, labels, probabilities, scores);
	for (int i = 0; i < o->n_nodes; i++)
	{
		free(o->nodes[i]->points);
		free(o->nodes[i]);
	}
	for (int i = 0; i < o->n_clusters; i++)
		free(o->clusters[i]);
	free(core);
	free(edges);
	free(o);
	return count;
}

/* Returns the number of clusters, so that a test can see that it tests something. */
static int
check_labels(const double *x, size_t n, int d, const gh_hdbscan_params *params)
{
	int32_t    *labels = malloc(n * sizeof(int32_t)),
			   *expected = malloc(n * sizeof(int32_t));
	double	   *values = malloc(4 * n * sizeof(double));
	gh_ctx	   *ctx = open_threads(2);
	int			n_clusters,
				expected_clusters;

	expected_clusters = literal_hdbscan(x, n, d, params, expected, values, values + n);
	assert_int_equal(gh_hdbscan(ctx, x, n, d, params, labels, values + 2 * n, values + 3 * n, &n_clusters), GH_OK);
	assert_int_equal(n_clusters, expected_clusters);
	for (size_t i = 0; i < n; i++)
	{
		assert_int_equal(labels[i], expected[i]);
		assert_true(values[i] == values[2 * n + i]);
		assert_true(values[n + i] == values[3 * n + i]);
		assert_true(values[i] >= 0 && values[i] <= 1 && values[n + i] >= 0 && values[n + i] <= 1);
	}
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(labels);
	free(expected);
	free(values);
	return n_clusters;
}

static void
labels_are_those_of_the_definitions(void **state)
{
	static const int sizes[] = {2, 5, 12};
	static const int samples[] = {0, 1, 7};
	static const double epsilons[] = {0, 0.35, 1.5};
	int			most = 0;

	(void) state;
	for (int kind = 0; kind < N_KINDS; kind++)
	{
		for (int d = 1; d <= 3; d++)
		{
			double	   *x = make_points((point_kind) kind, 105, d, 3 + d);

			/* every fifth of the 324 combinations, others each time */
			for (int c = (kind * 3 + d) % 5; c < 3 * 3 * 3 * 2 * 2 * 3; c += 5)
			{
				gh_hdbscan_params params = gh_hdbscan_defaults();
				int			n_clusters;

				params.min_cluster_size = sizes[c % 3];
				params.min_samples = samples[c / 3 % 3];
				params.epsilon = epsilons[c / 9 % 3];
				params.allow_single_cluster = c / 27 % 2 == 1;
				params.selection = c / 54 % 2 == 1 ? GH_SELECT_LEAF : GH_SELECT_EOM;
				params.max_cluster_size = c / 108 * 15;
				params.alpha = c % 4 == 3 ? 1.3 : 1;
				n_clusters = check_labels(x, 105, d, &params);
				most = n_clusters > most ? n_clusters : most;
			}
			free(x);
		}
	}
	assert_true(most > 10);
}

static void
few_points(void **state)
{
	gh_hdbscan_params params = gh_hdbscan_defaults();
	const double x[3] = {0, 1, 5};
	int32_t		labels[3] = {7, 7, 7};
	double		probabilities[3],
				scores[3];
	int			n_clusters = 9;
	gh_ctx	   *ctx = open_threads(1);

	(void) state;
	params.min_cluster_size = 2;
	assert_int_equal(gh_hdbscan(ctx, NULL, 0, 1, &params, NULL, NULL, NULL, &n_clusters), GH_OK);
	assert_int_equal(n_clusters, 0);
	assert_int_equal(gh_hdbscan(ctx, x, 1, 1, &params, labels, probabilities, scores, &n_clusters), GH_OK);
	assert_int_equal(n_clusters, 0);
	assert_int_equal(labels[0], GH_NOISE);
	assert_true(probabilities[0] == 0 && scores[0] == 0);
	gh_ctx_close(ctx);
	for (size_t n = 2; n <= 3; n++)
	{
		for (int single = 0; single < 2; single++)
		{
			params.allow_single_cluster = single;
			params.min_samples = 0;
			check_labels(x, n, 1, &params);
			params.min_samples = 100;
			check_labels(x, n, 1, &params);
		}
	}
}

/* Labels, probabilities and scores printed by hdbscan 0.8.44. */
static void
result_of_the_hdbscan_package(void **state)
{

	gh_hdbscan_params params = gh_hdbscan_defaults();
	int32_t		labels[EXAMPLE_N];
	double		probabilities[EXAMPLE_N],
				scores[EXAMPLE_N];
	int			n_clusters;
	gh_ctx	   *ctx = open_threads(1);

	(void) state;
	params.min_cluster_size = 4;
	params.min_samples = 3;
	assert_int_equal(gh_hdbscan(ctx, example_points, EXAMPLE_N, 2, &params, labels, probabilities, scores, &n_clusters),
					 GH_OK);
	for (int i = 0; i < EXAMPLE_N; i++)
	{
		assert_int_equal(labels[i], example_labels[i]);
		assert_true(fabs(probabilities[i] - example_probabilities[i]) < 1e-14);
		assert_true(fabs(scores[i] - example_scores[i]) < 1e-14);
	}
	gh_ctx_close(ctx);
}

static void
equal_points(void **state)
{
	gh_hdbscan_params params = gh_hdbscan_defaults();
	double	   *x = make_points(EQUAL, 50, 2, 1);

	(void) state;
	assert_int_equal(check_labels(x, 50, 2, &params), 0);
	params.allow_single_cluster = true;
	assert_int_equal(check_labels(x, 50, 2, &params), 1);
	free(x);
}

/* ---- selection on trees made by hand ------------------------------------- */

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

/* ---- manners -------------------------------------------------------------- */

typedef struct call
{
	const double *x;
	size_t		n;
	int			d;
	gh_hdbscan_params params;
	int32_t    *labels;
	double	   *probabilities,
			   *scores;
	int			n_clusters;
} call;

static gh_status
run_call(gh_ctx *ctx, void *arg)
{
	call	   *c = arg;

	return gh_hdbscan(ctx, c->x, c->n, c->d, &c->params, c->labels, c->probabilities, c->scores, &c->n_clusters);
}

static call
open_call(point_kind kind, size_t n, int d)
{
	call		c = {make_points(kind, n, d, 11), n, d, gh_hdbscan_defaults(), malloc(n * sizeof(int32_t)),
	malloc(n * sizeof(double)), malloc(n * sizeof(double)), 0};

	c.params.epsilon = 0.1;
	c.params.min_samples = 4;
	return c;
}

static void
close_call(call *c)
{
	free((double *) c->x);
	free(c->labels);
	free(c->probabilities);
	free(c->scores);
}

static void
same_bytes_for_any_threads(void **state)
{
	(void) state;
	for (int i = 0; i < 2 * N_KINDS; i++)
	{
		call		one = open_call((point_kind) (i / 2), 3000, 2 + i % 2),
					many = open_call((point_kind) (i / 2), 3000, 2 + i % 2);
		gh_ctx	   *ctx = open_threads(1);
		static const int threads[] = {2, 8, 3};

		assert_int_equal(run_call(ctx, &one), GH_OK);
		gh_ctx_close(ctx);
		for (int t = 0; t < 3; t++)
		{
			ctx = open_threads(threads[t]);
			if (threads[t] == 3)
				gh_isa_limit(GH_ISA_SCALAR);
			memset(many.labels, 9, many.n * sizeof(int32_t));
			assert_int_equal(run_call(ctx, &many), GH_OK);
			assert_memory_equal(one.labels, many.labels, one.n * sizeof(int32_t));
			assert_memory_equal(one.probabilities, many.probabilities, one.n * sizeof(double));
			assert_memory_equal(one.scores, many.scores, one.n * sizeof(double));
			gh_isa_limit(GH_ISA_AVX512);
			gh_ctx_close(ctx);
		}
		close_call(&one);
		close_call(&many);
	}
}

static void
cancel_anywhere(void **state)
{
	(void) state;
	for (int d = 2; d <= 4; d++)
	{
		call		c = open_call(BLOBS, 1500, d);

		check_cancel(run_call, &c, 1);
		check_cancel(run_call, &c, 2);
		close_call(&c);
	}
}

static void
allocation_failures(void **state)
{
	call		c = open_call(BLOBS, 120, 2);

	(void) state;
	check_allocations(run_call, &c);
	close_call(&c);
}

static void
memory_is_estimated(void **state)
{
	(void) state;
	for (int d = 1; d <= 3; d++)
	{
		call		c = open_call(BLOBS, 20000, d);

		c.params.min_cluster_size = d == 1 ? 2 : 20;
		check_memory(run_call, &c, gh_hdbscan_memory(c.n, c.d, &c.params));
		close_call(&c);
	}
}

/* In many dimensions it takes more where there is room, and gives the same. */
static void
little_memory_will_do(void **state)
{
	call		c = open_call(BLOBS, 5000, 14);
	call		lean = open_call(BLOBS, 5000, 14);
	size_t		least,
				lists = gh_core_distances_memory(c.n, c.d, 40);
	gh_host		host = {.threads = 2,.memory_setting = "test_memory"};
	gh_ctx	   *ctx = open_threads(2);

	(void) state;
	c.params.min_samples = lean.params.min_samples = 40;
	least = gh_hdbscan_memory(c.n, c.d, &c.params);
	assert_int_equal(run_call(ctx, &c), GH_OK);
	assert_true(gh_memory_peak(ctx) > least && gh_memory_peak(ctx) < least + lists);
	gh_ctx_close(ctx);

	host.memory_limit = least + (1 << 16);
	ctx = gh_ctx_open(&host);
	assert_int_equal(run_call(ctx, &lean), GH_OK);
	gh_ctx_close(ctx);
	assert_memory_equal(c.labels, lean.labels, c.n * sizeof(int32_t));
	assert_memory_equal(c.probabilities, lean.probabilities, c.n * sizeof(double));
	assert_memory_equal(c.scores, lean.scores, c.n * sizeof(double));
	close_call(&c);
	close_call(&lean);
}

static void
check_refused(const gh_hdbscan_params *params, const char *name)
{
	gh_ctx	   *ctx = open_threads(1);

	assert_int_equal(gh_hdbscan_check(ctx, params), GH_EINVAL);
	assert_non_null(strstr(gh_ctx_message(ctx), name));
	assert_non_null(gh_ctx_detail(ctx));
	assert_non_null(gh_ctx_hint(ctx));
	gh_ctx_close(ctx);
}

static void
bad_parameters(void **state)
{
	gh_hdbscan_params params;

	(void) state;
#define REFUSED(field, value, name) \
	params = gh_hdbscan_defaults(); \
	params.field = (value); \
	check_refused(&params, name)
	REFUSED(min_cluster_size, 1, "min_cluster_size");
	REFUSED(min_samples, -1, "min_samples");
	REFUSED(max_cluster_size, -1, "max_cluster_size");
	REFUSED(selection, (gh_selection) 5, "cluster_selection_method");
	REFUSED(epsilon, -0.5, "cluster_selection_epsilon");
	REFUSED(epsilon, NAN, "cluster_selection_epsilon");
	REFUSED(epsilon, INFINITY, "cluster_selection_epsilon");
	REFUSED(alpha, 0, "alpha");
	REFUSED(alpha, NAN, "alpha");
#undef REFUSED
}

static void
bad_points(void **state)
{
	static const double bad[] = {NAN, INFINITY, -INFINITY, 1e200};

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		call		c = open_call(UNIFORM, 30, 2);
		gh_ctx	   *ctx = open_threads(1);

		((double *) c.x)[41] = bad[i];
		assert_int_equal(run_call(ctx, &c), GH_EDATA);
		assert_true(i == 3 || strstr(gh_ctx_detail(ctx), "Coordinate 2 of point 21") != NULL);
		assert_non_null(gh_ctx_hint(ctx));
		gh_ctx_close(ctx);
		close_call(&c);
	}
}

static void
count_progress(void *arg, const gh_progress *progress)
{
	assert_true(progress->total == 0 || progress->done <= progress->total);
	if (strcmp(progress->stage, "hdbscan: spanning tree") == 0)
		++*(int *) arg;
}

static void
progress_is_reported(void **state)
{
	int			ticks = 0;
	gh_host		host = {.arg = &ticks,.progress = count_progress,.threads = 1,.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	call		c = open_call(BLOBS, 2000, 2);

	(void) state;
	assert_int_equal(run_call(ctx, &c), GH_OK);
	assert_true(ticks > 3);
	gh_ctx_close(ctx);
	close_call(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spanning_tree_is_prims),
		cmocka_unit_test(core_distances_for_many_samples),
		cmocka_unit_test(labels_are_those_of_the_definitions),
		cmocka_unit_test(few_points),
		cmocka_unit_test(result_of_the_hdbscan_package),
		cmocka_unit_test(equal_points),
		cmocka_unit_test(equal_stabilities_keep_the_parent),
		cmocka_unit_test(epsilon_climbs_to_clusters_above_it),
		cmocka_unit_test(same_bytes_for_any_threads),
		cmocka_unit_test(cancel_anywhere),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(memory_is_estimated),
		cmocka_unit_test(little_memory_will_do),
		cmocka_unit_test(bad_parameters),
		cmocka_unit_test(bad_points),
		cmocka_unit_test(progress_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
