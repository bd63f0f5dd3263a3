/*
 * spectral.c
 *		Starting positions from the eigenvectors of the graph's Laplacian.
 */
#include "project/gh_spectral.h"

#include "base/gh_lapack.h"
#include "base/gh_random.h"
#include "base/gh_threads.h"
#include "project/gh_components.h"
#include "project/gh_eigenmap.h"
#include "project/gh_pca.h"
#include "project/gh_subspace.h"

#include <math.h>
#include <string.h>

/* Components up to this size are decomposed whole. */
#define MOST_DENSE 64
/* Components up to this size are laid out side by side, larger ones one after the other by all threads. */
#define MOST_TOGETHER 4096
/* Vertices whose components make up one task, and vertices measured by one: fixed, whatever the threads. */
#define ROWS_PER_TASK 1024
#define POLL_EVERY 256

/* What came of one component. */
typedef struct outcome
{
	int			applications;
	double		value;
	double		residual;
	bool		fell_back;
} outcome;

typedef struct spectral
{
	const gh_graph *graph;
	const gh_components *parts;
	const double *points;
	int			d;
	const uint32_t *order;
	int			n_components;
	uint64_t	seed;
	double	   *root;			/* n, degree^1/2 */
	double	   *inverse;		/* n, degree^-1/2 */
	double	   *x;				/* n x m, the solver's block */
	double	   *y;
	uint32_t   *tasks;			/* small components tasks[t] .. tasks[t + 1] make up task t */
	outcome    *outcomes;		/* by component */
	double	   *out;
} spectral;

static gh_status
degrees_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	spectral   *s = arg;
	const gh_graph *g = s->graph;
	size_t		end = (task + 1) * ROWS_PER_TASK < g->n ? (task + 1) * ROWS_PER_TASK : g->n;

	(void) worker;
	for (size_t v = task * ROWS_PER_TASK; v < end; v++)
	{
		double		degree = 0;

		if (v % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		for (size_t e = g->offsets[v]; e < g->offsets[v + 1]; e++)
			degree += g->weights[e];
		s->root[v] = sqrt(degree);
		s->inverse[v] = degree > 0 ? 1 / s->root[v] : 0;
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
embed_dense(gh_ctx *ctx, spectral *s, uint32_t part)
{
	const gh_graph *g = s->graph;
	const gh_components *parts = s->parts;
	const uint32_t *rows = parts->rows + parts->offsets[part];
	int			n = (int) (parts->offsets[part + 1] - parts->offsets[part]);
	double		a[MOST_DENSE * MOST_DENSE],
				values[MOST_DENSE];

	memset(a, 0, sizeof(double) * n * n);
	for (int i = 0; i < n; i++)
	{
		for (size_t e = g->offsets[rows[i]]; e < g->offsets[rows[i] + 1]; e++)
		{
			uint32_t	v = g->columns[e];

			a[(size_t) parts->place[v] * n + i] = g->weights[e] * s->inverse[rows[i]] * s->inverse[v];
		}
	}
	GH_TRY(gh_lapack_eigen(ctx, n, a, values));
	for (int c = 0; c < s->n_components; c++)
		write_axis(s, rows, n, c, a + (size_t) (n - 2 - c) * n, 1, true);
	s->outcomes[part].value = values[n - 2];
	return GH_OK;
}

/* The principal components of a component's points. */
static gh_status
embed_principal(gh_ctx *ctx, spectral *s, const uint32_t *rows, size_t n_rows)
{
	uint32_t   *members = GH_NEW(ctx, n_rows, uint32_t);
	double	   *y = gh_alloc(ctx, n_rows, s->n_components * sizeof(double));
	gh_status	status = members != NULL && y != NULL ? GH_OK : gh_ctx_status(ctx);

	for (size_t r = 0; r < n_rows && status == GH_OK; r++)
		members[r] = s->order[rows[r]];
	if (status == GH_OK)
		status = gh_pca_project(ctx, s->points, n_rows, s->d, members, s->n_components, s->seed, y);
	for (size_t r = 0; r < n_rows && status == GH_OK; r++)
		memcpy(s->out + (size_t) rows[r] * s->n_components, y + r * s->n_components,
			   sizeof(double) * s->n_components);
	gh_free(ctx, members);
	gh_free(ctx, y);
	return status;
}

static gh_status
embed_iterated(gh_ctx *ctx, spectral *s, uint32_t part)
{
	const gh_graph *g = s->graph;
	size_t		n_rows = s->parts->offsets[part + 1] - s->parts->offsets[part];
	const uint32_t *rows = s->parts->rows + s->parts->offsets[part];
	gh_level	level = {.n = n_rows,.rows = rows,.place = s->parts->place,.offsets = g->offsets,
	.columns = g->columns,.weights = g->weights,.root = s->root,.inverse = s->inverse};
	gh_eigenmap map = {.wanted = s->n_components,.seed = s->seed,.x = s->x,.y = s->y};

	GH_TRY(gh_eigenmap_solve(ctx, &level, &map));
	s->outcomes[part] = (outcome) {map.applications, map.value, map.residual, !map.usable};
	if (!map.usable)
		return embed_principal(ctx, s, rows, n_rows);
	for (int c = 0; c < s->n_components; c++)
		write_axis(s, rows, n_rows, c, s->x + c, gh_subspace_block(s->n_components), false);
	return GH_OK;
}

/* A component with too few points for eigenvectors: anywhere in [-1, 1]. */
static void
embed_random(spectral *s, uint32_t part)
{
	for (size_t r = s->parts->offsets[part]; r < s->parts->offsets[part + 1]; r++)
	{
		for (int c = 0; c < s->n_components; c++)
		{
			size_t		at = (size_t) s->parts->rows[r] * s->n_components + c;

			s->out[at] = 2 * gh_random_double(s->seed, GH_STREAM_UMAP_INIT, at) - 1;
		}
	}
}

/* Moves a component to its place: at most its radius from its centre on any axis. */
static void
place_component(spectral *s, uint32_t part)
{
	const gh_components *parts = s->parts;
	const double *centre = parts->centres + (size_t) part * s->n_components;
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

			*v = *v * parts->radii[part] / largest + centre[c];
		}
	}
}

