/*
 * test_dbcv.c
 *		DBCV against a literal O(n^2) version: Prim with the repair of the hdbscan
 *		package, all pairs of inner nodes.
 */
#include "cluster_testing.h"

#include "base/gh_isa.h"
#include "cluster/dbcv_private.h"
#include "hdbscan_example.h"

typedef struct literal_cluster
{
	size_t		n;
	size_t	   *members;
	double	   *core;
	bool	   *inner;
	double		sparseness;
} literal_cluster;

/* distances of 0 are left out of the sum, but not of the divisor */
static void
literal_cores(const double *x, int d, literal_cluster *c)
{
	bool		all_zero = true;

	for (size_t i = 0; i < c->n; i++)
	{
		double		sum = 0;

		for (size_t j = 0; j < c->n; j++)
		{
			double		distance = literal_distance(x, d, c->members[i], c->members[j]);

			if (distance > 0)
				sum += pow(1 / distance, d);
		}
		all_zero = all_zero && sum == 0;
		c->core[i] = pow(sum / (double) (c->n - 1), -1.0 / d);
	}
	for (size_t i = 0; all_zero && i < c->n; i++)
		c->core[i] = 0;
}

static double
literal_reach(const double *x, int d, const literal_cluster *c, size_t i, size_t j)
{
	return fmax(literal_distance(x, d, c->members[i], c->members[j]), fmax(c->core[i], c->core[j]));
}

/* numpy.isclose: |a - b| <= 1e-8 + 1e-5 |b| */
static bool
is_close(double a, double b)
{
	return fabs(a - b) <= 1e-8 + 1e-5 * fabs(b);
}

/* Prim from the first point; the next one is the first that attains the minimum. */
static void
literal_prim(const double *x, int d, const literal_cluster *c, size_t *from, size_t *to, double *weight)
{
	double	   *best = malloc(c->n * sizeof(double));
	size_t	   *source = calloc(c->n, sizeof(size_t));
	bool	   *inside = calloc(c->n, sizeof(bool));
	size_t		current = 0;

	for (size_t i = 0; i < c->n; i++)
		best[i] = INFINITY;
	for (size_t e = 0; e + 1 < c->n; e++)
	{
		size_t		next = SIZE_MAX;

		inside[current] = true;
		for (size_t j = 0; j < c->n; j++)
		{
			double		reach;

			if (inside[j])
				continue;
			reach = literal_reach(x, d, c, current, j);
			if (reach < best[j])
			{
				best[j] = reach;
				source[j] = current;
			}
			if (next == SIZE_MAX || best[j] < best[next])
				next = j;
		}
		from[e] = source[next];
		to[e] = next;
		weight[e] = best[next];
		current = next;
	}
	free(best);
	free(source);
	free(inside);
}

/* An edge's first end becomes the lowest earlier point that is about as near. */
static size_t
repaired_end(const double *x, int d, const literal_cluster *c, const size_t *from, const size_t *to, size_t e,
			 double weight)
{
	for (size_t candidate = 0; candidate < c->n; candidate++)
	{
		bool		earlier = false;

		for (size_t f = 0; f < e && !earlier; f++)
			earlier = from[f] == candidate || to[f] == candidate;
		if (earlier && candidate != to[e] && is_close(literal_reach(x, d, c, to[e], candidate), weight))
			return candidate;
	}
	assert_true(false);
	return 0;
}

static void
literal_tree(const double *x, int d, literal_cluster *c)
{
	size_t	   *from = malloc(c->n * sizeof(size_t)),
			   *to = malloc(c->n * sizeof(size_t)),
			   *end = malloc(c->n * sizeof(size_t)),
			   *degree = calloc(c->n, sizeof(size_t));
	double	   *weight = malloc(c->n * sizeof(double)),
				heaviest = 0,
				heaviest_inner = -1;
	bool		any = false;

	literal_prim(x, d, c, from, to, weight);
	for (size_t e = 0; e + 1 < c->n; e++)
	{
		end[e] = e == 0 ? from[e] : repaired_end(x, d, c, from, to, e, weight[e]);
		degree[end[e]]++;
		degree[to[e]]++;
	}
	for (size_t i = 0; i < c->n; i++)
	{
		c->inner[i] = degree[i] > 1;
		any = any || c->inner[i];
	}
	if (!any)
		c->inner[0] = true;
	for (size_t e = 0; e + 1 < c->n; e++)
	{
		heaviest = fmax(heaviest, weight[e]);
		if (c->inner[end[e]] && c->inner[to[e]])
			heaviest_inner = fmax(heaviest_inner, weight[e]);
	}
	c->sparseness = heaviest_inner < 0 ? heaviest : heaviest_inner;
	free(from);
	free(to);
	free(end);
	free(degree);
	free(weight);
}

