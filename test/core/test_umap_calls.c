/*
 * test_umap_calls.c
 *		How a call of UMAP behaves: within its memory, told what is wrong, saying what
 *		it did, cancelled anywhere.
 */
#include "umap_testing.h"

static void
memory_estimate(void **state)
{
	static const int inits[] = {GH_UMAP_SPECTRAL, GH_UMAP_RANDOM};
	size_t		n = 6000;

	(void) state;
	for (int t = 0; t < 8; t++)
	{
		gh_umap_params p = plain();
		int			d = t & 1 ? 3 : 30;
		double	   *x = blobs(n, d, 5, 2, 16),
				   *y = malloc(sizeof(double) * n * 16);
		gh_ctx	   *ctx = open_threads(2);
		double		estimate,
					peak;

		p.n_neighbors = t & 2 ? 5 : 40;
		p.n_components = t & 2 ? 8 : 2;
		p.init = (gh_umap_init) inits[t >> 2];
		p.n_epochs = 2;
		assert_int_equal(gh_umap_project(ctx, x, n, d, &p, y), GH_OK);
		estimate = (double) gh_umap_memory(n, d, &p);
		peak = (double) gh_memory_peak(ctx);
		if (estimate < 0.95 * peak || estimate > 1.2 * peak)
			fail_msg("estimate %.0f, peak %.0f (case %d)", estimate, peak, t);
		gh_ctx_close(ctx);
		free(x);
		free(y);
	}
}

static void
memory_limit(void **state)
{
	double	   *x = blobs(2000, 5, 2, 2, 17),
			   *y = malloc(sizeof(double) * 4000);
	gh_umap_params p = plain();
	gh_host		host = {.threads = 1,.memory_limit = gh_umap_memory(2000, 5, &p) / 2,.memory_setting = "test.memory"};
	gh_ctx	   *ctx = gh_ctx_open(&host);

	(void) state;
	assert_int_equal(gh_umap_project(ctx, x, 2000, 5, &p, y), GH_ELIMIT);
	assert_int_equal(gh_memory_peak(ctx), 0);
	gh_ctx_close(ctx);
	free(x);
	free(y);
}

/* What the host was told: notes one after the other, stages in the order they began. */
typedef struct told
{
	char		notes[4000];
	char		stages[400];
	const char *stage;
	uint64_t	done,
				total;
} told;

static void
listen(void *arg, const gh_progress *progress)
{
	told	   *t = arg;

	if (progress->note)
	{
		strncat(t->notes, progress->text, sizeof(t->notes) - strlen(t->notes) - 2);
		strcat(t->notes, "\n");
		return;
	}
	if (t->stage == NULL || strcmp(t->stage, progress->stage) != 0)
	{
		strncat(t->stages, progress->stage, sizeof(t->stages) - strlen(t->stages) - 2);
		strcat(t->stages, "|");
	}
	t->stage = progress->stage;
	t->done = progress->done;
	t->total = progress->total;
}

