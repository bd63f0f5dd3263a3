/*
 * coarsen.c
 *		A graph of groups of vertices in place of a graph of vertices.
 */
#include "project/gh_coarsen.h"

#include "base/gh_threads.h"

#include <math.h>
#include <string.h>

/* An edge this strong against its vertex' strongest holds a group together. */
#define STRONG 0.25f
/* Vertices that one vertex gathers at most, itself included. */
#define MOST_GATHERED 12
#define NO_GROUP UINT32_MAX
/* Groups whose edges one task joins: fixed, whatever the number of threads. */
#define GROUPS_PER_TASK 512
#define POLL_EVERY 256

static inline uint32_t
vertex_at(const gh_level *level, size_t r)
{
	return level->rows != NULL ? level->rows[r] : (uint32_t) r;
}

static inline uint32_t
index_of(const gh_level *level, uint32_t vertex)
{
	return level->place != NULL ? level->place[vertex] : vertex;
}

/* The strongest edge of a vertex; the first of equals.  SIZE_MAX: there is none. */
static size_t
strongest_edge(const gh_level *level, uint32_t v)
{
	size_t		best = SIZE_MAX;

	for (size_t e = level->offsets[v]; e < level->offsets[v + 1]; e++)
	{
		if (best == SIZE_MAX || level->weights[e] > level->weights[best])
			best = e;
	}
	return best;
}

/* A new group of a vertex and its free strong neighbours, if it has any. */
static bool
gather(const gh_level *level, size_t r, uint32_t *group, uint32_t number)
{
	uint32_t	v = vertex_at(level, r);
	size_t		best = strongest_edge(level, v);
	float		least = best == SIZE_MAX ? INFINITY : STRONG * level->weights[best];
	int			members = 1;

	for (size_t e = level->offsets[v]; e < level->offsets[v + 1] && members < MOST_GATHERED; e++)
	{
		uint32_t	other = index_of(level, level->columns[e]);

		if (level->weights[e] < least || group[other] != NO_GROUP)
			continue;
		group[other] = number;
		members++;
	}
	if (members > 1)
		group[r] = number;
	return members > 1;
}