static double
literal_separation(const double *x, int d, const literal_cluster *a, const literal_cluster *b)
{
	double		least = INFINITY;

	for (size_t i = 0; i < a->n; i++)
	{
		for (size_t j = 0; a->inner[i] && j < b->n; j++)
		{
			if (b->inner[j])
				least = fmin(least, fmax(literal_distance(x, d, a->members[i], b->members[j]),
										 fmax(a->core[i], b->core[j])));
		}
	}
	return least;
}

static literal_cluster
literal_measure(const double *x, size_t n, int d, const int32_t *labels, int32_t label)
{
	literal_cluster c = {0, malloc(n * sizeof(size_t)), malloc(n * sizeof(double)), calloc(n, sizeof(bool)), 0};

	for (size_t i = 0; i < n; i++)
		if (labels[i] == label)
			c.members[c.n++] = i;
	if (c.n > 1)
	{
		literal_cores(x, d, &c);
		literal_tree(x, d, &c);
	}
	else if (c.n == 1)
	{
		c.core[0] = 0;
		c.inner[0] = true;
	}
	return c;
}

/* labels below n_labels */
static double
literal_dbcv(const double *x, size_t n, int d, const int32_t *labels, int n_labels)
{
	literal_cluster *c = calloc(n_labels, sizeof(literal_cluster));
	double		sum = 0;

	for (int i = 0; i < n_labels; i++)
		c[i] = literal_measure(x, n, d, labels, i);
	for (int i = 0; i < n_labels; i++)
	{
		double		least = INFINITY,
					larger;

		for (int j = 0; j < n_labels; j++)
			if (j != i && c[j].n > 0)
				least = fmin(least, literal_separation(x, d, &c[i], &c[j]));
		larger = fmax(least, c[i].sparseness);
		if (c[i].n == 1)
			sum -= 1.0 / (double) n;
		else if (c[i].n > 0 && larger > 0)
			sum += (double) c[i].n / (double) n * (least - c[i].sparseness) / larger;
	}
	for (int i = 0; i < n_labels; i++)
	{
		free(c[i].members);
		free(c[i].core);
		free(c[i].inner);
	}
	free(c);
	return sum;
}

static double
our_dbcv(const double *x, size_t n, int d, const int32_t *labels, int threads)
{
	gh_ctx	   *ctx = open_threads(threads);
	double		value;
	bool		defined;

	assert_int_equal(gh_dbcv(ctx, x, n, d, labels, false, &value, &defined), GH_OK);
	assert_true(defined);
	assert_true(value >= -1 && value <= 1);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return value;
}

/* Labels that follow the spots of make_points, with noise, or cut space at random. */
static void
make_labels(point_kind kind, const double *x, size_t n, int d, int n_labels, int32_t *labels)
{
	for (size_t i = 0; i < n; i++)
	{
		size_t		source = kind == TWINS ? i / 3 : i;

		if (kind == BLOBS || kind == TWINS)
			labels[i] = source % 7 == 6 ? GH_NOISE : (int32_t) (source % 5 % n_labels);
		else
			labels[i] = (int32_t) floor(x[i * d] * (kind == UNIFORM ? 4 : 0.7)) % n_labels;
	}
}

static void
check_dbcv(point_kind kind, size_t n, int d, int n_labels, uint64_t seed)
{
	double	   *x = make_points(kind, n, d, seed);
	int32_t    *labels = malloc(n * sizeof(int32_t));
	double		expected,
				value;

	make_labels(kind, x, n, d, n_labels, labels);
	expected = literal_dbcv(x, n, d, labels, n_labels);
	value = our_dbcv(x, n, d, labels, 2);
	if (fabs(value - expected) > 1e-9)
		print_error("kind %d n %zu d %d labels %d: %.17g, expected %.17g\n", kind, n, d, n_labels, value, expected);
	assert_true(fabs(value - expected) <= 1e-9);
	free(x);
	free(labels);
}

static void
value_is_the_literal_one(void **state)
{
	static const int dimensions[] = {1, 2, 3, 14};

	(void) state;
	for (int kind = 0; kind < EQUAL; kind++)
		for (int i = 0; i < 4; i++)
			for (int n_labels = 2; n_labels <= 5; n_labels++)
				check_dbcv((point_kind) kind, 240, dimensions[i], n_labels, 31 * i + n_labels);
	for (int seed = 0; seed < 30; seed++)
	{
		check_dbcv(UNIFORM, 100, 2, 3, 1000 + seed);
		check_dbcv(BLOBS, 70, 2, 3, 2000 + seed);
	}
	check_dbcv(BLOBS, 900, 2, 2, 5);
}

