/*
 * test_hdbscan.c
 *		HDBSCAN*'s labels, probabilities and outlier scores against a literal oracle:
 *		condensed tree, selection and labels by their definitions.
 */
#include "hdbscan_testing.h"

#include "hdbscan_example.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_those_of_the_definitions),
		cmocka_unit_test(few_points),
		cmocka_unit_test(result_of_the_hdbscan_package),
		cmocka_unit_test(equal_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
