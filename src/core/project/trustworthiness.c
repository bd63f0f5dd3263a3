/*
 * trustworthiness.c
 *		How far the neighbours in a projection were neighbours before.
 */
#include "project/gh_trustworthiness.h"

#include "base/gh_kernels.h"
#include "base/gh_random.h"
#include "base/gh_sort.h"
#include "base/gh_threads.h"
#include "project/gh_neighbours.h"
#include "project/gh_scale.h"

#include <string.h>

/* Points asked per task: fixed, whatever the threads. */
#define ANCHORS_PER_TASK 16
/* Points measured at once. */
#define BLOCK 512
/* Points copied between two polls. */
#define POLL_EVERY 4096

/* A point as seen from another: the order is total. */
typedef struct seen
{
	double		distance2;
	uint32_t	index;
} seen;

/* One worker's room. */
typedef struct room
{
	uint32_t   *nearest;		/* k + 1, in the projection */
	seen	   *rival;			/* k: the same before it, ascending */
	size_t	   *between;		/* k: points between a rival and the one before it */
	double	   *query;			/* d: the point that asks */
	double		distance2[BLOCK];
} room;

typedef struct job
{
	size_t		n;
	int			d;
	int			dim;
	int			k;
	double	   *columns;		/* d x n */
	double	   *scaled;			/* n x dim */
	gh_kdtree	tree;			/* of the projection */
	uint32_t   *anchor;			/* n_anchors points that are asked; NULL: all */
	size_t		n_anchors;
	size_t		n_tasks;
	uint64_t   *sums;			/* by task */
	room	   *rooms;			/* by worker */
} job;

static bool
before(const seen *a, const seen *b)
{
	return a->distance2 < b->distance2 || (a->distance2 == b->distance2 && a->index < b->index);
}

static void
sink(seen *heap, int n, int at)
{
	seen		moved = heap[at];

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child + 1 < n && before(&heap[child], &heap[child + 1]))
			child++;
		if (child >= n || !before(&moved, &heap[child]))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

static void
sort_seen(seen *a, int n)
{
	for (int at = n / 2 - 1; at >= 0; at--)
		sink(a, n, at);
	for (int last = n - 1; last > 0; last--)
	{
		seen		greatest = a[0];

		a[0] = a[last];
		a[last] = greatest;
		sink(a, last, 0);
	}
}

/* The number of rivals that are not beyond the point. */
static int
rivals_up_to(const seen *rival, int k, const seen *point)
{
	int			low = 0,
				high = k;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (before(point, &rival[middle]))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The k nearest others in the projection. */
static gh_status
find_rivals(gh_ctx *ctx, const job *j, room *r, uint32_t anchor)
{
	int			found = 0;

	GH_TRY(gh_neighbours_query(ctx, &j->tree, j->scaled + (size_t) anchor * j->dim, j->k + 1, r->nearest, NULL));
	/* among many equal points the one that asks may not be found: then the last is one too many */
	for (int i = 0; i <= j->k && found < j->k; i++)
	{
		double		distance2 = 0;

		if (r->nearest[i] == anchor)
			continue;
		/* as the kernel adds: dimensions ascending */
		for (int c = 0; c < j->d; c++)
		{
			double		delta = j->columns[(size_t) c * j->n + r->nearest[i]] - r->query[c];

			distance2 += delta * delta;
		}
		r->rival[found++] = (seen) {distance2, r->nearest[i]};
	}
	sort_seen(r->rival, j->k);
	return GH_OK;
}

/* Goes through all points once, counting those before each rival. */
static gh_status
count_between(gh_ctx *ctx, const job *j, room *r, uint32_t anchor)
{
	const gh_kernels *kernels = gh_kernels_get();
	double		farthest = r->rival[j->k - 1].distance2;

	memset(r->between, 0, sizeof(size_t) * j->k);
	for (size_t begin = 0; begin < j->n; begin += BLOCK)
	{
		size_t		count = j->n - begin < BLOCK ? j->n - begin : BLOCK;

		GH_CHECK_STOP(ctx);
		kernels->distances2(j->columns + begin, j->n, count, j->d, r->query, r->distance2);
		for (size_t i = 0; i < count; i++)
		{
			seen		point = {r->distance2[i], (uint32_t) (begin + i)};
			int			place;

			if (point.distance2 > farthest || point.index == anchor)
				continue;
			place = rivals_up_to(r->rival, j->k, &point);
			if (place < j->k)
				r->between[place]++;
		}
	}
	return GH_OK;
}

/* sum_j max(0, r(i, j) - k) for one i. */
static gh_status
ask_point(gh_ctx *ctx, const job *j, room *r, uint32_t anchor, uint64_t *sum)
{
	size_t		rank = 1;

	for (int c = 0; c < j->d; c++)
		r->query[c] = j->columns[(size_t) c * j->n + anchor];
	GH_TRY(find_rivals(ctx, j, r, anchor));
	GH_TRY(count_between(ctx, j, r, anchor));
	for (int i = 0; i < j->k; i++)
	{
		rank += r->between[i];
		*sum += rank > (size_t) j->k ? rank - (size_t) j->k : 0;
	}
	return GH_OK;
}

static gh_status
ask_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	job		   *j = arg;
	size_t		begin,
				end;
	uint64_t	sum = 0;

	gh_chunk(j->n_anchors, j->n_tasks, task, &begin, &end);
	for (size_t i = begin; i < end; i++)
		GH_TRY(ask_point(ctx, j, &j->rooms[worker], j->anchor != NULL ? j->anchor[i] : (uint32_t) i, &sum));
	j->sums[task] = sum;
	return GH_OK;
}