static void
core_distances_are_exact(void **state)
{
	(void) state;
	for (int d = 1; d <= 50; d += d < 4 ? 1 : 23)
	{
		size_t		n = 2100;
		double	   *x = make_points(BLOBS, n, d, d);
		double	   *core = malloc(n * sizeof(double));
		gh_ctx	   *ctx = open_threads(2);
		gh_kdtree	tree;

		assert_int_equal(gh_kdtree_build(ctx, x, n, d, &tree), GH_OK);
		assert_int_equal(gh_all_points_core(ctx, &tree, false, false, core), GH_OK);
		for (size_t i = 0; i < n; i += 97)
		{
			double		sum = 0;

			for (size_t j = 0; j < n; j++)
				if (j != i)
					sum += pow(1 / literal_distance(x, d, i, j), d);
			assert_true(fabs(core[i] / pow(sum / (double) (n - 1), -1.0 / d) - 1) < 1e-12);
		}
		gh_ctx_close(ctx);
		free(x);
		free(core);
	}
}

/* Points whose pairs are of every kind for the far field. */
static double *
make_plane(int kind, size_t n)
{
	double	   *x = malloc(2 * n * sizeof(double));

	for (size_t i = 0; i < n; i++)
	{
		double		u = gh_random_double(1, GH_STREAM_TEST, 2 * i),
					v = gh_random_double(1, GH_STREAM_TEST, 2 * i + 1),
					z = gh_random_normal(2, GH_STREAM_TEST, i),
					spread = pow(10, -(double) (i % 5));

		x[2 * i] = u;
		x[2 * i + 1] = v;
		if (kind == 1)			/* spots of five sizes */
		{
			x[2 * i] = (double) (i % 20 * 37 % 11) + spread * gh_random_normal(3, GH_STREAM_TEST, i);
			x[2 * i + 1] = (double) (i % 20 * 23 % 7) + spread * z;
		}
		else if (kind == 2)		/* a thread */
			x[2 * i + 1] = sin(9 * u) + 1e-3 * z;
		else if (kind == 3)		/* a lattice, every point several times */
		{
			x[2 * i] = floor(60 * u);
			x[2 * i + 1] = floor(60 * v);
		}
		else if (kind == 4)		/* a line far from the origin */
		{
			x[2 * i] = 1e5 + u;
			x[2 * i + 1] = -3;
		}
		else if (kind == 5)		/* ever denser towards the middle */
		{
			x[2 * i] = exp(-15 * u) * cos(6.28 * v);
			x[2 * i + 1] = exp(-15 * u) * sin(6.28 * v);
		}
	}
	return x;
}

static void
far_field_is_near_the_sums(void **state)
{
	(void) state;
	for (int kind = 0; kind < 6; kind++)
	{
		size_t		n = 12000;
		double	   *x = make_plane(kind, n),
				   *fast = malloc(n * sizeof(double)),
				   *exact = malloc(n * sizeof(double));
		gh_ctx	   *ctx = open_threads(2);
		gh_kdtree	tree;
		bool		differs = false;

		assert_int_equal(gh_kdtree_build(ctx, x, n, 2, &tree), GH_OK);
		assert_int_equal(gh_all_points_core(ctx, &tree, false, true, fast), GH_OK);
		assert_int_equal(gh_all_points_core(ctx, &tree, true, true, exact), GH_OK);
		for (size_t i = 0; i < n; i++)
		{
			differs = differs || fast[i] != exact[i];
			assert_true(fabs(fast[i] / exact[i] - 1) < 1e-10);
		}
		assert_true(differs);	/* the one is not the other */
		gh_kdtree_free(ctx, &tree);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
		free(x);
		free(fast);
		free(exact);
	}
}

/* Distances that the plane's own loop cannot add up go the slow way. */
static void
core_distances_of_any_size(void **state)
{
	static const double tiny[] = {1e-100, 1e-140, 1e-150};

	(void) state;
	for (int k = 0; k < 3; k++)
	{
		double		x[10] = {0, 0, tiny[k], 0, 0, tiny[k], 1, 0, 0, 1},
					core[5];
		gh_ctx	   *ctx = open_threads(1);
		gh_kdtree	tree;

		assert_int_equal(gh_kdtree_build(ctx, x, 5, 2, &tree), GH_OK);
		assert_int_equal(gh_all_points_core(ctx, &tree, false, true, core), GH_OK);
		/* two others at the distance t; the first has both, the next have one and one at t times the root of 2 */
		assert_true(fabs(core[0] / (tiny[k] * sqrt(4 / 2.0)) - 1) < 1e-12);
		assert_true(fabs(core[1] / (tiny[k] * sqrt(4 / 1.5)) - 1) < 1e-12);
		/* three at distance 1 and one at the root of 2 */
		assert_true(fabs(core[3] / sqrt(4 / 3.5) - 1) < 1e-12);
		gh_ctx_close(ctx);
	}
}

