/*
 * projection_marks.c
 *		The points of a projection as a few compact paths.
 *
 * Places are rounded to a grid finer than a pixel, points of one layer in the
 * same cell are one mark, and the density around a mark is its opacity.  A
 * layer is one path per opacity: marks are lines of length 0 with round ends;
 * of many points they are square and neighbours in a row are one line.
 */
#include "draw/projection_private.h"

#include <math.h>
#include <string.h>

#include "base/gh_sort.h"

#define POLL 4095
#define LEVELS 8
#define AROUND 4				/* units each way that count as around a mark */
#define MANY_POINTS 30000		/* square marks from here on */
#define MOST_CELLS 300000		/* a coarser grid when there were more marks */

#define CELL_BITS 20

typedef struct marks
{
	canvas	   *c;
	double		quantum;		/* side of a cell in units */
	bool		square;
	size_t		grid_width,		/* of the density table: 1 unit a cell */
				grid_height;
	uint32_t   *sum;			/* (grid_width + 1) x (grid_height + 1): points left of and above */
	uint32_t	full;			/* density from which a mark is opaque */
	size_t		n;				/* distinct cells */
	uint64_t   *cell;			/* layer, row, column; ascending */
	uint8_t    *level;
} marks;

/* ---- density ---------------------------------------------------------- */

static size_t
grid_place(double at, double from, size_t n)
{
	double		place = floor(at - from);

	return place < 0 ? 0 : place >= (double) n ? n - 1 : (size_t) place;
}

static gh_status
sum_density(marks *m)
{
	canvas	   *c = m->c;
	size_t		stride;

	m->grid_width = (size_t) ceil(c->width) + 1;
	m->grid_height = (size_t) ceil(c->height) + 1;
	stride = m->grid_width + 1;
	m->sum = GH_NEW_ZERO(c->ctx, stride * (m->grid_height + 1), uint32_t);
	if (m->sum == NULL)
		return gh_ctx_status(c->ctx);
	for (size_t i = 0; i < c->points->n; i++)
	{
		size_t		x = grid_place(place_x(c, i), c->left, m->grid_width),
					y = grid_place(place_y(c, i), c->top, m->grid_height);

		if ((i & POLL) == 0)
			GH_CHECK_STOP(c->ctx);
		m->sum[(y + 1) * stride + x + 1]++;
	}
	for (size_t y = 1; y <= m->grid_height; y++)
		for (size_t x = 1; x <= m->grid_width; x++)
			m->sum[y * stride + x] += m->sum[y * stride + x - 1] + m->sum[(y - 1) * stride + x] -
				m->sum[(y - 1) * stride + x - 1];
	return GH_OK;
}

/* Points within AROUND units of a place, in a square. */
static uint32_t
density_at(const marks *m, double x, double y)
{
	size_t		stride = m->grid_width + 1,
				gx = grid_place(x, m->c->left, m->grid_width),
				gy = grid_place(y, m->c->top, m->grid_height),
				x1 = gx > AROUND ? gx - AROUND : 0,
				y1 = gy > AROUND ? gy - AROUND : 0,
				x2 = gx + AROUND + 1 < m->grid_width ? gx + AROUND + 1 : m->grid_width,
				y2 = gy + AROUND + 1 < m->grid_height ? gy + AROUND + 1 : m->grid_height;

	return m->sum[y2 * stride + x2] - m->sum[y1 * stride + x2] - m->sum[y2 * stride + x1] + m->sum[y1 * stride + x1];
}

