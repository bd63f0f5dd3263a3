/*
 * test_folds.c
 *		Iterative stratification against a literal walk with full rescans.
 */
#include "learn_testing.h"

#include "learn/gh_folds.h"

typedef struct catalogue
{
	gh_labels	labels;
	uint64_t   *begin;
	uint32_t   *label;
	uint32_t   *group;
} catalogue;

/* Groups of different sizes with genres of their own that most of their rows carry; some rows have none. */
static catalogue
make_catalogue(size_t n, uint32_t n_labels, uint32_t n_groups, uint64_t seed)
{
	catalogue	c = {{n, n_labels, NULL, NULL}, malloc((n + 1) * sizeof(uint64_t)),
	malloc(n * 4 * sizeof(uint32_t)), malloc(n * sizeof(uint32_t))};
	uint64_t	m = 0;

	for (size_t i = 0; i < n; i++)
	{
		double		u = test_uniform(seed, 8 * i);
		uint32_t	g = (uint32_t) (u * u * n_groups);

		c.group[i] = g * 1000 + 7;
		c.begin[i] = m;
		for (uint64_t k = 0; k < g % 4; k++)
		{
			double		v = test_uniform(seed + 1, g * 8 + k);
			uint32_t	l = (uint32_t) (v * v * n_labels);
			bool		there = false;

			for (uint64_t at = c.begin[i]; at < m; at++)
				there |= c.label[at] == l;
			if (!there && test_uniform(seed, 8 * i + k + 1) < .8)
				c.label[m++] = l;
		}
	}
	c.begin[n] = m;
	c.labels.begin = c.begin;
	c.labels.label = c.label;
	return c;
}

static void
discard(catalogue *c)
{
	free(c->begin);
	free(c->label);
	free(c->group);
}

static bool
has_label(const gh_labels *labels, size_t row, uint32_t l)
{
	for (uint64_t at = labels->begin[row]; at < labels->begin[row + 1]; at++)
		if (labels->label[at] == l)
			return true;
	return false;
}

/* ---- the oracle -------------------------------------------------------- */

typedef struct literal
{
	const catalogue *c;
	int			k;
	uint64_t	seed;
	double		want[16];
	double	  (*want_label)[16];
	bool	   *dealt;			/* per row */
	uint8_t    *fold;
} literal;

static uint64_t
count_in_group(const literal *o, uint32_t group, uint32_t l)
{
	uint64_t	n = 0;

	for (size_t i = 0; i < o->c->labels.n; i++)
		n += o->c->group[i] == group && (l == UINT32_MAX || has_label(&o->c->labels, i, l));
	return n;
}

static void
literal_deal(literal *o, uint32_t group, uint32_t l)
{
	uint64_t	hash = gh_random_u64(o->seed, GH_STREAM_FOLDS, group);
	int			best[16],
				n = 0;

	for (int pass = 0; pass < 2; pass++)
	{
		double		top_label = -INFINITY,
					top_rows = -INFINITY;

		for (int f = 0; f < o->k; f++)
			if (l != UINT32_MAX)
				top_label = fmax(top_label, o->want_label[l][f]);
		for (int f = 0; f < o->k; f++)
			if (l == UINT32_MAX || o->want_label[l][f] == top_label)
				top_rows = fmax(top_rows, o->want[f]);
		n = 0;
		for (int f = 0; f < o->k; f++)
			if ((l == UINT32_MAX || o->want_label[l][f] == top_label) && o->want[f] == top_rows)
				best[n++] = f;
	}
	for (size_t i = 0; i < o->c->labels.n; i++)
		if (o->c->group[i] == group)
		{
			int			f = best[hash % (uint64_t) n];

			o->dealt[i] = true;
			o->fold[i] = (uint8_t) f;
			o->want[f] -= 1;
			for (uint32_t m = 0; m < o->c->labels.n_labels; m++)
				if (has_label(&o->c->labels, i, m))
					o->want_label[m][f] -= 1;
		}
}

/* The undealt group with most rows of l, ties by hash, then number; false when there is none. */
static bool
next_group(const literal *o, uint32_t l, uint32_t *group)
{
	uint64_t	most = 0;

	for (size_t i = 0; i < o->c->labels.n; i++)
	{
		uint32_t	g = o->c->group[i];
		uint64_t	n = o->dealt[i] ? 0 : count_in_group(o, g, l);
		bool		first = gh_random_u64(o->seed, GH_STREAM_FOLDS, g) < gh_random_u64(o->seed, GH_STREAM_FOLDS, *group);

		if (n > most || (n == most && n > 0 && first))
		{
			most = n;
			*group = g;
		}
	}
	return most > 0;
}

