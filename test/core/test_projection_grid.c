/*
 * test_projection_grid.c
 *		The grid over projections against one projection and one grid each.
 */
#include "cluster_testing.h"

#include "cluster/gh_projection_grid.h"
#include "project/gh_scale.h"
#include "project/gh_trustworthiness.h"

#define N_PROJECTIONS 4
#define N_CELLS 4

typedef struct call
{
	double	   *x;
	size_t		n;
	int			d;
	gh_projection projections[N_PROJECTIONS];
	size_t		n_projections;
	gh_grid_cell cells[N_PROJECTIONS * N_CELLS];
} call;

static void
open_call(call *c, point_kind kind, size_t n, int d)
{
	static const int neighbors[N_PROJECTIONS] = {12, 12, 5, 12};
	static const double min_dist[N_PROJECTIONS] = {0.1, 0, 0, 0.5};

	memset(c, 0, sizeof(*c));
	c->x = make_points(kind, n, d, 5);
	c->n = n;
	c->d = d;
	c->n_projections = N_PROJECTIONS;
	for (int i = 0; i < N_PROJECTIONS; i++)
	{
		c->projections[i].params = gh_umap_defaults();
		c->projections[i].params.n_neighbors = neighbors[i];
		c->projections[i].params.min_dist = min_dist[i];
		c->projections[i].params.n_epochs = 30;
	}
	for (int i = 0; i < N_PROJECTIONS * N_CELLS; i++)
	{
		c->cells[i].params = gh_hdbscan_defaults();
		c->cells[i].params.min_cluster_size = i % N_CELLS < 2 ? 8 : 20;
		c->cells[i].params.selection = i % 2 ? GH_SELECT_LEAF : GH_SELECT_EOM;
	}
}

static gh_status
run_call(gh_ctx *ctx, void *arg)
{
	call	   *c = arg;

	return gh_projection_grid(ctx, c->x, c->n, c->d, c->projections, c->n_projections, c->cells, N_CELLS);
}

static void
check_cells(const gh_grid_cell *a, const gh_grid_cell *b)
{
	for (int i = 0; i < N_CELLS; i++)
	{
		assert_true(a[i].dbcv == b[i].dbcv && a[i].dbcv_defined == b[i].dbcv_defined);
		assert_true(a[i].relative_validity == b[i].relative_validity);
		assert_int_equal(a[i].clusters, b[i].clusters);
		assert_int_equal(a[i].noise, b[i].noise);
		assert_int_equal(a[i].smallest, b[i].smallest);
		assert_int_equal(a[i].largest, b[i].largest);
	}
}

/* The projection and its grid by themselves, without anything shared. */
static void
check_projection(gh_ctx *ctx, const call *c, int i)
{
	const gh_projection *p = &c->projections[i];
	double	   *y = malloc((c->n + 1) * 2 * sizeof(double)),
			   *scaled = malloc((c->n + 1) * c->d * sizeof(double));
	gh_grid_cell cells[N_CELLS];
	double		trust;

	for (int k = 0; k < N_CELLS; k++)
		cells[k].params = c->cells[i * N_CELLS + k].params;
	assert_int_equal(gh_umap_project(ctx, c->x, c->n, c->d, &p->params, y), GH_OK);
	assert_int_equal(gh_grid(ctx, y, c->n, 2, cells, N_CELLS, NULL), GH_OK);
	check_cells(c->cells + i * N_CELLS, cells);
	assert_int_equal(p->trustworthiness_defined, c->n > 30);
	if (p->trustworthiness_defined)
	{
		assert_int_equal(gh_scale_points(ctx, c->x, c->n, c->d, p->params.standardize, scaled), GH_OK);
		assert_int_equal(gh_trustworthiness(ctx, scaled, c->n, c->d, y, 2, 15, 1000, &trust), GH_OK);
		assert_true(p->trustworthiness == trust);
	}
	free(y);
	free(scaled);
}

