/*
 * test_spectral.c
 *		The spectral start, coarse graphs and eigenvectors, against dense oracles.
 */
#include "project_testing.h"

#include "base/gh_lapack.h"
#include "base/gh_random.h"
#include "project/gh_coarsen.h"
#include "project/gh_components.h"
#include "project/gh_graph.h"
#include "project/gh_neighbours.h"
#include "project/gh_spectral.h"

static void
build_graph(gh_ctx *ctx, const double *x, size_t n, int d, int k, gh_kdtree *tree, gh_graph *g)
{
	uint32_t   *indices = malloc(sizeof(uint32_t) * n * k);
	double	   *distances = malloc(sizeof(double) * n * k);

	assert_int_equal(gh_kdtree_build(ctx, x, n, d, tree), GH_OK);
	assert_int_equal(gh_neighbours(ctx, tree, k, indices, distances), GH_OK);
	assert_int_equal(gh_graph_build(ctx, tree, k, indices, distances, g), GH_OK);
	free(indices);
	free(distances);
}

/* |S v - (v'S v) v| of column c for S = D^-1/2 W D^-1/2; *value gets v'S v.  Literal and dense in spirit. */
static double
residual(const gh_graph *g, const double *y, int dim, int c, double *value)
{
	double	   *degree = calloc(g->n, sizeof(double)),
			   *product = calloc(g->n, sizeof(double));
	double		norm = 0,
				sum = 0;

	*value = 0;
	for (size_t v = 0; v < g->n; v++)
	{
		for (size_t e = g->offsets[v]; e < g->offsets[v + 1]; e++)
			degree[v] += g->weights[e];
		norm += y[v * dim + c] * y[v * dim + c];
	}
	for (size_t v = 0; v < g->n; v++)
	{
		for (size_t e = g->offsets[v]; e < g->offsets[v + 1]; e++)
			product[v] += g->weights[e] / sqrt(degree[v] * degree[g->columns[e]]) * y[g->columns[e] * dim + c] / sqrt(norm);
		*value += product[v] * y[v * dim + c] / sqrt(norm);
	}
	for (size_t v = 0; v < g->n; v++)
	{
		double		r = product[v] - *value * y[v * dim + c] / sqrt(norm);

		sum += r * r;
	}
	free(degree);
	free(product);
	return sqrt(sum);
}

/* A long strip: the eigenvalues of a path, crowding at 1, where short cuts show. */
static void
spectral_residuals(void **state)
{
	gh_ctx	   *ctx = open_threads(2);
	size_t		n = 3000;
	double	   *x = malloc(sizeof(double) * n * 2),
			   *y = malloc(sizeof(double) * n * 3);
	gh_kdtree	tree;
	gh_graph	g;
	gh_spectral_report report;

	(void) state;
	for (size_t i = 0; i < n; i++)
	{
		x[2 * i] = 10 * gh_random_double(5, GH_STREAM_TEST, 2 * i);
		x[2 * i + 1] = gh_random_double(5, GH_STREAM_TEST, 2 * i + 1);
	}
	build_graph(ctx, x, n, 2, 14, &tree, &g);
	assert_int_equal(gh_spectral_start(ctx, &g, x, 2, tree.order, 3, 1, y, &report), GH_OK);
	assert_int_equal(report.fallbacks, 0);
	assert_int_equal(report.components, 1);
	for (int c = 0; c < 3; c++)
	{
		double		value,
					top = 0;

		assert_true(residual(&g, y, 3, c, &value) < 1e-4);
		assert_true(value > 0.99 && value < 0.99999);
		for (size_t v = 0; v < n; v++)
			top = fabs(y[v * 3 + c]) > fabs(top) ? y[v * 3 + c] : top;
		assert_true(top > 0);
	}
	/* the second eigenvector of a strip orders it from end to end */
	{
		double		xy = 0,
					xx = 0,
					yy = 0;

		for (size_t v = 0; v < n; v++)
		{
			double		along = x[2 * tree.order[v]] - 5;

			xy += along * y[v * 3];
			xx += along * along;
			yy += y[v * 3] * y[v * 3];
		}
		assert_true(fabs(xy) / sqrt(xx * yy) > 0.95);
	}
	gh_graph_free(ctx, &g);
	gh_kdtree_free(ctx, &tree);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(x);
	free(y);
}

