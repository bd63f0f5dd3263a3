/*
 * boruvka.c
 *		One round of Boruvka under mutual reachability: every component's lightest edge, exact.
 *
 * March, Ram and Gray, "Fast Euclidean minimum spanning tree", KDD 2010,
 * https://doi.org/10.1145/1835804.1835882, with one tree instead of two: every
 * point asks the kd-tree for its lightest edge into another component.
 *
 * Equal weights are everywhere (a core distance is the weight of many edges),
 * and what is built on the tree depends on which of them are taken.  So edges
 * are ordered by (weight, lower index, higher index) and the search honours
 * that: a subtree is left out only when no edge into it can come first.  The
 * tree is then unique, and neither the order of the search nor the number of
 * threads can change it.
 */
#include "cluster_private.h"

#include "base/gh_kernels.h"
#include "base/gh_threads.h"

#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

/* Points one task searches for: fixed, whatever the number of threads. */
#define POINTS_PER_TASK 256
/* Leaves visited between two polls. */
#define POLL_EVERY 64
/* A kd-tree of 2^31 points is less than half as deep. */
#define STACK_SIZE 64
#define N_LOCKS 1024

static const gh_edge no_edge = {INFINITY, UINT32_MAX, UINT32_MAX};

struct gh_spinlock
{
	atomic_flag held;
};

typedef struct pending
{
	double		bound;			/* no edge from the point into the node is lighter */
	uint32_t	node;
} pending;

/* One worker's search for one point. */
typedef struct search
{
	gh_reachability *graph;
	const gh_kernels *kernels;
	double	   *q;				/* its coordinates */
	uint32_t	position;
	uint32_t	index;
	uint32_t	component;
	double		core;
	gh_edge		best;			/* lightest edge known of its component */
	double		reach2;			/* squared distances above cannot be lighter */
	uint32_t	visits;			/* leaves, for the polls */
	double		distance2[GH_KDTREE_LEAF];
} search;

typedef struct round_job
{
	gh_reachability *graph;
	search	   *searches;		/* one per worker */
} round_job;

static inline bool
edge_before(const gh_edge *a, const gh_edge *b)
{
	if (a->weight != b->weight)
		return a->weight < b->weight;
	return a->low != b->low ? a->low < b->low : a->high < b->high;
}

static inline gh_edge
make_edge(double weight, uint32_t a, uint32_t b)
{
	gh_edge		edge = {weight, a < b ? a : b, a < b ? b : a};

	return edge;
}

static struct gh_spinlock *
lock_component(gh_reachability *graph, uint32_t component)
{
	struct gh_spinlock *lock = &graph->locks[component % N_LOCKS];

	while (atomic_flag_test_and_set_explicit(&lock->held, memory_order_acquire))
		sched_yield();
	return lock;
}

static gh_edge
read_best(gh_reachability *graph, uint32_t component)
{
	struct gh_spinlock *lock = lock_component(graph, component);
	gh_edge		edge = graph->best[component];

	atomic_flag_clear_explicit(&lock->held, memory_order_release);
	return edge;
}

static void
offer_best(gh_reachability *graph, uint32_t component, const gh_edge *edge)
{
	struct gh_spinlock *lock = lock_component(graph, component);

	if (edge_before(edge, &graph->best[component]))
		graph->best[component] = *edge;
	atomic_flag_clear_explicit(&lock->held, memory_order_release);
}

/*
 * The reach is lifted a little, since rounding the root can make unequal
 * squares equal and squares can underflow; what lies within is compared exactly.
 */
static void
set_best(search *s, const gh_edge *edge)
{
	double		reach = edge->weight * s->graph->alpha;

	s->best = *edge;
	s->reach2 = reach * reach * (1 + 1e-12) + 1e-300;
}

/* Takes the edge to a point of another component when it comes before the best. */
static inline void
consider(search *s, uint32_t position, double distance)
{
	const gh_reachability *g = s->graph;
	double		weight = g->core[position] > s->core ? g->core[position] : s->core;
	gh_edge		edge;

	weight = distance > weight ? distance : weight;
	if (weight > s->best.weight)
		return;
	edge = make_edge(weight, s->index, g->tree->order[position]);
	if (edge_before(&edge, &s->best))
		set_best(s, &edge);
}

/* Goes through the stored neighbours; true when no point beyond them can come first. */
static bool
search_seeds(search *s)
{
	const gh_reachability *g = s->graph;
	const gh_seeds *seeds = g->seeds;
	const uint32_t *index;
	const double *distance;

	if (seeds == NULL || seeds->k == 0)
		return false;
	index = seeds->index + (size_t) s->index * seeds->k;
	distance = seeds->distance + (size_t) s->index * seeds->k;
	for (int r = 0; r < seeds->k; r++)
	{
		uint32_t	position = g->tree->position[index[r]];

		if (distance[r] / g->alpha > s->best.weight)
			return true;
		if (g->component[position] != s->component)
			consider(s, position, distance[r] / g->alpha);
	}
	return (size_t) seeds->k + 1 >= g->tree->n || distance[seeds->k - 1] / g->alpha > s->best.weight;
}

