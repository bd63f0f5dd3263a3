/*
 * features.c
 *		feature_avg: the mean of feature arrays, correctly rounded.
 *
 * The state is a plain float8[] so that partial aggregates travel between
 * parallel workers and between nodes as a value.  Per feature it holds the
 * exact sum of all rows as an expansion of doubles that do not overlap
 * (Shewchuk, "Adaptive precision floating-point arithmetic", 1997,
 * https://doi.org/10.1007/PL00009321), so the mean cannot depend on the order
 * of the rows, the plan, or how they were spread.
 *
 *	[0]			STATE_VERSION
 *	[1]			rows
 *	[2]			features
 *	[3]			components per feature
 *	[4...]		features x components, ascending in size, zeros last
 *
 * An empty array stands for no rows.
 */
#include "gh_pg.h"

#include <math.h>

#include "catalog/pg_type.h"

#define STATE_VERSION 1.0
#define HEADER 4
#define FIRST_COMPONENTS 4
/* Rows, as a double, stay exact below this. */
#define MAX_ROWS ((double) (INT64CONST(1) << 53))
/* A sum of 2^53 values below this stays finite. */
#define MAX_MAGNITUDE ldexp(1.0, 970)

/* Fixed-point number in units of 2^-1074, two's complement: room for 2^31 doubles of any size. */
#define LIMBS 36

PG_FUNCTION_INFO_V1(genre_hier_feature_avg_accum);
PG_FUNCTION_INFO_V1(genre_hier_feature_avg_combine);
PG_FUNCTION_INFO_V1(genre_hier_feature_avg_final);

/* A state taken apart; pointers lead into the array. */
typedef struct average
{
	double	   *header;
	int			features;
	int			components;
	double	   *sums;
} average;

/* ---- the state -------------------------------------------------------- */

static void
check_in_aggregate(FunctionCallInfo fcinfo)
{
	if (AggCheckCallContext(fcinfo, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("function can only be called as part of the aggregate feature_avg"));
}

static void
state_error(const char *why)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("feature_avg: the transition state is not one of its own"),
			errdetail("%s", why));
}

static bool
is_count(double v, double limit)
{
	return v >= 0 && v <= limit && v == floor(v);
}

/* False for the state of no rows.  Any SQL user can make up an array, so nothing in it is taken on trust. */
static bool
open_state(ArrayType *array, average *out)
{
	int			n;

	if (ARR_NDIM(array) == 0)
		return false;
	if (ARR_NDIM(array) != 1 || ARR_ELEMTYPE(array) != FLOAT8OID || ARR_HASNULL(array))
		state_error("It is not a one-dimensional float8[] without NULLs.");
	n = ARR_DIMS(array)[0];
	out->header = (double *) ARR_DATA_PTR(array);
	if (n < HEADER || out->header[0] != STATE_VERSION)
		state_error("Its header is missing or of another version.");
	if (!is_count(out->header[1], MAX_ROWS) || !is_count(out->header[2], n) || !is_count(out->header[3], n))
		state_error("Its header holds impossible counts.");
	out->features = (int) out->header[2];
	out->components = (int) out->header[3];
	if (out->components < 1 || (int64) out->features * out->components != n - HEADER)
		state_error("Its length does not match its header.");
	out->sums = out->header + HEADER;
	return true;
}

static ArrayType *
make_state(double rows, int features, int components, average *out)
{
	int64		n = (int64) features * components + HEADER;
	Size		bytes;
	ArrayType  *array;

	if (n > (int64) (MaxAllocSize / sizeof(double)) - HEADER)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("feature_avg: %d features need too large a transition state", features));
	bytes = ARR_OVERHEAD_NONULLS(1) + (Size) n * sizeof(double);
	array = palloc0(bytes);
	SET_VARSIZE(array, bytes);
	array->ndim = 1;
	array->elemtype = FLOAT8OID;
	ARR_DIMS(array)[0] = (int) n;
	ARR_LBOUND(array)[0] = 1;
	out->header = (double *) ARR_DATA_PTR(array);
	out->header[0] = STATE_VERSION;
	out->header[1] = rows;
	out->header[2] = features;
	out->header[3] = components;
	out->features = features;
	out->components = components;
	out->sums = out->header + HEADER;
	return array;
}

/* A copy with room for `components`, which must hold every one in use. */
static ArrayType *
resize_state(const average *from, int components, average *out)
{
	ArrayType  *array = make_state(from->header[1], from->features, components, out);
	int			kept = Min(components, from->components);

	for (int f = 0; f < from->features; f++)
		memcpy(out->sums + (size_t) f * components, from->sums + (size_t) f * from->components,
			   (size_t) kept * sizeof(double));
	return array;
}

