/*
 * test_shap_interactions.c
 *		Interactions of pairs of features against their definition.
 */
#include "shap_testing.h"

/* The definition of interactions, over all subsets of the others. */
static void
brute_interactions(const gh_booster *b, const float *x, double *values)
{
	int			n = b->n_features;
	uint32_t	n_sets = UINT32_C(1) << n;
	double	   *v = malloc(n_sets * sizeof(double)),
				alone[32];

	for (uint32_t set = 0; set < n_sets; set++)
		v[set] = game(b, x, set);
	memset(values, 0, (size_t) ((n + 1) * (n + 1)) * sizeof(double));
	brute_force(b, x, alone);
	for (int i = 0; i < n; i++)
	{
		values[i * (n + 1) + i] += alone[i];
		for (int j = 0; j < n; j++)
			for (uint32_t set = 0; j != i && set < n_sets; set++)
			{
				uint32_t	a = UINT32_C(1) << i,
							c = UINT32_C(1) << j;
				int			size = __builtin_popcount(set);
				double		part;

				if (set & (a | c))
					continue;
				part = exp(lgamma(size + 1) + lgamma(n - size - 1) - lgamma(n)) / 2 *
					(v[set | a | c] - v[set | a] - v[set | c] + v[set]);
				values[i * (n + 1) + j] += part;
				values[i * (n + 1) + i] -= part;
			}
	}
	values[n * (n + 1) + n] = alone[n];
	free(v);
}

static void
check_interactions(const gh_booster *b, const float *x)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_explainer explainer;
	int			width = b->n_features + 1;
	double		ours[32 * 32],
				literal[32 * 32],
				alone[32];

	assert_int_equal(gh_explainer_open(ctx, b, &explainer), GH_OK);
	assert_int_equal(gh_explainer_interactions(ctx, &explainer, x, ours), GH_OK);
	assert_int_equal(gh_explainer_values(ctx, &explainer, x, alone), GH_OK);
	brute_interactions(b, x, literal);
	for (int i = 0; i < width; i++)
	{
		double		sum = 0;

		for (int j = 0; j < width; j++)
		{
			assert_close(ours[i * width + j], literal[i * width + j], 1e-12);
			assert_true(ours[i * width + j] == ours[j * width + i]);
			sum += ours[i * width + j];
		}
		assert_close(sum, alone[i], 1e-13 * (1 + fabs(alone[i])));
	}
	gh_explainer_free(ctx, &explainer);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
interactions_equal_the_definition(void **state)
{
	static forest f;
	float		x[8];

	(void) state;
	for (uint64_t seed = 600; seed < 640; seed++)
	{
		int			d = 1 + (int) (seed % 7);

		/* repeated features, missing values, children without cover */
		random_forest(&f, seed, d, 4, 6, seed % 2 ? 0.2 : 0);
		for (int row = 0; row < 3; row++)
		{
			random_row(x, d, 0.1 * row);
			check_interactions(&f.booster, x);
		}
	}
	chain(&f, 11);
	random_row(x, 8, 0);
	check_interactions(&f.booster, (float[11]) {x[0], x[1], NAN, x[3], x[4], 0, 1, x[5], NAN, x[6], x[7]});
}

static gh_status
explain(gh_ctx *ctx, void *booster)
{
	const float x[5] = {0.1f, 0.4f, NAN, 0.6f, 0.9f};
	gh_explainer explainer;
	double		values[36];
	gh_status	status;

	GH_TRY(gh_explainer_open(ctx, booster, &explainer));
	status = gh_explainer_interactions(ctx, &explainer, x, values);
	gh_explainer_free(ctx, &explainer);
	return status;
}

/* Nothing may be infinite where covers make no sense, and no memory may stay where there is none. */
static void
interactions_of_hostile_covers_and_without_memory(void **state)
{
	static forest f;
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_explainer explainer;
	float		x[5];
	double		values[36];

	(void) state;
	for (uint64_t seed = 700; seed < 740; seed++)
	{
		random_forest(&f, seed, 5, 3, 7, 0.1);
		for (uint32_t k = 0; k < 3; k++)
			for (uint32_t i = 0; i < f.tree[k].n_nodes; i++)
				if (draw() < 0.5)
					f.cover[k][i] = draw() < 0.5 ? 1e-45f : 0;
		random_row(x, 5, 0.2);
		assert_int_equal(gh_explainer_open(ctx, &f.booster, &explainer), GH_OK);
		assert_int_equal(gh_explainer_interactions(ctx, &explainer, x, values), GH_OK);
		for (int j = 0; j < 36; j++)
			assert_true(isfinite(values[j]));
		gh_explainer_free(ctx, &explainer);
	}
	gh_ctx_close(ctx);
	assert_true(check_allocations(explain, &f.booster) > 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interactions_equal_the_definition),
		cmocka_unit_test(interactions_of_hostile_covers_and_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
