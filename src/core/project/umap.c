/*
 * umap.c
 *		UMAP: parameters, memory, and the stages in their order.
 */
#include "project/gh_umap.h"

#include "base/gh_optimize.h"
#include "project/gh_layout.h"
#include "project/gh_neighbours.h"
#include "project/gh_scale.h"
#include "project/gh_start.h"

#include <math.h>
#include <string.h>

/* Points up to which 500 epochs are the default, and 200 above: umap-learn's. */
#define SMALL 10000

/* Rows copied between two polls. */
#define POLL_EVERY 4096

/* Points of the curve that a and b are fitted to: umap-learn's. */
#define CURVE_POINTS 300

gh_umap_params
gh_umap_defaults(void)
{
	return (gh_umap_params) {.n_neighbors = 15,.n_components = 2,.min_dist = 0.1,.spread = 1.0,.n_epochs = 0,
		.learning_rate = 1.0,.negative_sample_rate = 5,.init = GH_UMAP_SPECTRAL,.standardize = true,.seed = 42};
}

int
gh_umap_epochs(const gh_umap_params *params, size_t n)
{
	return params->n_epochs > 0 ? params->n_epochs : n <= SMALL ? 500 : 200;
}

static gh_status
check_int(gh_ctx *ctx, const char *name, int value, int least, int most, const char *hint)
{
	if (value >= least && value <= most)
		return GH_OK;
	gh_fail(ctx, GH_EINVAL, "%s is %d, not between %d and %d", name, value, least, most);
	return gh_fail_hint(ctx, "%s", hint);
}

/* Above `least`, or equal to it when `closed`. */
static gh_status
check_double(gh_ctx *ctx, const char *name, double value, double least, bool closed, double most, const char *hint)
{
	if ((value > least || (closed && value == least)) && value <= most)
		return GH_OK;
	gh_fail(ctx, GH_EINVAL, "%s is %g, not %s %g and at most %g", name, value, closed ? "at least" : "above", least, most);
	return gh_fail_hint(ctx, "%s", hint);
}

gh_status
gh_umap_check(gh_ctx *ctx, const gh_umap_params *p)
{
	GH_TRY(check_int(ctx, "n_neighbors", p->n_neighbors, 2, GH_UMAP_MOST_NEIGHBORS,
					 "It counts the point itself; 15 is the default, more shows broader structure."));
	GH_TRY(check_int(ctx, "n_components", p->n_components, 1, GH_UMAP_MOST_COMPONENTS,
					 "Use 2 or 3 for pictures."));
	GH_TRY(check_double(ctx, "spread", p->spread, 0, false, GH_UMAP_MOST_SPREAD, "1 is the default."));
	GH_TRY(check_double(ctx, "min_dist", p->min_dist, 0, true, p->spread,
						"0 packs clusters densely, 0.1 is the default, and it may not exceed spread."));
	GH_TRY(check_int(ctx, "n_epochs", p->n_epochs, 0, GH_UMAP_MOST_EPOCHS,
					 "0 chooses 500 epochs for up to 10000 points and 200 above."));
	GH_TRY(check_double(ctx, "learning_rate", p->learning_rate, 0, false, GH_UMAP_MOST_LEARNING_RATE,
						"1 is the default."));
	GH_TRY(check_int(ctx, "negative_sample_rate", p->negative_sample_rate, 0, GH_UMAP_MOST_NEGATIVE,
					 "5 is the default."));
	return check_int(ctx, "init", p->init, GH_UMAP_SPECTRAL, GH_UMAP_RANDOM, "Use spectral, pca or random.");
}

/* ---- the curve --------------------------------------------------------- */

typedef struct curve
{
	double		x[CURVE_POINTS];
	double		y[CURVE_POINTS];
} curve;