/*
 * A chain of 6,000 points: its eigenvalues are nearer to each other than any
 * bounded search tells apart, yet the start has them in their order.
 */
static void
spectral_bound(void **state)
{
	gh_ctx	   *ctx = open_threads(2);
	size_t		n = 6000,
				wrong = 0;
	double	   *x = malloc(sizeof(double) * n),
			   *y = malloc(sizeof(double) * n * 2),
			   *by_point = malloc(sizeof(double) * n);
	gh_kdtree	tree;
	gh_graph	g;
	gh_spectral_report report;

	(void) state;
	for (size_t i = 0; i < n; i++)
		x[i] = (double) i;
	build_graph(ctx, x, n, 1, 2, &tree, &g);
	assert_int_equal(gh_spectral_start(ctx, &g, x, 1, tree.order, 2, 1, y, &report), GH_OK);
	assert_int_equal(report.components, 1);
	assert_int_equal(report.fallbacks, 0);
	assert_true(report.applications <= 200);
	for (size_t v = 0; v < n; v++)
		by_point[tree.order[v]] = y[2 * v];
	for (size_t i = 100; i < n; i++)
		wrong += (by_point[i] > by_point[i - 100]) != (by_point[n - 1] > by_point[0]);
	assert_true(wrong < n / 50);
	gh_graph_free(ctx, &g);
	gh_kdtree_free(ctx, &tree);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(x);
	free(y);
	free(by_point);
}

/* Small and large solver agree: the same graph, decomposed whole and iterated. */
static void
spectral_small_and_large(void **state)
{
	gh_ctx	   *ctx = open_threads(1);

	(void) state;
	for (size_t n = 60; n <= 70; n += 10)
	{
		double	   *x = blobs(n, 3, 1, 0, n),
				   *y = malloc(sizeof(double) * n * 2);
		gh_kdtree	tree;
		gh_graph	g;
		gh_spectral_report report;
		double		value;

		build_graph(ctx, x, n, 3, 14, &tree, &g);
		assert_int_equal(gh_spectral_start(ctx, &g, x, 3, tree.order, 2, 1, y, &report), GH_OK);
		assert_int_equal(report.fallbacks, 0);
		assert_int_equal(report.applications > 0, n > 64);
		for (int c = 0; c < 2; c++)
			assert_true(residual(&g, y, 2, c, &value) < 2e-3);
		gh_graph_free(ctx, &g);
		gh_kdtree_free(ctx, &tree);
		free(x);
		free(y);
	}
	gh_ctx_close(ctx);
}

