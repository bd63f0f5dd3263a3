/*
 * bins.c
 *		Features cut into at most 256 bins, once for all fits.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/gh_threads.h"
#include "learn/cuts.h"
#include "learn/gh_boost.h"

#define MISSING_CODE 255
/* Values looked at between two polls. */
#define POLL_VALUES 8192
/* The same for the first ones that are put to their places: each may touch memory that nobody has touched before. */
#define POLL_FIRST 64
/* Rows of one encoding task. */
#define ENCODE_ROWS 2048
/* Parts of the rows that are looked through for missing and infinite values. */
#define SCAN_PARTS 64
/* Digits of a sort of 32-bit keys. */
#define DIGITS 3
#define DIGIT_BITS 11
#define RADIX (1 << DIGIT_BITS)

typedef struct binning
{
	const float *rows;
	size_t		n;
	int			n_features;
	int			max_bin;
	const uint32_t *cut_rows;
	size_t		n_cut;			/* n when cut_rows is NULL */
	uint8_t    *missing;		/* SCAN_PARTS x n_features */
	size_t		infinite[SCAN_PARTS];	/* place of the first such value of a part; SIZE_MAX: none */
	float	   *cuts;			/* n_features x GH_MAX_BINS; after the last cut a feature has infinity */
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
gh_bins_memory(size_t n, size_t n_cut, int n_features, int threads)
{
	size_t		sorted = (size_t) (threads < n_features ? threads : n_features),
				fixed = (size_t) n_features * (2 * GH_MAX_BINS * sizeof(float) + SCAN_PARTS + 32),
				codes,
				columns;

	/* of a feature being sorted: values and the sort's own copy */
	if (gh_mul_overflow(n, (size_t) row_stride(n_features), &codes) ||
		gh_mul_overflow(n_cut, sorted * 2 * sizeof(uint32_t), &columns))
		return SIZE_MAX;
	codes = codes > columns ? codes : columns;
	return gh_add_overflow(codes, fixed, &codes) ? SIZE_MAX : codes;
}

/* ---- what the rows hold ------------------------------------------------ */

/* Which features have missing values, and the first infinite value of a part of the rows. */
static gh_status
scan_task(gh_ctx *ctx, void *arg, size_t part, int worker)
{
	binning    *b = arg;
	size_t		d = (size_t) b->n_features,
				poll_rows = POLL_VALUES / d + 1,
				begin,
				end;
	uint8_t    *missing = b->missing + part * d;

	(void) worker;
	gh_chunk(b->n, SCAN_PARTS, part, &begin, &end);
	b->infinite[part] = SIZE_MAX;
	for (size_t i = begin; i < end; i++)
	{
		const float *row = b->rows + i * d;
		bool		infinite = false;

		if ((i - begin) % poll_rows == 0)
			GH_CHECK_STOP(ctx);
		for (size_t f = 0; f < d; f++)
		{
			missing[f] |= isnan(row[f]) != 0;
			infinite |= isinf(row[f]) != 0;
		}
		for (size_t f = 0; infinite && f < d && b->infinite[part] == SIZE_MAX; f++)
			if (isinf(row[f]))
				b->infinite[part] = i * d + f;
	}
	return GH_OK;
}

/* Infinite values are an error; has_missing: any NaN in any row, deciding or not. */
static gh_status
scan_rows(gh_ctx *ctx, binning *b)
{
	size_t		d = (size_t) b->n_features;

	GH_TRY(gh_parallel(ctx, SCAN_PARTS, scan_task, b));
	for (size_t part = 0; part < SCAN_PARTS; part++)
	{
		if (b->infinite[part] != SIZE_MAX)
		{
			gh_fail(ctx, GH_EDATA, "feature %zu of row %zu is infinite", b->infinite[part] % d + 1,
					b->infinite[part] / d + 1);
			return gh_fail_hint(ctx, "Use NULL or NaN for a value that is not known.");
		}
		for (size_t f = 0; f < d; f++)
			b->bins->has_missing[f] |= b->missing[part * d + f];
	}
	return GH_OK;
}

/* ---- cuts -------------------------------------------------------------- */

/* A float's bits as an unsigned number in the same order (-0 = +0). */
static inline uint32_t
key_of(float v)
{
	uint32_t	bits;

	v += 0.0f;					/* -0 + 0 = +0 */
	memcpy(&bits, &v, sizeof(bits));
	return bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
}

static inline float
value_of(uint32_t key)
{
	uint32_t	bits = key >> 31 ? key & ~(UINT32_C(1) << 31) : ~key;
	float		v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

/* Keys of the present values of a feature among the rows that decide the cuts. */
static gh_status
collect_keys(gh_ctx *ctx, const binning *b, size_t feature, uint32_t *keys, size_t *n_keys)
{
	size_t		m = 0;

	for (size_t i = 0; i < b->n_cut; i++)
	{
		size_t		row = b->cut_rows != NULL ? b->cut_rows[i] : i;
		float		v = b->rows[row * (size_t) b->n_features + feature];

		if (i % POLL_VALUES == 0)
			GH_CHECK_STOP(ctx);
		keys[m] = key_of(v);
		m += !isnan(v);
	}
	*n_keys = m;
	return GH_OK;
}

/* One pass of a radix sort; *moved is false when all keys have the same digit. */
static gh_status
sort_pass(gh_ctx *ctx, const uint32_t *keys, uint32_t *out, size_t n, int shift, bool *moved)
{
	size_t		place[RADIX] = {0},
				at = 0;

	for (size_t i = 0; i < n; i++)
	{
		if (i % POLL_VALUES == 0)
			GH_CHECK_STOP(ctx);
		place[keys[i] >> shift & (RADIX - 1)]++;
	}
	*moved = place[keys[0] >> shift & (RADIX - 1)] != n;
	if (!*moved)
		return GH_OK;
	for (int digit = 0; digit < RADIX; digit++)
	{
		size_t		count = place[digit];

		place[digit] = at;
		at += count;
	}
	for (size_t begin = 0, end; begin < n; begin = end)
	{
		size_t		step = begin < POLL_VALUES ? POLL_FIRST : POLL_VALUES;

		GH_CHECK_STOP(ctx);
		end = n - begin < step ? n : begin + step;
		for (size_t i = begin; i < end; i++)
			out[place[keys[i] >> shift & (RADIX - 1)]++] = keys[i];
	}
	return GH_OK;
}

/* Ascending; *sorted is one of the two arrays. */
static gh_status
sort_keys(gh_ctx *ctx, uint32_t *keys, uint32_t *spare, size_t n, const uint32_t **sorted)
{
	for (int digit = 0; digit < DIGITS; digit++)
	{
		bool		moved;

		GH_TRY(sort_pass(ctx, keys, spare, n, digit * DIGIT_BITS, &moved));
		if (moved)
		{
			uint32_t   *swap = keys;

			keys = spare;
			spare = swap;
		}
	}
	*sorted = keys;
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
 * The values where the bins of m sorted keys begin, but the first; then one
 * above all.  Where missing values need a code, 256 bins leave none.
 */
static gh_status
make_cuts(gh_ctx *ctx, const uint32_t *keys, size_t m, int max_bin, bool missing, float *cuts, int *n_cuts)
{
	size_t		begin[GH_MAX_BINS];
	int			n;

	GH_TRY(gh_cuts_place(ctx, keys, m, max_bin, missing && max_bin == GH_MAX_BINS ? max_bin - 1 : max_bin, begin, &n));
	for (int b = 1; b < n; b++)
		cuts[b - 1] = value_of(keys[begin[b]]);
	cuts[n - 1] = value_above(value_of(keys[m - 1]));
	*n_cuts = n;
	return GH_OK;
}

static gh_status
cut_feature(gh_ctx *ctx, void *arg, size_t feature, int worker)
{
	binning    *b = arg;
	uint32_t   *keys = GH_NEW(ctx, b->n_cut, uint32_t),
			   *spare = GH_NEW(ctx, b->n_cut, uint32_t);
	const uint32_t *sorted;
	float	   *cuts = b->cuts + feature * GH_MAX_BINS;
	size_t		m = 0;
	gh_status	status;

	(void) worker;
	if (keys == NULL || spare == NULL)
		status = gh_ctx_status(ctx);
	else
	{
		GH_GOTO(done, collect_keys(ctx, b, feature, keys, &m));
		if (m == 0)
		{
			/* nothing known: one bin for whatever a row outside the cut may hold */
			cuts[0] = 1e-5f;
			b->bins->below[feature] = -1e-5f;
			b->n_cuts[feature] = 1;
			goto done;
		}
		GH_GOTO(done, sort_keys(ctx, keys, spare, m, &sorted));
		b->bins->below[feature] = value_below(value_of(sorted[0]));
		GH_GOTO(done, make_cuts(ctx, sorted, m, b->max_bin, b->bins->has_missing[feature], cuts, &b->n_cuts[feature]));
	}
done:
	gh_free(ctx, keys);
	gh_free(ctx, spare);
	return status;
}

/* ---- codes ------------------------------------------------------------- */

/* Pack the cuts and decide where "missing" is written. */
static gh_status
lay_out(gh_ctx *ctx, binning *b)
{
	gh_bins    *bins = b->bins;
	size_t		total = 0;
	int			extra = 0;

	for (int f = 0; f < b->n_features; f++)
	{
		bool		full = b->n_cuts[f] == GH_MAX_BINS && bins->has_missing[f];

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
	{
		float	   *cuts = b->cuts + (size_t) f * GH_MAX_BINS;

		memcpy(bins->cuts + bins->cut_begin[f], cuts, (size_t) b->n_cuts[f] * sizeof(float));
		/* from here on for find_bin(): what is above the last but one belongs to the last bin */
		for (int k = b->n_cuts[f] - 1; k < GH_MAX_BINS; k++)
			cuts[k] = INFINITY;
	}
	bins->codes = gh_alloc(ctx, b->n, (size_t) bins->stride);
	return bins->codes != NULL ? GH_OK : gh_ctx_status(ctx);
}

/* The number of cuts <= v, of GH_MAX_BINS that end with infinities; without branches. */
static inline uint8_t
find_bin(const float *cuts, float v)
{
	uint32_t	low = 0;

	for (uint32_t half = GH_MAX_BINS / 2; half > 0; half /= 2)
		low += (uint32_t) (cuts[low + half - 1] <= v) * half;
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

		/* what is between the columns and the end of a row, and the columns that say "missing" */
		memset(code + b->n_features, 0, (size_t) (bins->stride - b->n_features));
		if ((i - begin) % poll_rows == 0)
			GH_CHECK_STOP(ctx);
		for (int f = 0; f < b->n_features; f++)
		{
			if (isnan(row[f]))
			{
				code[f] = MISSING_CODE;
				code[bins->miss_column[f]] = bins->miss_code[f];
			}
			else
				code[f] = find_bin(b->cuts + (size_t) f * GH_MAX_BINS, row[f]);
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
	b->missing = GH_NEW_ZERO(ctx, SCAN_PARTS * d, uint8_t);
	b->cuts = GH_NEW(ctx, d * GH_MAX_BINS, float);
	b->n_cuts = GH_NEW_ZERO(ctx, d, int);
	if (b->bins->has_missing == NULL || b->bins->cut_begin == NULL || b->bins->miss_column == NULL ||
		b->bins->miss_code == NULL || b->bins->below == NULL || b->missing == NULL || b->cuts == NULL ||
		b->n_cuts == NULL)
		return gh_ctx_status(ctx);
	return GH_OK;
}

gh_status
gh_bins_build(gh_ctx *ctx, const float *rows, size_t n, int n_features, int max_bin, const uint32_t *cut_rows,
			  size_t n_cut, gh_bins *bins)
{
	binning		b = {.rows = rows,.n = n,.n_features = n_features,.max_bin = max_bin,.cut_rows = cut_rows,
	.n_cut = cut_rows != NULL ? n_cut : n,.bins = bins};
	gh_status	status;

	memset(bins, 0, sizeof(*bins));
	bins->n = n;
	bins->n_features = n_features;
	if (n_features < 1 || n_features > GH_MAX_FEATURES)
	{
		gh_fail(ctx, GH_EDATA, "cannot train on %d features", n_features);
		return gh_fail_detail(ctx, "There must be 1 to %d features.", GH_MAX_FEATURES);
	}
	if (max_bin < 2 || max_bin > GH_MAX_BINS)
		return gh_fail(ctx, GH_EINVAL, "max_bin is %d, not 2 to %d", max_bin, GH_MAX_BINS);
	if (n > UINT32_MAX - 1)
		return gh_fail(ctx, GH_ELIMIT, "too many rows: %zu", n);
	if (b.n_cut == 0)
		return gh_fail(ctx, GH_EDATA, "there are no rows to train on");

	GH_GOTO(done, allocate_bins(ctx, &b));
	GH_GOTO(done, scan_rows(ctx, &b));
	GH_GOTO(done, gh_parallel_stage(ctx, "boost: cuts", (size_t) n_features, cut_feature, &b));
	GH_GOTO(done, lay_out(ctx, &b));
	GH_GOTO(done, gh_parallel(ctx, n / ENCODE_ROWS + (n % ENCODE_ROWS != 0), encode_rows, &b));
done:
	gh_free(ctx, b.missing);
	gh_free(ctx, b.cuts);
	gh_free(ctx, b.n_cuts);
	if (status != GH_OK)
		gh_bins_free(ctx, bins);
	return status;
}
