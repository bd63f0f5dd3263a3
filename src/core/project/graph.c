/*
 * graph.c
 *		UMAP's fuzzy neighbourhood graph.
 */
#include "project/gh_graph.h"

#include "base/gh_threads.h"

#include <math.h>
#include <string.h>

/* Points per task, and items between two polls: fixed, whatever the threads. */
#define ROWS_PER_TASK 1024
#define POLL_EVERY 65536

#define BISECTION_STEPS 64
#define BISECTION_TOLERANCE 1e-5
#define SIGMA_FLOOR 1e-3

typedef struct member
{
	uint32_t	vertex;
	float		p;
} member;

/* Directed memberships and their transpose, all by tree position. */
typedef struct builder
{
	const gh_kdtree *tree;
	int			k;
	const uint32_t *indices;
	const double *distances;
	double		target;
	double		mean_all;
	member	   *out;			/* n x k, ascending vertex in a row */
	member	   *in;				/* n x k, grouped by head, ascending tail */
	size_t	   *in_offsets;		/* n + 1 */
	gh_graph   *graph;
} builder;

/* sum_j exp(-max(0, d_j - rho) / sigma) */
static double
membership_sum(const double *distances, int k, double rho, double sigma)
{
	double		sum = 0;

	for (int j = 0; j < k; j++)
		sum += distances[j] > rho ? exp(-(distances[j] - rho) / sigma) : 1.0;
	return sum;
}

void
gh_graph_widths(const double *distances, int k, double target, double mean_all, double *rho, double *sigma)
{
	double		low = 0,
				high = INFINITY,
				middle = 1,
				mean = 0,
				least;

	*rho = 0;
	for (int j = 0; j < k; j++)
	{
		if (*rho == 0 && distances[j] > 0)
			*rho = distances[j];
		mean += distances[j];
	}
	mean /= k + 1;				/* the point itself counts, at distance 0 */
	for (int step = 0; step < BISECTION_STEPS; step++)
	{
		double		sum = membership_sum(distances, k, *rho, middle);

		if (fabs(sum - target) < BISECTION_TOLERANCE)
			break;
		if (sum > target)
		{
			high = middle;
			middle = (low + high) / 2;
		}
		else
		{
			low = middle;
			middle = high == INFINITY ? 2 * middle : (low + high) / 2;
		}
	}
	least = SIGMA_FLOOR * (*rho > 0 ? mean : mean_all);
	*sigma = middle > least ? middle : least;
}

/* The directed memberships of the points at tree positions of one task. */
static gh_status
members_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	builder    *b = arg;
	size_t		n = b->tree->n,
				begin = task * ROWS_PER_TASK,
				end = begin + ROWS_PER_TASK < n ? begin + ROWS_PER_TASK : n;

	(void) worker;
	for (size_t p = begin; p < end; p++)
	{
		size_t		row = (size_t) b->tree->order[p] * b->k;
		const double *distances = b->distances + row;
		member	   *out = b->out + p * b->k;
		double		rho,
					sigma;

		GH_CHECK_STOP(ctx);
		gh_graph_widths(distances, b->k, b->target, b->mean_all, &rho, &sigma);
		for (int r = 0; r < b->k; r++)
		{
			double		beyond = distances[r] - rho;

			out[r].vertex = b->tree->position[b->indices[row + r]];
			out[r].p = (float) (beyond <= 0 || sigma == 0 ? 1.0 : exp(-beyond / sigma));
		}
		/* by vertex: they come by distance, so insertion would be slow for a large k */
		for (int gap = b->k / 2; gap > 0; gap /= 2)
		{
			for (int i = gap; i < b->k; i++)
			{
				member		moved = out[i];
				int			at = i;

				for (; at >= gap && out[at - gap].vertex > moved.vertex; at -= gap)
					out[at] = out[at - gap];
				out[at] = moved;
			}
		}
	}
	return GH_OK;
}

/* Counting sort of the directed edges by head. */
static gh_status
transpose(gh_ctx *ctx, builder *b)
{
	size_t		n = b->tree->n,
				k = b->k;
	size_t	   *offsets = b->in_offsets;

	memset(offsets, 0, sizeof(size_t) * (n + 1));
	for (size_t e = 0; e < n * k; e++)
	{
		if (e % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		offsets[b->out[e].vertex]++;
	}
	for (size_t v = 0, sum = 0; v <= n; v++)
	{
		size_t		count = v < n ? offsets[v] : 0;

		offsets[v] = sum;
		sum += count;
	}
	/* filling moves each offset on to where the next vertex begins */
	for (size_t tail = 0; tail < n; tail++)
	{
		if (tail % (POLL_EVERY / k + 1) == 0)
			GH_CHECK_STOP(ctx);
		for (size_t r = 0; r < k; r++)
		{
			const member *edge = &b->out[tail * k + r];
			member	   *place = &b->in[offsets[edge->vertex]++];

			place->vertex = (uint32_t) tail;
			place->p = edge->p;
		}
	}
	memmove(offsets + 1, offsets, sizeof(size_t) * n);
	offsets[0] = 0;
	return GH_OK;
}

/* Weights that round to 0 as a float are no edges. */
static inline size_t
put_edge(gh_graph *g, size_t at, uint32_t vertex, float p, float q)
{
	float		w = p + q - p * q;

	if (!(w > 0))
		return at;
	w = w < 1 ? w : 1;
	if (g->columns != NULL)
	{
		g->columns[at] = vertex;
		g->weights[at] = w;
	}
	return at + 1;
}

/* Merges the two sorted lists of a vertex; only counts while there are no columns yet. */
static size_t
merge_vertex(const builder *b, size_t v, size_t at)
{
	const member *out = b->out + v * b->k,
			   *out_end = out + b->k,
			   *in = b->in + b->in_offsets[v],
			   *in_end = b->in + b->in_offsets[v + 1];

	while (out < out_end || in < in_end)
	{
		if (in == in_end || (out < out_end && out->vertex < in->vertex))
		{
			at = put_edge(b->graph, at, out->vertex, out->p, 0);
			out++;
		}
		else if (out == out_end || in->vertex < out->vertex)
		{
			at = put_edge(b->graph, at, in->vertex, in->p, 0);
			in++;
		}
		else
		{
			at = put_edge(b->graph, at, out->vertex, out->p, in->p);
			out++;
			in++;
		}
	}
	return at;
}

static gh_status
merge_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	builder    *b = arg;
	size_t		n = b->tree->n,
				begin = task * ROWS_PER_TASK,
				end = begin + ROWS_PER_TASK < n ? begin + ROWS_PER_TASK : n;

	(void) worker;
	for (size_t v = begin; v < end; v++)
	{
		GH_CHECK_STOP(ctx);
		if (b->graph->columns == NULL)
			b->graph->offsets[v + 1] = merge_vertex(b, v, 0);
		else
			merge_vertex(b, v, b->graph->offsets[v]);
	}
	return GH_OK;
}

