/*
 * test_grid.c
 *		The grid search against one clustering and one score per setting.
 */
#include "cluster_testing.h"

#include "cluster/gh_dbcv.h"
#include "cluster/gh_grid.h"
#include "cluster/grid_private.h"

/* Settings of every kind, in no useful order, some of them twice. */
static size_t
make_cells(gh_grid_cell *cells)
{
	static const int sizes[] = {12, 3, 40, 3};
	static const int samples[] = {0, 9, 2, 100000};
	size_t		n = 0;

	for (int s = 0; s < 4; s++)
	{
		for (int m = 0; m < 4; m++)
		{
			for (int leaf = 0; leaf < 2; leaf++)
			{
				gh_hdbscan_params params = gh_hdbscan_defaults();

				params.min_cluster_size = sizes[s];
				params.min_samples = samples[m];
				params.selection = leaf ? GH_SELECT_LEAF : GH_SELECT_EOM;
				params.epsilon = n % 5 == 4 ? 0.4 : 0;
				params.allow_single_cluster = n % 7 == 3;
				params.max_cluster_size = n % 6 == 5 ? 60 : 0;
				params.alpha = n % 9 == 8 ? 1.5 : 1;
				memset(&cells[n], 0x55, sizeof(gh_grid_cell));
				cells[n++].params = params;
			}
		}
	}
	return n;
}

#define MANY 32

static void
check_counts(const gh_grid_cell *cell, const int32_t *labels, size_t n)
{
	size_t	   *size = calloc(n + 1, sizeof(size_t));
	size_t		noise = 0,
				smallest = SIZE_MAX,
				largest = 0;
	int			clusters = 0;

	for (size_t i = 0; i < n; i++)
	{
		noise += labels[i] < 0;
		if (labels[i] >= 0)
			size[labels[i]]++;
	}
	for (size_t c = 0; c <= n; c++)
	{
		if (size[c] == 0)
			continue;
		clusters++;
		smallest = size[c] < smallest ? size[c] : smallest;
		largest = size[c] > largest ? size[c] : largest;
	}
	assert_int_equal(cell->noise, noise);
	assert_int_equal(cell->clusters, clusters);
	assert_int_equal(cell->smallest, clusters > 0 ? smallest : 0);
	assert_int_equal(cell->largest, largest);
	assert_true(cell->mean_size == (clusters > 0 ? (double) (n - noise) / clusters : 0));
	free(size);
}

static void
check_grid(point_kind kind, size_t n, int d, int *defined)
{
	double	   *x = make_points(kind, n, d, 77);
	gh_grid_cell cells[MANY];
	size_t		n_cells = make_cells(cells);
	int32_t    *labels = malloc(n_cells * n * sizeof(int32_t)),
			   *expected = malloc(n * sizeof(int32_t));
	gh_ctx	   *ctx = open_threads(2);

	assert_int_equal(gh_grid(ctx, x, n, d, cells, n_cells, labels), GH_OK);
	assert_int_equal(gh_memory_used(ctx), 0);
	for (size_t i = 0; i < n_cells; i++)
	{
		double		value;
		bool		is_defined;
		int			n_clusters;

		assert_int_equal(gh_hdbscan(ctx, x, n, d, &cells[i].params, expected, NULL, NULL, &n_clusters), GH_OK);
		assert_memory_equal(labels + i * n, expected, n * sizeof(int32_t));
		assert_int_equal(gh_dbcv(ctx, x, n, d, expected, false, &value, &is_defined), GH_OK);
		assert_int_equal(cells[i].dbcv_defined, is_defined);
		/* the same clusters numbered otherwise are added up in another order */
		assert_true(fabs(cells[i].dbcv - value) < 1e-13);
		*defined += is_defined;
		check_counts(&cells[i], expected, n);
	}
	gh_ctx_close(ctx);
	free(x);
	free(labels);
	free(expected);
}

static void
cells_are_those_of_single_runs(void **state)
{
	int			defined = 0;

	(void) state;
	for (int kind = 0; kind < N_KINDS; kind++)
	{
		check_grid((point_kind) kind, 250, 2, &defined);
		check_grid((point_kind) kind, 100, 5, &defined);
	}
	check_grid(BLOBS, 2, 1, &defined);
	check_grid(BLOBS, 3, 2, &defined);
	assert_true(defined > 100);
}