static void
value_of_the_hdbscan_package(void **state)
{
	(void) state;
	assert_true(fabs(our_dbcv(example_points, EXAMPLE_N, 2, example_labels, 1) - example_dbcv) < 1e-12);
}

/* ---- corners ------------------------------------------------------------- */

static void
check_undefined(const double *x, size_t n, const int32_t *labels)
{
	gh_ctx	   *ctx = open_threads(1);
	double		value = 5;
	bool		defined = true;

	assert_int_equal(gh_dbcv(ctx, x, n, 1, labels, false, &value, &defined), GH_OK);
	assert_false(defined);
	assert_true(value == 0);
	gh_ctx_close(ctx);
}

static void
fewer_than_two_clusters(void **state)
{
	const double x[4] = {0, 1, 2, 3};
	const int32_t noise[4] = {-1, -1, -7, -1},
				one[4] = {-1, 3, 3, 3};

	(void) state;
	check_undefined(x, 0, noise);
	check_undefined(x, 1, one + 1);
	check_undefined(x, 4, noise);
	check_undefined(x, 4, one);
}

static void
tiny_clusters(void **state)
{
	const double x[5] = {0, 1, 10, 12, 100};
	const int32_t pairs[5] = {0, 0, 1, 1, -1},
				single[5] = {0, 0, 1, 1, 2},
				lonely[5] = {0, 1, -1, -1, -1};

	(void) state;
	/* separation from the first points: |0 - 10| = 10; sparseness 1 and 2 */
	assert_true(fabs(our_dbcv(x, 5, 1, pairs, 1) - (0.4 * 9 / 10 + 0.4 * 8 / 10)) < 1e-15);
	/* the point at 100 is a cluster of its own: -1, and far from the others */
	assert_true(fabs(our_dbcv(x, 5, 1, single, 1) - (0.4 * 9 / 10 + 0.4 * 8 / 10 - 0.2)) < 1e-15);
	assert_true(fabs(our_dbcv(x, 5, 1, lonely, 1) + 0.4) < 1e-15);
}

static void
clusters_of_duplicates(void **state)
{
	const double x[8] = {1, 1, 1, 1, 1, 1, 4, 4};
	const int32_t apart[8] = {0, 0, 0, 0, 0, 0, 1, 1},
				together[8] = {0, 0, 0, 1, 1, 1, -1, -1};

	(void) state;
	assert_true(our_dbcv(x, 8, 1, apart, 1) == 1);
	assert_true(our_dbcv(x, 8, 1, together, 1) == 0);
}

static void
any_label_numbers(void **state)
{
	double	   *x = make_points(BLOBS, 300, 2, 4);
	int32_t		labels[300],
				other[300];

	(void) state;
	make_labels(BLOBS, x, 300, 2, 5, labels);
	for (int i = 0; i < 300; i++)
		other[i] = labels[i] < 0 ? INT32_MIN : labels[i] * 400000000 + 7;
	assert_true(our_dbcv(x, 300, 2, labels, 1) == our_dbcv(x, 300, 2, other, 1));
	free(x);
}

/* Sums of (1 / distance)^50 overflow and underflow; the value must not notice. */
static void
any_scale(void **state)
{
	static const double scales[] = {1e-30, 1e-8, 1e8, 1e30};
	size_t		n = 120;
	int			d = 50;
	double	   *x = make_points(BLOBS, n, d, 8),
			   *scaled = malloc(n * d * sizeof(double));
	int32_t    *labels = malloc(n * sizeof(int32_t));
	double		value;

	(void) state;
	make_labels(BLOBS, x, n, d, 5, labels);
	value = our_dbcv(x, n, d, labels, 1);
	assert_true(fabs(value - literal_dbcv(x, n, d, labels, 5)) < 1e-9);
	for (int s = 0; s < 4; s++)
	{
		for (size_t i = 0; i < n * d; i++)
			scaled[i] = x[i] * scales[s];
		assert_true(fabs(our_dbcv(scaled, n, d, labels, 1) - value) < 1e-9);
	}
	free(x);
	free(scaled);
	free(labels);
}