static size_t
part_size(const gh_components *parts, uint32_t part)
{
	return parts->offsets[part + 1] - parts->offsets[part];
}

static gh_status
embed_component(gh_ctx *ctx, spectral *s, uint32_t part)
{
	size_t		n_rows = part_size(s->parts, part),
				enough = 2 * (size_t) s->n_components;

	GH_CHECK_STOP(ctx);
	enough = enough > (size_t) s->n_components + 2 ? enough : (size_t) s->n_components + 2;
	if (n_rows < enough)
		embed_random(s, part);
	else if (n_rows <= MOST_DENSE)
		GH_TRY(embed_dense(ctx, s, part));
	else
		GH_TRY(embed_iterated(ctx, s, part));
	place_component(s, part);
	return GH_OK;
}

/* The small ones among some components. */
static gh_status
embed_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	spectral   *s = arg;

	(void) worker;
	for (uint32_t part = s->tasks[task]; part < s->tasks[task + 1]; part++)
	{
		if (part_size(s->parts, part) <= MOST_TOGETHER)
			GH_TRY(embed_component(ctx, s, part));
	}
	return GH_OK;
}

/* Cuts the components into tasks of ROWS_PER_TASK vertices or one component. */
static size_t
cut_tasks(spectral *s)
{
	size_t		n_tasks = 0,
				rows = ROWS_PER_TASK;

	for (uint32_t part = 0; part < s->parts->count; part++)
	{
		if (rows >= ROWS_PER_TASK)
		{
			s->tasks[n_tasks++] = part;
			rows = 0;
		}
		rows += part_size(s->parts, part);
	}
	s->tasks[n_tasks] = s->parts->count;
	return n_tasks;
}

static gh_status
embed_components(gh_ctx *ctx, spectral *s)
{
	size_t		n_tasks = (s->graph->n + ROWS_PER_TASK - 1) / ROWS_PER_TASK;

	GH_TRY(gh_parallel(ctx, n_tasks, degrees_task, s));
	for (uint32_t part = 0; part < s->parts->count; part++)
	{
		if (part_size(s->parts, part) > MOST_TOGETHER)
			GH_TRY(embed_component(ctx, s, part));
	}
	return gh_parallel(ctx, cut_tasks(s), embed_task, s);
}

static void
sum_up(const spectral *s, gh_spectral_report *report)
{
	uint32_t	largest = 0;

	report->components = s->parts->count;
	for (uint32_t part = 0; part < s->parts->count; part++)
	{
		report->applications += s->outcomes[part].applications;
		report->fallbacks += s->outcomes[part].fell_back;
		largest = part_size(s->parts, part) > part_size(s->parts, largest) ? part : largest;
	}
	report->value = s->outcomes[largest].value;
	report->residual = s->outcomes[largest].residual;
}

gh_status
gh_spectral_start(gh_ctx *ctx, const gh_graph *graph, const double *points, int d, const uint32_t *order,
				  int n_components, uint64_t seed, double *out, gh_spectral_report *report)
{
	gh_components parts;
	spectral	s = {.graph = graph,.parts = &parts,.points = points,.d = d,.order = order,
	.n_components = n_components,.seed = seed,.out = out};
	size_t		row_size = (size_t) gh_subspace_block(n_components) * sizeof(double);
	gh_status	status;

	memset(report, 0, sizeof(*report));
	status = gh_components_find(ctx, graph, &parts);
	if (status == GH_OK)
		status = gh_components_arrange(ctx, &parts, points, d, order, n_components, seed);
	if (status == GH_OK &&
		((s.root = GH_NEW(ctx, graph->n, double)) == NULL ||
		 (s.inverse = GH_NEW(ctx, graph->n, double)) == NULL ||
		 (s.x = gh_alloc(ctx, graph->n, row_size)) == NULL ||
		 (s.y = gh_alloc(ctx, graph->n, row_size)) == NULL ||
		 (s.tasks = GH_NEW(ctx, (size_t) parts.count + 1, uint32_t)) == NULL ||
		 (s.outcomes = GH_NEW_ZERO(ctx, parts.count, outcome)) == NULL))
		status = gh_ctx_status(ctx);
	if (status == GH_OK)
		status = embed_components(ctx, &s);
	if (status == GH_OK)
		sum_up(&s, report);
	gh_free(ctx, s.root);
	gh_free(ctx, s.inverse);
	gh_free(ctx, s.x);
	gh_free(ctx, s.y);
	gh_free(ctx, s.tasks);
	gh_free(ctx, s.outcomes);
	gh_components_free(ctx, &parts);
	return status;
}

size_t
gh_spectral_memory(size_t n, size_t n_edges, int n_components)
{
	return n * (2 + 2 * (size_t) gh_subspace_block(n_components)) * sizeof(double) + gh_components_memory(n) +
		gh_eigenmap_memory(n, n_edges, n_components);
}
