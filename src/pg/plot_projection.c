/*
 * plot_projection.c
 *		The rows of a query as a picture of points.
 */
#include "gh_pg_plot.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "draw/gh_projection_chart.h"
#include "gh_pg_model.h"

#define WHAT "plot_projection"

PG_FUNCTION_INFO_V1(genre_hier_plot_projection);

/* Coordinates beyond cannot be scaled. */
#define LARGEST 1e300

typedef struct point
{
	double		x,
				y;
	int32		cluster;		/* number in the order of arrival, later of the sorted names; -1: noise */
	char	   *label;			/* UTF-8, palloc'd; NULL: none */
} point;

typedef struct reading
{
	gh_ctx	   *ctx;
	MemoryContext context;
	gh_names   *clusters;
	size_t		n,
				capacity;
	point	   *points;			/* gh memory */
	size_t		left_out;
	int			dimensions;		/* 0: no row yet */
} reading;

/* ---- rows ------------------------------------------------------------- */

static void
check_dimensions(reading *r, ArrayType *array, uint64 row)
{
	int			d = ARR_NDIM(array) == 1 ? ARR_DIMS(array)[0] : 0;

	if (d < 2)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg(WHAT ": the embedding in row " UINT64_FORMAT " is not an array of two numbers or more", row + 1),
				errhint("umap_project makes embeddings of n_components => 2 by default."));
	if (r->dimensions != 0 && d != r->dimensions)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg(WHAT ": the embedding in row " UINT64_FORMAT " has %d elements, not %d as in the first row",
					   row + 1, d, r->dimensions));
	r->dimensions = d;
}

static point *
next_point(reading *r)
{
	if (r->n == r->capacity)
	{
		if (r->n > PG_INT32_MAX / 2)
			ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg(WHAT ": more than %d rows", PG_INT32_MAX / 2),
					errhint("Draw a sample of the rows."));
		r->capacity = Max(1024, 2 * r->capacity);
		r->points = gh_pg_realloc(r->ctx, r->points, r->capacity, sizeof(point));
	}
	return &r->points[r->n++];
}

/* Negative whole numbers are noise, as the packages of Python write it. */
static bool
is_noise(const char *name)
{
	return name[0] == '-' && name[1] != '\0' && strspn(name + 1, "0123456789") == strlen(name + 1);
}

static int32
cluster_number(reading *r, Datum value)
{
	char	   *name = TextDatumGetCString(value);
	uint32		number;

	if (is_noise(name))
		return -1;
	number = gh_names_add(r->clusters, name, strlen(name));
	if (number >= GH_CHART_MAX_CLUSTERS)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg(WHAT ": more than %d different clusters", GH_CHART_MAX_CLUSTERS),
				errhint("The column \"cluster\" is the number or name of a group of points, or NULL."));
	return (int32) number;
}

static void
add_row(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	reading    *r = arg;
	ArrayType  *array;
	const double *xy;
	point	   *p;

	if (nulls[0])
	{
		r->left_out++;
		return;
	}
	array = DatumGetArrayTypeP(values[0]);
	check_dimensions(r, array, row);
	xy = (const double *) ARR_DATA_PTR(array);
	/* written so that NaN is left out too; the elements of an array with NULLs are not where they seem */
	if ((ARR_HASNULL(array) && array_contains_nulls(array)) || !(fabs(xy[0]) <= LARGEST && fabs(xy[1]) <= LARGEST))
	{
		r->left_out++;
		return;
	}
	p = next_point(r);
	p->x = xy[0] + 0.0;			/* -0 sorts as 0 */
	p->y = xy[1] + 0.0;
	p->cluster = nulls[1] ? -1 : cluster_number(r, values[1]);
	p->label = NULL;
	if (!nulls[2])
		p->label = MemoryContextStrdup(r->context, gh_plot_utf8(TextDatumGetCString(values[2])));
}

/* ---- order ------------------------------------------------------------ */

typedef struct named_cluster
{
	char	   *name;
	bool		is_number;
	uint32		number;			/* in the order of arrival */
} named_cluster;

