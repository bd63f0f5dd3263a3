/*
 * reachability.c
 *		The graph of mutual reachability, and what is kept of it from round to round.
 */
#include "cluster_private.h"

#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define N_LOCKS 1024

static const gh_edge no_edge = {INFINITY, UINT32_MAX, UINT32_MAX};

struct gh_spinlock
{
	atomic_flag held;
};

static struct gh_spinlock *
lock_component(gh_reachability *graph, uint32_t component)
{
	struct gh_spinlock *lock = &graph->locks[component % N_LOCKS];

	while (atomic_flag_test_and_set_explicit(&lock->held, memory_order_acquire))
		sched_yield();
	return lock;
}

gh_edge
gh_reachability_best(gh_reachability *graph, uint32_t component)
{
	struct gh_spinlock *lock = lock_component(graph, component);
	gh_edge		edge = graph->best[component];

	atomic_flag_clear_explicit(&lock->held, memory_order_release);
	return edge;
}

void
gh_reachability_offer(gh_reachability *graph, uint32_t component, const gh_edge *edge)
{
	struct gh_spinlock *lock = lock_component(graph, component);

	if (gh_edge_before(edge, &graph->best[component]))
		graph->best[component] = *edge;
	atomic_flag_clear_explicit(&lock->held, memory_order_release);
}

/* The lowest known distance of every node; once, since the lists do not change. */
static gh_status
fill_known(gh_ctx *ctx, gh_reachability *g)
{
	const gh_kdtree *t = g->tree;

	for (uint32_t v = t->n_nodes; v-- > 0;)
	{
		const gh_kdnode *node = &t->nodes[v];
		double		lowest = INFINITY;

		GH_POLL(ctx, v);
		if (node->right != 0)
			lowest = fmin(g->node_known[v + 1], g->node_known[node->right]);
		else
		{
			for (uint32_t p = node->begin; p < node->end; p++)
				lowest = fmin(lowest, gh_reachability_known(g, p));
		}
		g->node_known[v] = lowest;
	}
	g->known = true;
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
gh_reachability_renew(gh_ctx *ctx, gh_reachability *graph)
{
	for (size_t i = 0; i < graph->tree->n; i++)
	{
		GH_POLL(ctx, i);
		graph->best[i] = no_edge;
	}
	if (!graph->known)
		GH_TRY(fill_known(ctx, graph));
	return mark_nodes(ctx, graph);
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
		g->partner[p] = GH_MIXED;
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
		(graph->node_known = GH_NEW(ctx, tree->n_nodes, double)) == NULL ||
		(graph->component = GH_NEW(ctx, tree->n, uint32_t)) == NULL ||
		(graph->node_component = GH_NEW(ctx, tree->n_nodes, uint32_t)) == NULL ||
		(graph->partner = GH_NEW(ctx, tree->n, uint32_t)) == NULL ||
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
	gh_free(ctx, graph->node_known);
	gh_free(ctx, graph->component);
	gh_free(ctx, graph->node_component);
	gh_free(ctx, graph->partner);
	gh_free(ctx, graph->best);
	gh_free(ctx, graph->locks);
	memset(graph, 0, sizeof(*graph));
}

size_t
gh_reachability_memory(size_t n)
{
	size_t		n_nodes = 2 * (n / GH_KDTREE_LEAF + 1);

	return n * (sizeof(double) + 2 * sizeof(uint32_t) + sizeof(gh_edge)) +
		n_nodes * (2 * sizeof(double) + sizeof(uint32_t)) + N_LOCKS * sizeof(struct gh_spinlock);
}
