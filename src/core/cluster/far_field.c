/*
 * far_field.c
 *		Sums of 1 / |x_i - x_j|^2 in the plane: near pairs one by one, far groups by interpolation.
 *
 * The kernel-independent fast multipole method of Fong and Darve,
 * https://doi.org/10.1016/j.jcp.2009.08.031, on a kd-tree.  Between two boxes
 * that are far apart against their size, 1 / r^2 is a smooth function of both
 * ends, so it is known from its values at ORDER x ORDER Chebyshev nodes of each
 * box: the points of a box hand their mass to its nodes, the nodes of the one
 * box feel those of the other, and the sum at the nodes is interpolated at the
 * points.  All terms are positive, so errors stay relative.
 *
 * The error falls geometrically with ORDER, the faster the further boxes are
 * apart (the nearest singularity of the kernel, seen from the box, bounds the
 * ellipse in which it is analytic).  With ORDER and SEPARATION as they are the
 * largest relative error measured over uniform, clustered, filamentary and
 * lattice points was below 1e-10; the tests hold it to 1e-9.
 */
#include "far_field.h"

#include "base/gh_threads.h"
#include "inverse_squares.h"

#include <math.h>
#include <string.h>

#ifndef ORDER
#define ORDER 14
#endif
#define NODES (ORDER * ORDER)

/* Boxes are far apart when the gap between them is this many times the half side of the larger. */
#ifndef SEPARATION
#define SEPARATION 2.0
#endif

/* Cells have at most so many points, and more than half as many. */
#ifndef CELL_POINTS
#define CELL_POINTS 512
#endif

/* A box is at least so wide, in scaled units, for its nodes to be distinct. */
#define LEAST_HALF 0x1p-40

#define NO_CELL UINT32_MAX

/* A node of the kd-tree with more than a handful of points. */
typedef struct cell
{
	uint32_t	begin,			/* its points, by position */
				end;
	uint32_t	left,			/* children; NO_CELL: a leaf */
				right;
	double		centre[2];
	double		half[2];		/* half sides */
} cell;

/* Pairs (target, source) of cells, then sorted by target. */
typedef struct pair_list
{
	uint32_t   *target;
	uint32_t   *source;
	size_t		n,
				capacity;
	uint32_t   *begin;			/* by target cell: its sources are source[begin[t] .. begin[t + 1]) */
} pair_list;

typedef struct field
{
	const gh_inverse_squares *sums;
	const double *x;
	const double *y;
	double		unit[ORDER];	/* Chebyshev nodes in [-1, 1] */
	double		chebyshev[ORDER][ORDER];	/* [k][i]: polynomial k at node i, times its weight in the interpolation */
	cell	   *cells;			/* children after their parent */
	uint32_t	n_cells;
	uint32_t   *leaves;
	size_t		n_leaves;
	double	   *mass;			/* n_cells x NODES, at the nodes; x outermost */
	double	   *potential;		/* n_cells x NODES */
	pair_list	far;
	pair_list	near;			/* between leaves */
	double	   *sum;
} field;

/* ---- interpolation ----------------------------------------------------- */

/* Nodes cos((2 i + 1) pi / 2 ORDER), and polynomials by their recurrence. */
static void
prepare_nodes(field *f)
{
	for (int i = 0; i < ORDER; i++)
	{
		double		t = i == ORDER - 1 - i ? 0 : cos((2 * i + 1) * M_PI / (2 * ORDER));
		double		before = 1,
					now = t;

		f->unit[i] = t;
		f->chebyshev[0][i] = 1.0 / ORDER;
		for (int k = 1; k < ORDER; k++)
		{
			double		next = 2 * t * now - before;

			f->chebyshev[k][i] = 2.0 / ORDER * now;
			before = now;
			now = next;
		}
	}
}

/* The share of each node in the interpolation at t in [-1, 1]. */
static inline void
node_shares(const field *f, double t, double *restrict share)
{
	double		before = 1,
				now = t;

	for (int i = 0; i < ORDER; i++)
		share[i] = f->chebyshev[0][i];
	for (int k = 1; k < ORDER; k++)
	{
		double		next = 2 * t * now - before;

		for (int i = 0; i < ORDER; i++)
			share[i] += f->chebyshev[k][i] * now;
		before = now;
		now = next;
	}
}

/* share[j][i]: of a parent's node i in the interpolation at its child's node j, in one dimension. */
static void
child_shares(const field *f, const cell *parent, const cell *child, int dimension, double share[ORDER][ORDER])
{
	for (int j = 0; j < ORDER; j++)
	{
		double		at = child->centre[dimension] + child->half[dimension] * f->unit[j] - parent->centre[dimension];

		node_shares(f, at / parent->half[dimension], share[j]);
	}
}

