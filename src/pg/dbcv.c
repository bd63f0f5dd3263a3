/*
 * dbcv.c
 *		The aggregate dbcv.
 */
#include "gh_pg.h"

#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "utils/memutils.h"

#include "cluster/gh_dbcv.h"

#define DBCV "dbcv"

PG_FUNCTION_INFO_V1(genre_hier_dbcv_accum);
PG_FUNCTION_INFO_V1(genre_hier_dbcv_final);

typedef struct partition
{
	gh_collector collector;
	int32	   *labels;			/* negative is noise */
	size_t		capacity;
	bool		exact;			/* all pairs, whatever the size of a cluster */
} partition;

static void
add_label(partition *p, MemoryContext context, int32 label)
{
	size_t		n = p->collector.points.n;	/* the point is there already */

	if (p->labels == NULL)
	{
		p->capacity = 1024;
		p->labels = MemoryContextAllocHuge(context, p->capacity * sizeof(int32));
	}
	else if (n > p->capacity)
	{
		p->capacity *= 2;
		p->labels = repalloc_huge(p->labels, p->capacity * sizeof(int32));
	}
	p->labels[n - 1] = label;
}

/* The third argument of dbcv(point, cluster, exact): the same in all rows. */
static bool
read_exact(FunctionCallInfo fcinfo, const partition *p)
{
	bool		exact;

	if (PG_NARGS() < 4)
		return false;
	if (PG_ARGISNULL(3))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg(DBCV ": exact must not be NULL"),
				errhint("Use true for sums over all pairs of points, false for the faster way."));
	exact = PG_GETARG_BOOL(3);
	if (p->collector.points.n > 0 && exact != p->exact)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg(DBCV ": exact is not the same in all rows"),
				errhint("Give a constant."));
	return exact;
}

Datum
genre_hier_dbcv_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context = gh_pg_aggregate_context(fcinfo, DBCV);
	partition  *p = PG_ARGISNULL(0) ? NULL : (partition *) PG_GETARG_POINTER(0);

	if (p == NULL)
	{
		p = MemoryContextAllocZero(context, sizeof(partition));
		p->collector.what = DBCV;
		p->collector.column = "the point";
		p->collector.context = context;
	}
	if (PG_ARGISNULL(1))
		ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
				errmsg(DBCV ": the point is NULL in row %zu", p->collector.points.n + 1),
				errhint("Leave such rows out with FILTER (WHERE point IS NOT NULL)."));
	p->exact = read_exact(fcinfo, p);
	gh_pg_collect(&p->collector, PG_GETARG_ARRAYTYPE_P(1), NULL);
	add_label(p, context, PG_ARGISNULL(2) ? -1 : PG_GETARG_INT32(2));
	PG_RETURN_POINTER(p);
}

/* True when the call itself says in which order the rows come. */
static bool
has_order_by(FunctionCallInfo fcinfo)
{
	Aggref	   *aggref = AggGetAggref(fcinfo);

	return aggref != NULL && aggref->aggorder != NIL;
}

Datum
genre_hier_dbcv_final(PG_FUNCTION_ARGS)
{
	partition  *p = PG_ARGISNULL(0) ? NULL : (partition *) PG_GETARG_POINTER(0);
	const gh_points *points;
	MemoryContext work,
				old;
	gh_ctx	   *ctx;
	double	   *values;
	int32_t    *labels;
	double		value;
	bool		defined;

	(void) gh_pg_aggregate_context(fcinfo, DBCV);
	if (p == NULL)
		PG_RETURN_NULL();
	points = &p->collector.points;
	work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier dbcv", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	values = points->values;
	labels = p->labels;
	/* the state may be asked for again (a moving window), so it is not sorted in place */
	if (!has_order_by(fcinfo))
		gh_pg_canonical(points, p->labels, &values, &labels);
	ctx = gh_pg_open(work);
	gh_pg_check(ctx, gh_dbcv(ctx, values, points->n, points->d, labels, p->exact, &value, &defined));
	gh_pg_close(ctx);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	if (!defined)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}
