/*
 * subspace.c
 *		Block subspace iteration with Chebyshev filters.
 */
#include "project/gh_subspace.h"

#include "base/gh_lapack.h"
#include "base/gh_random.h"
#include "base/gh_threads.h"

#include <math.h>
#include <string.h>

#define M GH_SUBSPACE_MOST_COLUMNS

/* Rows per chunk at least, and chunks at most: both fixed, whatever the threads. */
#define ROWS_PER_CHUNK 2048
#define MOST_CHUNKS 256
#define POLL_EVERY 256

/*
 * A filter lifts the wanted end of the spectrum by at most this over the
 * other: more, and the Gram matrix of the filtered block loses its small
 * directions to rounding.
 */
#define MOST_GROWTH 1e5
#define MOST_DEGREE 100
/* Directions of the block this small against the largest are rounding. */
#define RANK_TOLERANCE 1e-13
/* Residuals come from a difference of squares: below this they are rounding. */
#define RESIDUAL_FLOOR 1e-7

/* What one pass over the rows does. */
typedef enum pass_kind
{
	PASS_RANDOM,				/* x = random */
	PASS_FIRST,					/* y = (A x - center x) / half */
	PASS_NEXT,					/* x = 2 (A y - center y) / half - x, with x and y changing roles */
	PASS_OVERLAP,				/* sums of known * x */
	PASS_REMOVE,				/* x -= known * sums */
	PASS_GRAM,					/* y = A x; sums of x x', x y', y y' */
	PASS_ROTATE					/* x = x * rotation */
} pass_kind;

typedef struct pass
{
	gh_subspace *s;
	pass_kind	kind;
	double	   *from,
			   *to;
	double		center,
				half;
	size_t		n_chunks;
	double	   *sums;			/* n_chunks x 3 m^2 */
	double	   *gram;			/* 3 m^2: x'x, x'Ax, Ax'Ax, column-major and symmetric */
	double	   *rotation;		/* m x m, column-major */
} pass;

static void
filter_row(const pass *p, size_t row)
{
	int			m = p->s->m;
	const double *from = p->from + row * m;
	double	   *to = p->to + row * m;
	double		out[M];

	p->s->op.apply_row(p->s->op.arg, row, m, p->from, out);
	if (p->kind == PASS_FIRST)
	{
		for (int i = 0; i < m; i++)
			to[i] = (out[i] - p->center * from[i]) / p->half;
	}
	else
	{
		for (int i = 0; i < m; i++)
			to[i] = 2 * (out[i] - p->center * from[i]) / p->half - to[i];
	}
}

static void
gram_row(const pass *p, size_t row, double *sums)
{
	int			m = p->s->m;
	const double *x = p->s->x + row * m;
	double	   *y = p->s->y + row * m;
	double	   *xx = sums,
			   *xy = sums + (size_t) m * m,
			   *yy = xy + (size_t) m * m;

	p->s->op.apply_row(p->s->op.arg, row, m, p->s->x, y);
	for (int i = 0; i < m; i++)
	{
		for (int j = 0; j < m; j++)
		{
			xx[i * m + j] += x[i] * x[j];
			xy[i * m + j] += x[i] * y[j];
			yy[i * m + j] += y[i] * y[j];
		}
	}
}

static void
rotate_row(const pass *p, size_t row)
{
	int			m = p->s->m;
	double	   *x = p->s->x + row * m;
	double		out[M];

	for (int j = 0; j < m; j++)
	{
		out[j] = 0;
		for (int i = 0; i < m; i++)
			out[j] += x[i] * p->rotation[j * m + i];
	}
	memcpy(x, out, sizeof(double) * m);
}

static void
pass_row(const pass *p, size_t row, double *sums)
{
	gh_subspace *s = p->s;
	double	   *x = s->x + row * s->m;

	switch (p->kind)
	{
		case PASS_RANDOM:
			for (int i = 0; i < s->m; i++)
				x[i] = gh_random_double(s->seed, GH_STREAM_UMAP_SPECTRAL, row * s->m + i) - 0.5;
			break;
		case PASS_FIRST:
		case PASS_NEXT:
			filter_row(p, row);
			break;
		case PASS_OVERLAP:
			for (int i = 0; i < s->m; i++)
				sums[i] += s->known[row] * x[i];
			break;
		case PASS_REMOVE:
			for (int i = 0; i < s->m; i++)
				x[i] -= s->known[row] * (p->gram[i] / s->known_norm2);
			break;
		case PASS_GRAM:
			gram_row(p, row, sums);
			break;
		case PASS_ROTATE:
			rotate_row(p, row);
			break;
	}
}