/* Groups with no edge between them: each in a place of its own, none overlapping. */
static void
spectral_components(void **state)
{
	static const int counts[] = {2, 4, 5, 30, 200};
	gh_ctx	   *ctx = open_threads(2);

	(void) state;
	for (int t = 0; t < 5; t++)
	{
		int			groups = counts[t];
		size_t		size = groups <= 5 ? 100 : 20,
					n = size * groups;
		double	   *x = malloc(sizeof(double) * n * 2),
				   *y = malloc(sizeof(double) * n * 2);
		gh_kdtree	tree;
		gh_graph	g;
		gh_components parts;
		gh_spectral_report report;

		for (size_t i = 0; i < n; i++)
		{
			x[2 * i] = (double) (i % groups % 15) + 0.02 * gh_random_normal(1, GH_STREAM_TEST, 2 * i);
			x[2 * i + 1] = (double) (i % groups / 15) + 0.02 * gh_random_normal(1, GH_STREAM_TEST, 2 * i + 1);
		}
		build_graph(ctx, x, n, 2, 10, &tree, &g);
		assert_int_equal(gh_components_find(ctx, &g, &parts), GH_OK);
		assert_int_equal(parts.count, groups);
		assert_int_equal(gh_components_arrange(ctx, &parts, x, 2, tree.order, 2, 1), GH_OK);
		assert_int_equal(gh_spectral_start(ctx, &g, x, 2, tree.order, 2, 1, y, &report), GH_OK);
		assert_int_equal(report.fallbacks, 0);
		assert_int_equal(report.components, groups);
		for (uint32_t c = 0; c < parts.count; c++)
		{
			assert_int_equal(parts.offsets[c + 1] - parts.offsets[c], size);
			assert_true(parts.radii[c] > 0);
			for (size_t r = parts.offsets[c]; r < parts.offsets[c + 1]; r++)
			{
				uint32_t	v = parts.rows[r];

				assert_int_equal(parts.place[v], r - parts.offsets[c]);
				assert_int_equal(tree.order[v] % groups, tree.order[parts.rows[parts.offsets[c]]] % groups);
				for (int axis = 0; axis < 2; axis++)
					assert_true(fabs(y[v * 2 + axis] - parts.centres[c * 2 + axis]) <= parts.radii[c] * (1 + 1e-12));
			}
			for (uint32_t other = 0; other < c; other++)
			{
				double		apart = hypot(parts.centres[c * 2] - parts.centres[other * 2],
										  parts.centres[c * 2 + 1] - parts.centres[other * 2 + 1]);

				assert_true(apart == 0 || apart >= 2 * parts.radii[c] * (1 - 1e-12));
			}
		}
		gh_components_free(ctx, &parts);
		gh_graph_free(ctx, &g);
		gh_kdtree_free(ctx, &tree);
		assert_int_equal(gh_memory_used(ctx), 0);
		free(x);
		free(y);
	}
	gh_ctx_close(ctx);
}

/* ---- coarse graphs ------------------------------------------------------ */

static void
measure_roots(const gh_graph *g, double *root, double *inverse)
{
	for (size_t v = 0; v < g->n; v++)
	{
		double		degree = 0;

		for (size_t e = g->offsets[v]; e < g->offsets[v + 1]; e++)
			degree += g->weights[e];
		root[v] = sqrt(degree);
		inverse[v] = 1 / root[v];
	}
}

/* Every group's edges, inner weight and degree are the sums of its members'; dense. */
static void
check_sums(const gh_level *fine, const gh_coarse *c)
{
	double	   *sum = calloc(c->n * c->n, sizeof(double));
	size_t	   *size = calloc(c->n, sizeof(size_t));

	for (size_t r = 0; r < fine->n; r++)
	{
		uint32_t	v = fine->rows != NULL ? fine->rows[r] : (uint32_t) r,
					a = c->group[r];

		assert_true(a < c->n);
		size[a]++;
		sum[a * c->n + a] += fine->inner != NULL ? fine->inner[v] : 0;
		for (size_t e = fine->offsets[v]; e < fine->offsets[v + 1]; e++)
		{
			uint32_t	w = fine->columns[e];

			sum[a * c->n + c->group[fine->place != NULL ? fine->place[w] : w]] += fine->weights[e];
		}
	}
	for (size_t a = 0; a < c->n; a++)
	{
		double		degree = 0;

		assert_true(size[a] > 0);
		for (size_t b = 0; b < c->n; b++)
			degree += sum[a * c->n + b];
		assert_true(fabs(c->inner[a] - sum[a * c->n + a]) <= 1e-6 * degree);
		assert_true(fabs(c->root[a] * c->root[a] - degree) <= 1e-5 * degree);
		assert_true(fabs(c->inverse[a] * c->root[a] - 1) <= 1e-12);
		for (size_t e = c->offsets[a]; e < c->offsets[a + 1]; e++)
		{
			double	   *s = &sum[a * c->n + c->columns[e]];

			assert_true(c->columns[e] != a && *s > 0);
			assert_true(fabs(c->weights[e] - *s) <= 1e-6 * *s);
			*s = 0;
		}
		for (size_t b = 0; b < c->n; b++)
			assert_true(b == a || sum[a * c->n + b] == 0);
	}
	free(sum);
	free(size);
}

