/*
 * test_suggest.c
 *		Where the next trial of a search is, and what the process is told for it.
 */
#include "learn_testing.h"

#include "learn/tune_private.h"

#define D 3
#define MOST 40

typedef struct search
{
	gh_space	space;
	double		tried[MOST * D],
				score[MOST],
				variance[MOST];
} search;

/* Three continuous parameters, n trials spread over the cube. */
static void
open_search(gh_ctx *ctx, int n, search *s)
{
	gh_sobol	sobol;

	memset(s, 0, sizeof(*s));
	test_ok(ctx, gh_space_set(ctx, &s->space, "subsample", .5, 1));
	test_ok(ctx, gh_space_set(ctx, &s->space, "eta", .01, .3));
	test_ok(ctx, gh_space_set(ctx, &s->space, "lambda", .001, 100));
	assert_int_equal(gh_space_width(&s->space), D);
	gh_sobol_init(&sobol, D, 3);
	for (int i = 0; i < n; i++)
		gh_sobol_point(&sobol, (uint32_t) i, s->tried + i * D);
}

static void
suggest(gh_ctx *ctx, const search *s, int n, uint64_t seed, double *hyper, double *x)
{
	bool		warm = false,
				found;

	test_ok(ctx, gh_suggest(ctx, &s->space, s->tried, s->score, s->variance, n, seed, hyper, &warm, x, &found));
	assert_true(found && warm);
}

static const double *
best_of(const search *s, int n)
{
	int			best = 0;

	for (int i = 1; i < n; i++)
		best = s->score[i] > s->score[best] ? i : best;
	return s->tried + best * D;
}

/* The higher all coordinates the better: near the best trial goes as far as is allowed, and every fifth time farther. */
static void
four_in_five_stay_near_the_best(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	search		s;
	double		hyper[D + 1],
				x[D],
				farthest = 0;

	(void) state;
	for (int n = 6; n <= 13; n++)
	{
		const double *best;
		double		most = 0;

		open_search(ctx, n, &s);
		for (int i = 0; i < n; i++)
		{
			/* all trials in one corner, so that there is room to go */
			for (int j = 0; j < D; j++)
			{
				s.tried[i * D + j] /= 20;
				s.score[i] += s.tried[i * D + j];
			}
		}
		best = best_of(&s, n);
		suggest(ctx, &s, n, 5, hyper, x);
		for (int j = 0; j < D; j++)
			most = fmax(most, fabs(x[j] - best[j]));
		if (n % 5 == 0)
			assert_true(most > .3);
		else
			assert_true(most <= .251);
		farthest = n % 5 == 0 ? farthest : fmax(farthest, most);
	}
	/* as far as it may */
	assert_close(farthest, .25, .001);
	test_close(ctx);
}

/* A step to any side makes the expected improvement less: what is suggested has been climbed to. */
static void
suggestions_are_tops_of_the_improvement(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	int			compared = 0;

	(void) state;
	for (uint64_t seed = 0; seed < 6; seed++)
	{
		enum
		{
			n = 15
		};
		search		s;
		double		hyper[D + 1],
					x[D],
					y[n];
		gh_gp		gp;

		open_search(ctx, n, &s);
		for (int i = 0; i < n; i++)
		{
			for (int j = 0; j < D; j++)
				s.score[i] -= pow(s.tried[i * D + j] - .3 - .2 * j, 2);
			s.score[i] += .02 * test_uniform(seed, (uint64_t) i);
			y[i] = -s.score[i];
		}
		suggest(ctx, &s, n, seed, hyper, x);
		test_ok(ctx, gh_gp_fix(ctx, s.tried, y, NULL, n, D, hyper, hyper[D], &gp));
		for (int j = 0; j < D; j++)
			for (double step = -.03; step < .04; step += .06)
			{
				double		aside[D];

				memcpy(aside, x, sizeof(x));
				aside[j] += step;
				if (aside[j] < 0 || aside[j] > 1)
					continue;
				assert_true(gh_log_ei(&gp, aside, NULL) < gh_log_ei(&gp, x, NULL) + 1e-4);
				compared++;
			}
		gh_gp_free(ctx, &gp);
	}
	assert_true(compared > 24);
	test_close(ctx);
}

/* How bad the bad ones are says nothing: scores far below the median count as one bound. */
static void
bad_scores_are_raised(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	search		s;
	double		hyper[3][D + 1],
				x[3][D];
	const int	n = 15;

	(void) state;
	for (int t = 0; t < 3; t++)
	{
		open_search(ctx, n, &s);
		/* the best is 7 above the median, so the bound is 3 x 7 below it */
		for (int i = 0; i < n; i++)
			s.score[i] = 7 - i;
		s.score[14] = t == 0 ? -21 : t == 1 ? -1e6 : -20;
		suggest(ctx, &s, n, 9, hyper[t], x[t]);
	}
	assert_memory_equal(x[0], x[1], sizeof(x[0]));
	assert_memory_equal(hyper[0], hyper[1], sizeof(hyper[0]));
	assert_memory_not_equal(hyper[0], hyper[2], sizeof(hyper[0]));
	test_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_in_five_stay_near_the_best),
		cmocka_unit_test(suggestions_are_tops_of_the_improvement),
		cmocka_unit_test(bad_scores_are_raised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
