/*
 * boruvka.c
 *		One round of Boruvka under mutual reachability: every component's lightest edge, exact.
 *
 * March, Ram and Gray, "Fast Euclidean minimum spanning tree", KDD 2010,
 * https://doi.org/10.1145/1835804.1835882.  First every point offers what it
 * knows already: its nearest neighbours outside its component, and the point
 * that its last search ended at.  Then the tree is searched for what may be
 * lighter: by a whole subtree at once where all of it is of one component, else
 * by one point at a time.  A subtree whose points all know their neighbours
 * farther than the component's edge is long asks nothing at all.
 *
 * Equal weights are everywhere (a core distance is the weight of many edges),
 * and what is built on the tree depends on which of them are taken.  So edges
 * are ordered by (weight, lower index, higher index) and the search honours
 * that: a subtree is left out only when no edge into it can come first.  The
 * tree is then unique, and neither the order of the search nor the number of
 * threads can change it.
 */
#include "cluster_private.h"

#include "gh_near.h"

#include "base/gh_threads.h"

#include <math.h>
#include <string.h>

/* Points one task searches for: fixed, whatever the number of threads. */
#define POINTS_PER_TASK 1024
/* Pairs of nodes looked at between two polls. */
#define POLL_EVERY 256
/* A kd-tree of 2^31 points is less than half as deep. */
#define STACK_SIZE 64

typedef struct pending
{
	double		bound;			/* no edge from the point into the node is lighter */
	uint32_t	node;
} pending;

/*
 * One worker's search: the lightest edge out of a component from a group of its
 * points, which are all in one leaf of the tree.
 */
typedef struct search
{
	gh_reachability *graph;
	const gh_near_kernels *kernels;
	uint32_t	component;
	gh_edge		best;			/* lightest edge known of it */
	double		reach2;			/* squared distances above cannot be lighter */
	uint32_t	member[GH_KDTREE_LEAF]; /* positions of the group */
	int			n_members;
	uint32_t	leaf;			/* they are all the points of this leaf; or GH_MIXED */
	double	   *rows;			/* GH_KDTREE_LEAF x d, their coordinates */
	double	   *low,			/* d each: the box around the group */
			   *high;
	double		group_core;		/* the lowest core distance in it */
	uint32_t	group_lowest;	/* and index */
	const double *q;			/* d: coordinates of the point that asks */
	uint32_t	position;
	uint32_t	index;
	double		core;
	uint32_t	visits;			/* of nodes, for the polls */
	double		distance2[GH_KDTREE_LEAF];
} search;

typedef struct round_job
{
	gh_reachability *graph;
	search	   *searches;		/* one per worker */
	uint32_t   *nodes;			/* the subtrees that are a task each */
	size_t		n_nodes;
} round_job;

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
	edge = gh_edge_make(weight, s->index, g->tree->order[position]);
	if (gh_edge_before(&edge, &s->best))
	{
		set_best(s, &edge);
		g->partner[s->position] = position;
	}
}

/* ---- what the points know ----------------------------------------------- */

/* Its neighbours outside, in the order of their distance. */
static void
offer_seeds(search *s)
{
	const gh_reachability *g = s->graph;
	const gh_seeds *seeds = g->seeds;
	const uint32_t *position = seeds->position + (size_t) s->position * seeds->k;
	const double *distance = seeds->distance + (size_t) s->position * seeds->k;

	for (int r = 0; r < seeds->k; r++)
	{
		if (g->component[position[r]] == s->component)
			continue;
		if (distance[r] / g->alpha > s->best.weight)
			return;
		consider(s, position[r], distance[r] / g->alpha);
	}
}

static double
measure_distance(const gh_kdtree *t, uint32_t a, uint32_t b)
{
	const gh_kdnode *leaf_a = &t->nodes[t->leaf_of[a]],
			   *leaf_b = &t->nodes[t->leaf_of[b]];
	const double *x = t->columns + (size_t) leaf_a->begin * t->d + (a - leaf_a->begin),
			   *y = t->columns + (size_t) leaf_b->begin * t->d + (b - leaf_b->begin);
	double		sum = 0;

	for (int j = 0; j < t->d; j++)
	{
		double		delta = x[(size_t) j * (leaf_a->end - leaf_a->begin)] - y[(size_t) j * (leaf_b->end - leaf_b->begin)];

		sum += delta * delta;
	}
	return sqrt(sum);
}

