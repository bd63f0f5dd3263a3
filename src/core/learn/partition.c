/*
 * partition.c
 *		Rows of nodes to their children, and work over the rows of nodes in parts.
 *
 * Partitions are stable, so the result is the same however a node's rows are
 * cut into parts: every part is put in order by itself, then what goes left
 * and right of each moves behind that of the parts before.
 */
#include <string.h>

#include "base/gh_threads.h"
#include "learn/boost_private.h"

#define POLL_ROWS ((uint32_t) 1 << 18)
/* The same for leaves, whose rows are anywhere. */
#define LEAF_ROWS 8192

/* ---- parts ------------------------------------------------------------- */

uint32_t
gh_parts_add(gh_grower *g, uint32_t id, uint32_t begin, uint32_t end, uint32_t most_rows)
{
	uint32_t	rows = end - begin,
				n = rows / most_rows + (rows % most_rows != 0);

	n = n > 0 ? n : 1;
	for (uint32_t k = 0; k < n; k++)
	{
		size_t		from,
					to;

		gh_chunk(rows, n, k, &from, &to);
		g->parts[g->n_parts++] = (gh_part) {
			.node = id,.begin = begin + (uint32_t) from,.end = begin + (uint32_t) to,.n_parts = n
		};
	}
	return n;
}

/* ---- which way a row goes ---------------------------------------------- */

/* What decides it: a column of codes and, when another one says "missing", that. */
typedef struct sides
{
	const uint8_t *column;
	const uint8_t *missing;		/* NULL: no other column */
	uint32_t	of_missing;
	uint8_t		of_code[256];	/* 1: right; code 255 of a missing value by itself too */
} sides;

static void
read_step(const gh_grower *g, const gh_step *step, sides *s)
{
	size_t		n = g->records->n;

	s->column = g->records->column + step->column * n;
	s->missing = step->miss_column != step->column ? g->records->column + step->miss_column * n : NULL;
	s->of_missing = !step->default_left;
	for (int code = 0; code < 256; code++)
		s->of_code[code] = code > step->bin;
	if (step->miss_column == step->column && step->miss_code >= 0)
		s->of_code[step->miss_code] = !step->default_left;
}

/* 1: right.  The caller keeps column and missing at hand, as they stay what they are whatever is written. */
static inline uint32_t
side_of(const sides *s, const uint8_t *column, const uint8_t *missing, uint32_t row)
{
	uint32_t	side = s->of_code[column[row]];

	return missing != NULL && missing[row] ? s->of_missing : side;
}

/* ---- partitions -------------------------------------------------------- */

/*
 * The rows order[begin..end) of a part, in order: those that go left to
 * to_left upwards, the others to to_right upwards or (step -1) downwards.
 */
static gh_status
part_rows(gh_grower *g, const sides *s, gh_part *part, uint32_t *to_left, uint32_t *to_right, const int32_t step)
{
	const uint32_t *order = g->order;
	const uint8_t *column = s->column,
			   *missing = s->missing;
	uint32_t	left = 0;
	int32_t		right = 0;

	for (uint32_t begin = part->begin; begin < part->end; begin += POLL_ROWS)
	{
		uint32_t	end = part->end - begin < POLL_ROWS ? part->end : begin + POLL_ROWS;

		GH_CHECK_STOP(g->ctx);
		for (uint32_t i = begin; i < end; i++)
		{
			uint32_t	row = order[i],
						side = side_of(s, column, missing, row);

			to_left[left] = row;
			to_right[right] = row;
			left += 1 - side;
			right += step * (int32_t) side;
		}
	}
	part->n_left = left;
	return GH_OK;
}

gh_status
gh_partition_part(gh_grower *g, gh_part *part)
{
	gh_step		step = gh_open_step(g, part->node);
	sides		s;

	read_step(g, &step, &s);
	if (part->n_parts > 1)
		return part_rows(g, &s, part, g->spare + part->begin, g->spare + part->end - 1, -1);
	/* what goes left is written over what was read */
	GH_TRY(part_rows(g, &s, part, g->order + part->begin, g->spare + part->begin, 1));
	memcpy(g->order + part->begin + part->n_left, g->spare + part->begin,
		   (part->end - part->begin - part->n_left) * sizeof(uint32_t));
	return GH_OK;
}

bool
gh_partition_place(gh_grower *g)
{
	bool		several = false;

	for (size_t first = 0, n; first < g->n_parts; first += n)
	{
		gh_part    *part = &g->parts[first];
		const gh_grown *node = &g->nodes[part->node];
		gh_grown   *child = &g->nodes[node->left];
		uint32_t	left = node->begin,
					right;

		n = part->n_parts;
		several |= n > 1;
		for (size_t k = 0; k < n; k++)
		{
			part[k].left_to = left;
			left += part[k].n_left;
		}
		child[0].begin = node->begin;
		child[0].end = child[1].begin = right = left;
		child[1].end = node->end;
		for (size_t k = 0; k < n; k++)
		{
			part[k].right_to = right;
			right += part[k].end - part[k].begin - part[k].n_left;
		}
	}
	return several;
}

void
gh_partition_move(gh_grower *g, const gh_part *part)
{
	uint32_t	n_right = part->end - part->begin - part->n_left;
	uint32_t   *restrict to = g->order + part->right_to;
	const uint32_t *restrict last = g->spare + part->end - 1;

	if (part->n_parts == 1)
		return;
	memcpy(g->order + part->left_to, g->spare + part->begin, part->n_left * sizeof(uint32_t));
	for (uint32_t i = 0; i < n_right; i++)
		to[i] = last[-(ptrdiff_t) i];
}

/* ---- leaves ------------------------------------------------------------ */

/* The two leaves of an unparted node, to the margins of its rows order[begin..end). */
static void
add_both_leaves(const gh_grower *g, uint32_t id, uint32_t begin, uint32_t end, float *margins)
{
	const gh_step *step = &g->steps[id];
	float		value[2] = {g->steps[step->left].value, g->steps[step->left + 1].value};
	const uint32_t *order = g->order;
	const uint8_t *column,
			   *missing;
	sides		s;

	read_step(g, step, &s);
	column = s.column;
	missing = s.missing;
	for (uint32_t i = begin; i < end; i++)
		margins[order[i]] += value[side_of(&s, column, missing, order[i])];
}

static gh_status
add_node(const gh_grower *g, uint32_t id, uint32_t begin, uint32_t end, float *margins)
{
	for (; begin < end; begin += LEAF_ROWS)
	{
		uint32_t	stop = end - begin < LEAF_ROWS ? end : begin + LEAF_ROWS;

		GH_CHECK_STOP(g->ctx);
		if (g->steps[id].left != id)
			add_both_leaves(g, id, begin, stop, margins);
		else
			for (uint32_t i = begin; i < stop; i++)
				margins[g->order[i]] += g->steps[id].value;
	}
	return GH_OK;
}

gh_status
gh_partition_add_leaves(const gh_grower *g, uint32_t first, uint32_t last, float *margins)
{
	for (uint32_t id = 0; id < g->n_nodes; id++)
	{
		const gh_grown *node = &g->nodes[id];

		if (node->end > first && node->begin < last && (g->steps[id].left == id || node->unparted))
			GH_TRY(add_node(g, id, node->begin > first ? node->begin : first, node->end < last ? node->end : last,
							margins));
	}
	return GH_OK;
}