/* Sum of squared residuals of f = 1 / (1 + a x^2b); df/da = -x^2b f^2, df/db = -2a ln(x) x^2b f^2. */
static double
curve_error(int n, const double *ab, double *gradient, void *arg)
{
	const curve *c = arg;
	double		sum = 0;

	if (gradient != NULL)
		memset(gradient, 0, sizeof(double) * n);
	for (int i = 0; i < CURVE_POINTS; i++)
	{
		double		power = c->x[i] > 0 ? pow(c->x[i], 2 * ab[1]) : 0;
		double		f = 1 / (1 + ab[0] * power);
		double		residual = f - c->y[i];

		sum += residual * residual;
		if (gradient == NULL || c->x[i] == 0)
			continue;
		gradient[0] -= 2 * residual * power * f * f;
		gradient[1] -= 2 * residual * 2 * ab[0] * log(c->x[i]) * power * f * f;
	}
	return sum;
}

gh_status
gh_umap_curve(gh_ctx *ctx, double min_dist, double spread, double *a, double *b)
{
	curve		c;
	double		ab[2] = {1, 1},
				lower[2] = {1e-6, 1e-2},
				upper[2] = {1e6, 1e2},
				error;

	for (int i = 0; i < CURVE_POINTS; i++)
	{
		/* in units of spread, so that the problem is of one size whatever the units */
		c.x[i] = 3.0 * i / (CURVE_POINTS - 1);
		c.y[i] = c.x[i] < min_dist / spread ? 1 : exp(-(c.x[i] - min_dist / spread));
	}
	GH_TRY(gh_minimize(ctx, 2, curve_error, &c, lower, upper, 1e-15, 1000, ab, &error));
	*a = ab[0] / pow(spread, 2 * ab[1]);
	*b = ab[1];
	return GH_OK;
}

/* ---- the stages -------------------------------------------------------- */

typedef struct run
{
	gh_ctx	   *ctx;
	const gh_umap_params *params;
	size_t		n;
	int			d;
	int			k;				/* other points in a neighbourhood */
	int			epochs;
	double	   *points;			/* n x d, scaled */
	gh_kdtree	tree;
	uint32_t   *indices;		/* n x k */
	double	   *distances;		/* n x k */
	gh_graph	graph;
	double	   *y;				/* n x n_components, by tree position */
	gh_umap_shared *shared;		/* what other projections of the points have found, or NULL */
} run;

static int
other_neighbours(size_t n, const gh_umap_params *params)
{
	return (size_t) params->n_neighbors <= n ? params->n_neighbors - 1 : (int) n - 1;
}

size_t
gh_umap_memory(size_t n, int d, const gh_umap_params *params)
{
	int			k = n > 1 ? other_neighbours(n, params) : 0;
	int			dim = params->n_components;
	size_t		points = n * d * sizeof(double),
				tree = gh_kdtree_memory(n, d),
				nearest = n * k * (sizeof(uint32_t) + sizeof(double)),
				graph = gh_graph_memory(n, k),
				search = points + tree + nearest + gh_neighbours_memory(n, d, k),
				y = n * dim * sizeof(double),
				order = n * sizeof(uint32_t);
	size_t		join = points + tree + nearest + gh_graph_scratch(n, k) + graph,
				start = points + order + graph + y + gh_start_memory(n, 2 * n * k, d, params->init, dim),
				layout = order + graph + y + gh_layout_memory(n, 2 * n * k, dim);
	size_t		peak = join > start ? join : start;

	peak = peak > search ? peak : search;
	return peak > layout ? peak : layout;
}

/* The first k of more neighbours. */
static gh_status
take_neighbours(run *r)
{
	const gh_umap_shared *shared = r->shared;

	for (size_t i = 0; i < r->n; i++)
	{
		if (i % POLL_EVERY == 0)
			GH_CHECK_STOP(r->ctx);
		memcpy(r->indices + i * r->k, shared->indices + i * shared->k, sizeof(uint32_t) * r->k);
		memcpy(r->distances + i * r->k, shared->distances + i * shared->k, sizeof(double) * r->k);
	}
	return GH_OK;
}

