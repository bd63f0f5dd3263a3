/*
 * test_layout.c
 *		UMAP's layout alone: forces, schedule, order, and the same bytes everywhere.
 */
#include "testing.h"

#include "base/gh_isa.h"
#include "base/gh_random.h"
#include "project/gh_layout.h"

static gh_layout
usual(int dim, int epochs)
{
	return (gh_layout) {.dim = dim,.epochs = epochs,.a = 1.57694361,.b = 0.89506072,.learning_rate = 1,
		.negative_sample_rate = 5,.seed = 1};
}

static void
run(const gh_graph *g, const gh_layout *layout, int threads, double *y)
{
	gh_ctx	   *ctx = open_threads(threads);

	assert_int_equal(gh_layout_run(ctx, g, layout, y), GH_OK);
	assert_int_equal(gh_memory_peak(ctx), gh_layout_memory(g->n, g->offsets[g->n], layout->dim));
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

/* A graph of as many rows, each of at most `most` edges. */
static gh_graph
new_graph(size_t n, size_t most)
{
	gh_graph	g = {.n = n,.offsets = calloc(n + 1, sizeof(size_t)),.columns = malloc(sizeof(uint32_t) * n * most),
	.weights = malloc(sizeof(float) * n * most)};

	return g;
}

static void
free_graph(gh_graph *g)
{
	free(g->offsets);
	free(g->columns);
	free(g->weights);
}

/* Vertices 2i and 2i + 1 are joined, by edges of different weights. */
static gh_graph
couples(size_t n)
{
	gh_graph	g = new_graph(2 * n, 1);

	for (size_t v = 0; v < 2 * n; v++)
	{
		g.columns[v] = (uint32_t) (v ^ 1);
		g.weights[v] = 1 / (1 + (float) (v / 2 % 5));
		g.offsets[v + 1] = v + 1;
	}
	return g;
}

/* Each vertex and those up to 3 before and after, and the one half of the way round; n even. */
static gh_graph
ring(size_t n)
{
	gh_graph	g = new_graph(n, 7);

	for (size_t v = 0; v < n; v++)
	{
		size_t		at = g.offsets[v];

		for (size_t i = 0; i < 7; i++)
		{
			size_t		u = i < 6 ? (v + n + i - (i < 3 ? 3 : 2)) % n : (v + n / 2) % n,
						steps = u > v ? u - v : v - u,
						place = at++;

			steps = steps < n - steps ? steps : n - steps;
			for (; place > g.offsets[v] && g.columns[place - 1] > u; place--)
			{
				g.columns[place] = g.columns[place - 1];
				g.weights[place] = g.weights[place - 1];
			}
			g.columns[place] = (uint32_t) u;
			g.weights[place] = 1 / (float) (steps < 4 ? steps : 4);
		}
		g.offsets[v + 1] = at;
	}
	return g;
}

static double *
scattered(size_t n_values, double span)
{
	double	   *y = malloc(sizeof(double) * n_values);

	for (size_t i = 0; i < n_values; i++)
		y[i] = span * gh_random_double(3, GH_STREAM_TEST, i);
	return y;
}

static double
clipped(double x)
{
	return x < -4 ? -4 : x > 4 ? 4 : x;
}

static double
squared_distance(int dim, const double *p, const double *q)
{
	double		sum = 0;

	for (int c = 0; c < dim; c++)
		sum += (p[c] - q[c]) * (p[c] - q[c]);
	return sum;
}

/* The gradients of the paper, in doubles. */
static void
pull(const gh_layout *l, double alpha, double *head, double *tail)
{
	double		d2 = squared_distance(l->dim, head, tail),
				coefficient = d2 == 0 ? 0 : -2 * l->a * l->b * pow(d2, l->b - 1) / (1 + l->a * pow(d2, l->b));

	for (int c = 0; c < l->dim; c++)
	{
		double		step = alpha * clipped(coefficient * (head[c] - tail[c]));

		head[c] += step;
		tail[c] -= step;
	}
}

static void
push(const gh_layout *l, double alpha, const double *place, const double *other, double *head)
{
	double		d2 = squared_distance(l->dim, place, other),
				coefficient = 2 * l->b / ((0.001 + d2) * (1 + l->a * pow(d2, l->b)));

	for (int c = 0; c < l->dim; c++)
		head[c] += alpha * clipped(coefficient * (place[c] - other[c]));
}

/* ---- forces ------------------------------------------------------------- */

/* Couples that nobody else touches: an edge of weight w acts w of the epochs, twice each time, by the formula. */
static void
attraction(void **state)
{
	static const size_t counts[] = {1, 7, 8, 9, 5000};
	static const int dims[] = {1, 2, 3, 16};
	static const double spans[] = {0, 0.01, 3, 1000};

	(void) state;
	for (int t = 0; t < 4 * 5 * 4; t++)
	{
		gh_layout	l = usual(dims[t % 4], 12);
		gh_graph	g = couples(counts[t / 4 % 5]);
		double	   *y = scattered(g.n * l.dim, spans[t / 20]),
				   *expected = scattered(g.n * l.dim, spans[t / 20]);

		l.negative_sample_rate = 0;
		l.learning_rate = 0.2;
		run(&g, &l, 2, y);
		for (size_t v = 0; v < g.n; v += 2)
		{
			double	   *one = expected + v * l.dim,
					   *two = one + l.dim;

			for (int epoch = 1; epoch < l.epochs; epoch++)
			{
				double		alpha = l.learning_rate * (1 - (epoch - 1) / (double) l.epochs);

				if ((int) (epoch * g.weights[v]) == (int) ((epoch - 1) * g.weights[v]))
					continue;
				pull(&l, alpha, one, two);
				pull(&l, alpha, two, one);
			}
		}
		for (size_t i = 0; i < g.n * l.dim; i++)
			assert_true(fabs(y[i] - expected[i]) <= 1e-4 * (0.01 + fabs(expected[i])));
		free(y);
		free(expected);
		free_graph(&g);
	}
}

/* Two vertices and one random draw a pull: itself, which does nothing, or the other, as the epoch began. */
static void
repulsion(void **state)
{
	int			pushes[2] = {0, 0};

	(void) state;
	for (int t = 0; t < 400; t++)
	{
		gh_layout	l = usual(2, 2);
		gh_graph	g = couples(1);
		/* the last so near that steps are clipped */
		double		span = t % 3 == 0 ? 0.5 : t % 3 == 1 ? 5 : 0.02,
					y[4] = {0, 0, span, -0.3 * span};
		int			found = -1;

		l.negative_sample_rate = 1;
		l.seed = (uint64_t) t;
		run(&g, &l, 1, y);
		for (int drawn = 0; drawn < 4; drawn++)
		{
			double		before[4] = {0, 0, span, -0.3 * span},
						now[4] = {0, 0, span, -0.3 * span},
						place[2];

			memcpy(place, now, sizeof(place));
			pull(&l, 1, now, now + 2);
			if (drawn & 1)
				push(&l, 1, place, before + 2, now);
			memcpy(place, now + 2, sizeof(place));
			pull(&l, 1, now + 2, now);
			if (drawn & 2)
				push(&l, 1, place, before, now + 2);
			if (sqrt(squared_distance(4, y, now)) < 1e-3)
				found = drawn;
		}
		assert_true(found >= 0);
		pushes[0] += found & 1;
		pushes[1] += found >> 1;
		free_graph(&g);
	}
	assert_in_range(pushes[0], 160, 240);
	assert_in_range(pushes[1], 160, 240);
}

/*
 * Nine draws for each pull: the first eight are measured from where the head stood
 * before it, the ninth from where they have brought it.
 */
static void
many_pushes(void **state)
{
	(void) state;
	for (int t = 0; t < 40; t++)
	{
		gh_layout	l = usual(2, 2);
		gh_graph	g = couples(1);
		double		y[4] = {0, 0, 2, -1};
		int			found = 0;

		l.negative_sample_rate = 9;
		l.seed = (uint64_t) t;
		run(&g, &l, 1, y);
		/* how many of the eight, and whether the ninth, were the other vertex, for both directions */
		for (int drawn = 0; drawn < 18 * 18; drawn++)
		{
			static const double before[4] = {0, 0, 2, -1};
			double		now[4] = {0, 0, 2, -1};

			for (int end = 0; end < 2; end++)
			{
				int			n = end == 0 ? drawn % 18 : drawn / 18;
				double	   *head = now + 2 * end,
							place[2] = {head[0], head[1]};

				pull(&l, 1, head, now + 2 - 2 * end);
				for (int i = 0; i < n / 2; i++)
					push(&l, 1, place, before + 2 - 2 * end, head);
				memcpy(place, head, sizeof(place));
				if (n % 2 == 1)
					push(&l, 1, place, before + 2 - 2 * end, head);
			}
			found += sqrt(squared_distance(4, y, now)) < 1e-4;
		}
		assert_true(found > 0);
		free_graph(&g);
	}
}

/* ---- order -------------------------------------------------------------- */

/* What one end of an edge goes, the other comes: no step is lost where edges that share a vertex meet. */
static void
nothing_lost(void **state)
{
	static const size_t counts[] = {3, 9, 40, 300};

	(void) state;
	for (int t = 0; t < 8; t++)
	{
		size_t		n = counts[t / 2];
		int			dim = 2 + t % 2;
		gh_graph	g = new_graph(n, n);
		gh_layout	l = usual(dim, 6);
		double	   *y = scattered(n * dim, 10);
		double		sum[3] = {0, 0, 0};

		/* everyone with everyone */
		for (size_t v = 0; v < n; v++)
		{
			g.offsets[v + 1] = g.offsets[v];
			for (size_t u = 0; u < n; u++)
			{
				if (u == v)
					continue;
				g.columns[g.offsets[v + 1]] = (uint32_t) u;
				g.weights[g.offsets[v + 1]++] = (u + v) % 2 ? 1 : 0.4f;
			}
		}
		for (size_t i = 0; i < n * dim; i++)
			sum[i % dim] += y[i];
		l.negative_sample_rate = 0;
		run(&g, &l, 1, y);
		for (size_t i = 0; i < n * dim; i++)
			sum[i % dim] -= y[i];
		for (int c = 0; c < dim; c++)
			assert_true(fabs(sum[c]) < 1e-3 * (double) n);
		free(y);
		free_graph(&g);
	}
}

/* A vertex without edges stays, whatever happens around it. */
static void
isolated(void **state)
{
	size_t		n = 3000;
	gh_graph	g = couples(n / 2);
	gh_layout	l = usual(2, 10);
	double	   *y = scattered(n * 2, 10),
			   *start = scattered(n * 2, 10);
	size_t		at = 0;

	(void) state;
	for (size_t v = 0; v < n; v++)
	{
		bool		alone = v / 2 % 3 == 0;

		g.columns[at] = (uint32_t) (v ^ 1);
		at += alone ? 0 : 1;
		g.offsets[v + 1] = at;
	}
	run(&g, &l, 2, y);
	for (size_t i = 0; i < 2 * n; i++)
	{
		if (i / 4 % 3 == 0)
			assert_true(y[i] == (double) (float) start[i]);
	}
	assert_memory_not_equal(y + 4, start + 4, 4 * sizeof(double));
	free(y);
	free(start);
	free_graph(&g);
}

/* The same bytes for any threads and instruction set, with 1 and with 16 chunks. */
static void
same_bytes(void **state)
{
	static const size_t counts[] = {900, 1500, 34000};
	static const int dims[] = {2, 3};

	(void) state;
	for (int t = 0; t < 6; t++)
	{
		gh_graph	g = ring(counts[t / 2]);
		gh_layout	l = usual(dims[t % 2], 5);
		size_t		size = sizeof(double) * g.n * l.dim;
		double	   *first = NULL;

		l.negative_sample_rate = 11;
		for (int isa = GH_ISA_SCALAR; isa <= GH_ISA_AVX512; isa++)
		{
			for (int threads = 1; threads <= 8; threads = threads == 2 ? 8 : threads + 1)
			{
				double	   *y = scattered(g.n * l.dim, 10);

				gh_isa_limit((gh_isa) isa);
				run(&g, &l, threads, y);
				if (first == NULL)
				{
					first = y;
					continue;
				}
				assert_memory_equal(y, first, size);
				free(y);
			}
		}
		gh_isa_limit(GH_ISA_AVX512);
		free(first);
		free_graph(&g);
	}
}

typedef struct call
{
	gh_graph	graph;
	gh_layout	layout;
} call;

static gh_status
run_call(gh_ctx *ctx, void *arg)
{
	call	   *c = arg;
	double	   *y = scattered(c->graph.n * 2, 10);
	gh_status	status = gh_layout_run(ctx, &c->graph, &c->layout, y);

	free(y);
	return status;
}

/* Stopped at any poll, and out of memory at any allocation, it leaves nothing behind. */
static void
failures(void **state)
{
	call		c = {ring(10000), usual(2, 3)};

	(void) state;
	assert_true(check_cancel(run_call, &c, 1) > 50);
	assert_true(check_allocations(run_call, &c) > 4);
	free_graph(&c.graph);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attraction),
		cmocka_unit_test(repulsion),
		cmocka_unit_test(many_pushes),
		cmocka_unit_test(nothing_lost),
		cmocka_unit_test(isolated),
		cmocka_unit_test(same_bytes),
		cmocka_unit_test(failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
