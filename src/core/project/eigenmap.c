/*
 * eigenmap.c
 *		Leading eigenvectors of one component of a graph, from coarse to fine.
 */
#include "project/gh_eigenmap.h"

#include "project/gh_subspace.h"

#include <math.h>
#include <string.h>

/* Graphs up to this size are solved from nothing. */
#define MOST_COARSEST 256
/* A step must make the graph smaller by this factor, or it is the last. */
#define LEAST_SHRINKING 1.5
/* Nor may it have fewer vertices than so many for each column of the block. */
#define LEAST_COARSEST 8
#define MOST_LEVELS 24
/* Angle, in radians, that a vector may be off by. */
#define TOLERANCE 1e-3
/*
 * The bound on the cost: products with the coarsest graph, and for each finer
 * one as many as visit so many edges, within limits.
 */
#define MOST_COARSE_PRODUCTS 600
#define MOST_VISITS 30000000
#define LEAST_PRODUCTS 20
#define MOST_PRODUCTS 200
/* Vectors of a larger residual are not smooth: something random. */
#define MOST_RESIDUAL 0.05

#define POLL_EVERY 256

/* Row of D^-1/2 W D^-1/2 x.  The common width has its loops unrolled. */
static inline void
graph_row(const gh_level *g, size_t row, int m, const double *x, double *out)
{
	double		sum[GH_SUBSPACE_MOST_COLUMNS];
	double		inner = g->inner != NULL ? g->inner[row] * g->inverse[row] : 0;

	for (int i = 0; i < m; i++)
		sum[i] = inner * x[row * m + i];
	for (size_t e = g->offsets[row]; e < g->offsets[row + 1]; e++)
	{
		double		w = g->weights[e] * g->inverse[g->columns[e]];
		const double *other = x + (size_t) g->columns[e] * m;

		for (int i = 0; i < m; i++)
			sum[i] += w * other[i];
	}
	for (int i = 0; i < m; i++)
		out[i] = sum[i] * g->inverse[row];
}

static void
apply_row(const void *arg, size_t row, int m, const double *x, double *out)
{
	if (m == 6)
		graph_row(arg, row, 6, x, out);
	else
		graph_row(arg, row, m, x, out);
}

/* The graph and the coarser ones made from it, and the vectors of the level at hand. */
typedef struct ladder
{
	gh_eigenmap *map;
	int			m;				/* columns of the vectors */
	int			coarsest;
	gh_level	levels[MOST_LEVELS + 1];
	gh_coarse	coarse[MOST_LEVELS];	/* levels[l + 1] and its groups */
	double	   *x;				/* of the coarse level solved last */
} ladder;

static gh_status
build_ladder(gh_ctx *ctx, ladder *l)
{
	while (l->levels[l->coarsest].n > MOST_COARSEST && l->coarsest < MOST_LEVELS)
	{
		const gh_level *fine = &l->levels[l->coarsest];
		gh_coarse  *coarse = &l->coarse[l->coarsest];

		GH_TRY(gh_coarsen(ctx, fine, coarse));
		if (coarse->n * LEAST_SHRINKING > fine->n || coarse->n < (size_t) LEAST_COARSEST * l->m)
		{
			gh_coarse_free(ctx, coarse);
			return GH_OK;
		}
		l->levels[++l->coarsest] = gh_coarse_level(coarse);
	}
	return GH_OK;
}