/* The formula in words, with its own loops over the edges for each cluster. */
static double
literal_relative_validity(const gh_edge *edges, size_t n, const int32_t *labels, int n_clusters)
{
	double		longest = 0,
				to_noise = INFINITY,
				sum = 0;

	for (size_t e = 0; e + 1 < n; e++)
	{
		longest = fmax(longest, edges[e].weight);
		if ((labels[edges[e].low] < 0) != (labels[edges[e].high] < 0))
			to_noise = fmin(to_noise, edges[e].weight);
	}
	to_noise = isinf(to_noise) ? longest : to_noise;
	for (int c = 0; c < n_clusters; c++)
	{
		double		inside = 0,
					outside = INFINITY;
		size_t		size = 0;

		for (size_t i = 0; i < n; i++)
			size += labels[i] == c;
		for (size_t e = 0; e + 1 < n; e++)
		{
			int32_t		a = labels[edges[e].low],
						b = labels[edges[e].high];

			if (a == c && b == c)
				inside = fmax(inside, edges[e].weight);
			else if ((a == c && b >= 0) || (b == c && a >= 0))
				outside = fmin(outside, edges[e].weight);
		}
		if (isinf(outside))
			outside = 2 * (n_clusters > 1 ? longest : to_noise);
		if (fmax(inside, outside) > 0)
			sum += (double) size / (double) n * (outside - inside) / fmax(inside, outside);
	}
	return sum;
}

static void
relative_validity_is_the_literal_one(void **state)
{
	(void) state;
	for (int round = 0; round < 200; round++)
	{
		enum
		{
			N = 60
		};
		gh_edge		edges[N];
		int32_t		labels[N];
		int			n_clusters = 1 + round % 4;
		double		value;
		bool		defined;
		gh_ctx	   *ctx = open_threads(1);

		for (uint32_t i = 0; i < N; i++)
		{
			uint64_t	r = gh_random_u64(round, GH_STREAM_TEST, i);

			labels[i] = round % 3 == 0 && i % 3 == 0 ? GH_NOISE : (int32_t) (i / (N / (unsigned) n_clusters + 1));
			edges[i].low = i == 0 ? 0 : (uint32_t) (round / 4 % 2 == 0 ? i - 1 : r % i);
			edges[i].high = i;
			edges[i].weight = (double) (r >> 40) / 1e7;
		}
		assert_int_equal(gh_relative_validity(ctx, edges + 1, N, labels, n_clusters, &value, &defined), GH_OK);
		assert_true(defined);
		assert_true(fabs(value - literal_relative_validity(edges + 1, N, labels, n_clusters)) < 1e-14);
		assert_int_equal(gh_relative_validity(ctx, edges + 1, N, labels, 0, &value, &defined), GH_OK);
		assert_false(defined);
		gh_ctx_close(ctx);
	}
}

static void
few_points(void **state)
{
	const double x[1] = {3};
	gh_grid_cell cells[MANY];
	size_t		n_cells = make_cells(cells);
	int32_t		labels[MANY];
	gh_ctx	   *ctx = open_threads(1);

	(void) state;
	for (size_t n = 0; n < 2; n++)
	{
		assert_int_equal(gh_grid(ctx, x, n, 1, cells, n_cells, labels), GH_OK);
		for (size_t i = 0; i < n_cells; i++)
		{
			assert_int_equal(cells[i].noise, n);
			assert_int_equal(cells[i].clusters, 0);
			assert_false(cells[i].dbcv_defined);
			assert_false(cells[i].relative_defined);
			assert_true(n == 0 || labels[i] == GH_NOISE);
		}
	}
	assert_int_equal(gh_grid(ctx, x, 1, 1, cells, 0, NULL), GH_OK);
	gh_ctx_close(ctx);
}

/* ---- manners ------------------------------------------------------------- */

typedef struct call
{
	double	   *x;
	size_t		n;
	int			d;
	gh_grid_cell cells[MANY];
	size_t		n_cells;
} call;

static gh_status
run_call(gh_ctx *ctx, void *arg)
{
	call	   *c = arg;

	return gh_grid(ctx, c->x, c->n, c->d, c->cells, c->n_cells, NULL);
}

static void
open_call(call *c, point_kind kind, size_t n, int d)
{
	memset(c, 0, sizeof(*c));
	c->x = make_points(kind, n, d, 21);
	c->n = n;
	c->d = d;
	c->n_cells = make_cells(c->cells);
}

static void
same_bytes_for_any_threads(void **state)
{
	call		one,
				many;
	gh_ctx	   *ctx = open_threads(1);

	(void) state;
	open_call(&one, BLOBS, 2500, 2);
	assert_int_equal(run_call(ctx, &one), GH_OK);
	gh_ctx_close(ctx);
	for (int threads = 2; threads <= 8; threads += 6)
	{
		open_call(&many, BLOBS, 2500, 2);
		ctx = open_threads(threads);
		assert_int_equal(run_call(ctx, &many), GH_OK);
		gh_ctx_close(ctx);
		for (size_t i = 0; i < one.n_cells; i++)
		{
			assert_true(one.cells[i].dbcv == many.cells[i].dbcv);
			assert_true(one.cells[i].relative_validity == many.cells[i].relative_validity);
			assert_int_equal(one.cells[i].clusters, many.cells[i].clusters);
			assert_int_equal(one.cells[i].noise, many.cells[i].noise);
		}
		free(many.x);
	}
	free(one.x);
}