/* Of a whole graph, of one component of a graph, and of a coarse graph. */
static void
coarse_sums(void **state)
{
	gh_ctx	   *ctx = open_threads(2);
	size_t		n = 3000;
	double	   *x = blobs(n, 3, 2, 60, 8),
			   *root = malloc(sizeof(double) * n),
			   *inverse = malloc(sizeof(double) * n);
	gh_kdtree	tree;
	gh_graph	g;
	gh_components parts;

	(void) state;
	build_graph(ctx, x, n, 3, 14, &tree, &g);
	measure_roots(&g, root, inverse);
	assert_int_equal(gh_components_find(ctx, &g, &parts), GH_OK);
	assert_int_equal(parts.count, 2);
	for (uint32_t part = 0; part < 3; part++)
	{
		gh_level	level = {.n = n,.offsets = g.offsets,.columns = g.columns,.weights = g.weights,.root = root,
		.inverse = inverse};
		gh_level	next;
		gh_coarse	coarse,
					coarser;

		if (part < 2)
		{
			level.n = parts.offsets[part + 1] - parts.offsets[part];
			level.rows = parts.rows + parts.offsets[part];
			level.place = parts.place;
		}
		assert_int_equal(gh_coarsen(ctx, &level, &coarse), GH_OK);
		assert_true(coarse.n * 3 < level.n);
		check_sums(&level, &coarse);
		next = gh_coarse_level(&coarse);
		assert_int_equal(gh_coarsen(ctx, &next, &coarser), GH_OK);
		assert_true(coarser.n * 2 < coarse.n);
		check_sums(&next, &coarser);
		gh_coarse_free(ctx, &coarse);
		gh_coarse_free(ctx, &coarser);
	}
	gh_components_free(ctx, &parts);
	gh_graph_free(ctx, &g);
	gh_kdtree_free(ctx, &tree);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(x);
	free(root);
	free(inverse);
}

/*
 * From coarse to fine the vectors reach the eigenvalues of the dense matrix: a
 * string of 60 islands, whose eigenvalues crowd at 1.
 */
static void
spectral_dense_oracle(void **state)
{
	gh_ctx	   *ctx = open_threads(2);
	size_t		n = 1200;
	double	   *x = malloc(sizeof(double) * n * 2),
			   *y = malloc(sizeof(double) * n * 2),
			   *a = calloc(n * n, sizeof(double)),
			   *values = malloc(sizeof(double) * n),
			   *root = malloc(sizeof(double) * n),
			   *inverse = malloc(sizeof(double) * n);
	gh_kdtree	tree;
	gh_graph	g;
	gh_spectral_report report;

	(void) state;
	for (size_t i = 0; i < n; i++)
	{
		x[2 * i] = (double) (i % 60) + 0.15 * gh_random_normal(9, GH_STREAM_TEST, 2 * i);
		x[2 * i + 1] = 0.15 * gh_random_normal(9, GH_STREAM_TEST, 2 * i + 1);
	}
	build_graph(ctx, x, n, 2, 20, &tree, &g);
	measure_roots(&g, root, inverse);
	for (size_t v = 0; v < n; v++)
	{
		for (size_t e = g.offsets[v]; e < g.offsets[v + 1]; e++)
			a[v * n + g.columns[e]] = g.weights[e] * inverse[v] * inverse[g.columns[e]];
	}
	assert_int_equal(gh_lapack_eigen(ctx, (int) n, a, values), GH_OK);
	assert_int_equal(gh_spectral_start(ctx, &g, x, 2, tree.order, 2, 1, y, &report), GH_OK);
	assert_int_equal(report.components, 1);
	assert_int_equal(report.fallbacks, 0);
	assert_true(values[n - 2] > 0.999);
	for (int c = 0; c < 2; c++)
	{
		double		value;

		assert_true(residual(&g, y, 2, c, &value) < 1e-3);
		assert_true(1 - value < 1.1 * (1 - values[n - 2 - c]));
	}
	gh_graph_free(ctx, &g);
	gh_kdtree_free(ctx, &tree);
	gh_ctx_close(ctx);
	free(x);
	free(y);
	free(a);
	free(values);
	free(root);
	free(inverse);
}