static void
literal_folds(literal *o, const double *shares)
{
	const gh_labels *labels = &o->c->labels;
	double		sum = 0;
	uint32_t	group = 0;

	for (int f = 0; f < o->k; f++)
		sum += shares != NULL ? shares[f] : 1;
	for (int f = 0; f < o->k; f++)
	{
		double		share = (shares != NULL ? shares[f] : 1) / sum;

		o->want[f] = share * (double) labels->n;
		for (uint32_t l = 0; l < labels->n_labels; l++)
		{
			size_t		n = 0;

			for (size_t i = 0; i < labels->n; i++)
				n += has_label(labels, i, l);
			o->want_label[l][f] = share * (double) n;
		}
	}
	for (;;)
	{
		uint32_t	rarest = UINT32_MAX;
		size_t		fewest = SIZE_MAX;

		for (uint32_t l = 0; l < labels->n_labels; l++)
		{
			size_t		n = 0;

			for (size_t i = 0; i < labels->n; i++)
				n += !o->dealt[i] && has_label(labels, i, l);
			if (n > 0 && n < fewest)
			{
				fewest = n;
				rarest = l;
			}
		}
		if (rarest == UINT32_MAX)
			break;
		while (next_group(o, rarest, &group))
			literal_deal(o, group, rarest);
	}
	while (next_group(o, UINT32_MAX, &group))
		literal_deal(o, group, UINT32_MAX);
}

static void
folds_are_the_literal_ones(void **state)
{
	static const double uneven[] = {.8, .2};

	(void) state;
	for (int run = 0; run < 6; run++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		catalogue	c = make_catalogue(220, 9, 70, (uint64_t) run);
		int			k = run % 2 ? 2 : 5;
		const double *shares = run % 2 ? uneven : NULL;
		uint8_t		fold[220],
					wanted[220];
		bool		dealt[220] = {false};
		literal		o = {&c, k, 3, {0}, calloc(9, sizeof(double[16])), dealt, wanted};

		test_ok(ctx, gh_folds(ctx, &c.labels, c.group, k, shares, 3, fold));
		literal_folds(&o, shares);
		assert_memory_equal(fold, wanted, 220);
		free(o.want_label);
		discard(&c);
		test_close(ctx);
	}
}

/* ---- properties -------------------------------------------------------- */

static void
groups_stay_together_and_shares_are_met(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	size_t		n = 20000;
	catalogue	c = make_catalogue(n, 40, 3000, 5);
	uint8_t    *fold = malloc(n);
	double	   *in_group = malloc(3000 * sizeof(double));
	uint64_t	rows[5] = {0};

	(void) state;
	test_ok(ctx, gh_folds(ctx, &c.labels, c.group, 5, NULL, 1, fold));
	for (size_t i = 0; i < n; i++)
	{
		rows[fold[i]]++;
		for (size_t j = i + 1; j < i + 40 && j < n; j++)
			if (c.group[i] == c.group[j])
				assert_int_equal(fold[i], fold[j]);
	}
	for (int f = 0; f < 5; f++)
		assert_true(llabs((long long) rows[f] - 4000) < 250);
	for (uint32_t l = 0; l < 40; l++)
	{
		double		count[5] = {0},
					all = 0,
					largest = 0;	/* rows of it in one group: no dealing can do better */

		memset(in_group, 0, 3000 * sizeof(double));
		for (size_t i = 0; i < n; i++)
			if (has_label(&c.labels, i, l))
			{
				count[fold[i]]++;
				all++;
				largest = fmax(largest, ++in_group[c.group[i] / 1000]);
			}
		for (int f = 0; f < 5; f++)
			assert_true(fabs(count[f] - all / 5) <= .1 * all / 5 + largest);
	}
	free(fold);
	free(in_group);
	discard(&c);
	test_close(ctx);
}

/* Rows that are groups of their own, one label each: every fold gets its share to the row. */
static void
single_rows_are_dealt_evenly(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	uint64_t	begin[1001];
	uint32_t	label[1000];
	gh_labels	labels = {1000, 3, begin, label};
	uint8_t		fold[1000];
	static const double shares[] = {8, 2};
	int			count[3][4] = {{0}},
				held[3] = {0};

	(void) state;
	for (size_t i = 0; i < 1000; i++)
	{
		begin[i] = i;
		label[i] = i < 40 ? 0 : i < 300 ? 1 : 2;
	}
	begin[1000] = 1000;
	test_ok(ctx, gh_folds(ctx, &labels, NULL, 4, NULL, 9, fold));
	for (size_t i = 0; i < 1000; i++)
		count[label[i]][fold[i]]++;
	for (int f = 0; f < 4; f++)
	{
		assert_int_equal(count[0][f], 10);
		assert_int_equal(count[1][f], 65);
		assert_int_equal(count[2][f], 175);
	}
	test_ok(ctx, gh_folds(ctx, &labels, NULL, 2, shares, 9, fold));
	for (size_t i = 0; i < 1000; i++)
		held[label[i]] += fold[i] == 1;
	assert_int_equal(held[0], 8);
	assert_int_equal(held[1], 52);
	assert_int_equal(held[2], 140);
	test_close(ctx);
}