/* ---- preparations ------------------------------------------------------ */

static gh_status
check_k(gh_ctx *ctx, size_t n, int k)
{
	if (k >= 1 && 2 * (size_t) k < n)
		return GH_OK;
	gh_fail(ctx, GH_EINVAL, "n_neighbors is %d for %zu points", k, n);
	gh_fail_detail(ctx, "It must be at least 1 and less than half of the number of points.");
	return gh_fail_hint(ctx, "Lower n_neighbors, or give more points.");
}

/* Points by column, so that many are measured at once. */
static gh_status
copy_columns(gh_ctx *ctx, const double *points, job *j)
{
	gh_scale_column *columns;
	gh_status	status;

	if ((j->columns = gh_alloc(ctx, j->n, (size_t) j->d * sizeof(double))) == NULL ||
		(columns = GH_NEW(ctx, j->d, gh_scale_column)) == NULL)
		return gh_ctx_status(ctx);
	/* nothing but a power of two against overflow, the same for all: ranks stay */
	status = gh_scale_measure(ctx, points, j->n, j->d, false, columns);
	for (size_t i = 0; status == GH_OK && i < j->n; i++)
	{
		if (i % POLL_EVERY == 0 && gh_should_stop(ctx))
			status = gh_canceled(ctx);
		for (int c = 0; c < j->d; c++)
			j->columns[(size_t) c * j->n + i] = gh_scale_value(&columns[c], points[i * j->d + c]);
	}
	gh_free(ctx, columns);
	return status;
}

static gh_status
plant_tree(gh_ctx *ctx, const double *embedding, job *j)
{
	if ((j->scaled = gh_alloc(ctx, j->n, (size_t) j->dim * sizeof(double))) == NULL)
		return gh_ctx_status(ctx);
	GH_TRY(gh_scale_points(ctx, embedding, j->n, j->dim, false, j->scaled));
	return gh_kdtree_build(ctx, j->scaled, j->n, j->dim, &j->tree);
}

/* The points that are asked: those with the lowest hashes of their indices. */
static gh_status
choose_anchors(gh_ctx *ctx, size_t sample, job *j)
{
	uint64_t   *hash;
	gh_status	status;

	j->n_anchors = sample == 0 || sample > j->n ? j->n : sample;
	if (j->n_anchors == j->n)
		return GH_OK;
	if ((j->anchor = GH_NEW(ctx, j->n, uint32_t)) == NULL || (hash = GH_NEW(ctx, j->n, uint64_t)) == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < j->n; i++)
		hash[i] = gh_random_u64(0, GH_STREAM_TRUSTWORTHINESS, i);
	status = gh_argsort_u64(ctx, hash, j->n, j->anchor);
	gh_free(ctx, hash);
	return status;
}

