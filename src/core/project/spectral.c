/*
 * spectral.c
 *		Starting positions from the eigenvectors of the graph's Laplacian.
 */
#include "project/gh_spectral.h"

#include "base/gh_lapack.h"
#include "base/gh_random.h"
#include "project/gh_components.h"
#include "project/gh_pca.h"
#include "project/gh_subspace.h"

#include <math.h>
#include <string.h>

/* Components up to this size are decomposed whole. */
#define MOST_DENSE 64
/* Angle, in radians, that a start may be off by. */
#define TOLERANCE 1e-3
/* Products with the graph: the bound on the cost. */
#define MOST_APPLICATIONS 600
#define POLL_EVERY 256

typedef struct spectral
{
	const gh_graph *graph;
	const double *points;
	int			d;
	const uint32_t *order;
	int			n_components;
	uint64_t	seed;
	double	   *inverse_root;	/* n, degree^-1/2 */
	double	   *known;			/* n, degree^1/2, of norm 1 over each component */
	double	   *x;				/* n x m, the solver's block */
	double	   *y;
	double	   *out;
	gh_spectral_report *report;
} spectral;

/* Row of D^-1/2 W D^-1/2 x.  The common width has its loops unrolled. */
static inline void
graph_row(const spectral *s, size_t row, int m, const double *x, double *out)
{
	const gh_graph *g = s->graph;
	double		sum[GH_SUBSPACE_MOST_COLUMNS] = {0};

	for (size_t e = g->offsets[row]; e < g->offsets[row + 1]; e++)
	{
		double		w = g->weights[e] * s->inverse_root[g->columns[e]];
		const double *other = x + (size_t) g->columns[e] * m;

		for (int i = 0; i < m; i++)
			sum[i] += w * other[i];
	}
	for (int i = 0; i < m; i++)
		out[i] = sum[i] * s->inverse_root[row];
}

static void
apply_row(const void *arg, size_t row, int m, const double *x, double *out)
{
	if (m == 6)
		graph_row(arg, row, 6, x, out);
	else
		graph_row(arg, row, m, x, out);
}

static gh_status
measure_degrees(gh_ctx *ctx, spectral *s, const gh_components *parts)
{
	const gh_graph *g = s->graph;

	for (uint32_t c = 0; c < parts->count; c++)
	{
		double		total = 0;

		for (size_t r = parts->offsets[c]; r < parts->offsets[c + 1]; r++)
		{
			uint32_t	v = parts->rows[r];
			double		degree = 0;

			if (r % POLL_EVERY == 0)
				GH_CHECK_STOP(ctx);
			for (size_t e = g->offsets[v]; e < g->offsets[v + 1]; e++)
				degree += g->weights[e];
			s->known[v] = sqrt(degree);
			s->inverse_root[v] = degree > 0 ? 1 / s->known[v] : 0;
			total += degree;
		}
		for (size_t r = parts->offsets[c]; r < parts->offsets[c + 1]; r++)
			s->known[parts->rows[r]] /= total > 0 ? sqrt(total) : 1;
	}
	return GH_OK;
}

/*
 * Writes one axis of a component: vector (stride apart, by row of the
 * component when `local`, else by vertex), its largest entry made positive.
 */
static void
write_axis(spectral *s, const uint32_t *rows, size_t n_rows, int axis, const double *vector, size_t stride, bool local)
{
	double		largest = 0;

	for (size_t r = 0; r < n_rows; r++)
	{
		double		v = vector[(local ? r : rows[r]) * stride];

		largest = fabs(v) > fabs(largest) ? v : largest;
	}
	for (size_t r = 0; r < n_rows; r++)
	{
		double		v = vector[(local ? r : rows[r]) * stride];

		s->out[(size_t) rows[r] * s->n_components + axis] = largest < 0 ? -v : v;
	}
}

/* A small component: all eigenvectors of the dense matrix, the last being the known one. */
static gh_status
embed_dense(gh_ctx *ctx, spectral *s, const gh_components *parts, uint32_t part)
{
	const gh_graph *g = s->graph;
	const uint32_t *rows = parts->rows + parts->offsets[part];
	int			n = (int) (parts->offsets[part + 1] - parts->offsets[part]);
	double		a[MOST_DENSE * MOST_DENSE] = {0},
				values[MOST_DENSE];

	for (int i = 0; i < n; i++)
	{
		for (size_t e = g->offsets[rows[i]]; e < g->offsets[rows[i] + 1]; e++)
		{
			uint32_t	v = g->columns[e];

			a[(size_t) parts->place[v] * n + i] = g->weights[e] * s->inverse_root[rows[i]] * s->inverse_root[v];
		}
	}
	GH_TRY(gh_lapack_eigen(ctx, n, a, values));
	for (int c = 0; c < s->n_components; c++)
		write_axis(s, rows, n, c, a + (size_t) (n - 2 - c) * n, 1, true);
	s->report->value = values[n - 2];
	s->report->residual = 0;
	return GH_OK;
}

/* The principal components of a component's points; the solver's block is free by now. */
static gh_status
embed_principal(gh_ctx *ctx, spectral *s, const uint32_t *rows, size_t n_rows)
{
	uint32_t   *members = GH_NEW(ctx, n_rows, uint32_t);
	gh_status	status;

	if (members == NULL)
		return gh_ctx_status(ctx);
	for (size_t r = 0; r < n_rows; r++)
		members[r] = s->order[rows[r]];
	status = gh_pca_project(ctx, s->points, n_rows, s->d, members, s->n_components, s->seed, s->x);
	for (size_t r = 0; r < n_rows && status == GH_OK; r++)
		memcpy(s->out + (size_t) rows[r] * s->n_components, s->x + r * s->n_components,
			   sizeof(double) * s->n_components);
	gh_free(ctx, members);
	s->report->fallbacks++;
	return status;
}