static gh_status
pass_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	pass	   *p = arg;
	gh_subspace *s = p->s;
	size_t		n_sums = 3 * (size_t) s->m * s->m;
	double		sums[3 * M * M];
	size_t		begin,
				end;

	(void) worker;
	gh_chunk(s->n_rows, p->n_chunks, task, &begin, &end);
	memset(sums, 0, sizeof(double) * n_sums);
	for (size_t r = begin; r < end; r++)
	{
		if (r % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		pass_row(p, s->rows != NULL ? s->rows[r] : r, sums);
	}
	memcpy(p->sums + task * n_sums, sums, sizeof(double) * n_sums);
	return GH_OK;
}

/* Runs a pass; the chunks' sums are added in their order into p->gram by kinds that have some. */
static gh_status
run_pass(gh_ctx *ctx, pass *p, pass_kind kind)
{
	size_t		n_sums = 3 * (size_t) p->s->m * p->s->m;

	p->kind = kind;
	GH_TRY(gh_parallel(ctx, p->n_chunks, pass_task, p));
	if (kind != PASS_OVERLAP && kind != PASS_GRAM)
		return GH_OK;
	memset(p->gram, 0, sizeof(double) * n_sums);
	for (size_t chunk = 0; chunk < p->n_chunks; chunk++)
	{
		for (size_t i = 0; i < n_sums; i++)
			p->gram[i] += p->sums[chunk * n_sums + i];
	}
	return GH_OK;
}

/* out = a' b a for symmetric b, all m x m; `half` is scratch. */
static gh_status
sandwich(gh_ctx *ctx, int m, const double *a, const double *b, double *half, double *out)
{
	GH_TRY(gh_blas_gemm(ctx, 'N', 'N', m, m, m, 1, b, m, a, m, 0, half, m));
	return gh_blas_gemm(ctx, 'T', 'N', m, m, m, 1, a, m, half, m, 0, out, m);
}

/*
 * From the sums of PASS_GRAM: whitens the block, solves the small eigenproblem
 * and leaves the rotation that turns x into Ritz vectors, largest first.
 * Directions lost to rounding become zero columns with value -1.
 */
static gh_status
rayleigh_ritz(gh_ctx *ctx, pass *p, int *rank)
{
	gh_subspace *s = p->s;
	int			m = s->m;
	size_t		square = (size_t) m * m;
	double		white[M * M],
				small[M * M],
				half[M * M],
				values[M];

	memcpy(white, p->gram, sizeof(double) * square);
	GH_TRY(gh_lapack_eigen(ctx, m, white, values));
	*rank = 0;
	for (int j = 0; j < m; j++)
	{
		bool		lost = !(values[j] > RANK_TOLERANCE * values[m - 1]) || !(values[j] > 0);

		for (int i = 0; i < m; i++)
			white[j * m + i] = lost ? 0 : white[j * m + i] / sqrt(values[j]);
		*rank += !lost;
	}
	GH_TRY(sandwich(ctx, m, white, p->gram + square, half, small));
	for (int j = 0; j < m - *rank; j++)
		small[j * m + j] = -2;	/* below every eigenvalue, so that they sort last */
	GH_TRY(gh_lapack_eigen(ctx, m, small, values));
	/* descending */
	for (int j = 0; j < m; j++)
	{
		s->values[j] = j < *rank ? values[m - 1 - j] : -1;
		memcpy(half + (size_t) j * m, small + (size_t) (m - 1 - j) * m, sizeof(double) * m);
	}
	GH_TRY(gh_blas_gemm(ctx, 'N', 'N', m, m, m, 1, white, m, half, m, 0, p->rotation, m));
	GH_TRY(sandwich(ctx, m, p->rotation, p->gram + 2 * square, half, small));
	for (int j = 0; j < m; j++)
	{
		double		residual2 = small[j * m + j] - s->values[j] * s->values[j];

		s->residuals[j] = j < *rank && residual2 > 0 ? sqrt(residual2) : 0;
	}
	return run_pass(ctx, p, PASS_ROTATE);
}