static void
order_of_rows_is_no_matter_and_seeds_are(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	size_t		n = 3000;
	catalogue	c = make_catalogue(n, 20, 600, 6),
				r = make_catalogue(n, 20, 600, 6);
	uint8_t    *a = malloc(n),
			   *b = malloc(n);
	uint64_t	m = 0;
	size_t		differ = 0;

	(void) state;
	for (size_t i = 0; i < n; i++)
	{
		size_t		from = n - 1 - i;

		r.group[i] = c.group[from];
		r.begin[i] = m;
		for (uint64_t at = c.begin[from]; at < c.begin[from + 1]; at++)
			r.label[m++] = c.label[at];
	}
	test_ok(ctx, gh_folds(ctx, &c.labels, c.group, 5, NULL, 1, a));
	test_ok(ctx, gh_folds(ctx, &r.labels, r.group, 5, NULL, 1, b));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(a[i], b[n - 1 - i]);
	test_ok(ctx, gh_folds(ctx, &c.labels, c.group, 5, NULL, 2, b));
	for (size_t i = 0; i < n; i++)
		differ += a[i] != b[i];
	assert_true(differ > n / 2);
	free(a);
	free(b);
	discard(&c);
	discard(&r);
	test_close(ctx);
}

static void
a_label_twice_counts_once(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	uint64_t	once[] = {0, 1, 2, 3, 4},
				twice[] = {0, 3, 4, 6, 7};
	uint32_t	a[] = {0, 0, 1, 1},
				b[] = {0, 0, 0, 0, 1, 1, 1};
	gh_labels	x = {4, 2, once, a},
				y = {4, 2, twice, b};
	uint8_t		f[4],
				g[4];

	(void) state;
	test_ok(ctx, gh_folds(ctx, &x, NULL, 2, NULL, 4, f));
	test_ok(ctx, gh_folds(ctx, &y, NULL, 2, NULL, 4, g));
	assert_memory_equal(f, g, 4);
	assert_true(f[0] != f[1] && f[2] != f[3]);
	test_close(ctx);
}

/* As many groups as folds: none stays empty. */
static void
no_fold_is_empty(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	for (uint64_t seed = 0; seed < 20; seed++)
	{
		catalogue	c = make_catalogue(200, 6, 12, seed);
		uint8_t		fold[200];
		int			groups = 0,
					used = 0;

		for (uint32_t g = 0; g < 12; g++)
		{
			bool		there = false;

			for (size_t i = 0; i < 200; i++)
				there |= c.group[i] == g * 1000 + 7;
			groups += there;
		}
		test_ok(ctx, gh_folds(ctx, &c.labels, c.group, groups, NULL, seed, fold));
		for (int f = 0; f < groups; f++)
		{
			bool		there = false;

			for (size_t i = 0; i < 200; i++)
				there |= fold[i] == f;
			used += there;
		}
		assert_int_equal(used, groups);
		discard(&c);
	}
	test_close(ctx);
}

static void
refused(const gh_labels *labels, const uint32_t *group, int k, const double *shares, gh_status status,
		const char *message)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	uint8_t		fold[4];

	assert_int_equal(gh_folds(ctx, labels, group, k, shares, 0, fold), status);
	assert_string_equal(gh_ctx_message(ctx), message);
	test_close(ctx);
}

static void
impossible_requests_are_refused(void **state)
{
	uint64_t	begin[] = {0, 1, 1, 1, 2};
	uint32_t	label[] = {0, 1},
				group[] = {5, 5, 5, 6};
	gh_labels	labels = {4, 2, begin, label},
				none = {0, 2, begin, label};
	double		shares[] = {1, 0};

	(void) state;
	refused(&labels, group, 3, NULL, GH_EDATA, "too few groups for 3 folds");
	refused(&none, NULL, 2, NULL, GH_EDATA, "too few groups for 2 folds");
	refused(&labels, NULL, 0, NULL, GH_EINVAL, "number of folds is 0, not 1 to 255");
	refused(&labels, NULL, 256, NULL, GH_EINVAL, "number of folds is 256, not 1 to 255");
	refused(&labels, NULL, 2, shares, GH_EINVAL, "share of fold 2 is 0, not above 0");
	labels.n_labels = 1;
	refused(&labels, NULL, 2, NULL, GH_EINTERNAL, "label 1 of row 3 is not below 1");
}

static void
failed_allocations_leave_nothing(void **state)
{
	catalogue	c = make_catalogue(100, 5, 20, 1);
	uint8_t		fold[100];
	int			failed = 0;

	(void) state;
	for (uint64_t k = 1; k < 60; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_status	status;

		gh_ctx_fail_allocation(ctx, k, false);
		status = gh_folds(ctx, &c.labels, c.group, 3, NULL, 1, fold);
		assert_true(status == GH_OK || status == GH_ENOMEM);
		failed += status != GH_OK;
		test_close(ctx);
	}
	assert_true(failed >= 25);
	discard(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds_are_the_literal_ones),
		cmocka_unit_test(groups_stay_together_and_shares_are_met),
		cmocka_unit_test(single_rows_are_dealt_evenly),
		cmocka_unit_test(order_of_rows_is_no_matter_and_seeds_are),
		cmocka_unit_test(a_label_twice_counts_once),
		cmocka_unit_test(no_fold_is_empty),
		cmocka_unit_test(impossible_requests_are_refused),
		cmocka_unit_test(failed_allocations_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