/* The vectors of level + 1 in l->x become a start for those of the level: constant over each group, times root. */
static gh_status
prolong(gh_ctx *ctx, const ladder *l, int level, double *x)
{
	const gh_level *fine = &l->levels[level];
	const gh_coarse *coarse = &l->coarse[level];

	for (size_t r = 0; r < fine->n; r++)
	{
		size_t		v = fine->rows != NULL ? fine->rows[r] : r,
					a = coarse->group[r];
		double		factor = fine->root[v] * coarse->inverse[a];

		if (r % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		for (int i = 0; i < l->m; i++)
			x[v * l->m + i] = factor * l->x[a * l->m + i];
	}
	return GH_OK;
}

static int
most_products(const gh_level *g)
{
	size_t		edges = 1,
				products;

	for (size_t r = 0; r < g->n; r++)
	{
		size_t		v = g->rows != NULL ? g->rows[r] : r;

		edges += g->offsets[v + 1] - g->offsets[v];
	}
	products = MOST_VISITS / edges;
	return products < LEAST_PRODUCTS ? LEAST_PRODUCTS : products < MOST_PRODUCTS ? (int) products : MOST_PRODUCTS;
}

static gh_status
solve_level(gh_ctx *ctx, const ladder *l, int level, double *x, double *y)
{
	gh_eigenmap *map = l->map;
	const gh_level *g = &l->levels[level];
	bool		started = level < l->coarsest;
	gh_subspace s = {.op = {g, apply_row},.rows = g->rows,.n_rows = g->n,.known = g->root,
		.wanted = map->wanted,.m = l->m,.x = x,.y = y,.started = started,.seed = map->seed,
	.tolerance = TOLERANCE,.most_applications = started ? most_products(g) : MOST_COARSE_PRODUCTS};

	for (size_t r = 0; r < g->n; r++)
	{
		double		root = g->root[g->rows != NULL ? g->rows[r] : r];

		s.known_norm2 += root * root;
	}
	GH_CHECK_STOP(ctx);
	GH_TRY(gh_subspace_solve(ctx, &s));
	map->applications = s.applications;
	map->value = s.values[0];
	map->residual = 0;
	for (int c = 0; c < map->wanted; c++)
		map->residual = fmax(map->residual, s.residuals[c]);
	map->usable = s.values[map->wanted - 1] > -1 && map->residual <= MOST_RESIDUAL;
	return GH_OK;
}

/* The vectors of one level: from nothing on the coarsest, else from those of the next coarser. */
static gh_status
climb_to(gh_ctx *ctx, ladder *l, int level)
{
	size_t		n = l->levels[level].n,
				row_size = l->m * sizeof(double);
	double	   *x = level > 0 ? gh_alloc(ctx, n, row_size) : l->map->x,
			   *y = level > 0 ? gh_alloc(ctx, n, row_size) : l->map->y;
	gh_status	status = x != NULL && y != NULL ? GH_OK : gh_ctx_status(ctx);

	if (status == GH_OK && level < l->coarsest)
		status = prolong(ctx, l, level, x);
	if (status == GH_OK)
		status = solve_level(ctx, l, level, x, y);
	gh_free(ctx, l->x);
	l->x = level > 0 ? x : NULL;
	if (level > 0)
		gh_free(ctx, y);
	return status;
}

gh_status
gh_eigenmap_solve(gh_ctx *ctx, const gh_level *graph, gh_eigenmap *map)
{
	ladder	   *l = GH_NEW_ZERO(ctx, 1, ladder);
	gh_status	status;

	if (l == NULL)
		return gh_ctx_status(ctx);
	l->map = map;
	l->m = gh_subspace_block(map->wanted);
	l->levels[0] = *graph;
	status = build_ladder(ctx, l);
	for (int level = l->coarsest; level >= 0 && status == GH_OK; level--)
		status = climb_to(ctx, l, level);
	for (int level = 0; level < MOST_LEVELS; level++)
		gh_coarse_free(ctx, &l->coarse[level]);
	gh_free(ctx, l->x);
	gh_free(ctx, l);
	return status;
}

size_t
gh_eigenmap_memory(size_t n, size_t n_edges, int wanted)
{
	size_t		coarse = n / 3,
				vectors = 2 * (size_t) gh_subspace_block(wanted) * sizeof(double);

	/* finding groups beside a first coarse graph, which the others do not outweigh */
	if (n <= MOST_COARSEST)
		return 0;
	return n * 2 * sizeof(uint32_t) + coarse * (3 * sizeof(double) + 2 * sizeof(size_t) + vectors) +
		n_edges / 2 * (sizeof(uint32_t) + sizeof(float));
}