/* The nodes of a cell as points. */
static void
place_nodes(const field *f, const cell *c, double *x, double *y)
{
	for (int i = 0; i < ORDER; i++)
	{
		for (int j = 0; j < ORDER; j++)
		{
			x[i * ORDER + j] = c->centre[0] + c->half[0] * f->unit[i];
			y[i * ORDER + j] = c->centre[1] + c->half[1] * f->unit[j];
		}
	}
}

/* ---- upwards: mass ----------------------------------------------------- */

static gh_status
leaf_mass_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	field	   *f = arg;
	const cell *c = &f->cells[f->leaves[task]];
	double	   *mass = f->mass + (size_t) f->leaves[task] * NODES;

	(void) worker;
	GH_CHECK_STOP(ctx);
	memset(mass, 0, NODES * sizeof(double));
	for (uint32_t p = c->begin; p < c->end; p++)
	{
		double		in_x[ORDER],
					in_y[ORDER];

		node_shares(f, (f->x[p] - c->centre[0]) / c->half[0], in_x);
		node_shares(f, (f->y[p] - c->centre[1]) / c->half[1], in_y);
		for (int i = 0; i < ORDER; i++)
			for (int j = 0; j < ORDER; j++)
				mass[i * ORDER + j] += in_x[i] * in_y[j];
	}
	return GH_OK;
}

static void
add_child_mass(field *f, const cell *parent, uint32_t child, double *mass)
{
	const double *from = f->mass + (size_t) child * NODES;
	double		in_x[ORDER][ORDER],
				in_y[ORDER][ORDER];
	double		half[ORDER][ORDER] = {{0}}; /* by the parent's nodes in x and the child's in y */

	child_shares(f, parent, &f->cells[child], 0, in_x);
	child_shares(f, parent, &f->cells[child], 1, in_y);
	for (int a = 0; a < ORDER; a++)
		for (int i = 0; i < ORDER; i++)
			for (int b = 0; b < ORDER; b++)
				half[i][b] += in_x[a][i] * from[a * ORDER + b];
	for (int i = 0; i < ORDER; i++)
		for (int b = 0; b < ORDER; b++)
			for (int j = 0; j < ORDER; j++)
				mass[i * ORDER + j] += half[i][b] * in_y[b][j];
}

static gh_status
collect_mass(gh_ctx *ctx, field *f)
{
	for (uint32_t c = f->n_cells; c-- > 0;)
	{
		const cell *parent = &f->cells[c];
		double	   *mass = f->mass + (size_t) c * NODES;

		GH_CHECK_STOP(ctx);
		if (parent->left == NO_CELL)
			continue;
		memset(mass, 0, NODES * sizeof(double));
		add_child_mass(f, parent, parent->left, mass);
		add_child_mass(f, parent, parent->right, mass);
	}
	return GH_OK;
}

/* ---- across: potential ------------------------------------------------- */

static gh_status
far_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	field	   *f = arg;
	double	   *potential = f->potential + task * NODES;
	double		x[NODES],
				y[NODES],
				from_x[NODES],
				from_y[NODES];

	(void) worker;
	memset(potential, 0, NODES * sizeof(double));
	place_nodes(f, &f->cells[task], x, y);
	for (uint32_t at = f->far.begin[task]; at < f->far.begin[task + 1]; at++)
	{
		uint32_t	source = f->far.source[at];

		GH_CHECK_STOP(ctx);
		place_nodes(f, &f->cells[source], from_x, from_y);
		for (int i = 0; i < NODES; i++)
			potential[i] += f->sums->weighted_sum(from_x, from_y, f->mass + (size_t) source * NODES, NODES, x[i], y[i]);
	}
	return GH_OK;
}

/* ---- downwards: potential to the leaves and the points ------------------ */

static void
pass_potential(field *f, uint32_t parent, uint32_t child)
{
	const double *from = f->potential + (size_t) parent * NODES;
	double	   *to = f->potential + (size_t) child * NODES;
	double		in_x[ORDER][ORDER],
				in_y[ORDER][ORDER];
	double		half[ORDER][ORDER] = {{0}}; /* by the child's nodes in x and the parent's in y */

	child_shares(f, &f->cells[parent], &f->cells[child], 0, in_x);
	child_shares(f, &f->cells[parent], &f->cells[child], 1, in_y);
	for (int a = 0; a < ORDER; a++)
		for (int i = 0; i < ORDER; i++)
			for (int j = 0; j < ORDER; j++)
				half[a][j] += in_x[a][i] * from[i * ORDER + j];
	for (int a = 0; a < ORDER; a++)
	{
		for (int b = 0; b < ORDER; b++)
		{
			double		value = 0;

			for (int j = 0; j < ORDER; j++)
				value += half[a][j] * in_y[b][j];
			to[a * ORDER + b] += value;
		}
	}
}

