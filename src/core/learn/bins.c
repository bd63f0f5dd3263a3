/*
 * bins.c
 *		Features cut into at most 256 bins, once for all fits.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/gh_sort.h"
#include "base/gh_threads.h"
#include "learn/gh_boost.h"

#define MAX_BINS 256
#define MISSING_CODE 255
/* Values looked at between two polls. */
#define POLL_VALUES 65536
/* Rows of one encoding task. */
#define ENCODE_ROWS 2048

typedef struct binning
{
	const float *rows;
	size_t		n;
	int			n_features;
	int			max_bin;
	const uint32_t *cut_rows;
	size_t		n_cut;			/* n when cut_rows is NULL */
	float	   *cuts;			/* n_features x MAX_BINS */
	int		   *n_cuts;			/* per feature */
	gh_bins    *bins;
} binning;

void
gh_bins_free(gh_ctx *ctx, gh_bins *bins)
{
	if (bins == NULL)
		return;
	gh_free(ctx, bins->codes);
	gh_free(ctx, bins->has_missing);
	gh_free(ctx, bins->cut_begin);
	gh_free(ctx, bins->cuts);
	gh_free(ctx, bins->below);
	gh_free(ctx, bins->miss_column);
	gh_free(ctx, bins->miss_code);
	memset(bins, 0, sizeof(*bins));
}

/* Bytes of a row: whole 16-byte words, so that rows of few features never straddle cache lines. */
static int
row_stride(int n_columns)
{
	return n_columns <= 4 ? 4 : n_columns <= 8 ? 8 : (n_columns + 15) / 16 * 16;
}

size_t
gh_bins_memory(size_t n, int n_features)
{
	size_t		codes,
				fixed = (size_t) n_features * (2 * MAX_BINS * sizeof(float) + 32),
				column;

	/* the sort of a feature: values, order and the sort's own copies */
	if (gh_mul_overflow(n, (size_t) row_stride(n_features), &codes) || gh_mul_overflow(n, 40, &column) ||
		gh_add_overflow(codes, fixed, &codes) || gh_add_overflow(codes, column, &codes))
		return SIZE_MAX;
	return codes;
}

/* The present values of a feature among the rows that decide the cuts. */
static gh_status
collect_values(gh_ctx *ctx, const binning *b, size_t feature, double *values, size_t *n_values)
{
	size_t		m = 0;

	for (size_t i = 0; i < b->n_cut; i++)
	{
		size_t		row = b->cut_rows != NULL ? b->cut_rows[i] : i;
		float		v = b->rows[row * (size_t) b->n_features + feature];

		if (i % POLL_VALUES == 0)
			GH_CHECK_STOP(ctx);
		if (!isnan(v))
			values[m++] = v;
	}
	*n_values = m;
	return GH_OK;
}

/* Infinite values are an error; *missing: any NaN in any row, deciding or not. */
static gh_status
check_values(gh_ctx *ctx, const binning *b, size_t feature, bool *missing)
{
	*missing = false;
	for (size_t i = 0; i < b->n; i++)
	{
		float		v = b->rows[i * (size_t) b->n_features + feature];

		if (i % POLL_VALUES == 0)
			GH_CHECK_STOP(ctx);
		if (isnan(v))
			*missing = true;
		else if (isinf(v))
		{
			gh_fail(ctx, GH_EDATA, "feature %zu of row %zu is infinite", feature + 1, i + 1);
			return gh_fail_hint(ctx, "Use NULL or NaN for a value that is not known.");
		}
	}
	return GH_OK;
}

/* A value above v, as XGBoost closes its last bin, and never infinite. */
static float
value_above(float v)
{
	float		above = v + (fabsf(v) + 1e-5f);

	return above > FLT_MAX ? FLT_MAX : above;
}

static float
value_below(float v)
{
	return -value_above(-v);
}

/*
 * Cuts of m values in `order`: every distinct value but the smallest when they
 * fit max_bin bins, else the values at equal ranks; then one above all.
 */
