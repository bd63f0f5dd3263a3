/*
 * gh_lapack.h
 *		OpenBLAS, loaded so that it is harmless in a server process.
 *
 * OpenBLAS starts threads with unblocked signals from its constructor, so it
 * is not linked: the first call opens it with every signal blocked and
 * OPENBLAS_NUM_THREADS=1, which makes it start none.  Column-major, Fortran
 * conventions.  Results depend on the kernels that OpenBLAS picks for the
 * processor: never let one decide something that must be the same everywhere
 * beyond 1e-6.
 */
#ifndef GH_LAPACK_H
#define GH_LAPACK_H

#include "gh_context.h"

/*
 * Opens the library; GH_ELIBRARY with a hint naming the package when it is
 * not there.  The functions below call it themselves; call it early only to
 * fail early.  From the host's thread or a worker.
 */
extern gh_status gh_lapack_load(gh_ctx *ctx);

/* Symmetric eigenproblem: a (n x n, both triangles set) -> values ascending, vectors in the columns of a. */
extern gh_status gh_lapack_eigen(gh_ctx *ctx, int n, double *a, double *values);
/* Cholesky a = L L' (n x n, lower; the strict upper triangle is set to 0). *ok is false when a is not positive definite. */
extern gh_status gh_lapack_cholesky(gh_ctx *ctx, int n, double *a, bool *ok);
/* Solve L L' x = b in place with L from gh_lapack_cholesky; b is n x nrhs. */
extern gh_status gh_lapack_cholesky_solve(gh_ctx *ctx, int n, const double *l, int nrhs, double *b);
/* Orthonormal basis of the columns of a (m x n, m >= n) in place (QR; sign fixed so R's diagonal is >= 0). */
extern gh_status gh_lapack_orthonormalize(gh_ctx *ctx, int m, int n, double *a);
/* c = alpha * op(a) op(b) + beta * c; trans_*: 'N' or 'T'. */
extern gh_status gh_blas_gemm(gh_ctx *ctx, char trans_a, char trans_b, int m, int n, int k, double alpha,
							  const double *a, int lda, const double *b, int ldb, double beta, double *c, int ldc);

#endif							/* GH_LAPACK_H */