static gh_status
pass_potentials(gh_ctx *ctx, field *f)
{
	for (uint32_t c = 0; c < f->n_cells; c++)
	{
		GH_CHECK_STOP(ctx);
		if (f->cells[c].left == NO_CELL)
			continue;
		pass_potential(f, c, f->cells[c].left);
		pass_potential(f, c, f->cells[c].right);
	}
	return GH_OK;
}

static double
potential_at(const field *f, const cell *c, const double *potential, uint32_t p)
{
	double		in_x[ORDER],
				in_y[ORDER];
	double		column[ORDER] = {0};
	double		value = 0;

	node_shares(f, (f->x[p] - c->centre[0]) / c->half[0], in_x);
	node_shares(f, (f->y[p] - c->centre[1]) / c->half[1], in_y);
	for (int i = 0; i < ORDER; i++)
		for (int j = 0; j < ORDER; j++)
			column[j] += in_x[i] * potential[i * ORDER + j];
	for (int j = 0; j < ORDER; j++)
		value += column[j] * in_y[j];
	return value;
}

static gh_status
leaf_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	field	   *f = arg;
	uint32_t	target = f->leaves[task];
	const cell *c = &f->cells[target];

	(void) worker;
	for (uint32_t p = c->begin; p < c->end; p++)
		f->sum[p] = potential_at(f, c, f->potential + (size_t) target * NODES, p);
	for (uint32_t at = f->near.begin[target]; at < f->near.begin[target + 1]; at++)
	{
		const cell *from = &f->cells[f->near.source[at]];

		GH_CHECK_STOP(ctx);
		for (uint32_t p = c->begin; p < c->end; p++)
			f->sum[p] += f->sums->sum(f->x + from->begin, f->y + from->begin, from->end - from->begin, f->x[p], f->y[p]);
	}
	return GH_OK;
}

/* ---- which cells are far ------------------------------------------------ */

static gh_status
add_pair(gh_ctx *ctx, pair_list *list, uint32_t target, uint32_t source)
{
	if (list->n == list->capacity)
	{
		size_t		capacity = list->capacity == 0 ? 1024 : 2 * list->capacity;
		uint32_t   *grown = gh_realloc(ctx, list->target, capacity, sizeof(uint32_t));

		if (grown == NULL)
			return gh_ctx_status(ctx);
		list->target = grown;
		grown = gh_realloc(ctx, list->source, capacity, sizeof(uint32_t));
		if (grown == NULL)
			return gh_ctx_status(ctx);
		list->source = grown;
		list->capacity = capacity;
		GH_CHECK_STOP(ctx);
	}
	list->target[list->n] = target;
	list->source[list->n++] = source;
	return GH_OK;
}

/* Sources by target, in the order in which they were found. */
static gh_status
sort_pairs(gh_ctx *ctx, pair_list *list, uint32_t n_cells)
{
	uint32_t   *sorted = GH_NEW(ctx, list->n, uint32_t);

	list->begin = GH_NEW_ZERO(ctx, (size_t) n_cells + 2, uint32_t);
	if (sorted == NULL || list->begin == NULL)
	{
		gh_free(ctx, sorted);
		return gh_ctx_status(ctx);
	}
	for (size_t i = 0; i < list->n; i++)
		list->begin[list->target[i] + 2]++;
	for (uint32_t c = 2; c < n_cells + 2; c++)
		list->begin[c] += list->begin[c - 1];
	for (size_t i = 0; i < list->n; i++)
		sorted[list->begin[list->target[i] + 1]++] = list->source[i];
	gh_free(ctx, list->source);
	gh_free(ctx, list->target);
	list->source = sorted;
	list->target = NULL;
	return GH_OK;
}

static double
larger_half(const cell *c)
{
	return c->half[0] > c->half[1] ? c->half[0] : c->half[1];
}

static bool
far_apart(const cell *a, const cell *b)
{
	double		half = larger_half(a) > larger_half(b) ? larger_half(a) : larger_half(b);
	double		gap2 = 0;

	for (int j = 0; j < 2; j++)
	{
		double		gap = fabs(a->centre[j] - b->centre[j]) - a->half[j] - b->half[j];

		if (gap > 0)
			gap2 += gap * gap;
	}
	return gap2 >= SEPARATION * SEPARATION * half * half;
}