static gh_status
make_cuts(gh_ctx *ctx, const double *values, const uint32_t *order, size_t m, int max_bin, bool missing, float *cuts,
		  int *n_cuts)
{
	int			n = 0;
	double		last = values[order[0]];
	bool		fits = true;

	for (size_t i = 1; i < m && fits; i++)
	{
		double		v = values[order[i]];

		if (i % POLL_VALUES == 0)
			GH_CHECK_STOP(ctx);
		if (v == last)
			continue;
		fits = n < max_bin - 1;
		if (fits)
			cuts[n++] = (float) v;
		last = v;
	}
	if (!fits)
	{
		n = 0;
		last = values[order[0]];
		if (missing && max_bin == MAX_BINS)
			max_bin--;
		for (int k = 1; k < max_bin; k++)
		{
			/* k m / max_bin without overflow */
			size_t		rank = m / max_bin * k + m % max_bin * k / max_bin;
			double		v = values[order[rank]];

			if (v > last)
				cuts[n++] = (float) v;
			last = v;
		}
	}
	cuts[n++] = value_above((float) values[order[m - 1]]);
	*n_cuts = n;
	return GH_OK;
}

static gh_status
cut_feature(gh_ctx *ctx, void *arg, size_t feature, int worker)
{
	binning    *b = arg;
	double	   *values = GH_NEW(ctx, b->n_cut, double);
	uint32_t   *order = GH_NEW(ctx, b->n_cut, uint32_t);
	size_t		m = 0;
	bool		missing;
	gh_status	status;

	(void) worker;
	if (values == NULL || order == NULL)
		status = gh_ctx_status(ctx);
	else
	{
		GH_GOTO(done, check_values(ctx, b, feature, &missing));
		GH_GOTO(done, collect_values(ctx, b, feature, values, &m));
		b->bins->has_missing[feature] = missing;
		if (m == 0)
		{
			/* nothing known: one bin for whatever a row outside the cut may hold */
			b->cuts[feature * MAX_BINS] = 1e-5f;
			b->bins->below[feature] = -1e-5f;
			b->n_cuts[feature] = 1;
			goto done;
		}
		GH_GOTO(done, gh_argsort(ctx, values, m, order));
		b->bins->below[feature] = value_below((float) values[order[0]]);
		GH_GOTO(done, make_cuts(ctx, values, order, m, b->max_bin, missing, b->cuts + feature * MAX_BINS,
								&b->n_cuts[feature]));
	}
done:
	gh_free(ctx, values);
	gh_free(ctx, order);
	return status;
}

/* Pack the cuts and decide where "missing" is written. */
static gh_status
lay_out(gh_ctx *ctx, binning *b)
{
	gh_bins    *bins = b->bins;
	size_t		total = 0;
	int			extra = 0;

	for (int f = 0; f < b->n_features; f++)
	{
		bool		full = b->n_cuts[f] == MAX_BINS && bins->has_missing[f];

		bins->cut_begin[f] = (uint32_t) total;
		total += (size_t) b->n_cuts[f];
		bins->miss_column[f] = (uint16_t) (full ? b->n_features + extra : f);
		bins->miss_code[f] = full ? 1 : MISSING_CODE;
		extra += full;
	}
	bins->cut_begin[b->n_features] = (uint32_t) total;
	bins->n_columns = b->n_features + extra;
	bins->stride = row_stride(bins->n_columns);
	bins->cuts = GH_NEW(ctx, total, float);
	if (bins->cuts == NULL)
		return gh_ctx_status(ctx);
	for (int f = 0; f < b->n_features; f++)
		memcpy(bins->cuts + bins->cut_begin[f], b->cuts + (size_t) f * MAX_BINS, (size_t) b->n_cuts[f] * sizeof(float));
	bins->codes = gh_alloc_zero(ctx, b->n, (size_t) bins->stride);
	return bins->codes != NULL ? GH_OK : gh_ctx_status(ctx);
}

/* The number of cuts <= v, at most n - 1. */
static inline uint8_t
find_bin(const float *cuts, uint32_t n, float v)
{
	uint32_t	low = 0,
				left = n - 1;

	while (left > 0)
	{
		uint32_t	half = (left + 1) / 2;

		low += cuts[low + half - 1] <= v ? half : 0;
		left -= half;
	}
	return (uint8_t) low;
}

