/*
 * test_umap.c
 *		UMAP: its graph, start, layout and manners, against literal oracles.
 */
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/gh_isa.h"
#include "base/gh_random.h"
#include "project/gh_graph.h"
#include "project/gh_neighbours.h"
#include "project/gh_pca.h"
#include "project/gh_scale.h"
#include "project/gh_umap.h"

static gh_ctx *
open_threads(int threads)
{
	gh_host		host = {.threads = threads,.memory_limit = SIZE_MAX};

	return gh_ctx_open(&host);
}

/* `groups` Gaussian blobs, their centres `apart` standard deviations from each other on random axes. */
static double *
blobs(size_t n, int d, int groups, double apart, uint64_t seed)
{
	double	   *x = malloc(sizeof(double) * (n * d + 1));

	for (size_t i = 0; i < n; i++)
	{
		for (int j = 0; j < d; j++)
			x[i * d + j] = gh_random_normal(seed, GH_STREAM_TEST, i * d + j) +
				apart * gh_random_normal(seed, GH_STREAM_TEST + 1, (i % groups) * d + j);
	}
	return x;
}

static gh_umap_params
plain(void)
{
	gh_umap_params p = gh_umap_defaults();

	p.standardize = false;
	return p;
}

/* ---- the curve --------------------------------------------------------- */

static void
curve_anchors(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	double		a,
				b;

	(void) state;
	assert_int_equal(gh_umap_curve(ctx, 0.1, 1, &a, &b), GH_OK);
	assert_true(fabs(a - 1.57694361) < 5e-7 && fabs(b - 0.89506072) < 5e-7);
	assert_int_equal(gh_umap_curve(ctx, 0, 1, &a, &b), GH_OK);
	assert_true(fabs(a - 1.93281) < 1e-5 && fabs(b - 0.79049) < 1e-5);
	assert_int_equal(gh_umap_curve(ctx, 0.5, 1, &a, &b), GH_OK);
	assert_true(fabs(a - 0.58303) < 1e-5 && fabs(b - 1.33417) < 1e-5);
	gh_ctx_close(ctx);
}

/* Double the units, and the same curve is met at double the distance. */
static void
curve_units(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	double		a,
				b,
				a2,
				b2;

	(void) state;
	assert_int_equal(gh_umap_curve(ctx, 0.25, 1, &a, &b), GH_OK);
	assert_int_equal(gh_umap_curve(ctx, 0.5, 2, &a2, &b2), GH_OK);
	assert_true(fabs(b - b2) < 1e-9);
	assert_true(fabs(1 / (1 + a * pow(0.7, 2 * b)) - 1 / (1 + a2 * pow(1.4, 2 * b2))) < 1e-9);
	gh_ctx_close(ctx);
}

/* ---- the graph --------------------------------------------------------- */

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
	gh_graph	g;
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
	gh_graph_free(ctx, &g);
	gh_kdtree_free(ctx, &tree);
	gh_ctx_close(ctx);
	free(x);
	free(old);
	free(indices);
	free(distances);
}

/* ---- the start --------------------------------------------------------- */