/* Points of one component stand together in the tree, so its best is read and offered once for many. */
static gh_status
offer_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	round_job  *job = arg;
	gh_reachability *g = job->graph;
	search	   *s = &job->searches[worker];
	size_t		begin = task * POINTS_PER_TASK,
				end = begin + POINTS_PER_TASK < g->tree->n ? begin + POINTS_PER_TASK : g->tree->n;
	gh_edge		known;

	GH_CHECK_STOP(ctx);
	for (size_t p = begin; p < end; p++)
	{
		uint32_t	partner = g->partner[p];

		s->position = (uint32_t) p;
		s->index = g->tree->order[p];
		s->core = g->core[p];
		if (p == begin || g->component[p] != s->component)
		{
			s->component = g->component[p];
			known = gh_reachability_best(g, s->component);
			set_best(s, &known);
		}
		if (s->core <= s->best.weight && partner != GH_MIXED && g->component[partner] != s->component)
			consider(s, partner, measure_distance(g->tree, s->position, partner) / g->alpha);
		if (s->core <= s->best.weight && g->seeds != NULL)
			offer_seeds(s);
		if (p + 1 == end || g->component[p + 1] != s->component)
		{
			if (gh_edge_before(&s->best, &known))
				gh_reachability_offer(g, s->component, &s->best);
		}
	}
	return GH_OK;
}

/* ---- by the points of a leaf --------------------------------------------- */

/* Distance of the box low, high and the box of a node, over alpha. */
static inline double
node_distance(const search *s, const double *low, const double *high, uint32_t node)
{
	const gh_kdtree *t = s->graph->tree;
	const double *box = t->box + (size_t) node * 2 * t->d;
	double		sum = t->d == 2 ? gh_box_distance2(low, high, box, box + 2, 2) :
		gh_box_distance2(low, high, box, box + t->d, t->d);

	return sqrt(sum) / s->graph->alpha;
}

/* A node and the lowest weight of an edge to it, from points in a box with core distances from `core` on. */
static inline pending
make_pending(const search *s, const double *low, const double *high, double core, uint32_t node)
{
	const gh_reachability *g = s->graph;
	double		gap = node_distance(s, low, high, node);
	pending		p = {g->node_core[node] > core ? g->node_core[node] : core, node};

	if (gap > p.bound)
		p.bound = gap;
	return p;
}

/*
 * True when no edge into the node can come first.  At equal weight the lowest
 * possible edge is that to the node's lowest index.
 */
static inline bool
hopeless(const search *s, uint32_t lowest, const pending *p)
{
	const gh_reachability *g = s->graph;
	gh_edge		first;

	if (p->bound > s->best.weight || g->node_component[p->node] == s->component)
		return true;
	if (p->bound < s->best.weight)
		return false;
	first = gh_edge_make(p->bound, lowest, g->tree->nodes[p->node].lowest);
	return !gh_edge_before(&first, &s->best);
}

/* No point beyond its list of neighbours can come first. */
static inline bool
knows_enough(const search *s, uint32_t position)
{
	const gh_reachability *g = s->graph;

	return g->core[position] > s->best.weight || gh_reachability_known(g, position) > s->best.weight;
}

/* Member i of the group becomes the point that asks. */
static inline void
take_member(search *s, int i)
{
	const gh_reachability *g = s->graph;

	s->position = s->member[i];
	s->index = g->tree->order[s->position];
	s->core = g->core[s->position];
	s->q = s->rows + (size_t) i * g->tree->d;
}

/* The point that asks against the points of a leaf. */
static void
visit_leaf(search *s, uint32_t node)
{
	const gh_reachability *g = s->graph;
	const gh_kdnode *leaf = &g->tree->nodes[node];
	uint32_t	n = leaf->end - leaf->begin;
	uint32_t	hits = s->kernels->within(g->tree->columns + (size_t) leaf->begin * g->tree->d, n, g->tree->d, s->q,
										  s->reach2, s->distance2);

	if (hits != 0)
		hits &= s->kernels->others(g->component + leaf->begin, n, s->component);
	for (; hits != 0; hits &= hits - 1)
	{
		int			hit = __builtin_ctz(hits);
		uint32_t	position = leaf->begin + (uint32_t) hit;

		if (g->core[position] <= s->best.weight)
			consider(s, position, sqrt(s->distance2[hit]) / g->alpha);
	}
}