static inline pending
make_pending(const search *s, uint32_t node)
{
	const gh_reachability *g = s->graph;
	double		gap = sqrt(gh_kdtree_box_distance2(g->tree, node, s->q)) / g->alpha;
	pending		p = {g->node_core[node] > s->core ? g->node_core[node] : s->core, node};

	if (gap > p.bound)
		p.bound = gap;
	return p;
}

/*
 * True when no edge into the node can come first.  At equal weight the lowest
 * possible edge is that to the node's lowest index.
 */
static inline bool
hopeless(const search *s, const pending *p)
{
	const gh_reachability *g = s->graph;
	gh_edge		lowest;

	if (p->bound > s->best.weight || g->node_component[p->node] == s->component)
		return true;
	if (p->bound < s->best.weight)
		return false;
	lowest = make_edge(p->bound, s->index, g->tree->nodes[p->node].lowest);
	return !edge_before(&lowest, &s->best);
}

static void
visit_leaf(search *s, uint32_t node)
{
	const gh_reachability *g = s->graph;
	const gh_kdnode *leaf = &g->tree->nodes[node];
	uint32_t	n = leaf->end - leaf->begin;

	s->kernels->distances2(g->tree->columns + (size_t) leaf->begin * g->tree->d, n, n, g->tree->d, s->q,
						   s->distance2);
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	position = leaf->begin + i;

		if (s->distance2[i] > s->reach2 || g->core[position] > s->best.weight ||
			g->component[position] == s->component)
			continue;
		consider(s, position, sqrt(s->distance2[i]) / g->alpha);
	}
}

/* The child that promises more is on top of the stack; of equal ones that with the lower indices. */
static int
push_children(const search *s, uint32_t node, pending *stack, int depth)
{
	const gh_kdnode *nodes = s->graph->tree->nodes;
	pending		left = make_pending(s, node + 1);
	pending		right = make_pending(s, nodes[node].right);
	bool		left_first = left.bound < right.bound ||
		(left.bound == right.bound && nodes[left.node].lowest < nodes[right.node].lowest);

	stack[depth++] = left_first ? right : left;
	stack[depth++] = left_first ? left : right;
	return depth;
}

static gh_status
search_tree(gh_ctx *ctx, search *s)
{
	pending		stack[STACK_SIZE];
	int			depth = 0;

	stack[depth++] = make_pending(s, 0);
	while (depth > 0)
	{
		pending		next = stack[--depth];

		if (hopeless(s, &next))
			continue;
		if (s->graph->tree->nodes[next.node].right != 0)
		{
			depth = push_children(s, next.node, stack, depth);
			continue;
		}
		if (++s->visits % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		visit_leaf(s, next.node);
	}
	return GH_OK;
}

static void
read_point(search *s)
{
	const gh_kdtree *t = s->graph->tree;
	const gh_kdnode *leaf = &t->nodes[t->leaf_of[s->position]];
	size_t		width = leaf->end - leaf->begin;
	const double *column = t->columns + (size_t) leaf->begin * t->d + (s->position - leaf->begin);

	for (int j = 0; j < t->d; j++)
		s->q[j] = column[(size_t) j * width];
}

static gh_status
search_point(gh_ctx *ctx, search *s, uint32_t position)
{
	gh_reachability *g = s->graph;
	gh_edge		known;

	s->position = position;
	s->index = g->tree->order[position];
	s->component = g->component[position];
	s->core = g->core[position];
	known = read_best(g, s->component);
	if (s->core > known.weight)
		return GH_OK;
	set_best(s, &known);
	if (!search_seeds(s))
	{
		read_point(s);
		GH_TRY(search_tree(ctx, s));
	}
	if (edge_before(&s->best, &known))
		offer_best(g, s->component, &s->best);
	return GH_OK;
}

static gh_status
round_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	round_job  *job = arg;
	gh_reachability *g = job->graph;
	size_t		begin = task * POINTS_PER_TASK,
				end = begin + POINTS_PER_TASK;

	GH_CHECK_STOP(ctx);
	if (end > g->tree->n)
		end = g->tree->n;
	for (size_t i = begin; i < end; i++)
		GH_TRY(search_point(ctx, &job->searches[worker], g->visit != NULL ? g->visit[i] : (uint32_t) i));
	return GH_OK;
}

