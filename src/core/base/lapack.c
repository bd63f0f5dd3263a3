/*
 * lapack.c
 *		OpenBLAS opened at run time, without threads.
 */
#include "gh_lapack.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

typedef void (*eigen_routine) (const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
							   double *work, const int *lwork, int *iwork, const int *liwork, int *info,
							   size_t jobz_length, size_t uplo_length);
typedef void (*cholesky_routine) (const char *uplo, const int *n, double *a, const int *lda, int *info,
								  size_t uplo_length);
typedef void (*cholesky_solve_routine) (const char *uplo, const int *n, const int *nrhs, const double *a,
										const int *lda, double *b, const int *ldb, int *info, size_t uplo_length);
typedef void (*qr_routine) (const int *m, const int *n, double *a, const int *lda, double *tau, double *work,
							const int *lwork, int *info);
typedef void (*q_routine) (const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau,
						   double *work, const int *lwork, int *info);
typedef void (*gemm_routine) (const char *transa, const char *transb, const int *m, const int *n, const int *k,
							  const double *alpha, const double *a, const int *lda, const double *b, const int *ldb,
							  const double *beta, double *c, const int *ldc, size_t, size_t);

/* Filled once, under the lock; read freely after `loaded` is true. */
static struct
{
	pthread_mutex_t lock;
	bool		loaded;
	eigen_routine eigen;
	cholesky_routine cholesky;
	cholesky_solve_routine cholesky_solve;
	qr_routine	qr;
	q_routine	q;
	gemm_routine gemm;
}			lib = {.lock = PTHREAD_MUTEX_INITIALIZER};

#define THREADS_VARIABLE "OPENBLAS_NUM_THREADS"

/*
 * The library's constructor makes its threads, and its first threads inherit
 * the mask of whoever loads it.  So: ask for one thread, and block every
 * signal in case it makes some all the same.
 */
static void *
open_quietly(void)
{
	char	   *before = getenv(THREADS_VARIABLE);
	char	   *kept = before != NULL ? strdup(before) : NULL;
	sigset_t	all,
				mask;
	void	   *handle;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &mask);
	setenv(THREADS_VARIABLE, "1", 1);
	handle = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
	if (kept != NULL)
		setenv(THREADS_VARIABLE, kept, 1);
	else
		unsetenv(THREADS_VARIABLE);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	free(kept);
	return handle;
}

/* ISO C has no cast from an object pointer to a function pointer; POSIX copies the bits. */
static bool
find(void *handle, const char *name, void *routine)
{
	void	   *symbol = dlsym(handle, name);

	memcpy(routine, &symbol, sizeof(symbol));
	return symbol != NULL;
}

static bool
load(void)
{
	void	   *handle = open_quietly();
	void		(*set_threads) (int);

	if (handle == NULL)
		return false;
	if (find(handle, "openblas_set_num_threads", &set_threads))
		set_threads(1);
	return find(handle, "dsyevd_", &lib.eigen) && find(handle, "dpotrf_", &lib.cholesky) &&
		find(handle, "dpotrs_", &lib.cholesky_solve) &&
		find(handle, "dgeqrf_", &lib.qr) && find(handle, "dorgqr_", &lib.q) && find(handle, "dgemm_", &lib.gemm);
}

gh_status
gh_lapack_load(gh_ctx *ctx)
{
	bool		loaded;

	pthread_mutex_lock(&lib.lock);
	if (!lib.loaded)
		lib.loaded = load();
	loaded = lib.loaded;
	pthread_mutex_unlock(&lib.lock);
	if (loaded)
		return GH_OK;
	gh_fail(ctx, GH_ELIBRARY, "could not load OpenBLAS");
	gh_fail_detail(ctx, "libopenblas.so.0 with LAPACK is needed for factorisations and eigenproblems.");
	return gh_fail_hint(ctx, "Install OpenBLAS (Debian and Ubuntu: libopenblas0).");
}

static gh_status
fail_routine(gh_ctx *ctx, const char *routine, int info)
{
	gh_fail(ctx, GH_ELIBRARY, "LAPACK routine %s failed", routine);
	return gh_fail_detail(ctx, "It returned code %d.", info);
}