static void
project_and_listen(const double *x, size_t n, int d, gh_umap_init init, told *t)
{
	double	   *y = malloc(sizeof(double) * n * 2);
	gh_host		host = {.arg = t,.progress = listen,.threads = 1,.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	gh_umap_params p = plain();

	memset(t, 0, sizeof(*t));
	p.init = init;
	p.n_epochs = 30;
	assert_int_equal(gh_umap_project(ctx, x, n, d, &p, y), GH_OK);
	gh_ctx_close(ctx);
	free(y);
}

/* Which start it was, equal points, too few points, stages and epochs: all of it is told. */
static void
says_what_it_did(void **state)
{
	double	   *one = blobs(700, 3, 1, 0, 21),
			   *groups = blobs(700, 3, 5, 1000, 22);
	told		t;

	(void) state;
	project_and_listen(one, 700, 3, GH_UMAP_SPECTRAL, &t);
	assert_int_equal(strncmp(t.notes, "spectral start, 1 component,", 28), 0);
	assert_null(strstr(t.notes, "equal"));
	assert_string_equal(t.stages, "umap: neighbours|nearest neighbours|umap: graph|umap: start|umap: layout|");
	assert_true(t.done == t.total && t.total == 29);
	project_and_listen(groups, 700, 3, GH_UMAP_SPECTRAL, &t);
	assert_non_null(strstr(t.notes, "multi-component spectral start, 5 components,"));
	project_and_listen(one, 700, 3, GH_UMAP_PCA, &t);
	assert_string_equal(t.notes, "principal components start\n");
	project_and_listen(one, 700, 3, GH_UMAP_RANDOM, &t);
	assert_string_equal(t.notes, "random start\n");
	memcpy(one, one + 3, sizeof(double) * 3);
	project_and_listen(one, 10, 3, GH_UMAP_RANDOM, &t);
	assert_string_equal(t.notes, "2 of 10 points are equal to another\n"
						"n_neighbors is 15 but there are 10 points: all of them are neighbours\nrandom start\n");
	free(one);
	free(groups);
}

#define BAD_SETS 16

static void
bad_parameters(void **state)
{
	gh_umap_params bad[BAD_SETS];
	double		x[40] = {0},
				y[80];

	(void) state;
	for (int t = 0; t < BAD_SETS; t++)
		bad[t] = gh_umap_defaults();
	bad[0].n_neighbors = 1;
	bad[1].n_neighbors = 100001;
	bad[2].n_components = 0;
	bad[3].n_components = 17;
	bad[4].min_dist = -0.1;
	bad[5].min_dist = 1.1;
	bad[6].min_dist = NAN;
	bad[7].spread = 0;
	bad[8].spread = INFINITY;
	bad[9].n_epochs = -1;
	bad[10].n_epochs = 100001;
	bad[11].learning_rate = 0;
	bad[12].learning_rate = NAN;
	bad[13].negative_sample_rate = -1;
	bad[14].negative_sample_rate = 1001;
	bad[15].init = (gh_umap_init) 7;
	for (int t = 0; t < BAD_SETS; t++)
	{
		gh_ctx	   *ctx = open_threads(1);

		assert_int_equal(gh_umap_project(ctx, x, 10, 4, &bad[t], y), GH_EINVAL);
		assert_non_null(gh_ctx_hint(ctx));
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

static void
bad_values(void **state)
{
	static const double bad[] = {NAN, INFINITY, -INFINITY};

	(void) state;
	for (int t = 0; t < 3; t++)
	{
		for (int n = 1; n <= 20; n += 19)
		{
			double	   *x = blobs(20, 4, 2, 2, 18),
						y[80];
			gh_umap_params p = gh_umap_defaults();
			gh_ctx	   *ctx = open_threads(1);

			x[3] = bad[t];
			assert_int_equal(gh_umap_project(ctx, x, n, 4, &p, y), GH_EDATA);
			assert_non_null(gh_ctx_detail(ctx));
			assert_int_equal(gh_memory_used(ctx), 0);
			gh_ctx_close(ctx);
			free(x);
		}
	}
}

typedef struct call
{
	double	   *x,
			   *y;
	size_t		n;
	int			d;
	gh_umap_params params;
} call;

static gh_status
run_call(gh_ctx *ctx, void *arg)
{
	call	   *c = arg;

	return gh_umap_project(ctx, c->x, c->n, c->d, &c->params, c->y);
}

static void
cancel(void **state)
{
	size_t		n = 2500;
	call		c = {blobs(n, 5, 3, 2, 19), malloc(sizeof(double) * n * 2), n, 5, plain()};

	(void) state;
	c.params.n_epochs = 5;
	assert_true(check_cancel(run_call, &c, 1) > 100);
	assert_true(check_cancel(run_call, &c, 2) > 100);
	free(c.x);
	free(c.y);
}

/* For a graph in one piece, in many, and decomposed by iteration. */
static void
allocation_failure(void **state)
{
	(void) state;
	for (int t = 0; t < 4; t++)
	{
		size_t		n = t == 0 ? 40 : t == 2 ? 400 : 200;
		int			d = t == 3 ? 130 : 3;
		call		c = {blobs(n, d, t == 2 ? 20 : 1, 50, 20), malloc(sizeof(double) * n * 2), n, d, plain()};

		c.params.n_epochs = 2;
		c.params.init = t == 3 ? GH_UMAP_PCA : GH_UMAP_SPECTRAL;
		assert_true(check_allocations(run_call, &c) > 20);
		free(c.x);
		free(c.y);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_estimate),
		cmocka_unit_test(memory_limit),
		cmocka_unit_test(says_what_it_did),
		cmocka_unit_test(bad_parameters),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(cancel),
		cmocka_unit_test(allocation_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