/* Components in use by the feature that uses most. */
static int
components_used(const average *a)
{
	int			used = 0;

	for (int f = 0; f < a->features; f++)
	{
		const double *sum = a->sums + (size_t) f * a->components;

		for (int i = used; i < a->components; i++)
		{
			if (sum[i] != 0)
				used = i + 1;
		}
	}
	return used;
}

/*
 * Adds x to an expansion that has a free place (its last is 0): Shewchuk's
 * grow-expansion with zeros left out.  Every step is an exact two-sum.
 */
static void
add_exactly(double *sum, int components, double x)
{
	int			kept = 0;

	for (int i = 0; i < components; i++)
	{
		double		a = x,
					b = sum[i],
					high,
					low;

		if (b == 0)
			continue;
		if (fabs(a) < fabs(b))
		{
			a = sum[i];
			b = x;
		}
		high = a + b;
		low = b - (high - a);
		sum[i] = 0;
		if (low != 0)
			sum[kept++] = low;
		x = high;
	}
	sum[kept] = x;
}

/* ---- a row ------------------------------------------------------------ */

/* True when no element is NULL, NaN or infinite. */
static bool
row_is_complete(ArrayType *row, const double *values, int n)
{
	if (array_contains_nulls(row))
		return false;
	for (int i = 0; i < n; i++)
	{
		if (!isfinite(values[i]))
			return false;
	}
	return true;
}

static void
check_row(const average *state, const double *values, int n)
{
	if (n != state->features)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg("feature_avg: the rows have different numbers of features (%d and %d)", state->features, n),
				errhint("Every row must have the same features in the same order; GROUP BY what sets them apart."));
	for (int i = 0; i < n; i++)
	{
		if (fabs(values[i]) >= MAX_MAGNITUDE)
			ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("feature_avg: element %d is %g, beyond 2^970", i + 1, values[i]),
					errhint("Leave such rows out, or scale the feature."));
	}
	if (state->header[1] >= MAX_ROWS)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("feature_avg: more than 2^53 rows"));
}

Datum
genre_hier_feature_avg_accum(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *row = PG_GETARG_ARRAYTYPE_P(1);
	const double *values = (const double *) ARR_DATA_PTR(row);
	int			n = ARR_NDIM(row) == 0 ? 0 : ARR_DIMS(row)[0];
	average		state;
	bool		full = false;

	check_in_aggregate(fcinfo);
	if (ARR_NDIM(row) > 1)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg("feature_avg: a row has %d dimensions, not one", ARR_NDIM(row)));
	if (!row_is_complete(row, values, n))
		PG_RETURN_ARRAYTYPE_P(array);
	if (!open_state(array, &state))
		array = make_state(0, n, FIRST_COMPONENTS, &state);
	check_row(&state, values, n);

	for (int f = 0; f < n && !full; f++)
		full = state.sums[(size_t) (f + 1) * state.components - 1] != 0;
	/* a new array is taken over by the executor; otherwise the sums change in place */
	if (full)
	{
		average		old = state;

		array = resize_state(&old, 2 * old.components, &state);
	}
	for (int f = 0; f < n; f++)
		add_exactly(state.sums + (size_t) f * state.components, state.components, values[f]);
	state.header[1] += 1;
	PG_RETURN_ARRAYTYPE_P(array);
}

Datum
genre_hier_feature_avg_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *left = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *right = PG_GETARG_ARRAYTYPE_P(1);
	average		a,
				b,
				sum,
				result;

	check_in_aggregate(fcinfo);
	if (!open_state(right, &b))
		PG_RETURN_ARRAYTYPE_P(left);
	if (!open_state(left, &a))
		PG_RETURN_ARRAYTYPE_P(resize_state(&b, b.components, &result));
	if (a.features != b.features)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg("feature_avg: the rows have different numbers of features (%d and %d)", a.features, b.features),
				errhint("Every row must have the same features in the same order; GROUP BY what sets them apart."));
	if (a.header[1] + b.header[1] > MAX_ROWS)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("feature_avg: more than 2^53 rows"));

	/* each of b's components adds at most one to a's, and one place must stay free */
	(void) resize_state(&a, components_used(&a) + components_used(&b) + 1, &sum);
	for (int f = 0; f < sum.features; f++)
	{
		for (int i = 0; i < b.components; i++)
		{
			double		x = b.sums[(size_t) f * b.components + i];

			if (x != 0)
				add_exactly(sum.sums + (size_t) f * sum.components, sum.components, x);
		}
	}
	sum.header[1] += b.header[1];
	PG_RETURN_ARRAYTYPE_P(resize_state(&sum, Max(components_used(&sum) + 1, FIRST_COMPONENTS), &result));
}