/* Every member of the group against a leaf. */
static void
meet_leaf(search *s, uint32_t node)
{
	for (int i = 0; i < s->n_members; i++)
	{
		pending		own;

		if (knows_enough(s, s->member[i]))
			continue;
		take_member(s, i);
		own = make_pending(s, s->q, s->q, s->core, node);
		if (!hopeless(s, s->index, &own))
			visit_leaf(s, node);
	}
}

/* The child that promises more is on top of the stack; of equal ones that with the lower indices. */
static int
push_children(const search *s, uint32_t node, pending *stack, int depth)
{
	const gh_kdnode *nodes = s->graph->tree->nodes;
	pending		left = make_pending(s, s->low, s->high, s->group_core, node + 1);
	pending		right = make_pending(s, s->low, s->high, s->group_core, nodes[node].right);
	bool		left_first = left.bound < right.bound ||
		(left.bound == right.bound && nodes[left.node].lowest < nodes[right.node].lowest);

	stack[depth++] = left_first ? right : left;
	stack[depth++] = left_first ? left : right;
	return depth;
}

/* From the group down the tree. */
static gh_status
search_tree(gh_ctx *ctx, search *s)
{
	pending		stack[STACK_SIZE];
	int			depth = 0;

	stack[depth++] = make_pending(s, s->low, s->high, s->group_core, 0);
	while (depth > 0)
	{
		pending		next = stack[--depth];

		if (++s->visits % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		if (hopeless(s, s->group_lowest, &next))
			continue;
		if (s->graph->tree->nodes[next.node].right != 0)
			depth = push_children(s, next.node, stack, depth);
		else
			meet_leaf(s, next.node);
	}
	return GH_OK;
}

/* The point of a leaf becomes one of the group. */
static void
add_member(search *s, const gh_kdnode *leaf, uint32_t position)
{
	const gh_kdtree *t = s->graph->tree;
	size_t		width = leaf->end - leaf->begin;
	const double *column = t->columns + (size_t) leaf->begin * t->d + (position - leaf->begin);
	double	   *row = s->rows + (size_t) s->n_members * t->d;

	for (int j = 0; j < t->d; j++)
		row[j] = column[(size_t) j * width];
	s->member[s->n_members++] = position;
}

/* The box around the group and what is lowest in it. */
static void
measure_group(search *s)
{
	const gh_reachability *g = s->graph;
	int			d = g->tree->d;

	memcpy(s->low, s->rows, (size_t) d * sizeof(double));
	memcpy(s->high, s->rows, (size_t) d * sizeof(double));
	s->group_core = INFINITY;
	s->group_lowest = UINT32_MAX;
	for (int i = 0; i < s->n_members; i++)
	{
		const double *row = s->rows + (size_t) i * d;
		uint32_t	index = g->tree->order[s->member[i]];

		for (int j = 0; j < d; j++)
		{
			s->low[j] = row[j] < s->low[j] ? row[j] : s->low[j];
			s->high[j] = row[j] > s->high[j] ? row[j] : s->high[j];
		}
		s->group_core = fmin(s->group_core, g->core[s->member[i]]);
		s->group_lowest = index < s->group_lowest ? index : s->group_lowest;
	}
}

/* The points positions[0..n) of one leaf and one component, as far as they have something to ask. */
static gh_status
search_group(gh_ctx *ctx, search *s, const uint32_t *positions, int n)
{
	gh_reachability *g = s->graph;
	const gh_kdnode *leaf = &g->tree->nodes[g->tree->leaf_of[positions[0]]];
	gh_edge		known;

	s->component = g->component[positions[0]];
	known = gh_reachability_best(g, s->component);
	set_best(s, &known);
	s->n_members = 0;
	s->leaf = GH_MIXED;
	for (int i = 0; i < n; i++)
	{
		if (!knows_enough(s, positions[i]))
			add_member(s, leaf, positions[i]);
	}
	if (s->n_members == 0)
		return GH_OK;
	measure_group(s);
	GH_TRY(search_tree(ctx, s));
	if (gh_edge_before(&s->best, &known))
		gh_reachability_offer(g, s->component, &s->best);
	return GH_OK;
}

/* The points of a leaf, component by component. */
static gh_status
search_leaf(gh_ctx *ctx, search *s, const gh_kdnode *leaf)
{
	const uint32_t *component = s->graph->component;
	uint32_t	left[GH_KDTREE_LEAF];
	int			n = 0;

	for (uint32_t p = leaf->begin; p < leaf->end; p++)
		left[n++] = p;
	while (n > 0)
	{
		uint32_t	group[GH_KDTREE_LEAF],
					first = component[left[0]];
		int			n_group = 0,
					rest = 0;

		for (int i = 0; i < n; i++)
		{
			if (component[left[i]] == first)
				group[n_group++] = left[i];
			else
				left[rest++] = left[i];
		}
		n = rest;
		GH_TRY(search_group(ctx, s, group, n_group));
	}
	return GH_OK;
}

/* ---- by a subtree of one component --------------------------------------- */

/* Whether points below the node may still find a lighter edge than the best. */
static inline bool
asks(const search *s, uint32_t node)
{
	const gh_reachability *g = s->graph;

	return g->node_core[node] <= s->best.weight && g->node_known[node] <= s->best.weight;
}

/* As make_pending, for all points of the node `query`. */
static inline pending
make_pair(const search *s, uint32_t query, uint32_t node)
{
	const gh_reachability *g = s->graph;
	const double *low = g->tree->box + (size_t) query * 2 * g->tree->d;

	return make_pending(s, low, low + g->tree->d, g->node_core[query], node);
}

/* Every point of a leaf becomes the group; a leaf meets many others, but is read once. */
static void
take_leaf(search *s, uint32_t node)
{
	const gh_kdnode *leaf = &s->graph->tree->nodes[node];

	if (s->leaf == node)
		return;
	s->leaf = node;
	s->n_members = 0;
	for (uint32_t p = leaf->begin; p < leaf->end; p++)
		add_member(s, leaf, p);
}

/*
 * All edges from the points below `query` to those below p->node.  The larger
 * of the two is halved; of halves the one that promises more is taken first.
 */
static gh_status
meet_nodes(gh_ctx *ctx, search *s, uint32_t query, const pending *p)
{
	const gh_kdnode *nodes = s->graph->tree->nodes,
			   *a = &nodes[query],
			   *b = &nodes[p->node];
	pending		first,
				second;

	if (++s->visits % POLL_EVERY == 0)
		GH_CHECK_STOP(ctx);
	if (!asks(s, query) || hopeless(s, a->lowest, p))
		return GH_OK;
	if (a->right == 0 && b->right == 0)
	{
		take_leaf(s, query);
		meet_leaf(s, p->node);
		return GH_OK;
	}
	if (b->right == 0 || (a->right != 0 && a->end - a->begin > b->end - b->begin))
	{
		first = make_pair(s, query + 1, p->node);
		second = make_pair(s, a->right, p->node);
		if (second.bound < first.bound)
		{
			GH_TRY(meet_nodes(ctx, s, a->right, &second));
			return meet_nodes(ctx, s, query + 1, &first);
		}
		GH_TRY(meet_nodes(ctx, s, query + 1, &first));
		return meet_nodes(ctx, s, a->right, &second);
	}
	first = make_pair(s, query, p->node + 1);
	second = make_pair(s, query, b->right);
	if (second.bound < first.bound)
	{
		pending		swap = first;

		first = second;
		second = swap;
	}
	GH_TRY(meet_nodes(ctx, s, query, &first));
	return meet_nodes(ctx, s, query, &second);
}

/* Goes down to the largest subtrees of one component; where there are none, to the points. */
static gh_status
search_node(gh_ctx *ctx, search *s, uint32_t node)
{
	gh_reachability *g = s->graph;
	const gh_kdnode *v = &g->tree->nodes[node];
	gh_edge		known;
	pending		root;

	if (g->node_component[node] == GH_MIXED)
	{
		if (v->right == 0)
			return search_leaf(ctx, s, v);
		GH_TRY(search_node(ctx, s, node + 1));
		return search_node(ctx, s, v->right);
	}
	s->component = g->node_component[node];
	known = gh_reachability_best(g, s->component);
	set_best(s, &known);
	if (!asks(s, node))
		return GH_OK;
	root = make_pair(s, node, 0);
	GH_TRY(meet_nodes(ctx, s, node, &root));
	if (gh_edge_before(&s->best, &known))
		gh_reachability_offer(g, s->component, &s->best);
	return GH_OK;
}

/* ---- the round ----------------------------------------------------------- */

static gh_status
node_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	round_job  *job = arg;

	GH_CHECK_STOP(ctx);
	return search_node(ctx, &job->searches[worker], job->nodes[task]);
}

