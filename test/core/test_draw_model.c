/*
 * test_draw_model.c
 *		Charts of models: what they say, in which order, and that nothing breaks them.
 */
#include "draw_testing.h"

#include "draw/gh_model_charts.h"
#include "learn/gh_tree.h"

#define MAX_FEATURES 60
#define MAX_SONGS 300

/* ---- data --------------------------------------------------------------- */

typedef struct data
{
	char	   *feature[MAX_FEATURES];
	char	   *song[MAX_SONGS];
	char		names[MAX_FEATURES + MAX_SONGS][16];
	float		value[MAX_SONGS * MAX_FEATURES];
	double		shap[MAX_SONGS * (MAX_FEATURES + 1)];
	double		given[MAX_FEATURES];
} data;

static data d;

static double
noise(uint64_t index)
{
	return gh_random_double(7, 1, index) - 0.5;
}

/* SHAP values of feature f are up to f + 1 in size, so the last feature matters most. */
static gh_shap_chart
make_songs(size_t n, int n_features)
{
	for (int f = 0; f < n_features; f++)
	{
		snprintf(d.names[f], sizeof(d.names[f]), "feature<%d>", f);
		d.feature[f] = d.names[f];
		d.given[f] = f % 5 == 4 ? NAN : noise(f);
	}
	for (size_t i = 0; i < n; i++)
	{
		snprintf(d.names[MAX_FEATURES + i], sizeof(d.names[0]), "song&%zu", i);
		d.song[i] = d.names[MAX_FEATURES + i];
		for (int f = 0; f < n_features; f++)
		{
			d.value[i * n_features + f] = i % 7 == 6 && f == 0 ? NAN : (float) noise(1000 + i * 100 + f);
			d.shap[i * (n_features + 1) + f] = noise(50000 + i * 100 + f) * (f + 1);
		}
		d.shap[i * (n_features + 1) + n_features] = -0.75;
	}
	return (gh_shap_chart) {"default", "rap", NULL, n, d.song, n_features, d.feature, d.value, d.shap, -0.75};
}

static gh_decision_chart
make_decision(int n_features)
{
	(void) make_songs(1, n_features);
	return (gh_decision_chart) {"default", "rap", "hip hop", "song-1", n_features, d.feature, d.given, d.shap};
}

static gh_precision_row precision_row[600];

static gh_precision_chart
make_precision(size_t n)
{
	gh_precision_chart chart = {"default", NULL, 1234, 3, {"vanilla", "hierarchical", "with hint", NULL}, n, precision_row};

	for (size_t i = 0; i < n; i++)
	{
		gh_precision_row *row = &precision_row[i];

		*row = (gh_precision_row) {i % 6 == 0 ? "super" : "genre", i % 6 != 0, {NAN, 0.5, NAN, NAN}, 0.125};
		if (row->is_genre)
		{
			row->score[0] = 0.25;
			row->score[2] = 0.75;
		}
	}
	return chart;
}

static char *picture;
static size_t picture_length;

/* The picture just drawn, checked; freed by the caller. */
static char *
checked(gh_status status)
{
	assert_int_equal(status, GH_OK);
	assert_int_equal(picture_length, strlen(picture));
	assert_picture(picture);
	return picture;
}

#define DRAW(ctx, what, chart) checked(gh_draw_##what((ctx), (chart), &picture, &picture_length))

/* Number after `name="`, at or after `at`. */
static double
number_of(const char *at, const char *name)
{
	char		pattern[32];

	snprintf(pattern, sizeof(pattern), " %s=\"", name);
	at = strstr(at, pattern);
	assert_non_null(at);
	return strtod(at + strlen(pattern), NULL);
}

static const char *
place_of(const char *svg, const char *part)
{
	const char *at = strstr(svg, part);

	if (at == NULL)
		print_error("not there: %s\n", part);
	assert_non_null(at);
	return at;
}

/* Where the text element that holds `part` has its base line. */
static double
height_of(const char *svg, const char *part)
{
	const char *at = place_of(svg, part);

	while (strncmp(at, "<text", 5) != 0)
		at--;
	return number_of(at, "y");
}

/* ---- average precision -------------------------------------------------- */

