/*
 * test_kdtree.c
 *		The tree's shape and its bounds, against the points themselves.
 */
#include "project_testing.h"

#include "base/gh_kernels.h"
#include "project/gh_kdtree.h"

/* Every point once; boxes tight; leaves full but the last; left child next. */
static void
check_tree(const gh_kdtree *t, const double *x, size_t n, int d)
{
	char	   *seen = calloc(n + 1, 1);
	size_t		short_leaves = 0;

	for (size_t p = 0; p < n; p++)
	{
		assert_true(t->order[p] < n);
		assert_false(seen[t->order[p]]);
		seen[t->order[p]] = 1;
		assert_int_equal(t->position[t->order[p]], p);
	}
	for (uint32_t v = 0; v < t->n_nodes; v++)
	{
		const gh_kdnode *node = &t->nodes[v];
		uint32_t	size = node->end - node->begin;
		uint32_t	lowest = UINT32_MAX;

		for (int j = 0; j < d; j++)
		{
			double		low = INFINITY,
						high = -INFINITY;

			for (uint32_t p = node->begin; p < node->end; p++)
			{
				double		v_j = x[(size_t) t->order[p] * d + j];

				low = v_j < low ? v_j : low;
				high = v_j > high ? v_j : high;
			}
			assert_true(t->box[(size_t) v * 2 * d + j] == low);
			assert_true(t->box[(size_t) v * 2 * d + d + j] == high);
		}
		for (uint32_t p = node->begin; p < node->end; p++)
			lowest = t->order[p] < lowest ? t->order[p] : lowest;
		assert_int_equal(node->lowest, lowest);
		if (node->right != 0)
		{
			assert_int_equal(t->nodes[v + 1].begin, node->begin);
			assert_int_equal(t->nodes[v + 1].end, t->nodes[node->right].begin);
			assert_int_equal(t->nodes[node->right].end, node->end);
			continue;
		}
		assert_true(size >= 1 && size <= GH_KDTREE_LEAF);
		short_leaves += size < GH_KDTREE_LEAF;
		for (uint32_t p = node->begin; p < node->end; p++)
		{
			assert_int_equal(t->leaf_of[p], v);
			assert_true(p == node->begin || t->order[p - 1] < t->order[p]);
			for (int j = 0; j < d; j++)
				assert_true(t->columns[(size_t) node->begin * d + (size_t) j * size + (p - node->begin)] ==
							x[(size_t) t->order[p] * d + j]);
		}
	}
	assert_true(short_leaves <= 1);
	free(seen);
}

static void
shape(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 31, 32, 33, 63, 64, 65, 100, 1000, 5000};
	static const int dims[] = {1, 2, 14, 33};
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	for (size_t a = 0; a < sizeof(sizes) / sizeof(sizes[0]); a++)
	{
		for (size_t b = 0; b < sizeof(dims) / sizeof(dims[0]); b++)
		{
			for (int levels = 0; levels < 3; levels++)
			{
				double	   *x = random_points(sizes[a], dims[b], a * 10 + b, levels);
				gh_kdtree	t;

				assert_int_equal(gh_kdtree_build(ctx, x, sizes[a], dims[b], &t), GH_OK);
				check_tree(&t, x, sizes[a], dims[b]);
				gh_kdtree_free(ctx, &t);
				assert_int_equal(gh_memory_used(ctx), 0);
				free(x);
			}
		}
	}
	gh_ctx_close(ctx);
}

/* Points of the plane are cut by several threads. */
static void
plane(void **state)
{
	gh_host		host = {.threads = 3,.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);

	(void) state;
	for (int levels = 0; levels < 100; levels += 33)
	{
		double	   *x = random_points(40000, 2, 77, levels);
		gh_kdtree	t;

		assert_int_equal(gh_kdtree_build(ctx, x, 40000, 2, &t), GH_OK);
		check_tree(&t, x, 40000, 2);
		gh_kdtree_free(ctx, &t);
		assert_int_equal(gh_memory_used(ctx), 0);
		free(x);
	}
	gh_ctx_close(ctx);
}

/* The estimate is what is taken, but for what the context adds to a block. */
static void
memory(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double	   *x = random_points(10000, 14, 1, 0);
	gh_kdtree	t;
	double		estimate = (double) gh_kdtree_memory(10000, 14);

	(void) state;
	assert_int_equal(gh_kdtree_build(ctx, x, 10000, 14, &t), GH_OK);
	assert_true((double) gh_memory_used(ctx) >= estimate);
	assert_true((double) gh_memory_used(ctx) < 1.01 * estimate);
	gh_kdtree_free(ctx, &t);
	free(x);
	gh_ctx_close(ctx);
}

/* No point in a box is measured nearer than the box, to the last bit. */
static void
bounds(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	static const int dims[] = {1, 2, 3, 14, 50};

	(void) state;
	for (size_t b = 0; b < sizeof(dims) / sizeof(dims[0]); b++)
	{
		int			d = dims[b];
		double	   *x = random_points(2000, d, 7, 0);
		double	   *q = random_points(50, d, 8, 0);
		gh_kdtree	t;

		assert_int_equal(gh_kdtree_build(ctx, x, 2000, d, &t), GH_OK);
		for (int i = 0; i < 50; i++)
		{
			for (uint32_t v = 0; v < t.n_nodes; v++)
			{
				double		bound = gh_kdtree_box_distance2(&t, v, q + (size_t) i * d);
				double		distance2[GH_KDTREE_LEAF];
				uint32_t	size = t.nodes[v].end - t.nodes[v].begin;

				if (t.nodes[v].right != 0)
				{
					assert_true(bound <= gh_kdtree_box_distance2(&t, v + 1, q + (size_t) i * d));
					assert_true(bound <= gh_kdtree_box_distance2(&t, t.nodes[v].right, q + (size_t) i * d));
					continue;
				}
				gh_kernels_get()->distances2(t.columns + (size_t) t.nodes[v].begin * d, size, size, d,
											 q + (size_t) i * d, distance2);
				for (uint32_t p = 0; p < size; p++)
					assert_true(bound <= distance2[p]);
			}
		}
		gh_kdtree_free(ctx, &t);
		free(x);
		free(q);
	}
	gh_ctx_close(ctx);
}

typedef struct call
{
	double	   *x;
	size_t		n;
	int			d;
} call;

static gh_status
run_call(gh_ctx *ctx, void *arg)
{
	call	   *c = arg;
	gh_kdtree	t;
	gh_status	status = gh_kdtree_build(ctx, c->x, c->n, c->d, &t);

	gh_kdtree_free(ctx, &t);
	return status;
}

static void
cancel(void **state)
{
	call		c = {random_points(3000, 5, 3, 0), 3000, 5};

	(void) state;
	assert_true(check_cancel(run_call, &c, 1) > 0);
	free(c.x);
}

static void
allocation_failure(void **state)
{
	call		c = {random_points(100, 3, 4, 0), 100, 3};

	(void) state;
	assert_true(check_allocations(run_call, &c) > 4);
	free(c.x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shape),
		cmocka_unit_test(plane),
		cmocka_unit_test(memory),
		cmocka_unit_test(bounds),
		cmocka_unit_test(cancel),
		cmocka_unit_test(allocation_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