static gh_status
find_neighbours(run *r)
{
	size_t		twins = 0;

	gh_tick(r->ctx, "umap: neighbours", 0, r->n);
	GH_TRY(gh_kdtree_build(r->ctx, r->points, r->n, r->d, &r->tree));
	if ((r->indices = gh_alloc(r->ctx, r->n, (size_t) r->k * sizeof(uint32_t))) == NULL ||
		(r->distances = gh_alloc(r->ctx, r->n, (size_t) r->k * sizeof(double))) == NULL)
		return gh_ctx_status(r->ctx);
	if (r->shared != NULL)
		return take_neighbours(r);
	GH_TRY(gh_neighbours(r->ctx, &r->tree, r->k, r->indices, r->distances));
	for (size_t i = 0; i < r->n; i++)
	{
		if (i % POLL_EVERY == 0)
			GH_CHECK_STOP(r->ctx);
		twins += r->distances[i * r->k] == 0;
	}
	if (twins > 0)
		gh_note(r->ctx, "umap: neighbours", "%zu of %zu points are equal to another", twins, r->n);
	if (r->params->n_neighbors > r->k + 1)
		gh_note(r->ctx, "umap: neighbours", "n_neighbors is %d but there are %zu points: all of them are neighbours",
				r->params->n_neighbors, r->n);
	return GH_OK;
}

static gh_status
join_graph(run *r)
{
	gh_tick(r->ctx, "umap: graph", 0, r->n);
	GH_TRY(gh_graph_build(r->ctx, &r->tree, r->k, r->indices, r->distances, &r->graph));
	gh_free(r->ctx, r->indices);
	gh_free(r->ctx, r->distances);
	r->indices = NULL;
	r->distances = NULL;
	/* too few epochs to prune by: umap-learn's rule */
	return gh_graph_prune(r->ctx, &r->graph, r->epochs > 10 ? r->epochs : r->n <= SMALL ? 500 : 200);
}

/* Of the tree only the order of the points is still needed. */
static uint32_t *
keep_order(run *r)
{
	uint32_t   *order = r->tree.order;

	r->tree.order = NULL;
	gh_kdtree_free(r->ctx, &r->tree);
	r->tree.order = order;
	return order;
}

/* Where the points start: it does not depend on min_dist and spread. */
static gh_status
place_points(run *r, const uint32_t *order)
{
	const gh_umap_params *p = r->params;
	size_t		bytes = r->n * p->n_components * sizeof(double);

	if (r->shared != NULL && r->shared->start_neighbors == p->n_neighbors)
	{
		memcpy(r->y, r->shared->start, bytes);
		return GH_OK;
	}
	GH_TRY(gh_start_positions(r->ctx, &r->graph, r->points, r->d, order, p->init, p->n_components, p->seed, r->y));
	if (r->shared != NULL)
	{
		memcpy(r->shared->start, r->y, bytes);
		r->shared->start_neighbors = p->n_neighbors;
	}
	return GH_OK;
}

static gh_status
lay_out(run *r, double *embedding)
{
	const gh_umap_params *p = r->params;
	gh_layout	layout = {.dim = p->n_components,.epochs = r->epochs,.learning_rate = p->learning_rate,
	.negative_sample_rate = p->negative_sample_rate,.seed = p->seed};
	const uint32_t *order = keep_order(r);

	if ((r->y = gh_alloc(r->ctx, r->n, p->n_components * sizeof(double))) == NULL)
		return gh_ctx_status(r->ctx);
	gh_tick(r->ctx, "umap: start", 0, r->n);
	GH_TRY(place_points(r, order));
	gh_free(r->ctx, r->points);
	r->points = NULL;
	gh_tick(r->ctx, "umap: layout", 0, r->epochs);
	GH_TRY(gh_umap_curve(r->ctx, p->min_dist, p->spread, &layout.a, &layout.b));
	GH_TRY(gh_layout_run(r->ctx, &r->graph, &layout, r->y));
	for (size_t v = 0; v < r->n; v++)
	{
		if (v % POLL_EVERY == 0)
			GH_CHECK_STOP(r->ctx);
		memcpy(embedding + (size_t) order[v] * p->n_components, r->y + v * p->n_components,
			   sizeof(double) * p->n_components);
	}
	return GH_OK;
}

