/*
 * gradient.h
 *		Derivatives of the logistic loss, built for each instruction set.
 */
#ifndef GH_GRADIENT_H
#define GH_GRADIENT_H

#include "learn/boost_private.h"

/* Fills the gradients of records begin..end; scale: what 1 becomes in fixed point. */
typedef void (*gh_gradient_kernel) (const float *margins, const uint8_t *labels, const float *weights, double scale,
									const gh_records *records, size_t begin, size_t end);

extern gh_gradient_kernel gh_gradient_kernel_get(void);

extern const gh_gradient_kernel gh_gradient_baseline;
#if defined(__x86_64__)
extern const gh_gradient_kernel gh_gradient_avx2;
extern const gh_gradient_kernel gh_gradient_avx512;
#endif

#endif							/* GH_GRADIENT_H */