/* The density that one point in fifty exceeds. */
static gh_status
find_full(marks *m)
{
	canvas	   *c = m->c;
	size_t		step = c->points->n / 50000 + 1,
				n = (c->points->n + step - 1) / step;
	uint64_t   *key = GH_NEW(c->ctx, n, uint64_t);
	uint32_t   *order = GH_NEW(c->ctx, n, uint32_t);
	gh_status	status = key == NULL || order == NULL ? gh_ctx_status(c->ctx) : GH_OK;

	for (size_t k = 0; status == GH_OK && k < n; k++)
		key[k] = density_at(m, place_x(c, k * step), place_y(c, k * step));
	if (status == GH_OK)
		status = gh_argsort_u64(c->ctx, key, n, order);
	if (status == GH_OK && n > 0)
		m->full = (uint32_t) key[order[(n - 1) - (n - 1) / 50]];
	gh_free(c->ctx, key);
	gh_free(c->ctx, order);
	return status;
}

/* By the root, so that sparse parts differ too.  Few points are all opaque. */
static uint8_t
density_level(const marks *m, uint32_t density)
{
	double		share;

	if (m->full < 8)
		return LEVELS - 1;
	share = sqrt((double) density / (double) m->full);
	return share >= 1 ? LEVELS - 1 : (uint8_t) (share * LEVELS);
}

/* ---- cells ------------------------------------------------------------ */

static uint64_t
cell_of(const marks *m, size_t i)
{
	const canvas *c = m->c;
	uint64_t	x = (uint64_t) fmax(floor((place_x(c, i) - c->left) / m->quantum), 0),
				y = (uint64_t) fmax(floor((place_y(c, i) - c->top) / m->quantum), 0);

	return (uint64_t) point_layer(c, i) << (2 * CELL_BITS) | y << CELL_BITS | x;
}

/* Fills cell[] with the distinct cells; they are at most n. */
static gh_status
collect_cells(marks *m, uint64_t *key, uint32_t *order)
{
	gh_ctx	   *ctx = m->c->ctx;
	size_t		n = m->c->points->n;

	for (size_t i = 0; i < n; i++)
	{
		if ((i & POLL) == 0)
			GH_CHECK_STOP(ctx);
		key[i] = cell_of(m, i);
	}
	GH_TRY(gh_argsort_u64(ctx, key, n, order));
	m->n = 0;
	for (size_t k = 0; k < n; k++)
	{
		if ((k & POLL) == 0)
			GH_CHECK_STOP(ctx);
		if (m->n == 0 || m->cell[m->n - 1] != key[order[k]])
			m->cell[m->n++] = key[order[k]];
	}
	return GH_OK;
}

static double
cell_x(const marks *m, uint64_t cell)
{
	return m->c->left + ((double) (cell & ((UINT64_C(1) << CELL_BITS) - 1)) + 0.5) * m->quantum;
}

static double
cell_y(const marks *m, uint64_t cell)
{
	return m->c->top + ((double) (cell >> CELL_BITS & ((UINT64_C(1) << CELL_BITS) - 1)) + 0.5) * m->quantum;
}

static gh_status
find_cells(marks *m)
{
	gh_ctx	   *ctx = m->c->ctx;
	size_t		n = m->c->points->n;
	uint64_t   *key = GH_NEW(ctx, n, uint64_t);
	uint32_t   *order = GH_NEW(ctx, n, uint32_t);
	gh_status	status = GH_OK;

	m->cell = GH_NEW(ctx, n, uint64_t);
	m->level = GH_NEW(ctx, n, uint8_t);
	if (key == NULL || order == NULL || m->cell == NULL || m->level == NULL)
		status = gh_ctx_status(ctx);
	m->n = SIZE_MAX;
	while (status == GH_OK && m->n > MOST_CELLS)
	{
		if (m->n != SIZE_MAX)
			m->quantum *= 2;
		status = collect_cells(m, key, order);
	}
	for (size_t k = 0; status == GH_OK && k < m->n; k++)
	{
		if ((k & POLL) == 0 && gh_should_stop(ctx))
			status = gh_canceled(ctx);
		m->level[k] = density_level(m, density_at(m, cell_x(m, m->cell[k]), cell_y(m, m->cell[k])));
	}
	gh_free(ctx, key);
	gh_free(ctx, order);
	return status;
}

/* ---- paths ------------------------------------------------------------ */