static gh_status
encode_rows(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	const binning *b = arg;
	const gh_bins *bins = b->bins;
	size_t		begin = task * ENCODE_ROWS,
				end = begin + ENCODE_ROWS < b->n ? begin + ENCODE_ROWS : b->n;
	size_t		poll_rows = POLL_VALUES / (size_t) b->n_features + 1;

	(void) worker;
	for (size_t i = begin; i < end; i++)
	{
		const float *row = b->rows + i * (size_t) b->n_features;
		uint8_t    *code = bins->codes + i * (size_t) bins->stride;

		if ((i - begin) % poll_rows == 0)
			GH_CHECK_STOP(ctx);
		for (int f = 0; f < b->n_features; f++)
		{
			uint32_t	first = bins->cut_begin[f];

			if (isnan(row[f]))
			{
				code[f] = MISSING_CODE;
				code[bins->miss_column[f]] = bins->miss_code[f];
			}
			else
				code[f] = find_bin(bins->cuts + first, bins->cut_begin[f + 1] - first, row[f]);
		}
	}
	return GH_OK;
}

static gh_status
allocate_bins(gh_ctx *ctx, binning *b)
{
	size_t		d = (size_t) b->n_features;

	b->bins->has_missing = GH_NEW_ZERO(ctx, d, uint8_t);
	b->bins->cut_begin = GH_NEW(ctx, d + 1, uint32_t);
	b->bins->miss_column = GH_NEW(ctx, d, uint16_t);
	b->bins->miss_code = GH_NEW(ctx, d, uint8_t);
	b->bins->below = GH_NEW(ctx, d, float);
	b->cuts = GH_NEW(ctx, d * MAX_BINS, float);
	b->n_cuts = GH_NEW_ZERO(ctx, d, int);
	if (b->bins->has_missing == NULL || b->bins->cut_begin == NULL || b->bins->miss_column == NULL ||
		b->bins->miss_code == NULL || b->bins->below == NULL || b->cuts == NULL || b->n_cuts == NULL)
		return gh_ctx_status(ctx);
	return GH_OK;
}

gh_status
gh_bins_build(gh_ctx *ctx, const float *rows, size_t n, int n_features, int max_bin, const uint32_t *cut_rows,
			  size_t n_cut, gh_bins *bins)
{
	binning		b = {rows, n, n_features, max_bin, cut_rows, cut_rows != NULL ? n_cut : n, NULL, NULL, bins};
	gh_status	status;

	memset(bins, 0, sizeof(*bins));
	bins->n = n;
	bins->n_features = n_features;
	if (n_features < 1 || n_features > GH_MAX_FEATURES)
	{
		gh_fail(ctx, GH_EDATA, "cannot train on %d features", n_features);
		return gh_fail_detail(ctx, "There must be 1 to %d features.", GH_MAX_FEATURES);
	}
	if (max_bin < 2 || max_bin > MAX_BINS)
		return gh_fail(ctx, GH_EINVAL, "max_bin is %d, not 2 to %d", max_bin, MAX_BINS);
	if (n > UINT32_MAX - 1)
		return gh_fail(ctx, GH_ELIMIT, "too many rows: %zu", n);
	if (b.n_cut == 0)
		return gh_fail(ctx, GH_EDATA, "there are no rows to train on");

	GH_GOTO(done, allocate_bins(ctx, &b));
	GH_GOTO(done, gh_parallel_stage(ctx, "boost: cuts", (size_t) n_features, cut_feature, &b));
	GH_GOTO(done, lay_out(ctx, &b));
	GH_GOTO(done, gh_parallel(ctx, n / ENCODE_ROWS + (n % ENCODE_ROWS != 0), encode_rows, &b));
done:
	gh_free(ctx, b.cuts);
	gh_free(ctx, b.n_cuts);
	if (status != GH_OK)
		gh_bins_free(ctx, bins);
	return status;
}