/* Which subtrees lie in one component: children have higher numbers, so backwards is bottom-up. */
static gh_status
mark_nodes(gh_ctx *ctx, gh_reachability *g)
{
	const gh_kdtree *t = g->tree;

	for (uint32_t v = t->n_nodes; v-- > 0;)
	{
		const gh_kdnode *node = &t->nodes[v];
		uint32_t	component = g->component[node->begin];

		GH_POLL(ctx, v);
		if (node->right != 0)
		{
			if (g->node_component[v + 1] != g->node_component[node->right])
				component = GH_MIXED;
			else
				component = g->node_component[v + 1];
		}
		else
		{
			for (uint32_t p = node->begin + 1; p < node->end; p++)
				if (g->component[p] != component)
					component = GH_MIXED;
		}
		g->node_component[v] = component;
	}
	return GH_OK;
}

gh_status
gh_reachability_round(gh_ctx *ctx, gh_reachability *graph)
{
	size_t		n = graph->tree->n;
	size_t		n_tasks = (n + POINTS_PER_TASK - 1) / POINTS_PER_TASK;
	int			n_workers = gh_ctx_threads(ctx);
	int			d = graph->tree->d;
	round_job	job = {graph, NULL};
	double	   *coordinates = NULL;
	gh_status	status;

	for (size_t i = 0; i < n; i++)
	{
		GH_POLL(ctx, i);
		graph->best[i] = no_edge;
	}
	GH_TRY(mark_nodes(ctx, graph));
	if ((job.searches = GH_NEW_ZERO(ctx, n_workers, search)) == NULL ||
		(coordinates = gh_alloc(ctx, n_workers, (size_t) d * sizeof(double))) == NULL)
	{
		gh_free(ctx, job.searches);
		return gh_ctx_status(ctx);
	}
	for (int w = 0; w < n_workers; w++)
	{
		job.searches[w].graph = graph;
		job.searches[w].kernels = gh_kernels_get();
		job.searches[w].q = coordinates + (size_t) w * d;
	}
	if (graph->stage != NULL)
		status = gh_parallel_stage(ctx, graph->stage, n_tasks, round_task, &job);
	else
		status = gh_parallel(ctx, n_tasks, round_task, &job);
	gh_free(ctx, coordinates);
	gh_free(ctx, job.searches);
	return status;
}

/* Core distances by position, and the lowest of every node. */
static gh_status
fill_cores(gh_ctx *ctx, gh_reachability *g, const double *core)
{
	const gh_kdtree *t = g->tree;

	for (size_t p = 0; p < t->n; p++)
	{
		GH_POLL(ctx, p);
		g->core[p] = core[t->order[p]];
	}
	for (uint32_t v = t->n_nodes; v-- > 0;)
	{
		const gh_kdnode *node = &t->nodes[v];
		double		lowest = INFINITY;

		GH_POLL(ctx, v);
		if (node->right != 0)
			lowest = fmin(g->node_core[v + 1], g->node_core[node->right]);
		else
		{
			for (uint32_t p = node->begin; p < node->end; p++)
				lowest = fmin(lowest, g->core[p]);
		}
		g->node_core[v] = lowest;
	}
	return GH_OK;
}

gh_status
gh_reachability_open(gh_ctx *ctx, const gh_kdtree *tree, const double *core, double alpha, gh_reachability *graph)
{
	memset(graph, 0, sizeof(*graph));
	graph->tree = tree;
	graph->alpha = alpha;
	if ((graph->core = GH_NEW(ctx, tree->n, double)) == NULL ||
		(graph->node_core = GH_NEW(ctx, tree->n_nodes, double)) == NULL ||
		(graph->component = GH_NEW(ctx, tree->n, uint32_t)) == NULL ||
		(graph->node_component = GH_NEW(ctx, tree->n_nodes, uint32_t)) == NULL ||
		(graph->best = GH_NEW(ctx, tree->n, gh_edge)) == NULL ||
		(graph->locks = GH_NEW(ctx, N_LOCKS, struct gh_spinlock)) == NULL)
		return gh_ctx_status(ctx);
	for (int i = 0; i < N_LOCKS; i++)
		atomic_flag_clear_explicit(&graph->locks[i].held, memory_order_relaxed);
	return fill_cores(ctx, graph, core);
}

void
gh_reachability_close(gh_ctx *ctx, gh_reachability *graph)
{
	gh_free(ctx, graph->core);
	gh_free(ctx, graph->node_core);
	gh_free(ctx, graph->component);
	gh_free(ctx, graph->node_component);
	gh_free(ctx, graph->best);
	gh_free(ctx, graph->locks);
	memset(graph, 0, sizeof(*graph));
}

size_t
gh_reachability_memory(size_t n)
{
	size_t		n_nodes = 2 * (n / GH_KDTREE_LEAF + 1);

	return n * (sizeof(double) + sizeof(uint32_t) + sizeof(gh_edge)) +
		n_nodes * (sizeof(double) + sizeof(uint32_t)) + N_LOCKS * sizeof(struct gh_spinlock);
}
