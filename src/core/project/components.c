/*
 * components.c
 *		The connected components of a graph, and a place for each.
 */
#include "project/gh_components.h"

#include "base/gh_lapack.h"
#include "project/gh_neighbours.h"
#include "project/gh_pca.h"

#include <math.h>
#include <string.h>

/* Centroids up to this many get a Laplacian eigenmap of their own. */
#define MOST_EIGENMAP 128
/* Affinities that sum up to less than this say nothing. */
#define LEAST_AFFINITY 1e-100
/* Nearest centres looked at for one that is apart. */
#define MOST_NEAREST 8
#define POLL_EVERY 65536

/* Breadth-first from each vertex not yet reached; rows serve as the queue. */
static gh_status
label_vertices(gh_ctx *ctx, const gh_graph *g, uint32_t *labels, uint32_t *queue, uint32_t *count)
{
	size_t		head = 0,
				tail = 0;

	*count = 0;
	memset(labels, 0xff, sizeof(uint32_t) * g->n);
	for (size_t start = 0; start < g->n; start++)
	{
		if (labels[start] != UINT32_MAX)
			continue;
		labels[start] = *count;
		queue[tail++] = (uint32_t) start;
		while (head < tail)
		{
			uint32_t	v = queue[head++];

			if (head % 1024 == 0)
				GH_CHECK_STOP(ctx);
			for (size_t e = g->offsets[v]; e < g->offsets[v + 1]; e++)
			{
				if (labels[g->columns[e]] != UINT32_MAX)
					continue;
				labels[g->columns[e]] = *count;
				queue[tail++] = g->columns[e];
			}
		}
		(*count)++;
	}
	return GH_OK;
}

gh_status
gh_components_find(gh_ctx *ctx, const gh_graph *g, gh_components *parts)
{
	uint32_t   *labels = NULL;
	gh_status	status = GH_OK;

	memset(parts, 0, sizeof(*parts));
	if ((labels = GH_NEW(ctx, g->n, uint32_t)) == NULL ||
		(parts->rows = GH_NEW(ctx, g->n, uint32_t)) == NULL ||
		(parts->place = GH_NEW(ctx, g->n, uint32_t)) == NULL)
		status = gh_ctx_status(ctx);
	if (status == GH_OK)
		status = label_vertices(ctx, g, labels, parts->rows, &parts->count);
	if (status == GH_OK && (parts->offsets = GH_NEW_ZERO(ctx, (size_t) parts->count + 1, size_t)) == NULL)
		status = gh_ctx_status(ctx);
	if (status == GH_OK)
	{
		/* counting sort by component, stable: vertices ascend inside each */
		for (size_t v = 0; v < g->n; v++)
			parts->place[v] = (uint32_t) parts->offsets[labels[v] + 1]++;
		for (uint32_t c = 0; c < parts->count; c++)
			parts->offsets[c + 1] += parts->offsets[c];
		for (size_t v = 0; v < g->n; v++)
			parts->rows[parts->offsets[labels[v]] + parts->place[v]] = (uint32_t) v;
	}
	gh_free(ctx, labels);
	return status;
}

/* centroids: count x d */
static gh_status
find_centroids(gh_ctx *ctx, const gh_components *parts, const double *points, int d, const uint32_t *order,
			   double *centroids)
{
	size_t		poll = d < POLL_EVERY ? POLL_EVERY / (size_t) d : 1;

	memset(centroids, 0, sizeof(double) * parts->count * d);
	for (uint32_t c = 0; c < parts->count; c++)
	{
		double	   *sum = centroids + (size_t) c * d;
		size_t		begin = parts->offsets[c],
					end = parts->offsets[c + 1];

		for (size_t r = begin; r < end; r++)
		{
			const double *x = points + (size_t) order[parts->rows[r]] * d;

			if (r % poll == 0)
				GH_CHECK_STOP(ctx);
			for (int j = 0; j < d; j++)
				sum[j] += x[j] / (double) (end - begin);
		}
	}
	return GH_OK;
}

/* +1 on each axis, then -1 on each: umap-learn's places for few components. */
static void
place_on_axes(gh_components *parts, int n_components)
{
	uint32_t	half = (parts->count + 1) / 2;

	for (uint32_t c = 0; c < parts->count; c++)
		parts->centres[(size_t) c * n_components + c % half] = c < half ? 1 : -1;
}