/* ---- manners ------------------------------------------------------------- */

typedef struct call
{
	double	   *x;
	size_t		n;
	int			d;
	int32_t    *labels;
	double		value;
	bool		defined;
} call;

static gh_status
run_call(gh_ctx *ctx, void *arg)
{
	call	   *c = arg;

	return gh_dbcv(ctx, c->x, c->n, c->d, c->labels, false, &c->value, &c->defined);
}

static call
open_call(point_kind kind, size_t n, int d, int n_labels)
{
	call		c = {make_points(kind, n, d, 3), n, d, malloc(n * sizeof(int32_t)), 0, false};

	make_labels(kind, c.x, n, d, n_labels, c.labels);
	return c;
}

static void
close_call(call *c)
{
	free(c->x);
	free(c->labels);
}

static void
same_bytes_for_any_threads(void **state)
{
	(void) state;
	for (int kind = 0; kind < EQUAL; kind++)
	{
		call		c = open_call((point_kind) kind, 9000, 2, 3);
		double		one = our_dbcv(c.x, c.n, c.d, c.labels, 1);

		assert_true(our_dbcv(c.x, c.n, c.d, c.labels, 2) == one);
		assert_true(our_dbcv(c.x, c.n, c.d, c.labels, 8) == one);
		gh_isa_limit(GH_ISA_SCALAR);
		assert_true(our_dbcv(c.x, c.n, c.d, c.labels, 2) == one);
		gh_isa_limit(GH_ISA_AVX512);
		close_call(&c);
	}
}

/* Enough points of one cluster for the far field. */
static void
same_bytes_of_the_far_field(void **state)
{
	call		c = open_call(UNIFORM, 14000, 2, 1);
	double		one;

	(void) state;
	c.labels[0] = c.labels[1] = c.labels[2] = 1;
	one = our_dbcv(c.x, c.n, c.d, c.labels, 1);
	assert_true(our_dbcv(c.x, c.n, c.d, c.labels, 3) == one);
	gh_isa_limit(GH_ISA_SCALAR);
	assert_true(our_dbcv(c.x, c.n, c.d, c.labels, 2) == one);
	gh_isa_limit(GH_ISA_AVX512);
	close_call(&c);
}

static void
cancel_anywhere(void **state)
{
	call		c = open_call(BLOBS, 6000, 2, 2);

	(void) state;
	assert_true(check_cancel(run_call, &c, 1) > 10);
	assert_true(check_cancel(run_call, &c, 2) > 10);
	close_call(&c);
	c = open_call(UNIFORM, 11000, 2, 1);
	c.labels[0] = c.labels[1] = 1;
	assert_true(check_cancel(run_call, &c, 2) > 10);
	close_call(&c);
}

static void
allocation_failures(void **state)
{
	call		c = open_call(BLOBS, 100, 2, 5);

	(void) state;
	assert_true(check_allocations(run_call, &c) > 5);
	close_call(&c);
}

static void
memory_is_linear_and_estimated(void **state)
{
	call		c = open_call(BLOBS, 8000, 2, 1);

	(void) state;
	c.labels[0] = c.labels[1] = 1;
	check_memory(run_call, &c, gh_dbcv_memory(c.n, c.d));
	assert_true(gh_dbcv_memory(200000, 2) < (size_t) 250 * 200000);
	close_call(&c);
}

static void
bad_points(void **state)
{
	call		c = open_call(BLOBS, 30, 2, 2);
	gh_ctx	   *ctx = open_threads(1);

	(void) state;
	c.x[7] = NAN;
	assert_int_equal(run_call(ctx, &c), GH_EDATA);
	assert_non_null(strstr(gh_ctx_detail(ctx), "Coordinate 2 of point 4"));
	gh_ctx_close(ctx);
	close_call(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(value_is_the_literal_one),
		cmocka_unit_test(core_distances_are_exact),
		cmocka_unit_test(far_field_is_near_the_sums),
		cmocka_unit_test(core_distances_of_any_size),
		cmocka_unit_test(value_of_the_hdbscan_package),
		cmocka_unit_test(fewer_than_two_clusters),
		cmocka_unit_test(tiny_clusters),
		cmocka_unit_test(clusters_of_duplicates),
		cmocka_unit_test(any_label_numbers),
		cmocka_unit_test(any_scale),
		cmocka_unit_test(same_bytes_for_any_threads),
		cmocka_unit_test(same_bytes_of_the_far_field),
		cmocka_unit_test(cancel_anywhere),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(memory_is_linear_and_estimated),
		cmocka_unit_test(bad_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