/* The cells [from, to) of one layer and level; coordinates count cells. */
static gh_status
write_path(marks *m, gh_svg *svg, size_t from, size_t to, uint8_t level)
{
	uint64_t	mask = (UINT64_C(1) << CELL_BITS) - 1;

	for (size_t k = from; k < to;)
	{
		uint64_t	cell = m->cell[k];
		size_t		run = 1;

		if ((k & 255) == 0)
			GH_CHECK_STOP(m->c->ctx);
		if (m->level[k] != level)
		{
			k++;
			continue;
		}
		while (m->square && k + run < to && m->cell[k + run] == cell + run && m->level[k + run] == level)
			run++;
		gh_svg_move(svg, (double) (cell & mask), (double) (cell >> CELL_BITS & mask));
		gh_svg_draw(svg, 'h', 10 * (int64_t) (run - 1));
		k += run;
	}
	return svg->m.status;
}

static gh_status
write_layer(marks *m, gh_svg *svg, size_t l, size_t from, size_t to)
{
	/* single marks of many are faint, or all would be one surface */
	double		faintest = m->square ? 0.25 : 0.5;
	bool		present[LEVELS] = {false};
	char		class[16] = "none ";

	strcat(class, l == 0 ? "vn" : gh_stroke_class(m->c->layers[l].color));
	for (size_t k = from; k < to; k++)
		present[m->level[k]] = true;
	for (int level = 0; level < LEVELS; level++)
	{
		if (!present[level])
			continue;
		gh_svg_path(svg, class);
		GH_TRY(write_path(m, svg, from, to, (uint8_t) level));
		gh_svg_path_done(svg);
		gh_svg_attr_number(svg, "opacity", faintest + (1 - faintest) * level / (LEVELS - 1));
		gh_svg_end(svg);
	}
	return GH_OK;
}

/* A group in which a cell is one unit. */
static void
open_cells(marks *m, gh_svg *svg)
{
	gh_markup  *out = &svg->m;

	gh_svg_group(svg, NULL);
	gh_markup_attr_open(out, "transform");
	gh_markup_raw(out, "translate(");
	gh_markup_number(out, m->c->left + m->quantum / 2, 3);
	gh_markup_raw(out, " ");
	gh_markup_number(out, m->c->top + m->quantum / 2, 3);
	gh_markup_raw(out, ") scale(");
	gh_markup_number(out, m->quantum, 4);
	gh_markup_raw(out, ")");
	gh_markup_attr_close(out);
	/* squares meet: if they overlapped, the borders between opacities would show */
	gh_svg_attr_number(svg, "stroke-width", m->square ? 1.05 : fmax(2 * m->c->radius / m->quantum, 1));
	gh_svg_attr(svg, "stroke-linecap", m->square ? "square" : "round");
}

static gh_status
write_marks(marks *m, gh_svg *svg)
{
	open_cells(m, svg);
	for (size_t from = 0, to; from < m->n; from = to)
	{
		uint64_t	l = m->cell[from] >> (2 * CELL_BITS);

		for (to = from; to < m->n && m->cell[to] >> (2 * CELL_BITS) == l;)
			to++;
		GH_TRY(write_layer(m, svg, (size_t) l, from, to));
	}
	gh_svg_end(svg);
	return svg->m.status;
}

gh_status
gh_projection_marks(canvas *c, gh_svg *svg)
{
	marks		m = {.c = c,.square = c->points->n > MANY_POINTS};
	gh_status	status;

	if (c->points->n == 0)
		return GH_OK;
	m.quantum = m.square ? 0.75 : 0.25;
	GH_GOTO(done, sum_density(&m));
	GH_GOTO(done, find_full(&m));
	GH_GOTO(done, find_cells(&m));
	status = write_marks(&m, svg);
done:
	gh_free(c->ctx, m.sum);
	gh_free(c->ctx, m.cell);
	gh_free(c->ctx, m.level);
	return status;
}