/* Fills the eigenmap of the centroids; *ok is false when the affinities vanish. */
static gh_status
place_by_eigenmap(gh_ctx *ctx, gh_components *parts, const double *centroids, int d, int n_components, bool *ok)
{
	int			n = (int) parts->count;
	double	   *a = gh_alloc_zero(ctx, n, (size_t) n * sizeof(double));
	double		degree[MOST_EIGENMAP] = {0},
				values[MOST_EIGENMAP];
	gh_status	status = GH_OK;

	*ok = true;
	if (a == NULL)
		return gh_ctx_status(ctx);
	for (int i = 0; i < n; i++)
	{
		for (int l = 0; l < n; l++)
		{
			double		distance2 = 0;

			for (int j = 0; j < d; j++)
				distance2 += (centroids[(size_t) i * d + j] - centroids[(size_t) l * d + j]) *
					(centroids[(size_t) i * d + j] - centroids[(size_t) l * d + j]);
			a[(size_t) i * n + l] = i == l ? 0 : exp(-distance2);
			degree[i] += a[(size_t) i * n + l];
		}
		*ok = *ok && degree[i] > LEAST_AFFINITY;
	}
	for (int i = 0; i < n && *ok; i++)
	{
		for (int l = 0; l < n; l++)
			a[(size_t) i * n + l] /= sqrt(degree[i]) * sqrt(degree[l]);
	}
	if (*ok)
		status = gh_lapack_eigen(ctx, n, a, values);
	for (int c = 0; c < n_components && *ok && status == GH_OK; c++)
	{
		for (int i = 0; i < n; i++)
			parts->centres[(size_t) i * n_components + c] = a[(size_t) (n - 2 - c) * n + i] / sqrt(degree[i]);
	}
	gh_free(ctx, a);
	return status;
}

/* Divides by the largest coordinate, signed so that each axis' largest is positive. */
static void
normalise_centres(gh_components *parts, int n_components)
{
	double		largest = 0;

	for (int c = 0; c < n_components; c++)
	{
		double		top = 0;

		for (uint32_t i = 0; i < parts->count; i++)
		{
			double		v = parts->centres[(size_t) i * n_components + c];

			top = fabs(v) > fabs(top) ? v : top;
		}
		for (uint32_t i = 0; i < parts->count && top < 0; i++)
			parts->centres[(size_t) i * n_components + c] *= -1;
		largest = fabs(top) > largest ? fabs(top) : largest;
	}
	for (size_t e = 0; e < (size_t) parts->count * n_components && largest > 0; e++)
		parts->centres[e] /= largest;
}

/* Half of the way to the nearest centre that is not in the same place. */
static gh_status
find_radii(gh_ctx *ctx, gh_components *parts, int n_components)
{
	int			k = parts->count - 1 < MOST_NEAREST ? (int) parts->count - 1 : MOST_NEAREST;
	double	   *nearest = gh_alloc(ctx, parts->count, k * sizeof(double));
	gh_kdtree	tree = {0};
	gh_status	status;

	if (nearest == NULL)
		return gh_ctx_status(ctx);
	status = gh_kdtree_build(ctx, parts->centres, parts->count, n_components, &tree);
	if (status == GH_OK)
		status = gh_neighbours(ctx, &tree, k, NULL, nearest);
	for (uint32_t i = 0; i < parts->count && status == GH_OK; i++)
	{
		parts->radii[i] = 1.0 / parts->count;	/* all in the same place */
		for (int r = k - 1; r >= 0; r--)
		{
			if (nearest[(size_t) i * k + r] > 0)
				parts->radii[i] = nearest[(size_t) i * k + r] / 2;
		}
	}
	gh_kdtree_free(ctx, &tree);
	gh_free(ctx, nearest);
	return status;
}

static gh_status
place_by_centroids(gh_ctx *ctx, gh_components *parts, const double *points, int d, const uint32_t *order,
				   int n_components, uint64_t seed)
{
	double	   *centroids = gh_alloc(ctx, parts->count, (size_t) d * sizeof(double));
	uint32_t   *identity = GH_NEW(ctx, parts->count, uint32_t);
	gh_status	status = centroids != NULL && identity != NULL ? GH_OK : gh_ctx_status(ctx);
	bool		done = false;

	if (status == GH_OK)
		status = find_centroids(ctx, parts, points, d, order, centroids);
	if (status == GH_OK && parts->count <= MOST_EIGENMAP)
		status = place_by_eigenmap(ctx, parts, centroids, d, n_components, &done);
	if (status == GH_OK && !done)
	{
		for (uint32_t c = 0; c < parts->count; c++)
			identity[c] = c;
		status = gh_pca_project(ctx, centroids, parts->count, d, identity, n_components, seed, parts->centres);
	}
	if (status == GH_OK)
		normalise_centres(parts, n_components);
	gh_free(ctx, centroids);
	gh_free(ctx, identity);
	return status;
}

gh_status
gh_components_arrange(gh_ctx *ctx, gh_components *parts, const double *points, int d, const uint32_t *order,
					  int n_components, uint64_t seed)
{
	if ((parts->centres = gh_alloc_zero(ctx, parts->count, n_components * sizeof(double))) == NULL ||
		(parts->radii = GH_NEW(ctx, parts->count, double)) == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t c = 0; c < parts->count; c++)
		parts->radii[c] = 1;
	if (parts->count < 2)
		return GH_OK;
	if (parts->count <= 2 * (uint32_t) n_components)
		place_on_axes(parts, n_components);
	else
		GH_TRY(place_by_centroids(ctx, parts, points, d, order, n_components, seed));
	return find_radii(ctx, parts, n_components);
}

void
gh_components_free(gh_ctx *ctx, gh_components *parts)
{
	gh_free(ctx, parts->rows);
	gh_free(ctx, parts->offsets);
	gh_free(ctx, parts->place);
	gh_free(ctx, parts->centres);
	gh_free(ctx, parts->radii);
	memset(parts, 0, sizeof(*parts));
}

size_t
gh_components_memory(size_t n)
{
	return 2 * n * sizeof(uint32_t);
}