static gh_status
furnish_rooms(gh_ctx *ctx, job *j)
{
	int			n_workers = gh_ctx_threads(ctx);

	if ((j->rooms = GH_NEW_ZERO(ctx, n_workers, room)) == NULL)
		return gh_ctx_status(ctx);
	for (int w = 0; w < n_workers; w++)
	{
		room	   *r = &j->rooms[w];

		if ((r->nearest = GH_NEW(ctx, (size_t) j->k + 1, uint32_t)) == NULL ||
			(r->rival = GH_NEW(ctx, j->k, seen)) == NULL ||
			(r->between = GH_NEW(ctx, j->k, size_t)) == NULL ||
			(r->query = GH_NEW(ctx, j->d, double)) == NULL)
			return gh_ctx_status(ctx);
	}
	return GH_OK;
}

static void
clear_job(gh_ctx *ctx, job *j)
{
	for (int w = 0; j->rooms != NULL && w < gh_ctx_threads(ctx); w++)
	{
		gh_free(ctx, j->rooms[w].nearest);
		gh_free(ctx, j->rooms[w].rival);
		gh_free(ctx, j->rooms[w].between);
		gh_free(ctx, j->rooms[w].query);
	}
	gh_free(ctx, j->rooms);
	gh_free(ctx, j->columns);
	gh_free(ctx, j->scaled);
	gh_free(ctx, j->anchor);
	gh_free(ctx, j->sums);
	gh_kdtree_free(ctx, &j->tree);
}

static gh_status
run_job(gh_ctx *ctx, job *j, const double *points, const double *embedding, size_t sample, double *result)
{
	double		n = (double) j->n,
				k = j->k;
	double		total = 0;

	GH_TRY(copy_columns(ctx, points, j));
	GH_TRY(plant_tree(ctx, embedding, j));
	GH_TRY(choose_anchors(ctx, sample, j));
	j->n_tasks = (j->n_anchors + ANCHORS_PER_TASK - 1) / ANCHORS_PER_TASK;
	if ((j->sums = GH_NEW(ctx, j->n_tasks, uint64_t)) == NULL)
		return gh_ctx_status(ctx);
	GH_TRY(furnish_rooms(ctx, j));
	GH_TRY(gh_parallel_stage(ctx, "trustworthiness", j->n_tasks, ask_task, j));
	/* in the order of the tasks, so exact up to 2^53 and the same beyond */
	for (size_t t = 0; t < j->n_tasks; t++)
		total += (double) j->sums[t];
	*result = 1 - 2 * total / ((double) j->n_anchors * k * (2 * n - 3 * k - 1));
	return GH_OK;
}

/* Bytes needed, the input not counted. */
static size_t
memory_needed(const gh_ctx *ctx, const job *j, bool sampled)
{
	size_t		each = (size_t) (j->d + j->dim) * sizeof(double),	/* both kinds of points */
				sorting = sampled ? 2 * 16 + sizeof(uint64_t) + sizeof(uint32_t) : 0,
				building = 16,
				rival = sizeof(uint32_t) + sizeof(seen) + sizeof(size_t),
				rooms = sizeof(room) + (size_t) j->k * rival + (size_t) j->d * sizeof(double);

	return j->n * (each + (sorting > building ? sorting : building)) + gh_kdtree_memory(j->n, j->dim) +
		(size_t) gh_ctx_threads(ctx) * rooms;
}

gh_status
gh_trustworthiness(gh_ctx *ctx, const double *points, size_t n, int d, const double *embedding, int dim, int k,
				   size_t sample, double *result)
{
	job			j = {.n = n,.d = d,.dim = dim,.k = k};
	gh_status	status;

	GH_TRY(check_k(ctx, n, k));
	if (d < 1 || dim < 1)
		return gh_fail(ctx, GH_EINVAL, "points without coordinates have no neighbours");
	GH_TRY(gh_memory_check(ctx, memory_needed(ctx, &j, sample > 0 && sample < n), "trustworthiness"));
	status = run_job(ctx, &j, points, embedding, sample, result);
	clear_job(ctx, &j);
	return status;
}