/* ---- manners ------------------------------------------------------------ */

/* A graph with a large component, one of middle size and many small ones. */
static double *
mixture(size_t n)
{
	double	   *x = malloc(sizeof(double) * n * 2);

	for (size_t i = 0; i < n; i++)
	{
		size_t		home = i < n * 7 / 10 ? 0 : i < n * 8 / 10 ? 1 : 2 + i % 17;

		x[2 * i] = 100 * (double) home + gh_random_normal(3, GH_STREAM_TEST, 2 * i);
		x[2 * i + 1] = gh_random_normal(3, GH_STREAM_TEST, 2 * i + 1);
	}
	return x;
}

/* Any number of threads, the same bytes; the large component is beyond those laid out side by side. */
static void
spectral_deterministic(void **state)
{
	size_t		n = 8000;
	double	   *x = mixture(n),
			   *first = malloc(sizeof(double) * n * 3),
			   *y = malloc(sizeof(double) * n * 3);

	(void) state;
	for (int threads = 1; threads <= 4; threads++)
	{
		gh_ctx	   *ctx = open_threads(threads);
		gh_kdtree	tree;
		gh_graph	g;
		gh_spectral_report report;

		build_graph(ctx, x, n, 2, 10, &tree, &g);
		assert_int_equal(gh_spectral_start(ctx, &g, x, 2, tree.order, 3, 5, threads == 1 ? first : y, &report), GH_OK);
		assert_true(report.components >= 19 && report.fallbacks == 0);
		if (threads > 1)
			assert_memory_equal(first, y, sizeof(double) * n * 3);
		gh_graph_free(ctx, &g);
		gh_kdtree_free(ctx, &tree);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
	free(x);
	free(first);
	free(y);
}

/* Stopped at the k-th poll, and failing at the k-th allocation: it unwinds and leaves nothing behind. */
static void
spectral_interrupted(void **state)
{
	size_t		n = 1500;
	double	   *x = mixture(n),
			   *y = malloc(sizeof(double) * n * 2);
	gh_host		host = {.should_stop = stop_after_polls,.threads = 2,.memory_limit = SIZE_MAX};

	(void) state;
	for (int allocations = 0; allocations <= 1; allocations++)
	{
		bool		finished = false;
		long		k;

		for (k = 1; !finished; k += allocations ? 1 : 1 + k / 8)
		{
			gh_ctx	   *ctx = gh_ctx_open(&host);
			gh_kdtree	tree;
			gh_graph	g;
			gh_spectral_report report;
			gh_status	status;
			size_t		before;

			polls_left = LONG_MAX;
			build_graph(ctx, x, n, 2, 10, &tree, &g);
			before = gh_memory_used(ctx);
			if (allocations)
				gh_ctx_fail_allocation(ctx, (uint64_t) k, false);
			else
				polls_left = k;
			status = gh_spectral_start(ctx, &g, x, 2, tree.order, 2, 5, y, &report);
			gh_ctx_fail_allocation(ctx, 0, false);
			finished = status == GH_OK;
			assert_true(finished || status == (allocations ? GH_ENOMEM : GH_ECANCELED));
			assert_int_equal(gh_memory_used(ctx), before);
			gh_graph_free(ctx, &g);
			gh_kdtree_free(ctx, &tree);
			gh_ctx_close(ctx);
		}
		assert_true(k > 30);
	}
	free(x);
	free(y);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coarse_sums),
		cmocka_unit_test(spectral_residuals),
		cmocka_unit_test(spectral_dense_oracle),
		cmocka_unit_test(spectral_bound),
		cmocka_unit_test(spectral_small_and_large),
		cmocka_unit_test(spectral_components),
		cmocka_unit_test(spectral_deterministic),
		cmocka_unit_test(spectral_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