/* Columns of a known shape; for more than 128 coordinates by iteration. */
static void
principal_components(void **state)
{
	static const int dims[] = {3, 20, 200};
	gh_ctx	   *ctx = open_threads(2);
	size_t		n = 500;

	(void) state;
	for (int t = 0; t < 3; t++)
	{
		int			d = dims[t];
		double	   *x = malloc(sizeof(double) * n * d),
				   *y = malloc(sizeof(double) * n * 2);
		uint32_t   *order = malloc(sizeof(uint32_t) * n);
		double		xy = 0,
					xx = 0,
					yy = 0,
					cross = 0;

		for (size_t i = 0; i < n; i++)
		{
			double		along = gh_random_normal(4, GH_STREAM_TEST, i),
						across = gh_random_normal(5, GH_STREAM_TEST, i);

			for (int j = 0; j < d; j++)
				x[i * d + j] = 7 + 10 * along / sqrt(d) + (j % 2 ? 3 : -3) * across / sqrt(d) +
					0.1 * gh_random_normal(6, GH_STREAM_TEST, i * d + j);
			order[i] = (uint32_t) (n - 1 - i);
		}
		assert_int_equal(gh_pca_project(ctx, x, n, d, order, 2, 1, y), GH_OK);
		for (size_t v = 0; v < n; v++)
		{
			double		along = gh_random_normal(4, GH_STREAM_TEST, order[v]);

			xy += along * y[2 * v];
			xx += along * along;
			yy += y[2 * v] * y[2 * v];
			cross += y[2 * v] * y[2 * v + 1];
		}
		assert_true(xy / sqrt(xx * yy) > 0.98);
		assert_true(fabs(cross) < 1e-2 * yy);
		free(x);
		free(y);
		free(order);
	}
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
scaling(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	double		x[] = {1, 5, 1e300, -1, 2, 5, -1e300, 1, 3, 5, 1e300, 0, 6, 5, -1e300, 0};
	double		z[16];

	(void) state;
	assert_int_equal(gh_scale_points(ctx, x, 4, 4, true, z), GH_OK);
	for (int j = 0; j < 4; j++)
	{
		double		sum = 0,
					squares = 0;

		for (int i = 0; i < 4; i++)
		{
			sum += z[i * 4 + j];
			squares += z[i * 4 + j] * z[i * 4 + j];
		}
		assert_true(fabs(sum) < 1e-12);
		assert_true(j == 1 ? squares == 0 : fabs(squares - 4) < 1e-12);
	}
	assert_int_equal(gh_scale_points(ctx, x, 4, 4, false, z), GH_OK);
	assert_true(fabs(z[2]) >= 0.5 && fabs(z[2]) < 1);
	x[5] = NAN;
	assert_int_equal(gh_scale_points(ctx, x, 4, 4, true, z), GH_EDATA);
	assert_string_equal(gh_ctx_detail(ctx), "Coordinate 2 of point 2 is nan.");
	gh_ctx_close(ctx);
}

/* ---- the whole --------------------------------------------------------- */

/* 1 - 2 / (n k (2n - 3k - 1)) * sum over intruders of (rank - k): the definition, O(n^2 log n). */
typedef struct ranked
{
	double		distance;
	size_t		index;
} ranked;

static int
compare_ranked(const void *a, const void *b)
{
	const ranked *x = a,
			   *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void
rank_all(const double *x, size_t n, int d, size_t i, ranked *out)
{
	for (size_t j = 0; j < n; j++)
	{
		out[j].distance = j == i ? -1 : 0;
		out[j].index = j;
		for (int c = 0; c < d && j != i; c++)
			out[j].distance += (x[i * d + c] - x[j * d + c]) * (x[i * d + c] - x[j * d + c]);
	}
	qsort(out, n, sizeof(ranked), compare_ranked);
}

static double
trustworthiness(const double *x, int d, const double *y, int dim, size_t n, int k)
{
	ranked	   *near_x = malloc(sizeof(ranked) * n),
			   *near_y = malloc(sizeof(ranked) * n);
	size_t	   *rank = malloc(sizeof(size_t) * n);
	double		sum = 0;

	for (size_t i = 0; i < n; i++)
	{
		rank_all(x, n, d, i, near_x);
		rank_all(y, n, dim, i, near_y);
		for (size_t r = 0; r < n; r++)
			rank[near_x[r].index] = r;
		for (int r = 1; r <= k; r++)
		{
			if (rank[near_y[r].index] > (size_t) k)
				sum += (double) (rank[near_y[r].index] - k);
		}
	}
	free(near_x);
	free(near_y);
	free(rank);
	return 1 - 2 * sum / ((double) n * k * (2.0 * n - 3 * k - 1));
}

/* Blobs in 10 dimensions: neighbours stay neighbours and each blob stays together. */
static void
quality(void **state)
{
	gh_ctx	   *ctx = open_threads(2);
	size_t		n = 400;
	int			d = 10;
	double	   *x = blobs(n, d, 6, 3, 11),
			   *y = malloc(sizeof(double) * n * 3);

	(void) state;
	for (int dim = 1; dim <= 3; dim++)
	{
		for (int init = GH_UMAP_SPECTRAL; init <= GH_UMAP_RANDOM; init++)
		{
			gh_umap_params p = plain();
			size_t		astray = 0;

			p.n_components = dim;
			p.init = (gh_umap_init) init;
			p.n_epochs = 200;
			assert_int_equal(gh_umap_project(ctx, x, n, d, &p, y), GH_OK);
			for (size_t i = 0; i < n; i++)
			{
				ranked		near[400];

				rank_all(y, n, dim, i, near);
				astray += near[1].index % 6 != i % 6;
			}
			assert_true(astray <= n / 50);
			if (dim > 1)
				assert_true(trustworthiness(x, d, y, dim, n, 15) > 0.9);
		}
	}
	assert_int_equal(gh_memory_used(ctx), 0);
	free(x);
	free(y);
	gh_ctx_close(ctx);
}

/* The same bytes for any threads and instruction set; another seed, another picture. */
static void
deterministic(void **state)
{
	size_t		n = 9000;		/* four chunks of the layout */
	int			d = 8;
	double	   *x = blobs(n, d, 7, 2, 12);
	size_t		size = sizeof(double) * n * 2;
	double	   *first = malloc(size),
			   *other = malloc(size);
	gh_umap_params p = plain();

	(void) state;
	p.n_epochs = 15;
	for (int isa = GH_ISA_SCALAR; isa <= GH_ISA_AVX512; isa++)
	{
		for (int threads = 1; threads <= 8; threads = threads == 2 ? 8 : threads + 1)
		{
			gh_ctx	   *ctx = open_threads(threads);
			bool		is_first = isa == GH_ISA_SCALAR && threads == 1;

			gh_isa_limit((gh_isa) isa);
			assert_int_equal(gh_umap_project(ctx, x, n, d, &p, is_first ? first : other), GH_OK);
			if (!is_first)
				assert_memory_equal(first, other, size);
			gh_ctx_close(ctx);
		}
	}
	gh_isa_limit(GH_ISA_AVX512);
	{
		gh_ctx	   *ctx = open_threads(1);

		p.seed++;
		assert_int_equal(gh_umap_project(ctx, x, n, d, &p, other), GH_OK);
		assert_memory_not_equal(first, other, size);
		gh_ctx_close(ctx);
	}
	free(x);
	free(first);
	free(other);
}

static void
project_finite(const double *x, size_t n, int d, const gh_umap_params *p)
{
	gh_ctx	   *ctx = open_threads(2);
	double	   *y = malloc(sizeof(double) * (n * p->n_components + 1));

	for (size_t i = 0; i < n * p->n_components; i++)
		y[i] = NAN;
	assert_int_equal(gh_umap_project(ctx, x, n, d, p, y), GH_OK);
	for (size_t i = 0; i < n * p->n_components; i++)
		assert_true(isfinite(y[i]) && fabs(y[i]) < 1e4);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(y);
}

static void
degenerate(void **state)
{
	double	   *x = blobs(600, 4, 2, 3, 13);
	double	   *equal = calloc(1200 * 4, sizeof(double));

	(void) state;
	for (int init = GH_UMAP_SPECTRAL; init <= GH_UMAP_RANDOM; init++)
	{
		for (int standardize = 0; standardize < 2; standardize++)
		{
			gh_umap_params p = gh_umap_defaults();

			p.init = (gh_umap_init) init;
			p.standardize = standardize;
			p.n_epochs = 50;
			for (size_t n = 0; n <= 20; n++)
				project_finite(x, n, 4, &p);
			p.n_epochs = 20;
			project_finite(equal, 1200, 4, &p);
			project_finite(equal, 100, 1, &p);
			p.n_neighbors = 2;
			project_finite(x, 600, 4, &p);
			p.n_neighbors = 1000;
			project_finite(x, 600, 4, &p);
			p.n_neighbors = 15;
			p.n_components = 16;
			project_finite(x, 600, 4, &p);
			project_finite(x, 600, 1, &p);
			project_finite(x, 17, 4, &p);
			p.n_components = 2;
			p.n_epochs = 1;
			project_finite(x, 600, 4, &p);
			p.n_epochs = 20;
			p.negative_sample_rate = 0;
			project_finite(x, 600, 4, &p);
			p.negative_sample_rate = 21;
			p.min_dist = p.spread = 3;
			project_finite(x, 600, 4, &p);
		}
	}
	free(x);
	free(equal);
}

/* Values whose squares leave the range of a double, and a column that is constant. */
static void
extreme_values(void **state)
{
	size_t		n = 300;
	double	   *x = blobs(n, 3, 2, 4, 14),
			   *big = malloc(sizeof(double) * n * 3),
			   *y = malloc(sizeof(double) * n * 2),
			   *z = malloc(sizeof(double) * n * 2);
	gh_umap_params p = plain();
	gh_ctx	   *ctx = open_threads(1);

	(void) state;
	p.n_epochs = 50;
	for (int sign = -1; sign <= 1; sign += 2)
	{
		for (size_t i = 0; i < n * 3; i++)
			big[i] = ldexp(x[i], sign * 900);
		p.standardize = false;
		project_finite(big, n, 3, &p);
		p.standardize = true;
		assert_int_equal(gh_umap_project(ctx, x, n, 3, &p, y), GH_OK);
		assert_int_equal(gh_umap_project(ctx, big, n, 3, &p, z), GH_OK);
		assert_memory_equal(y, z, sizeof(double) * n * 2);
	}
	for (size_t i = 0; i < n; i++)
		x[i * 3 + 1] = 0.1;
	project_finite(x, n, 3, &p);
	gh_ctx_close(ctx);
	free(x);
	free(big);
	free(y);
	free(z);
}

/* ---- manners ----------------------------------------------------------- */

static void
memory_estimate(void **state)
{
	static const int inits[] = {GH_UMAP_SPECTRAL, GH_UMAP_RANDOM};
	size_t		n = 6000;

	(void) state;
	for (int t = 0; t < 8; t++)
	{
		gh_umap_params p = plain();
		int			d = t & 1 ? 3 : 30;
		double	   *x = blobs(n, d, 5, 2, 16),
				   *y = malloc(sizeof(double) * n * 16);
		gh_ctx	   *ctx = open_threads(2);
		double		estimate,
					peak;

		p.n_neighbors = t & 2 ? 5 : 40;
		p.n_components = t & 2 ? 8 : 2;
		p.init = (gh_umap_init) inits[t >> 2];
		p.n_epochs = 2;
		assert_int_equal(gh_umap_project(ctx, x, n, d, &p, y), GH_OK);
		estimate = (double) gh_umap_memory(n, d, &p);
		peak = (double) gh_memory_peak(ctx);
		if (estimate < 0.95 * peak || estimate > 1.2 * peak)
			fail_msg("estimate %.0f, peak %.0f (case %d)", estimate, peak, t);
		gh_ctx_close(ctx);
		free(x);
		free(y);
	}
}

static void
memory_limit(void **state)
{
	double	   *x = blobs(2000, 5, 2, 2, 17),
			   *y = malloc(sizeof(double) * 4000);
	gh_umap_params p = plain();
	gh_host		host = {.threads = 1,.memory_limit = gh_umap_memory(2000, 5, &p) / 2,.memory_setting = "test.memory"};
	gh_ctx	   *ctx = gh_ctx_open(&host);

	(void) state;
	assert_int_equal(gh_umap_project(ctx, x, 2000, 5, &p, y), GH_ELIMIT);
	assert_int_equal(gh_memory_peak(ctx), 0);
	gh_ctx_close(ctx);
	free(x);
	free(y);
}

/* What the host was told: notes one after the other, stages in the order they began. */
typedef struct told
{
	char		notes[4000];
	char		stages[400];
	const char *stage;
	uint64_t	done,
				total;
} told;

static void
listen(void *arg, const gh_progress *progress)
{
	told	   *t = arg;

	if (progress->note)
	{
		strncat(t->notes, progress->text, sizeof(t->notes) - strlen(t->notes) - 2);
		strcat(t->notes, "\n");
		return;
	}
	if (t->stage == NULL || strcmp(t->stage, progress->stage) != 0)
	{
		strncat(t->stages, progress->stage, sizeof(t->stages) - strlen(t->stages) - 2);
		strcat(t->stages, "|");
	}
	t->stage = progress->stage;
	t->done = progress->done;
	t->total = progress->total;
}

static void
project_and_listen(const double *x, size_t n, int d, gh_umap_init init, told *t)
{
	double	   *y = malloc(sizeof(double) * n * 2);
	gh_host		host = {.arg = t,.progress = listen,.threads = 1,.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	gh_umap_params p = plain();

	memset(t, 0, sizeof(*t));
	p.init = init;
	p.n_epochs = 30;
	assert_int_equal(gh_umap_project(ctx, x, n, d, &p, y), GH_OK);
	gh_ctx_close(ctx);
	free(y);
}

/* Which start it was, equal points, too few points, stages and epochs: all of it is told. */
static void
says_what_it_did(void **state)
{
	double	   *one = blobs(700, 3, 1, 0, 21),
			   *groups = blobs(700, 3, 5, 1000, 22);
	told		t;

	(void) state;
	project_and_listen(one, 700, 3, GH_UMAP_SPECTRAL, &t);
	assert_int_equal(strncmp(t.notes, "spectral start, 1 component,", 28), 0);
	assert_null(strstr(t.notes, "equal"));
	assert_string_equal(t.stages, "umap: neighbours|nearest neighbours|umap: graph|umap: start|umap: layout|");
	assert_true(t.done == t.total && t.total == 29);
	project_and_listen(groups, 700, 3, GH_UMAP_SPECTRAL, &t);
	assert_non_null(strstr(t.notes, "multi-component spectral start, 5 components,"));
	project_and_listen(one, 700, 3, GH_UMAP_PCA, &t);
	assert_string_equal(t.notes, "principal components start\n");
	project_and_listen(one, 700, 3, GH_UMAP_RANDOM, &t);
	assert_string_equal(t.notes, "random start\n");
	memcpy(one, one + 3, sizeof(double) * 3);
	project_and_listen(one, 10, 3, GH_UMAP_RANDOM, &t);
	assert_string_equal(t.notes, "2 of 10 points are equal to another\n"
						"n_neighbors is 15 but there are 10 points: all of them are neighbours\nrandom start\n");
	free(one);
	free(groups);
}

#define BAD_SETS 16

static void
bad_parameters(void **state)
{
	gh_umap_params bad[BAD_SETS];
	double		x[40] = {0},
				y[80];

	(void) state;
	for (int t = 0; t < BAD_SETS; t++)
		bad[t] = gh_umap_defaults();
	bad[0].n_neighbors = 1;
	bad[1].n_neighbors = 100001;
	bad[2].n_components = 0;
	bad[3].n_components = 17;
	bad[4].min_dist = -0.1;
	bad[5].min_dist = 1.1;
	bad[6].min_dist = NAN;
	bad[7].spread = 0;
	bad[8].spread = INFINITY;
	bad[9].n_epochs = -1;
	bad[10].n_epochs = 100001;
	bad[11].learning_rate = 0;
	bad[12].learning_rate = NAN;
	bad[13].negative_sample_rate = -1;
	bad[14].negative_sample_rate = 1001;
	bad[15].init = (gh_umap_init) 7;
	for (int t = 0; t < BAD_SETS; t++)
	{
		gh_ctx	   *ctx = open_threads(1);

		assert_int_equal(gh_umap_project(ctx, x, 10, 4, &bad[t], y), GH_EINVAL);
		assert_non_null(gh_ctx_hint(ctx));
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

static void
bad_values(void **state)
{
	static const double bad[] = {NAN, INFINITY, -INFINITY};

	(void) state;
	for (int t = 0; t < 3; t++)
	{
		for (int n = 1; n <= 20; n += 19)
		{
			double	   *x = blobs(20, 4, 2, 2, 18),
						y[80];
			gh_umap_params p = gh_umap_defaults();
			gh_ctx	   *ctx = open_threads(1);

			x[3] = bad[t];
			assert_int_equal(gh_umap_project(ctx, x, n, 4, &p, y), GH_EDATA);
			assert_non_null(gh_ctx_detail(ctx));
			assert_int_equal(gh_memory_used(ctx), 0);
			gh_ctx_close(ctx);
			free(x);
		}
	}
}

static bool
stop_after(void *arg)
{
	return (*(long *) arg)-- <= 0;
}

static void
cancel(void **state)
{
	size_t		n = 2500;
	double	   *x = blobs(n, 5, 3, 2, 19),
			   *y = malloc(sizeof(double) * n * 2);
	gh_umap_params p = plain();
	bool		finished = false;

	(void) state;
	p.n_epochs = 5;
	for (long k = 0; !finished; k += 1 + k / 3)
	{
		long		polls = k;
		gh_host		host = {.arg = &polls,.should_stop = stop_after,.threads = 2,.memory_limit = SIZE_MAX};
		gh_ctx	   *ctx = gh_ctx_open(&host);
		gh_status	status = gh_umap_project(ctx, x, n, 5, &p, y);

		finished = status == GH_OK;
		assert_true(finished || status == GH_ECANCELED);
		assert_true(k > 100 || !finished);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
	free(x);
	free(y);
}

/* Every allocation fails once, for a graph in one piece, in many, and decomposed by iteration. */
static void
allocation_failure(void **state)
{
	(void) state;
	for (int t = 0; t < 4; t++)
	{
		size_t		n = t == 0 ? 40 : t == 2 ? 400 : 200;
		int			d = t == 3 ? 130 : 3;
		double	   *x = blobs(n, d, t == 2 ? 20 : 1, 50, 20),
				   *y = malloc(sizeof(double) * n * 2);
		gh_umap_params p = plain();
		bool		finished = false;
		uint64_t	k;

		p.n_epochs = 2;
		p.init = t == 3 ? GH_UMAP_PCA : GH_UMAP_SPECTRAL;
		for (k = 1; !finished; k++)
		{
			gh_ctx	   *ctx = open_threads(1);
			gh_status	status;

			gh_ctx_fail_allocation(ctx, k, false);
			status = gh_umap_project(ctx, x, n, d, &p, y);
			finished = status == GH_OK;
			assert_true(finished || status == GH_ENOMEM);
			assert_int_equal(gh_memory_used(ctx), 0);
			gh_ctx_close(ctx);
		}
		assert_true(k > 20);
		free(x);
		free(y);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(curve_anchors),
		cmocka_unit_test(curve_units),
		cmocka_unit_test(graph_oracle),
		cmocka_unit_test(graph_pruning),
		cmocka_unit_test(principal_components),
		cmocka_unit_test(scaling),
		cmocka_unit_test(quality),
		cmocka_unit_test(deterministic),
		cmocka_unit_test(degenerate),
		cmocka_unit_test(extreme_values),
		cmocka_unit_test(memory_estimate),
		cmocka_unit_test(memory_limit),
		cmocka_unit_test(says_what_it_did),
		cmocka_unit_test(bad_parameters),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(cancel),
		cmocka_unit_test(allocation_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