/* Numbers by their size, before names by their bytes. */
static int
compare_names(const void *a, const void *b)
{
	const named_cluster *x = a,
			   *y = b;

	if (x->is_number != y->is_number)
		return x->is_number ? -1 : 1;
	if (x->is_number && strlen(x->name) != strlen(y->name))
		return strlen(x->name) < strlen(y->name) ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Renumbers the clusters in the order of their names, which are returned in UTF-8. */
static char **
sort_clusters(reading *r)
{
	uint32		n = r->clusters->n;
	named_cluster *names = palloc(Max(n, 1) * sizeof(named_cluster));
	int32	   *number = palloc(Max(n, 1) * sizeof(int32));
	char	  **sorted = palloc(Max(n, 1) * sizeof(char *));

	for (uint32 i = 0; i < n; i++)
		names[i] = (named_cluster) {r->clusters->name[i],
			strspn(r->clusters->name[i], "0123456789") == strlen(r->clusters->name[i]), i};
	qsort(names, n, sizeof(named_cluster), compare_names);
	for (uint32 i = 0; i < n; i++)
	{
		number[names[i].number] = (int32) i;
		sorted[i] = gh_plot_utf8(names[i].name);
	}
	for (size_t i = 0; i < r->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (r->points[i].cluster >= 0)
			r->points[i].cluster = number[r->points[i].cluster];
	}
	return sorted;
}

static int
compare_points(const void *a, const void *b)
{
	const point *p = a,
			   *q = b;

	CHECK_FOR_INTERRUPTS();
	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	if (p->y != q->y)
		return p->y < q->y ? -1 : 1;
	if (p->cluster != q->cluster)
		return p->cluster < q->cluster ? -1 : 1;
	if (p->label == NULL || q->label == NULL)
		return (p->label != NULL) - (q->label != NULL);
	return strcmp(p->label, q->label);
}

/* ---- the function ----------------------------------------------------- */

static void
draw(reading *r, const gh_column *columns, const char *title, char **markup, size_t *length)
{
	size_t		n = Max(r->n, 1);
	double	   *xy = gh_pg_alloc(r->ctx, n, 2 * sizeof(double));
	int32_t    *cluster = gh_pg_alloc(r->ctx, n, sizeof(int32_t));
	char	  **label = gh_pg_alloc(r->ctx, n, sizeof(char *));
	gh_projected projected = {.n = r->n,.xy = xy,.left_out = r->left_out,.dimensions = r->dimensions};

	projected.cluster_name = sort_clusters(r);
	projected.n_clusters = r->clusters->n;
	/* the order of the rows must not matter */
	if (r->n > 0)
		qsort(r->points, r->n, sizeof(point), compare_points);
	for (size_t i = 0; i < r->n; i++)
	{
		xy[2 * i] = r->points[i].x;
		xy[2 * i + 1] = r->points[i].y;
		cluster[i] = r->points[i].cluster;
		label[i] = r->points[i].label;
	}
	gh_free(r->ctx, r->points);
	projected.cluster = columns[1].found ? cluster : NULL;
	projected.label = columns[2].found ? label : NULL;
	gh_pg_check(r->ctx, gh_draw_projection(r->ctx, &projected, title, NULL, markup, length));
}

Datum
genre_hier_plot_projection(PG_FUNCTION_ARGS)
{
	gh_args		args = {WHAT, fcinfo, NULL};
	gh_column	columns[] = {
		{.name = "embedding",.type = GH_COLUMN_FLOATS,.nullable = true},
		{.name = "cluster",.type = GH_COLUMN_ANY_AS_TEXT,.optional = true,.nullable = true},
		{.name = "label",.type = GH_COLUMN_ANY_AS_TEXT,.optional = true,.nullable = true}
	};
	char	   *query = gh_arg_text(&args, 0, "query");
	char	   *title = gh_arg_is_null(&args, 1) ? NULL : gh_plot_utf8(gh_arg_text(&args, 1, "title"));
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier plot", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	reading		r = {.ctx = gh_pg_open(work),.context = work,.clusters = gh_names_make()};
	char	   *markup;
	size_t		length;
	text	   *result;

	gh_pg_query(WHAT, query, true, columns, lengthof(columns), add_row, &r);
	draw(&r, columns, title, &markup, &length);
	MemoryContextSwitchTo(old);
	result = gh_plot_text(r.ctx, markup, length);
	gh_pg_close(r.ctx);
	MemoryContextDelete(work);
	PG_RETURN_TEXT_P(result);
}