/* Takes the known vector out of the block, then Rayleigh-Ritz. */
static gh_status
settle(gh_ctx *ctx, pass *p, int *rank)
{
	if (p->s->known != NULL)
	{
		GH_TRY(run_pass(ctx, p, PASS_OVERLAP));
		GH_TRY(run_pass(ctx, p, PASS_REMOVE));
	}
	GH_TRY(run_pass(ctx, p, PASS_GRAM));
	p->s->applications++;
	return rayleigh_ritz(ctx, p, rank);
}

/* The even degree that lifts eigenvalue 1 by MOST_GROWTH over [-1, bound]. */
static int
choose_degree(double bound, int left)
{
	double		at_one = (3 - bound) / (1 + bound);
	double		degree = at_one > 1 ? log(2 * MOST_GROWTH) / acosh(at_one) : MOST_DEGREE;
	int			most = left < MOST_DEGREE ? left : MOST_DEGREE;
	int			chosen = degree < most ? (int) degree : most;

	chosen -= chosen % 2;
	return chosen < 2 ? 2 : chosen;
}

/* x = T_degree(A) x, the polynomial small on [-1, bound]; even degrees end in x. */
static gh_status
filter(gh_ctx *ctx, pass *p, double bound, int degree)
{
	gh_subspace *s = p->s;

	p->center = (bound - 1) / 2;
	p->half = (bound + 1) / 2;
	p->from = s->x;
	p->to = s->y;
	for (int step = 0; step < degree; step++)
	{
		double	   *swap = p->to;

		GH_TRY(run_pass(ctx, p, step == 0 ? PASS_FIRST : PASS_NEXT));
		p->to = p->from;
		p->from = swap;
	}
	s->applications += degree;
	return GH_OK;
}

/*
 * A residual over the distance to the nearest value outside the block bounds
 * the angle to what the block should hold; among themselves the vectors of
 * the block are kept apart by Rayleigh-Ritz.
 */
static bool
is_converged(const gh_subspace *s, int rank)
{
	double		outside = s->values[rank - 1];

	for (int i = 0; i < s->wanted; i++)
	{
		double		allowed = s->tolerance * (s->values[i] - outside);

		if (s->residuals[i] > (allowed > RESIDUAL_FLOOR ? allowed : RESIDUAL_FLOOR))
			return false;
	}
	return true;
}

static gh_status
iterate(gh_ctx *ctx, pass *p)
{
	gh_subspace *s = p->s;
	int			rank;

	s->applications = 0;
	s->converged = false;
	if (!s->started)
		GH_TRY(run_pass(ctx, p, PASS_RANDOM));
	GH_TRY(settle(ctx, p, &rank));
	while (rank >= s->wanted && !(s->converged = is_converged(s, rank)) &&
		   s->applications + 3 <= s->most_applications)
	{
		double		bound = s->values[rank - 1];

		bound = bound < 0 ? 0 : bound > 1 - 1e-12 ? 1 - 1e-12 : bound;
		GH_TRY(filter(ctx, p, bound, choose_degree(bound, s->most_applications - s->applications - 1)));
		GH_TRY(settle(ctx, p, &rank));
		gh_tick(ctx, "umap: start", s->applications, s->most_applications);
	}
	return GH_OK;
}

int
gh_subspace_block(int wanted)
{
	int			m = wanted + (wanted < 8 ? 4 : wanted / 2);

	return m < M ? m : M;
}

gh_status
gh_subspace_solve(gh_ctx *ctx, gh_subspace *s)
{
	pass		p = {.s = s};
	size_t		n_sums = 3 * (size_t) s->m * s->m;
	gh_status	status;

	p.n_chunks = s->n_rows / ROWS_PER_CHUNK;
	p.n_chunks = p.n_chunks < 1 ? 1 : p.n_chunks > MOST_CHUNKS ? MOST_CHUNKS : p.n_chunks;
	if ((p.sums = gh_alloc(ctx, p.n_chunks, n_sums * sizeof(double))) == NULL ||
		(p.gram = GH_NEW(ctx, n_sums, double)) == NULL ||
		(p.rotation = GH_NEW(ctx, (size_t) s->m * s->m, double)) == NULL)
		status = gh_ctx_status(ctx);
	else
		status = iterate(ctx, &p);
	gh_free(ctx, p.sums);
	gh_free(ctx, p.gram);
	gh_free(ctx, p.rotation);
	return status;
}