static void
rows_are_those_of_single_runs(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 9, 30, 31, 200, 700};

	(void) state;
	for (int kind = 0; kind < N_KINDS; kind++)
	{
		for (int s = 0; s < (kind == BLOBS ? 8 : 7); s += kind == BLOBS ? 1 : 3)
		{
			call		c;
			gh_ctx	   *ctx = open_threads(2);

			open_call(&c, (point_kind) kind, sizes[s], 4);
			c.projections[1].params.spread = 2;
			assert_int_equal(run_call(ctx, &c), GH_OK);
			assert_int_equal(gh_memory_used(ctx), 0);
			for (int i = 0; i < N_PROJECTIONS; i++)
				check_projection(ctx, &c, i);
			gh_ctx_close(ctx);
			free(c.x);
		}
	}
}

static void
no_points_or_nothing_to_do(void **state)
{
	call		c;
	gh_ctx	   *ctx = open_threads(1);

	(void) state;
	open_call(&c, BLOBS, 0, 4);
	assert_int_equal(run_call(ctx, &c), GH_OK);
	for (int i = 0; i < N_PROJECTIONS * N_CELLS; i++)
		assert_true(c.cells[i].clusters == 0 && c.cells[i].noise == 0 && !c.cells[i].dbcv_defined);
	assert_false(c.projections[0].trustworthiness_defined);
	c.n_projections = 0;
	assert_int_equal(run_call(ctx, &c), GH_OK);
	gh_ctx_close(ctx);
	free(c.x);
}

static void
same_bytes_for_any_threads(void **state)
{
	call		one,
				many;

	(void) state;
	open_call(&one, BLOBS, 900, 3);
	open_call(&many, BLOBS, 900, 3);
	for (int threads = 1; threads <= 5; threads += 4)
	{
		gh_ctx	   *ctx = open_threads(threads);

		assert_int_equal(run_call(ctx, threads == 1 ? &one : &many), GH_OK);
		gh_ctx_close(ctx);
	}
	for (int i = 0; i < N_PROJECTIONS; i++)
	{
		assert_true(one.projections[i].trustworthiness == many.projections[i].trustworthiness);
		check_cells(one.cells + i * N_CELLS, many.cells + i * N_CELLS);
	}
	free(one.x);
	free(many.x);
}

static void
cancel_anywhere(void **state)
{
	call		c;

	(void) state;
	open_call(&c, BLOBS, 260, 3);
	c.n_projections = 2;
	assert_true(check_cancel(run_call, &c, 1) > 10);
	assert_true(check_cancel(run_call, &c, 2) > 10);
	free(c.x);
}

static void
allocation_failures(void **state)
{
	call		c;

	(void) state;
	open_call(&c, BLOBS, 50, 2);
	c.n_projections = 2;
	assert_true(check_allocations(run_call, &c) > 5);
	free(c.x);
}

static void
memory_is_estimated(void **state)
{
	call		c;

	(void) state;
	open_call(&c, BLOBS, 3000, 3);
	c.n_projections = 2;
	for (int i = 0; i < 2; i++)
		c.projections[i].params.n_epochs = 11;
	check_memory(run_call, &c,
				 gh_projection_grid_memory(c.n, c.d, c.projections, c.n_projections, c.cells, N_CELLS));
	free(c.x);
}

static void
check_refused(call *c, gh_status expected)
{
	gh_ctx	   *ctx = open_threads(1);

	assert_int_equal(run_call(ctx, c), expected);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
bad_input(void **state)
{
	call		c;

	(void) state;
	open_call(&c, BLOBS, 40, 3);
	c.projections[3].params.n_neighbors = 1;
	check_refused(&c, GH_EINVAL);
	c.projections[3].params.n_neighbors = 12;
	c.projections[3].params.seed = 1;
	check_refused(&c, GH_EINVAL);
	c.projections[3].params.seed = 42;
	c.cells[N_PROJECTIONS * N_CELLS - 1].params.min_cluster_size = 1;
	check_refused(&c, GH_EINVAL);
	c.cells[N_PROJECTIONS * N_CELLS - 1].params.min_cluster_size = 2;
	c.x[5] = NAN;
	check_refused(&c, GH_EDATA);
	free(c.x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_those_of_single_runs),
		cmocka_unit_test(no_points_or_nothing_to_do),
		cmocka_unit_test(same_bytes_for_any_threads),
		cmocka_unit_test(cancel_anywhere),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(memory_is_estimated),
		cmocka_unit_test(bad_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