static void
test_precision_marks(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_precision_chart chart = make_precision(12);
	char	   *svg = DRAW(ctx, precision, &chart);
	const char *ring = place_of(svg, "genre, vanilla: 0.250"),
			   *dot = place_of(svg, "genre, hierarchical: 0.500");

	/* two supergenres with one classifier, ten genres with three */
	assert_int_equal(count_of(svg, ", vanilla: 0.250"), 10);
	assert_int_equal(count_of(svg, ", hierarchical: 0.500"), 12);
	assert_int_equal(count_of(svg, ", with hint: 0.750"), 10);
	assert_int_equal(count_of(svg, ">0.250<"), 10);
	assert_int_equal(count_of(svg, ">0.500<"), 12);
	assert_int_equal(count_of(svg, "prevalence 0.125"), 12);
	assert_non_null(strstr(svg, "1,234 songs"));
	assert_non_null(strstr(svg, "Of 10 genres, 10 have"));
	/* 0.25, 0.5 and 0.75 are as far apart as they are */
	while (strncmp(ring, "<circle", 7) != 0)
		ring--;
	while (strncmp(dot, "<circle", 7) != 0)
		dot--;
	{
		double		from = number_of(ring, "cx"),
					middle = number_of(dot, "cx");
		const char *square = place_of(svg, "genre, with hint: 0.750");

		while (strncmp(square, "<rect", 5) != 0)
			square--;
		assert_float_equal(number_of(square, "x") + 4 - middle, middle - from, 0.02);
		assert_true(middle > from);
	}
	gh_free(ctx, svg);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
test_precision_edges(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_precision_chart chart = make_precision(0);
	char	   *svg;

	chart.n_classifiers = 0;
	chart.songs = 0;
	svg = DRAW(ctx, precision, &chart);
	assert_non_null(strstr(svg, "There are no scores"));
	gh_free(ctx, svg);
	chart = make_precision(1);
	precision_row[0].score[1] = INFINITY;
	precision_row[0].prevalence = NAN;
	svg = DRAW(ctx, precision, &chart);
	assert_null(strstr(svg, "super, hierarchical"));
	gh_free(ctx, svg);
	chart = make_precision(600);
	svg = DRAW(ctx, precision, &chart);
	assert_non_null(strstr(svg, "The first 500 of 600 rows"));
	assert_int_equal(count_of(svg, ", hierarchical: 0.500"), 500);
	gh_free(ctx, svg);
	gh_ctx_close(ctx);
}

/* ---- one decision ------------------------------------------------------- */

static void
test_decision_order(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_decision_chart chart = make_decision(6);
	static double shap[7] = {0.5, -2, 0.25, 1, 0, -0.125, -0.75};
	static const int order[6] = {1, 3, 0, 2, 5, 4};
	char	   *svg,
				number[GH_NUMBER_SIZE],
				percent[GH_NUMBER_SIZE],
				result[128];
	double		sum = -0.75,
				before = 0;

	chart.shap = shap;
	svg = DRAW(ctx, decision, &chart);
	for (int f = 0; f < 6; f++)
		sum += shap[f];
	snprintf(result, sizeof(result), "%s = %s<", gh_number_fixed(number, sum, 2),
			 gh_number_percent(percent, gh_sigmoid(sum)));
	assert_non_null(strstr(svg, result));
	snprintf(result, sizeof(result), ">\xe2\x88\x92" "0.75 = %s<", gh_number_percent(percent, gh_sigmoid(-0.75)));
	assert_non_null(strstr(svg, result));
	/* the result on top, then by magnitude downwards, the base value last */
	before = height_of(svg, ">result<");
	for (int k = 0; k < 6; k++)
	{
		char		label[64];

		snprintf(label, sizeof(label), ">feature&lt;%d&gt; = ", order[k]);
		assert_true(height_of(svg, label) > before);
		before = height_of(svg, label);
	}
	assert_true(height_of(svg, ">base value<") > before);
	assert_non_null(strstr(svg, "feature&lt;4&gt; = missing"));
	assert_non_null(strstr(svg, ">+0.50<"));
	assert_non_null(strstr(svg, ">\xe2\x88\x92" "2.00<"));
	assert_non_null(strstr(svg, "Classifier of rap, given hip hop"));
	gh_free(ctx, svg);
	gh_ctx_close(ctx);
}

/* Arrows follow each other and are as long as their SHAP values. */
static void
test_decision_lengths(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_decision_chart chart = make_decision(3);
	static double shap[4] = {1, -3, 2, 0.5};
	static const double upwards[3] = {1, 2, -3};
	char	   *svg;
	const char *at;
	double		scale = 0,
				end = NAN;

	chart.shap = shap;
	svg = DRAW(ctx, decision, &chart);
	at = svg;
	for (int k = 0; k < 3; k++)
	{
		double		x,
					y,
					neck,
					tip,
					dy;

		at = place_of(at, " d=\"m") + 5;
		assert_int_equal(sscanf(at, "%lf%*[ ]%lfl%lf", &x, &y, &neck), 3);
		at = strchr(at, 'l') + 1;
		assert_int_equal(sscanf(at, "%*f%*[ ]%*f%lf%*[ ]%lf", &tip, &dy), 2);
		if (k > 0)
			assert_float_equal(x, end, 0.11);
		end = x + neck + tip;
		if (k == 0)
			scale = end - x;
		assert_float_equal(end - x, scale * upwards[k], 0.31);
	}
	assert_true(scale > 10);
	gh_free(ctx, svg);
	gh_ctx_close(ctx);
}

static void
test_decision_edges(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_decision_chart chart = make_decision(1);
	char	   *svg = DRAW(ctx, decision, &chart),
			   *text;
	size_t		length;

	gh_free(ctx, svg);
	/* nothing speaks for or against it */
	d.shap[0] = 0;
	gh_free(ctx, DRAW(ctx, decision, &chart));
	/* nearly certain is not certain */
	d.shap[1] = 10;
	svg = DRAW(ctx, decision, &chart);
	assert_non_null(strstr(svg, ">10.00 = 99.995 %<"));
	gh_free(ctx, svg);
	d.shap[1] = 800;
	gh_free(ctx, DRAW(ctx, decision, &chart));
	d.shap[1] = 1e300;
	gh_free(ctx, DRAW(ctx, decision, &chart));
	chart = make_decision(21);
	svg = DRAW(ctx, decision, &chart);
	assert_null(strstr(svg, "other features"));
	gh_free(ctx, svg);
	chart = make_decision(MAX_FEATURES);
	svg = DRAW(ctx, decision, &chart);
	assert_non_null(strstr(svg, "40 other features"));
	gh_free(ctx, svg);
	d.shap[3] = NAN;
	assert_int_equal(gh_draw_decision(ctx, &chart, &text, &length), GH_EDATA);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

/* ---- many songs --------------------------------------------------------- */

static void
test_summary(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_shap_chart chart = make_songs(200, 6);
	char	   *svg = DRAW(ctx, shap_summary, &chart);
	double		before = 0;

	/* a dot per song and feature */
	assert_int_equal(count_of(svg, "h0"), 200 * 6);
	assert_non_null(strstr(svg, "200 songs"));
	assert_non_null(strstr(svg, "value missing"));
	for (int f = 5; f >= 0; f--)
	{
		char		label[32],
					number[GH_NUMBER_SIZE];
		double		mean = 0;

		snprintf(label, sizeof(label), ">feature&lt;%d&gt;</text>", f);
		assert_true(height_of(svg, label) > before);
		before = height_of(svg, label);
		for (int i = 0; i < 200; i++)
			mean += fabs(d.shap[i * 7 + f]);
		snprintf(label, sizeof(label), ">%s<", gh_number_fixed(number, mean / 200, 3));
		assert_non_null(strstr(svg, label));
	}
	gh_free(ctx, svg);
	chart = make_songs(100, 3);
	for (int i = 0; i < 100; i++)
		d.value[i * 3] = 5;
	svg = DRAW(ctx, shap_summary, &chart);
	assert_non_null(strstr(svg, ">always 5<"));
	assert_null(strstr(svg, "value missing"));
	gh_free(ctx, svg);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

/* Dots at the same place do not lie on each other, and stay in their row. */
static void
test_summary_stacks(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_shap_chart chart = make_songs(9, 1);
	char	   *svg;
	const char *at;
	double		y[9],
				pen = 0;
	int			n = 0;

	for (int i = 0; i < 9; i++)
	{
		d.shap[2 * i] = 1;
		d.value[i] = 2;
	}
	svg = DRAW(ctx, shap_summary, &chart);
	at = place_of(svg, " d=\"m") + 4;
	while (n < 9)
	{
		double		dx,
					dy;

		assert_int_equal(sscanf(at, "m%lf%*[ ]%lf", &dx, &dy) == 2 || sscanf(at, "m%lf%lf", &dx, &dy) == 2, 1);
		if (n > 0)
			assert_float_equal(dx, 0, 0);
		pen += dy;
		y[n++] = pen;
		at = strstr(at, "h0") + 2;
	}
	for (int i = 0; i < 9; i++)
		for (int j = 0; j < i; j++)
			assert_true(fabs(y[i] - y[j]) > 2.9);
	gh_free(ctx, svg);
	gh_ctx_close(ctx);
}

/* The path of one song bends by its SHAP values. */
static void
test_paths_bend(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_shap_chart chart = make_songs(1, 4);
	static const double upwards[4] = {-0.5, 1, 2, -4};
	char	   *svg;
	const char *at;
	double		scale = 0;

	d.shap[0] = -4;
	d.shap[1] = -0.5;
	d.shap[2] = 2;
	d.shap[3] = 1;
	svg = DRAW(ctx, shap_paths, &chart);
	at = strchr(place_of(svg, " d=\"m"), 'l') + 1;
	for (int k = 0; k < 4; k++)
	{
		char	   *next;
		double		dx = strtod(at, &next);

		assert_float_equal(strtod(next, &next), -25, 0);
		at = next;
		if (k == 0)
			scale = dx / upwards[0];
		/* places are rounded to tenths, and the scale comes from the shortest step */
		assert_float_equal(dx, scale * upwards[k], 0.11 + 0.2 * fabs(upwards[k]));
	}
	assert_true(scale > 10);
	assert_non_null(strstr(svg, "song&amp;0: "));
	gh_free(ctx, svg);
	gh_ctx_close(ctx);
}

static void
test_paths(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_shap_chart chart = make_songs(300, 5);
	char	   *svg,
				median[64];
	int			yes = 0;

	/* one that goes far from the others */
	for (int f = 0; f < 5; f++)
		d.shap[17 * 6 + f] = -6;
	for (int i = 0; i < 300; i++)
	{
		double		sum = 0;

		for (int f = 0; f < 6; f++)
			sum += d.shap[i * 6 + f];
		yes += sum >= 0;
	}
	svg = DRAW(ctx, shap_paths, &chart);
	snprintf(median, sizeof(median), "median of %d songs at 50 %% or more", yes);
	assert_non_null(strstr(svg, median));
	snprintf(median, sizeof(median), "median of %d songs below 50 %%", 300 - yes);
	assert_non_null(strstr(svg, median));
	assert_non_null(strstr(svg, ">1  song&amp;17: "));
	/* a path per song, two for each median, one per outlier */
	assert_true(count_of(svg, "<path") >= 300 + 4 + 1 && count_of(svg, "<path") <= 300 + 4 + 6);
	assert_int_equal(count_of(svg, "<title>song&amp;17: "), 2);
	gh_free(ctx, svg);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
test_songs_edges(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	static const size_t sizes[] = {0, 1, 2};
	char	   *text;
	size_t		length;

	for (int k = 0; k < 3; k++)
	{
		gh_shap_chart chart = make_songs(sizes[k], 1);

		gh_free(ctx, DRAW(ctx, shap_summary, &chart));
		gh_free(ctx, DRAW(ctx, shap_paths, &chart));
		chart = make_songs(sizes[k], MAX_FEATURES);
		for (size_t i = 0; i < sizes[k] * MAX_FEATURES; i++)
			d.value[i] = NAN;
		gh_free(ctx, DRAW(ctx, shap_summary, &chart));
		text = DRAW(ctx, shap_paths, &chart);
		assert_non_null(strstr(text, "40 other features"));
		gh_free(ctx, text);
		if (sizes[k] == 0)
			continue;
		d.shap[sizes[k] * (MAX_FEATURES + 1) - 2] = INFINITY;
		assert_int_equal(gh_draw_shap_summary(ctx, &chart, &text, &length), GH_EDATA);
		gh_ctx_close(ctx);
		ctx = gh_ctx_open(NULL);
		assert_int_equal(gh_draw_shap_paths(ctx, &chart, &text, &length), GH_EDATA);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
		ctx = gh_ctx_open(NULL);
	}
	gh_ctx_close(ctx);
}

/* ---- all of them -------------------------------------------------------- */

static gh_status
draw_kind(gh_ctx *ctx, int kind, const char *name, char **text, size_t *length)
{
	gh_shap_chart songs = make_songs(40, 5);
	gh_decision_chart decision = make_decision(5);
	gh_precision_chart precision = make_precision(8);

	if (name != NULL)
	{
		songs.node = songs.parent = decision.node = decision.parent = decision.song = precision.supergenre = name;
		for (int f = 0; f < 5; f++)
			d.feature[f] = (char *) name;
		for (int i = 0; i < 40; i++)
			d.song[i] = (char *) name;
		for (int i = 0; i < 8; i++)
			precision_row[i].name = name;
	}
	switch (kind)
	{
		case 0:
			return gh_draw_precision(ctx, &precision, text, length);
		case 1:
			return gh_draw_decision(ctx, &decision, text, length);
		case 2:
			return gh_draw_shap_summary(ctx, &songs, text, length);
		default:
			return gh_draw_shap_paths(ctx, &songs, text, length);
	}
}

static void
test_hostile_names(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	for (int kind = 0; kind < 4; kind++)
		for (int i = 0; i < N_HOSTILE; i++)
		{
			char	   *text;
			size_t		length;

			assert_int_equal(draw_kind(ctx, kind, hostile_name(i), &text, &length), GH_OK);
			assert_picture(text);
			assert_true(length < 200000);
			gh_free(ctx, text);
		}
	gh_ctx_close(ctx);
}

static void
test_same_bytes(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	for (int kind = 0; kind < 4; kind++)
	{
		char	   *first,
				   *second;
		size_t		length,
					again;

		assert_int_equal(draw_kind(ctx, kind, NULL, &first, &length), GH_OK);
		assert_int_equal(draw_kind(ctx, kind, NULL, &second, &again), GH_OK);
		assert_int_equal(length, again);
		assert_memory_equal(first, second, length);
		gh_free(ctx, first);
		gh_free(ctx, second);
	}
	gh_ctx_close(ctx);
}

static void
test_allocations_fail(UNUSED void **state)
{
	for (int kind = 0; kind < 4; kind++)
	{
		gh_status	status = GH_ENOMEM;

		for (uint64_t k = 1; status != GH_OK; k++)
		{
			gh_ctx	   *ctx = gh_ctx_open(NULL);
			char	   *text;
			size_t		length;

			assert_true(k < 200);
			gh_ctx_fail_allocation(ctx, k, false);
			status = draw_kind(ctx, kind, NULL, &text, &length);
			if (status == GH_OK)
				gh_free(ctx, text);
			else
				assert_int_equal(status, GH_ENOMEM);
			assert_int_equal(gh_memory_used(ctx), 0);
			gh_ctx_close(ctx);
		}
	}
}

static bool
always(UNUSED void *arg)
{
	return true;
}

static void
test_cancel(UNUSED void **state)
{
	gh_host		host = {.should_stop = always,.threads = 1,.memory_limit = SIZE_MAX};

	for (int kind = 2; kind < 4; kind++)
	{
		gh_ctx	   *ctx = gh_ctx_open(&host);
		char	   *text;
		size_t		length;

		assert_int_equal(draw_kind(ctx, kind, NULL, &text, &length), GH_ECANCELED);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precision_marks),
		cmocka_unit_test(test_precision_edges),
		cmocka_unit_test(test_decision_order),
		cmocka_unit_test(test_decision_lengths),
		cmocka_unit_test(test_decision_edges),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_summary_stacks),
		cmocka_unit_test(test_paths_bend),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_songs_edges),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_allocations_fail),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