/* ---- the mean --------------------------------------------------------- */

/* number += or -= mantissa * 2^shift */
static void
fixed_add(uint64 *number, uint64 mantissa, int shift, bool subtract)
{
	int			limb = shift / 64,
				bit = shift % 64;
	uint64		part[2];
	unsigned	carry = 0;

	part[0] = mantissa << bit;
	part[1] = bit > 0 ? mantissa >> (64 - bit) : 0;
	for (int i = limb; i < LIMBS; i++)
	{
		uint64		add = i - limb < 2 ? part[i - limb] : 0,
					before = number[i];

		if (i - limb >= 2 && carry == 0)
			break;
		if (subtract)
		{
			number[i] = before - add - carry;
			carry = before < add || (carry && before == add);
		}
		else
		{
			number[i] = before + add + carry;
			carry = number[i] < before || (carry && number[i] == before);
		}
	}
}

/* The exact sum of the components as sign and size. */
static bool
fixed_sum(const double *sum, int components, uint64 *number)
{
	bool		negative;

	memset(number, 0, LIMBS * sizeof(uint64));
	for (int i = 0; i < components; i++)
	{
		int			exponent;
		double		fraction;

		if (sum[i] == 0)
			continue;
		if (!isfinite(sum[i]))
			state_error("It holds a sum that is not finite.");
		/* |x| = mantissa * 2^(exponent - 53); a subnormal has fewer bits, so the shift never goes below 0 */
		fraction = frexp(fabs(sum[i]), &exponent);
		exponent -= 53;
		if (exponent < -1074)
			fixed_add(number, (uint64) ldexp(fraction, 53 + exponent + 1074), 0, sum[i] < 0);
		else
			fixed_add(number, (uint64) ldexp(fraction, 53), exponent + 1074, sum[i] < 0);
	}
	negative = number[LIMBS - 1] >> 63;
	if (negative)
	{
		unsigned	carry = 1;

		for (int i = 0; i < LIMBS; i++)
		{
			number[i] = ~number[i] + carry;
			carry = carry && number[i] == 0;
		}
	}
	return negative;
}

static bool
bit_at(const uint64 *number, int position)
{
	return position >= 0 && (number[position / 64] >> (position % 64) & 1);
}

static bool
any_bit_below(const uint64 *number, int position)
{
	for (int i = 0; i < position / 64; i++)
	{
		if (number[i] != 0)
			return true;
	}
	return position % 64 > 0 && (number[position / 64] << (64 - position % 64)) != 0;
}

/* number / divisor to the nearest double, ties to even. */
static double
fixed_divide(uint64 *number, uint64 divisor)
{
	uint64		rest = 0,
				mantissa = 0;
	int			top = LIMBS * 64 - 1,
				shift;
	bool		half,
				more;

	for (int i = LIMBS - 1; i >= 0; i--)
	{
		unsigned __int128 part = (unsigned __int128) rest << 64 | number[i];

		number[i] = (uint64) (part / divisor);
		rest = (uint64) (part % divisor);
	}
	while (top >= 0 && !bit_at(number, top))
		top--;

	/* 53 bits, or as many as there are above 2^-1074 */
	shift = Max(top - 52, 0);
	for (int i = top; i >= shift; i--)
		mantissa = mantissa << 1 | bit_at(number, i);
	if (shift > 0)
	{
		half = bit_at(number, shift - 1);
		more = any_bit_below(number, shift - 1) || rest > 0;
	}
	else
	{
		half = 2 * rest >= divisor;
		more = 2 * rest > divisor;
	}
	if (half && (more || (mantissa & 1)))
		mantissa++;
	return ldexp((double) mantissa, shift - 1074);
}

Datum
genre_hier_feature_avg_final(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	average		state;
	double	   *means;

	check_in_aggregate(fcinfo);
	if (!open_state(array, &state) || state.header[1] == 0)
		PG_RETURN_NULL();
	means = palloc(Max(state.features, 1) * sizeof(double));
	for (int f = 0; f < state.features; f++)
	{
		uint64		number[LIMBS];
		bool		negative = fixed_sum(state.sums + (size_t) f * state.components, state.components, number);
		double		mean = fixed_divide(number, (uint64) state.header[1]);

		if (!isfinite(mean))
			state_error("It holds a sum beyond any sum of rows.");
		means[f] = negative && mean != 0 ? -mean : mean;
	}
	PG_RETURN_ARRAYTYPE_P(gh_pg_float_array(means, state.features));
}