/* Two passes: count the edges of each vertex, then write them. */
static gh_status
merge(gh_ctx *ctx, builder *b, size_t n_tasks)
{
	gh_graph   *g = b->graph;

	g->n = b->tree->n;
	if ((g->offsets = GH_NEW(ctx, g->n + 1, size_t)) == NULL)
		return gh_ctx_status(ctx);
	GH_TRY(gh_parallel(ctx, n_tasks, merge_task, b));
	g->offsets[0] = 0;
	for (size_t v = 0; v < g->n; v++)
		g->offsets[v + 1] += g->offsets[v];
	if ((g->weights = GH_NEW(ctx, g->offsets[g->n], float)) == NULL ||
		(g->columns = GH_NEW(ctx, g->offsets[g->n], uint32_t)) == NULL)
		return gh_ctx_status(ctx);
	return gh_parallel(ctx, n_tasks, merge_task, b);
}

gh_status
gh_graph_build(gh_ctx *ctx, const gh_kdtree *tree, int k, const uint32_t *indices, const double *distances,
			   gh_graph *graph)
{
	builder		b = {tree, k, indices, distances, log2(k + 1.0), 0, NULL, NULL, NULL, graph};
	size_t		n = tree->n,
				n_tasks = (n + ROWS_PER_TASK - 1) / ROWS_PER_TASK,
				row_size = (size_t) k * sizeof(member);
	gh_status	status = GH_OK;

	memset(graph, 0, sizeof(*graph));
	for (size_t i = 0; i < n; i++)
	{
		double		sum = 0;

		if (i % 64 == 0)
			GH_CHECK_STOP(ctx);
		for (int r = 0; r < k; r++)
			sum += distances[i * k + r];
		b.mean_all += sum / (k + 1) / n;
	}
	if ((b.out = gh_alloc(ctx, n, row_size)) == NULL || (b.in = gh_alloc(ctx, n, row_size)) == NULL ||
		(b.in_offsets = GH_NEW(ctx, n + 1, size_t)) == NULL)
		status = gh_ctx_status(ctx);
	if (status == GH_OK)
		status = gh_parallel(ctx, n_tasks, members_task, &b);
	if (status == GH_OK)
		status = transpose(ctx, &b);
	if (status == GH_OK)
		status = merge(ctx, &b, n_tasks);
	gh_free(ctx, b.out);
	gh_free(ctx, b.in);
	gh_free(ctx, b.in_offsets);
	return status;
}

gh_status
gh_graph_prune(gh_ctx *ctx, gh_graph *g, int epochs)
{
	size_t		n_edges = g->n > 0 ? g->offsets[g->n] : 0,
				kept = 0,
				begin = 0;
	float		greatest = 0,
				least;

	for (size_t e = 0; e < n_edges; e++)
	{
		if (e % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		greatest = g->weights[e] > greatest ? g->weights[e] : greatest;
	}
	least = greatest / (float) epochs;
	for (size_t v = 0; v < g->n; v++)
	{
		size_t		end = g->offsets[v + 1];

		if (v % 256 == 0)
			GH_CHECK_STOP(ctx);
		for (size_t e = begin; e < end; e++)
		{
			if (g->weights[e] < least)
				continue;
			g->weights[kept] = g->weights[e];
			g->columns[kept++] = g->columns[e];
		}
		begin = end;
		g->offsets[v + 1] = kept;
	}
	return GH_OK;
}

void
gh_graph_free(gh_ctx *ctx, gh_graph *g)
{
	gh_free(ctx, g->offsets);
	gh_free(ctx, g->columns);
	gh_free(ctx, g->weights);
	memset(g, 0, sizeof(*g));
}

size_t
gh_graph_memory(size_t n, int k)
{
	return (n + 1) * sizeof(size_t) + 2 * n * k * (sizeof(uint32_t) + sizeof(float));
}

size_t
gh_graph_scratch(size_t n, int k)
{
	return (n + 1) * sizeof(size_t) + 2 * n * k * sizeof(member);
}