static gh_status
embed_iterated(gh_ctx *ctx, spectral *s, const gh_components *parts, uint32_t part)
{
	size_t		n_rows = parts->offsets[part + 1] - parts->offsets[part];
	const uint32_t *rows = parts->rows + parts->offsets[part];
	gh_subspace solver = {.op = {s, apply_row},.rows = rows,.n_rows = n_rows,.known = s->known,
		.wanted = s->n_components,.m = gh_subspace_block(s->n_components),.x = s->x,.y = s->y,
	.seed = s->seed,.tolerance = TOLERANCE,.most_applications = MOST_APPLICATIONS};

	GH_TRY(gh_subspace_solve(ctx, &solver));
	s->report->applications += solver.applications;
	s->report->value = solver.values[0];
	s->report->residual = 0;
	for (int c = 0; c < s->n_components; c++)
		s->report->residual = fmax(s->report->residual, solver.residuals[c]);
	if (!solver.converged)
		return embed_principal(ctx, s, rows, n_rows);
	for (int c = 0; c < s->n_components; c++)
		write_axis(s, rows, n_rows, c, s->x + c, solver.m, false);
	return GH_OK;
}

/* A component with too few points for eigenvectors: anywhere in [-1, 1]. */
static void
embed_random(spectral *s, const gh_components *parts, uint32_t part)
{
	for (size_t r = parts->offsets[part]; r < parts->offsets[part + 1]; r++)
	{
		for (int c = 0; c < s->n_components; c++)
		{
			size_t		at = (size_t) parts->rows[r] * s->n_components + c;

			s->out[at] = 2 * gh_random_double(s->seed, GH_STREAM_UMAP_INIT, at) - 1;
		}
	}
}

/* Moves a component to its place: at most `radius` from the centre on any axis. */
static void
place_component(spectral *s, const gh_components *parts, uint32_t part, const double *centre, double radius)
{
	double		largest = 0;
	size_t		begin = parts->offsets[part],
				end = parts->offsets[part + 1];

	for (size_t r = begin; r < end; r++)
	{
		for (int c = 0; c < s->n_components; c++)
		{
			double		v = fabs(s->out[(size_t) parts->rows[r] * s->n_components + c]);

			largest = v > largest ? v : largest;
		}
	}
	if (!(largest > 0))
		largest = 1;
	for (size_t r = begin; r < end; r++)
	{
		for (int c = 0; c < s->n_components; c++)
		{
			double	   *v = &s->out[(size_t) parts->rows[r] * s->n_components + c];

			*v = *v * radius / largest + centre[c];
		}
	}
}

static gh_status
embed_components(gh_ctx *ctx, spectral *s, const gh_components *parts)
{
	size_t		enough = 2 * (size_t) s->n_components;
	size_t		largest = 0;
	gh_spectral_report *report = s->report;
	double		value = 0,
				residual = 0;

	enough = enough > (size_t) s->n_components + 2 ? enough : (size_t) s->n_components + 2;
	for (uint32_t part = 0; part < parts->count; part++)
	{
		size_t		n_rows = parts->offsets[part + 1] - parts->offsets[part];

		GH_CHECK_STOP(ctx);
		report->value = report->residual = 0;
		if (n_rows < enough)
			embed_random(s, parts, part);
		else if (n_rows <= MOST_DENSE)
			GH_TRY(embed_dense(ctx, s, parts, part));
		else
			GH_TRY(embed_iterated(ctx, s, parts, part));
		place_component(s, parts, part, parts->centres + (size_t) part * s->n_components, parts->radii[part]);
		if (n_rows > largest)
		{
			largest = n_rows;
			value = report->value;
			residual = report->residual;
		}
	}
	report->value = value;
	report->residual = residual;
	return GH_OK;
}

gh_status
gh_spectral_start(gh_ctx *ctx, const gh_graph *graph, const double *points, int d, const uint32_t *order,
				  int n_components, uint64_t seed, double *out, gh_spectral_report *report)
{
	spectral	s = {.graph = graph,.points = points,.d = d,.order = order,.n_components = n_components,.seed = seed,
	.out = out,.report = report};
	size_t		row_size = (size_t) gh_subspace_block(n_components) * sizeof(double);
	gh_components parts;
	gh_status	status;

	memset(report, 0, sizeof(*report));
	status = gh_components_find(ctx, graph, &parts);
	if (status == GH_OK)
		status = gh_components_arrange(ctx, &parts, points, d, order, n_components, seed);
	report->components = parts.count;
	if (status == GH_OK &&
		((s.inverse_root = GH_NEW(ctx, graph->n, double)) == NULL ||
		 (s.known = GH_NEW(ctx, graph->n, double)) == NULL ||
		 (s.x = gh_alloc(ctx, graph->n, row_size)) == NULL ||
		 (s.y = gh_alloc(ctx, graph->n, row_size)) == NULL))
		status = gh_ctx_status(ctx);
	if (status == GH_OK)
		status = measure_degrees(ctx, &s, &parts);
	if (status == GH_OK)
		status = embed_components(ctx, &s, &parts);
	gh_free(ctx, s.inverse_root);
	gh_free(ctx, s.known);
	gh_free(ctx, s.x);
	gh_free(ctx, s.y);
	gh_components_free(ctx, &parts);
	return status;
}

size_t
gh_spectral_memory(size_t n, int n_components)
{
	return n * (2 + 2 * (size_t) gh_subspace_block(n_components)) * sizeof(double) + gh_components_memory(n);
}