gh_status
gh_lapack_eigen(gh_ctx *ctx, int n, double *a, double *values)
{
	double		size = 0.0,
			   *work;
	int			isize = 0,
			   *iwork,
				query = -1,
				lwork,
				info = 0;

	GH_TRY(gh_lapack_load(ctx));
	if (n == 0)
		return GH_OK;
	lib.eigen("V", "L", &n, a, &n, values, &size, &query, &isize, &query, &info, 1, 1);
	if (info != 0)
		return fail_routine(ctx, "dsyevd", info);
	lwork = (int) size;
	work = GH_NEW(ctx, (size_t) lwork, double);
	iwork = GH_NEW(ctx, (size_t) isize, int);
	if (work != NULL && iwork != NULL)
		lib.eigen("V", "L", &n, a, &n, values, work, &lwork, iwork, &isize, &info, 1, 1);
	gh_free(ctx, work);
	gh_free(ctx, iwork);
	if (work == NULL || iwork == NULL)
		return gh_ctx_status(ctx);
	return info == 0 ? GH_OK : fail_routine(ctx, "dsyevd", info);
}

gh_status
gh_lapack_cholesky(gh_ctx *ctx, int n, double *a, bool *ok)
{
	int			info = 0;

	GH_TRY(gh_lapack_load(ctx));
	*ok = true;
	if (n == 0)
		return GH_OK;
	lib.cholesky("L", &n, a, &n, &info, 1);
	if (info < 0)
		return fail_routine(ctx, "dpotrf", info);
	*ok = info == 0;
	for (int j = 1; j < n; j++)
		for (int i = 0; i < j; i++)
			a[(size_t) j * n + i] = 0.0;
	return GH_OK;
}

gh_status
gh_lapack_cholesky_solve(gh_ctx *ctx, int n, const double *l, int nrhs, double *b)
{
	int			info = 0;

	GH_TRY(gh_lapack_load(ctx));
	if (n == 0 || nrhs == 0)
		return GH_OK;
	lib.cholesky_solve("L", &n, &nrhs, l, &n, b, &n, &info, 1);
	return info == 0 ? GH_OK : fail_routine(ctx, "dpotrs", info);
}

/* Turn the columns whose diagonal element of R is negative, so the factor is unique. */
static void
fix_signs(int m, int n, double *a, const double *diagonal)
{
	for (int j = 0; j < n; j++)
		if (diagonal[j] < 0.0)
			for (int i = 0; i < m; i++)
				a[(size_t) j * m + i] = -a[(size_t) j * m + i];
}

gh_status
gh_lapack_orthonormalize(gh_ctx *ctx, int m, int n, double *a)
{
	double		size[2] = {0.0, 0.0},
			   *tau,
			   *diagonal,
			   *work = NULL;
	int			query = -1,
				lwork,
				info = 0;

	GH_TRY(gh_lapack_load(ctx));
	if (n == 0)
		return GH_OK;
	tau = GH_NEW(ctx, (size_t) n, double);
	diagonal = GH_NEW(ctx, (size_t) n, double);
	if (tau != NULL && diagonal != NULL)
	{
		lib.qr(&m, &n, a, &m, tau, &size[0], &query, &info);
		lib.q(&m, &n, &n, a, &m, tau, &size[1], &query, &info);
		lwork = (int) (size[0] > size[1] ? size[0] : size[1]);
		work = GH_NEW(ctx, (size_t) lwork, double);
	}
	if (work != NULL)
	{
		lib.qr(&m, &n, a, &m, tau, work, &lwork, &info);
		for (int j = 0; j < n; j++)
			diagonal[j] = a[(size_t) j * m + j];
		if (info == 0)
			lib.q(&m, &n, &n, a, &m, tau, work, &lwork, &info);
		fix_signs(m, n, a, diagonal);
	}
	gh_free(ctx, tau);
	gh_free(ctx, diagonal);
	gh_free(ctx, work);
	if (work == NULL)
		return gh_ctx_status(ctx);
	return info == 0 ? GH_OK : fail_routine(ctx, "dgeqrf/dorgqr", info);
}

gh_status
gh_blas_gemm(gh_ctx *ctx, char trans_a, char trans_b, int m, int n, int k, double alpha, const double *a, int lda,
			 const double *b, int ldb, double beta, double *c, int ldc)
{
	GH_TRY(gh_lapack_load(ctx));
	if (m > 0 && n > 0)
		lib.gemm(&trans_a, &trans_b, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc, 1, 1);
	return GH_OK;
}