static gh_status
group_vertices(gh_ctx *ctx, const gh_level *level, gh_coarse *coarse)
{
	uint32_t   *group = coarse->group;

	memset(group, 0xff, sizeof(uint32_t) * level->n);
	for (size_t r = 0; r < level->n; r++)
	{
		if (r % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		if (group[r] == NO_GROUP && gather(level, r, group, (uint32_t) coarse->n))
			coarse->n++;
	}
	/* what is left has strong neighbours in groups, all of them made above; without any it stays alone */
	for (size_t r = 0; r < level->n; r++)
	{
		size_t		best;

		if (r % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		if (group[r] != NO_GROUP)
			continue;
		best = strongest_edge(level, vertex_at(level, r));
		group[r] = best == SIZE_MAX ? (uint32_t) coarse->n++ : group[index_of(level, level->columns[best])];
	}
	return GH_OK;
}

/* One worker's room to add up the edges of a group. */
typedef struct adder
{
	double	   *sum;			/* by other group; 0 between two groups */
	uint32_t   *others;			/* those with a sum */
} adder;

typedef struct joining
{
	const gh_level *fine;
	gh_coarse  *coarse;
	size_t	   *begin;			/* n + 1: members of each group */
	uint32_t   *members;		/* fine indices, by group */
	adder	   *adders;			/* one per worker */
} joining;

/* Counting sort of the fine indices by group. */
static gh_status
list_members(gh_ctx *ctx, joining *j)
{
	size_t		n = j->coarse->n;

	memset(j->begin, 0, sizeof(size_t) * (n + 1));
	for (size_t r = 0; r < j->fine->n; r++)
	{
		if (r % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		j->begin[j->coarse->group[r]]++;
	}
	for (size_t a = 0, sum = 0; a <= n; a++)
	{
		size_t		count = a < n ? j->begin[a] : 0;

		j->begin[a] = sum;
		sum += count;
	}
	GH_CHECK_STOP(ctx);
	/* filling moves each start on to where the next group begins */
	for (size_t r = 0; r < j->fine->n; r++)
	{
		if (r % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		j->members[j->begin[j->coarse->group[r]]++] = (uint32_t) r;
	}
	memmove(j->begin + 1, j->begin, sizeof(size_t) * n);
	j->begin[0] = 0;
	return GH_OK;
}

/* Adds up the edges of a group; how many others it has an edge to, and the weight inside. */
static size_t
add_edges(const joining *j, uint32_t a, const adder *to, double *inner)
{
	const gh_level *fine = j->fine;
	size_t		n_others = 0;

	*inner = 0;
	for (size_t m = j->begin[a]; m < j->begin[a + 1]; m++)
	{
		uint32_t	v = vertex_at(fine, j->members[m]);

		*inner += fine->inner != NULL ? fine->inner[v] : 0;
		for (size_t e = fine->offsets[v]; e < fine->offsets[v + 1]; e++)
		{
			uint32_t	other = j->coarse->group[index_of(fine, fine->columns[e])];

			if (other == a)
			{
				*inner += fine->weights[e];
				continue;
			}
			if (to->sum[other] == 0)
				to->others[n_others++] = other;
			to->sum[other] += fine->weights[e];
		}
	}
	return n_others;
}

/* Counts the edges of some groups; writes them when there is room. */
static gh_status
join_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	joining    *j = arg;
	gh_coarse  *c = j->coarse;
	adder	   *to = &j->adders[worker];
	size_t		end = (task + 1) * GROUPS_PER_TASK < c->n ? (task + 1) * GROUPS_PER_TASK : c->n;

	for (size_t a = task * GROUPS_PER_TASK; a < end; a++)
	{
		double		inner,
					degree;
		size_t		n_others = add_edges(j, (uint32_t) a, to, &inner);

		degree = inner;
		for (size_t i = 0; i < n_others; i++)
		{
			double	   *sum = &to->sum[to->others[i]];

			if (c->columns != NULL)
			{
				c->columns[c->offsets[a] + i] = to->others[i];
				c->weights[c->offsets[a] + i] = (float) *sum;
			}
			degree += (float) *sum;
			*sum = 0;
		}
		if (c->columns == NULL)
			c->offsets[a + 1] = n_others;
		c->inner[a] = inner;
		c->root[a] = sqrt(degree);
		c->inverse[a] = degree > 0 ? 1 / c->root[a] : 0;
		if (a % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
	}
	return GH_OK;
}

static gh_status
open_adders(gh_ctx *ctx, joining *j, int n_workers)
{
	if ((j->adders = GH_NEW_ZERO(ctx, n_workers, adder)) == NULL)
		return gh_ctx_status(ctx);
	for (int w = 0; w < n_workers; w++)
	{
		if ((j->adders[w].sum = GH_NEW_ZERO(ctx, j->coarse->n, double)) == NULL ||
			(j->adders[w].others = GH_NEW(ctx, j->coarse->n, uint32_t)) == NULL)
			return gh_ctx_status(ctx);
	}
	return GH_OK;
}

static void
close_adders(gh_ctx *ctx, joining *j, int n_workers)
{
	for (int w = 0; w < n_workers && j->adders != NULL; w++)
	{
		gh_free(ctx, j->adders[w].sum);
		gh_free(ctx, j->adders[w].others);
	}
	gh_free(ctx, j->adders);
}

/* Two passes: count the edges of each group, then write them. */
static gh_status
join_edges(gh_ctx *ctx, joining *j)
{
	gh_coarse  *c = j->coarse;
	size_t		n_tasks = (c->n + GROUPS_PER_TASK - 1) / GROUPS_PER_TASK;

	GH_TRY(list_members(ctx, j));
	GH_TRY(gh_parallel(ctx, n_tasks, join_task, j));
	c->offsets[0] = 0;
	for (size_t a = 0; a < c->n; a++)
		c->offsets[a + 1] += c->offsets[a];
	if ((c->weights = GH_NEW(ctx, c->offsets[c->n], float)) == NULL ||
		(c->columns = GH_NEW(ctx, c->offsets[c->n], uint32_t)) == NULL)
		return gh_ctx_status(ctx);
	return gh_parallel(ctx, n_tasks, join_task, j);
}

gh_status
gh_coarsen(gh_ctx *ctx, const gh_level *fine, gh_coarse *coarse)
{
	joining		j = {.fine = fine,.coarse = coarse};
	int			n_workers = gh_ctx_threads(ctx);
	gh_status	status;

	memset(coarse, 0, sizeof(*coarse));
	if ((coarse->group = GH_NEW(ctx, fine->n, uint32_t)) == NULL)
		return gh_ctx_status(ctx);
	GH_TRY(group_vertices(ctx, fine, coarse));
	if ((coarse->offsets = GH_NEW(ctx, coarse->n + 1, size_t)) == NULL ||
		(coarse->inner = GH_NEW(ctx, coarse->n, double)) == NULL ||
		(coarse->root = GH_NEW(ctx, coarse->n, double)) == NULL ||
		(coarse->inverse = GH_NEW(ctx, coarse->n, double)) == NULL ||
		(j.begin = GH_NEW(ctx, coarse->n + 1, size_t)) == NULL ||
		(j.members = GH_NEW(ctx, fine->n, uint32_t)) == NULL)
		status = gh_ctx_status(ctx);
	else
		status = open_adders(ctx, &j, n_workers);
	if (status == GH_OK)
		status = join_edges(ctx, &j);
	gh_free(ctx, j.begin);
	gh_free(ctx, j.members);
	close_adders(ctx, &j, n_workers);
	return status;
}

gh_level
gh_coarse_level(const gh_coarse *c)
{
	return (gh_level) {.n = c->n,.offsets = c->offsets,.columns = c->columns,.weights = c->weights,.inner = c->inner,
	.root = c->root,.inverse = c->inverse};
}

void
gh_coarse_free(gh_ctx *ctx, gh_coarse *c)
{
	gh_free(ctx, c->group);
	gh_free(ctx, c->offsets);
	gh_free(ctx, c->columns);
	gh_free(ctx, c->weights);
	gh_free(ctx, c->inner);
	gh_free(ctx, c->root);
	gh_free(ctx, c->inverse);
	memset(c, 0, sizeof(*c));
}
