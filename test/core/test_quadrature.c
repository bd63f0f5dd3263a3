/*
 * test_quadrature.c
 *		The Gauss-Legendre rules that Shapley values are integrated by.
 */
#include "testing.h"

#include "explain/gh_shap.h"

static void
rules_integrate_polynomials(void **state)
{
	(void) state;
	for (int n = 1; n <= GH_MAX_POINTS; n++)
	{
		gh_quadrature rule;

		gh_quadrature_rule(n, &rule);
		for (int degree = 0; degree < 2 * n; degree++)
		{
			double		sum = 0,
						mixed = 0;

			for (int q = 0; q < n; q++)
			{
				sum += rule.weight[q] * pow(rule.t[q], degree);
				mixed += rule.weight[q] * pow(rule.u[q], degree);
			}
			assert_close(sum, 1.0 / (degree + 1), 2e-15);
			assert_close(mixed, 1.0 / (degree + 1), 2e-15);
		}
		for (int q = 0; q < n; q++)
		{
			assert_close(rule.t[q] + rule.u[q], 1, 2e-16);
			assert_true(rule.t[q] > (q > 0 ? rule.t[q - 1] : 0) && rule.u[q] > 0);
		}
	}
}

static void
eight_points_are_the_published_ones(void **state)
{
	const double node[4] = {.1834346424956498, .5255324099163290, .7966664774136267, .9602898564975363},
				weight[4] = {.3626837833783620, .3137066458778873, .2223810344533745, .1012285362903763};
	gh_quadrature rule;

	(void) state;
	gh_quadrature_rule(8, &rule);
	for (int i = 0; i < 4; i++)
	{
		assert_close(rule.t[4 + i], (1 + node[i]) / 2, 2e-16);
		assert_close(rule.t[3 - i], (1 - node[i]) / 2, 2e-16);
		assert_close(rule.weight[4 + i], weight[i] / 2, 2e-16);
		assert_close(rule.weight[3 - i], weight[i] / 2, 2e-16);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_integrate_polynomials),
		cmocka_unit_test(eight_points_are_the_published_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