static gh_status
visit_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	round_job  *job = arg;
	const gh_reachability *g = job->graph;
	size_t		begin = task * POINTS_PER_TASK,
				end = begin + POINTS_PER_TASK < g->tree->n ? begin + POINTS_PER_TASK : g->tree->n;

	GH_CHECK_STOP(ctx);
	for (size_t i = begin; i < end; i++)
		GH_TRY(search_group(ctx, &job->searches[worker], &g->visit[i], 1));
	return GH_OK;
}

/* The topmost nodes of at most POINTS_PER_TASK points. */
static void
list_tasks(const gh_kdtree *t, round_job *job)
{
	uint32_t	v = 0;

	while (v < t->n_nodes)
	{
		size_t		n = t->nodes[v].end - t->nodes[v].begin;

		if (n > POINTS_PER_TASK)
		{
			v++;
			continue;
		}
		job->nodes[job->n_nodes++] = v;
		/* a subtree of so many full leaves; the next one stands behind it */
		v += (uint32_t) (2 * ((n + GH_KDTREE_LEAF - 1) / GH_KDTREE_LEAF) - 1);
	}
}

static gh_status
run_round(gh_ctx *ctx, round_job *job)
{
	const gh_reachability *g = job->graph;
	size_t		n_chunks = (g->tree->n + POINTS_PER_TASK - 1) / POINTS_PER_TASK;

	GH_TRY(gh_parallel(ctx, n_chunks, offer_task, job));
	if (g->visit != NULL)
		return gh_parallel_stage(ctx, g->stage, n_chunks, visit_task, job);
	return gh_parallel_stage(ctx, g->stage, job->n_nodes, node_task, job);
}