static void
score_one(gh_ctx *ctx, gh_score_cache *cache, const int32_t *labels, gh_grid_cell *cell)
{
	gh_scoring	scoring;

	assert_int_equal(gh_scoring_open(ctx, labels, cache->n, cell, &scoring), GH_OK);
	assert_int_equal(gh_score_all(ctx, cache, &scoring, 1), GH_OK);
	gh_scoring_close(ctx, &scoring);
}

/* The cache forgets when it is told to; the values must not notice. */
static void
cache_forgets(void **state)
{
	size_t		n = 300;
	double	   *x = make_points(UNIFORM, n, 2, 9);
	int32_t		labels[300];
	gh_ctx	   *ctx = open_threads(1);
	gh_score_cache cache;

	(void) state;
	assert_int_equal(gh_score_cache_open(ctx, x, n, 2, 200, &cache), GH_OK);
	for (int round = 0; round < 200; round++)
	{
		gh_grid_cell cell;
		double		value;
		bool		defined;

		for (size_t i = 0; i < n; i++)
			labels[i] = (int32_t) ((i + (size_t) round % 50) / 60);
		score_one(ctx, &cache, labels, &cell);
		assert_int_equal(gh_dbcv(ctx, x, n, 2, labels, false, &value, &defined), GH_OK);
		assert_true(cell.dbcv == value && cell.dbcv_defined == defined);
		if (round % 20 == 19)
			gh_score_cache_forget(ctx, &cache);
	}
	gh_score_cache_close(ctx, &cache);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(x);
}

/* Clusters that differ in one point are different clusters. */
static void
cache_tells_sets_apart(void **state)
{
	const double x[8] = {0, 1, 2.5, 30, 40, 47, 55, 70};
	gh_ctx	   *ctx = open_threads(1);
	gh_score_cache cache;

	(void) state;
	assert_int_equal(gh_score_cache_open(ctx, x, 8, 1, 256, &cache), GH_OK);
	for (unsigned set = 0; set < 256; set++)
	{
		int32_t		labels[8];
		gh_grid_cell cell;
		double		value;
		bool		defined;

		for (int i = 0; i < 8; i++)
			labels[i] = set >> i & 1;
		score_one(ctx, &cache, labels, &cell);
		assert_int_equal(gh_dbcv(ctx, x, 8, 1, labels, false, &value, &defined), GH_OK);
		assert_int_equal(cell.dbcv_defined, defined);
		assert_true(fabs(cell.dbcv - value) < 1e-15);
	}
	/* every set and its complement are the same partition */
	assert_int_equal(cache.n_partitions, 128);
	gh_score_cache_close(ctx, &cache);
	gh_ctx_close(ctx);
}

static void
cancel_anywhere(void **state)
{
	call		c;

	(void) state;
	open_call(&c, BLOBS, 300, 2);
	assert_true(check_cancel(run_call, &c, 1) > 10);
	assert_true(check_cancel(run_call, &c, 2) > 10);
	free(c.x);
}

static void
allocation_failures(void **state)
{
	call		c;

	(void) state;
	open_call(&c, BLOBS, 60, 2);
	c.n_cells = 6;
	assert_true(check_allocations(run_call, &c) > 5);
	free(c.x);
}

static void
memory_is_estimated(void **state)
{
	call		c;

	(void) state;
	open_call(&c, BLOBS, 6000, 2);
	check_memory(run_call, &c, gh_grid_memory(c.n, c.d, c.cells, c.n_cells));
	free(c.x);
}

static void
bad_input(void **state)
{
	call		c;
	gh_ctx	   *ctx = open_threads(1);

	(void) state;
	open_call(&c, BLOBS, 50, 2);
	c.cells[MANY - 1].params.min_cluster_size = 1;
	assert_int_equal(run_call(ctx, &c), GH_EINVAL);
	gh_ctx_close(ctx);

	ctx = open_threads(1);
	c.cells[MANY - 1].params.min_cluster_size = 2;
	c.x[3] = INFINITY;
	assert_int_equal(run_call(ctx, &c), GH_EDATA);
	gh_ctx_close(ctx);
	free(c.x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_are_those_of_single_runs),
		cmocka_unit_test(relative_validity_is_the_literal_one),
		cmocka_unit_test(few_points),
		cmocka_unit_test(same_bytes_for_any_threads),
		cmocka_unit_test(cache_forgets),
		cmocka_unit_test(cache_tells_sets_apart),
		cmocka_unit_test(cancel_anywhere),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(memory_is_estimated),
		cmocka_unit_test(bad_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
