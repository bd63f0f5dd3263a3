/*
 * quadrature.c
 *		Gauss-Legendre rules on [0, 1].
 *
 * The nodes are the roots of the Legendre polynomial, found by Newton's method
 * from their asymptotic places; the polynomial and its derivative come from
 * the three-term recurrence.
 */
#include "explain/gh_shap.h"

#include <math.h>

/* P_n(x), and its derivative through (x^2 - 1) P'_n = n (x P_n - P_{n-1}). */
static double
legendre(int n, double x, double *derivative)
{
	double		before = 1,
				p = x;

	for (int k = 2; k <= n; k++)
	{
		double		next = ((2 * k - 1) * x * p - (k - 1) * before) / k;

		before = p;
		p = next;
	}
	*derivative = n * (x * p - before) / (x * x - 1);
	return p;
}

/* The i-th root from the right (i < n / 2), polished until it stands still. */
static double
legendre_root(int n, int i)
{
	double		x = cos(M_PI * (i + 0.75) / (n + 0.5));

	for (int step = 0; step < 20; step++)
	{
		double		derivative,
					change = legendre(n, x, &derivative) / derivative;

		x -= change;
		if (fabs(change) < 1e-16)
			break;
	}
	return x;
}

void
gh_quadrature_rule(int n_points, gh_quadrature *rule)
{
	int			n = n_points;

	rule->n_points = n;
	for (int i = 0; i < (n + 1) / 2; i++)
	{
		int			mirror = n - 1 - i;
		double		x = i == mirror ? 0 : legendre_root(n, i);
		double		derivative;

		legendre(n, x, &derivative);
		rule->weight[i] = rule->weight[mirror] = 1 / ((1 - x * x) * derivative * derivative);
		rule->t[i] = rule->u[mirror] = (1 - x) / 2;
		rule->u[i] = rule->t[mirror] = (1 + x) / 2;
	}
}