gh_status
gh_reachability_round(gh_ctx *ctx, gh_reachability *graph)
{
	int			n_workers = gh_ctx_threads(ctx);
	size_t		d = (size_t) graph->tree->d;
	round_job	job = {graph, NULL, NULL, 0};
	size_t		room = (GH_KDTREE_LEAF + 2) * d;
	double	   *coordinates = NULL;
	gh_status	status = GH_OK;

	GH_TRY(gh_reachability_renew(ctx, graph));
	if ((job.searches = GH_NEW_ZERO(ctx, n_workers, search)) == NULL ||
		(coordinates = gh_alloc(ctx, n_workers, room * sizeof(double))) == NULL ||
		(job.nodes = GH_NEW(ctx, 4 * (graph->tree->n / POINTS_PER_TASK + 1), uint32_t)) == NULL)
		status = gh_ctx_status(ctx);
	for (int w = 0; status == GH_OK && w < n_workers; w++)
	{
		job.searches[w].graph = graph;
		job.searches[w].kernels = gh_near_kernels_get();
		job.searches[w].leaf = GH_MIXED;
		job.searches[w].low = coordinates + (size_t) w * room;
		job.searches[w].high = job.searches[w].low + d;
		job.searches[w].rows = job.searches[w].high + d;
	}
	if (status == GH_OK)
	{
		list_tasks(graph->tree, &job);
		status = run_round(ctx, &job);
	}
	gh_free(ctx, job.searches);
	gh_free(ctx, coordinates);
	gh_free(ctx, job.nodes);
	return status;
}