static gh_status
run_stages(run *r, const double *points, double *embedding)
{
	if ((r->points = gh_alloc(r->ctx, r->n, (size_t) r->d * sizeof(double))) == NULL)
		return gh_ctx_status(r->ctx);
	GH_TRY(gh_scale_points(r->ctx, points, r->n, r->d, r->params->standardize, r->points));
	GH_TRY(find_neighbours(r));
	GH_TRY(join_graph(r));
	return lay_out(r, embedding);
}

gh_status
gh_umap_project(gh_ctx *ctx, const double *points, size_t n, int d, const gh_umap_params *params, double *embedding)
{
	return gh_umap_project_shared(ctx, points, n, d, params, NULL, embedding);
}

gh_status
gh_umap_project_shared(gh_ctx *ctx, const double *points, size_t n, int d, const gh_umap_params *params,
					   gh_umap_shared *shared, double *embedding)
{
	run			r = {.ctx = ctx,.params = params,.n = n,.d = d,.shared = shared};
	gh_status	status;

	GH_TRY(gh_umap_check(ctx, params));
	if (n == 0)
		return GH_OK;
	if (d < 1)
		return gh_fail(ctx, GH_EINVAL, "points of %d coordinates cannot be projected", d);
	if (n == 1)
	{
		double		largest;

		GH_TRY(gh_scale_check(ctx, points, n, d, &largest));
		memset(embedding, 0, sizeof(double) * params->n_components);
		return GH_OK;
	}
	r.k = other_neighbours(n, params);
	r.epochs = gh_umap_epochs(params, n);
	GH_TRY(gh_memory_check(ctx, gh_umap_memory(n, d, params), "umap"));
	status = run_stages(&r, points, embedding);
	gh_kdtree_free(ctx, &r.tree);
	gh_graph_free(ctx, &r.graph);
	gh_free(ctx, r.points);
	gh_free(ctx, r.indices);
	gh_free(ctx, r.distances);
	gh_free(ctx, r.y);
	return status;
}

/* ---- many projections of the same points -------------------------------- */

gh_status
gh_umap_shared_open(gh_ctx *ctx, const double *points, size_t n, int d, const gh_umap_params *most, gh_umap_shared *shared)
{
	run			r = {.ctx = ctx,.params = most,.n = n,.d = d};
	gh_status	status = GH_OK;

	memset(shared, 0, sizeof(*shared));
	if (n < 2)
		return GH_OK;
	GH_TRY(gh_umap_check(ctx, most));
	r.k = other_neighbours(n, most);
	if ((r.points = gh_alloc(ctx, n, (size_t) d * sizeof(double))) == NULL)
		return gh_ctx_status(ctx);
	status = gh_scale_points(ctx, points, n, d, most->standardize, r.points);
	if (status == GH_OK)
		status = find_neighbours(&r);
	gh_kdtree_free(ctx, &r.tree);
	gh_free(ctx, r.points);
	shared->k = r.k;
	shared->indices = r.indices;
	shared->distances = r.distances;
	if (status == GH_OK && (shared->start = gh_alloc(ctx, n, sizeof(double) * most->n_components)) == NULL)
		status = gh_ctx_status(ctx);
	if (status != GH_OK)
		gh_umap_shared_close(ctx, shared);
	return status;
}

void
gh_umap_shared_close(gh_ctx *ctx, gh_umap_shared *shared)
{
	gh_free(ctx, shared->indices);
	gh_free(ctx, shared->distances);
	gh_free(ctx, shared->start);
	memset(shared, 0, sizeof(*shared));
}

size_t
gh_umap_shared_memory(size_t n, const gh_umap_params *most)
{
	return n < 2 ? 0 : n * (other_neighbours(n, most) * (sizeof(uint32_t) + sizeof(double)) +
							most->n_components * sizeof(double));
}