/* Every pair of points is met in exactly one pair of cells.  As deep as both trees together. */
static gh_status
pair_cells(gh_ctx *ctx, field *f, uint32_t target, uint32_t source)
{
	const cell *t = &f->cells[target],
			   *s = &f->cells[source];

	if (far_apart(t, s))
		return add_pair(ctx, &f->far, target, source);
	if (t->left == NO_CELL && s->left == NO_CELL)
		return add_pair(ctx, &f->near, target, source);
	if (s->left == NO_CELL || (t->left != NO_CELL && larger_half(t) >= larger_half(s)))
	{
		GH_TRY(pair_cells(ctx, f, t->left, source));
		return pair_cells(ctx, f, t->right, source);
	}
	GH_TRY(pair_cells(ctx, f, target, s->left));
	return pair_cells(ctx, f, target, s->right);
}

/* ---- cells -------------------------------------------------------------- */

/* Cells of at most CELL_POINTS points and all nodes above them, parents first. */
static uint32_t
add_cells(field *f, const gh_kdtree *tree, uint32_t node, double scale)
{
	const gh_kdnode *v = &tree->nodes[node];
	const double *box = tree->box + (size_t) node * 4;
	uint32_t	id = f->n_cells++;
	cell	   *c = &f->cells[id];

	c->begin = v->begin;
	c->end = v->end;
	c->left = c->right = NO_CELL;
	for (int j = 0; j < 2; j++)
	{
		double		low = box[j] * scale,
					high = box[2 + j] * scale;

		c->centre[j] = low + (high - low) / 2;
		c->half[j] = (high - low) / 2 > LEAST_HALF ? (high - low) / 2 : LEAST_HALF;
	}
	if (v->right == 0 || v->end - v->begin <= CELL_POINTS)
		f->leaves[f->n_leaves++] = id;
	else
	{
		uint32_t	left = add_cells(f, tree, node + 1, scale),
					right = add_cells(f, tree, v->right, scale);

		f->cells[id].left = left;
		f->cells[id].right = right;
	}
	return id;
}

/* Leaves have more than half of CELL_POINTS, up to the rounding of cuts to leaves of the tree. */
static size_t
count_cells(size_t n)
{
	return 2 * (n / (CELL_POINTS / 2 - GH_KDTREE_LEAF) + 1);
}

static void
free_pairs(gh_ctx *ctx, pair_list *list)
{
	gh_free(ctx, list->target);
	gh_free(ctx, list->source);
	gh_free(ctx, list->begin);
}

static gh_status
sum_field(gh_ctx *ctx, field *f, bool quiet)
{
	GH_TRY(pair_cells(ctx, f, 0, 0));
	GH_TRY(sort_pairs(ctx, &f->far, f->n_cells));
	GH_TRY(sort_pairs(ctx, &f->near, f->n_cells));
	GH_TRY(gh_parallel(ctx, f->n_leaves, leaf_mass_task, f));
	GH_TRY(collect_mass(ctx, f));
	GH_TRY(quiet ? gh_parallel(ctx, f->n_cells, far_task, f) :
		   gh_parallel_stage(ctx, "dbcv: far points", f->n_cells, far_task, f));
	GH_TRY(pass_potentials(ctx, f));
	return quiet ? gh_parallel(ctx, f->n_leaves, leaf_task, f) :
		gh_parallel_stage(ctx, "dbcv: near points", f->n_leaves, leaf_task, f);
}

gh_status
gh_far_field_sums(gh_ctx *ctx, const gh_kdtree *tree, const double *x, const double *y, double scale, bool quiet,
				  double *sum)
{
	field		f = {.sums = gh_inverse_squares_get(),.x = x,.y = y,.sum = sum};
	size_t		most = count_cells(tree->n);
	gh_status	status = GH_OK;

	f.cells = GH_NEW(ctx, most, cell);
	f.leaves = GH_NEW(ctx, most, uint32_t);
	f.mass = gh_alloc(ctx, most, NODES * sizeof(double));
	f.potential = gh_alloc(ctx, most, NODES * sizeof(double));
	if (f.cells == NULL || f.leaves == NULL || f.mass == NULL || f.potential == NULL)
		status = gh_ctx_status(ctx);
	else
	{
		prepare_nodes(&f);
		add_cells(&f, tree, 0, scale);
		status = sum_field(ctx, &f, quiet);
	}
	gh_free(ctx, f.cells);
	gh_free(ctx, f.leaves);
	gh_free(ctx, f.mass);
	gh_free(ctx, f.potential);
	free_pairs(ctx, &f.far);
	free_pairs(ctx, &f.near);
	return status;
}

size_t
gh_far_field_memory(size_t n)
{
	return count_cells(n) * (sizeof(cell) + sizeof(uint32_t) + 2 * NODES * sizeof(double) + 256 * sizeof(uint32_t));
}
