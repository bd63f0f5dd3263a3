/*
 * test_draw_charts.c
 *		Projections, grids and hierarchies as pictures.
 */
#include "draw_testing.h"

#include "base/gh_context.h"
#include "draw/gh_grid_chart.h"
#include "draw/gh_hierarchy_chart.h"
#include "draw/gh_projection_chart.h"

/* ---- projections ------------------------------------------------------ */

typedef struct sample
{
	gh_projected points;
	double	   *xy;
	int32_t    *cluster;
	char	   *name[N_HOSTILE];
	char	  **label;
} sample;

/* Blobs around a circle, every ninth point noise; every `labelled`th has a name. */
static void
make_sample(sample *s, size_t n, uint32_t n_clusters, size_t labelled)
{
	memset(s, 0, sizeof(*s));
	s->xy = calloc(2 * n + 1, sizeof(double));
	s->cluster = calloc(n + 1, sizeof(int32_t));
	s->label = calloc(n + 1, sizeof(char *));
	for (size_t i = 0; i < n; i++)
	{
		uint32_t	k = (uint32_t) (i % n_clusters);

		s->cluster[i] = i % 9 == 8 ? -1 : (int32_t) k;
		s->xy[2 * i] = 5 * cos(k) + 0.5 * gh_random_normal(1, GH_STREAM_TEST, 2 * i);
		s->xy[2 * i + 1] = 5 * sin(k) + 0.5 * gh_random_normal(1, GH_STREAM_TEST, 2 * i + 1);
		if (labelled > 0 && i % labelled == 0)
			s->label[i] = (char *) hostile_name((int) (i / labelled % N_HOSTILE));
	}
	for (int i = 0; i < N_HOSTILE; i++)
		s->name[i] = (char *) hostile_name(i);
	s->points = (gh_projected) {.n = n,.xy = s->xy,.cluster = s->cluster,.n_clusters = n_clusters,
		.cluster_name = s->name,.label = s->label,.dimensions = 2};
}

static void
free_sample(sample *s)
{
	free(s->xy);
	free(s->cluster);
	free(s->label);
}

static void
draw_sample(gh_ctx *ctx, const sample *s, char **text)
{
	size_t		length;

	assert_int_equal(gh_draw_projection(ctx, &s->points, NULL, "p", text, &length), GH_OK);
	assert_int_equal(length, strlen(*text));
	assert_picture(*text);
}

/* All marks of the paths of a projection: places in units into at[], with the class of the path. */
static size_t
read_marks(const char *svg, double *at, char class[][8], size_t room)
{
	const char *group = strstr(svg, "<g transform=\"translate(");
	const char *end;
	char	   *next = NULL;
	double		left,
				top,
				scale;
	size_t		n = 0;

	if (group == NULL)
		return 0;
	left = strtod(group + strlen("<g transform=\"translate("), &next);
	top = strtod(next, &next);
	scale = strtod(strstr(next, "scale(") + 6, NULL);
	end = strstr(group, "</g>");
	for (const char *path = group; (path = strstr(path, "<path class=\"none ")) != NULL && path < end; path++)
	{
		const char *d = strstr(path, " d=\"") + 4;
		double		x = 0,
					y = 0;

		while (*d == 'm')
		{
			double		run;

			x += strtod(d + 1, &next);
			y += strtod(next, &next);
			assert_int_equal(*next, 'h');
			run = strtod(next + 1, &next);
			for (double k = 0; k <= run && n < room; k++)
			{
				at[2 * n] = left + (x + k) * scale;
				at[2 * n + 1] = top + y * scale;
				sscanf(path, "<path class=\"none %7[a-z0-9]", class[n]);
				n++;
			}
			x += run;
			d = next;
		}
		assert_int_equal(*d, '"');
	}
	return n;
}

/* Every point has a mark within its cell, and every mark a point: for few points (dots) and for many (runs). */
static void
every_point_is_drawn(void **state)
{
	static const size_t sizes[] = {1, 2, 500, 40000};

	(void) state;
	for (size_t s = 0; s < 4; s++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		size_t		n = sizes[s],
					n_marks,
					compared = n < 500 ? n : 500;
		sample		data;
		double	   *at = calloc(2 * n, sizeof(double));
		char		(*class)[8] = calloc(n + 1, 8);
		double		x0 = INFINITY,
					x1 = -INFINITY,
					m0 = INFINITY,
					m1 = -INFINITY,
					y0 = INFINITY,
					y1 = -INFINITY,
					n0 = INFINITY,
					n1 = -INFINITY,
					scale;
		char	   *svg;

		make_sample(&data, n, 3, 0);
		draw_sample(ctx, &data, &svg);
		n_marks = read_marks(svg, at, class, n);
		assert_true(n_marks > 0 && n_marks <= n);
		if (n <= 500)
			assert_true(n_marks >= n * 95 / 100);
		for (size_t i = 0; i < n; i++)
		{
			x0 = fmin(x0, data.xy[2 * i]);
			x1 = fmax(x1, data.xy[2 * i]);
			y0 = fmin(y0, data.xy[2 * i + 1]);
			y1 = fmax(y1, data.xy[2 * i + 1]);
		}
		for (size_t k = 0; k < n_marks; k++)
		{
			m0 = fmin(m0, at[2 * k]);
			m1 = fmax(m1, at[2 * k]);
			n0 = fmin(n0, at[2 * k + 1]);
			n1 = fmax(n1, at[2 * k + 1]);
		}
		scale = x1 > x0 ? fmin(608 / (x1 - x0), 500 / (y1 - y0)) : 0;
		assert_true(fabs((m1 - m0) - (x1 - x0) * scale) < 1 && fabs((n1 - n0) - (y1 - y0) * scale) < 1);
		for (size_t i = 0; i < compared; i++)
		{
			double		x = (m0 + m1) / 2 + (data.xy[2 * i] - (x0 + x1) / 2) * scale,
						y = (n0 + n1) / 2 - (data.xy[2 * i + 1] - (y0 + y1) / 2) * scale,
						best = INFINITY;

			for (size_t k = 0; k < n_marks; k++)
				if ((class[k][0] == 'v') == (data.cluster[i] < 0))
					best = fmin(best, fmax(fabs(at[2 * k] - x), fabs(at[2 * k + 1] - y)));
			/* half a cell for the mark, half a cell for the ends its place is reckoned from */
			assert_true(best <= (n > 30000 ? 0.75 : 0.25) + 0.01);
		}
		gh_free(ctx, svg);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
		free_sample(&data);
		free(at);
		free(class);
	}
}

/* The largest cluster has a middle where its points are; clusters have different colours up to the palette. */
static void
clusters_differ_in_color(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	sample		data;
	char	   *svg;

	(void) state;
	make_sample(&data, 4000, 8, 0);
	draw_sample(ctx, &data, &svg);
	for (size_t i = 0; i < GH_PALETTE; i++)
	{
		char		class[32];

		snprintf(class, sizeof(class), "class=\"none %s\"", gh_stroke_class(i));
		assert_non_null(strstr(svg, class));
	}
	gh_free(ctx, svg);
	gh_ctx_close(ctx);
	free_sample(&data);
}

/* A rough box of every label "c halo" and name "n halo"; they do not overlap. */
static void
labels_do_not_overlap(void **state)
{
	static char *const names[] = {"rock", "a rather long name of a cluster", "pop", "latin", "hip hop"};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	sample		data;
	double		box[200][4];
	int			n = 0;
	char	   *svg;

	(void) state;
	make_sample(&data, 3000, 5, 0);
	for (int i = 0; i < 5; i++)
		data.name[i] = names[i];
	for (size_t i = 0; i < 3000; i++)
		data.label[i] = names[i % 5];
	draw_sample(ctx, &data, &svg);
	for (const char *at = svg; (at = strstr(at, "<text class=\"")) != NULL; at++)
	{
		bool		middle = at[13] == 'n';
		double		width,
					x,
					y;
		char		text[64];

		if (strncmp(at + 14, " halo\"", 6) != 0)
			continue;
		assert_int_equal(sscanf(at + 20, " x=\"%lf\" y=\"%lf\"", &x, &y), 2);
		assert_int_equal(sscanf(strchr(at, '>'), ">%63[^<]", text), 1);
		width = gh_text_width(text, middle ? GH_SIZE_NAME : GH_SIZE_SMALL);
		box[n][0] = middle ? x - width / 2 : x;
		box[n][1] = box[n][0] + width;
		box[n][2] = y - 9;
		box[n][3] = y + 2;
		n++;
	}
	assert_true(n > 10);
	for (int i = 0; i < n; i++)
		for (int k = 0; k < i; k++)
			assert_false(box[i][0] < box[k][1] && box[k][0] < box[i][1] && box[i][2] < box[k][3] && box[k][2] < box[i][3]);
	gh_free(ctx, svg);
	gh_ctx_close(ctx);
	free_sample(&data);
}

static void
hostile_projections(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	sample		data;
	char	   *svg,
			   *again;

	(void) state;
	make_sample(&data, 2000, N_HOSTILE, 7);
	draw_sample(ctx, &data, &svg);
	draw_sample(ctx, &data, &again);
	assert_string_equal(svg, again);
	assert_non_null(strstr(svg, "&lt;script&gt;"));
	gh_free(ctx, svg);
	gh_free(ctx, again);
	/* empty, without clusters, without labels, all points in one place, extreme coordinates */
	for (int kind = 0; kind < 5; kind++)
	{
		sample		odd = data;

		if (kind == 0)
			odd.points.n = 0;
		if (kind == 1)
			odd.points.cluster = NULL;
		if (kind == 2)
			odd.points.label = NULL;
		for (size_t i = 0; i < 4000 && kind >= 3; i++)
			odd.xy[i] = kind == 3 ? 7 : (i % 4 < 2 ? -1e300 : 1e300);
		draw_sample(ctx, &odd, &svg);
		assert_int_equal(strstr(svg, "no points") != NULL, kind == 0);
		gh_free(ctx, svg);
	}
	gh_ctx_close(ctx);
	free_sample(&data);
}

/* The limit: 228,000 points below 5 MB, also when no two share a place and all have names. */
static void
many_points_are_small(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	size_t		n = 228000;
	sample		data;
	char	   *svg;

	(void) state;
	make_sample(&data, n, 11, 1);
	for (size_t i = 0; i < n; i++)
	{
		data.xy[2 * i] = gh_random_double(3, GH_STREAM_TEST, 2 * i);
		data.xy[2 * i + 1] = gh_random_double(3, GH_STREAM_TEST, 2 * i + 1);
	}
	draw_sample(ctx, &data, &svg);
	assert_true(strlen(svg) < 5000000);
	/* what is asked for beforehand */
	assert_true(gh_memory_peak(ctx) < 48 * n + 8 * 1024 * 1024);
	assert_true(gh_memory_peak(ctx) > (48 * n + 8 * 1024 * 1024) / 2);
	gh_free(ctx, svg);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free_sample(&data);
}

/* ---- grids ------------------------------------------------------------ */

static void
grids(void **state)
{
	static const double odd[] = {0.5, NAN, INFINITY, -INFINITY, 0, -1, 1e300, 12};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_grid_point point[300];
	gh_grid_chart grid = {.point = point,.n_methods = 3};
	char	   *svg;
	size_t		length;

	(void) state;
	for (int i = 0; i < 3; i++)
		grid.method[i] = (char *) hostile_name(i);
	for (size_t i = 0; i < 300; i++)
		point[i] = (gh_grid_point) {odd[i % 8], odd[i / 8 % 8], odd[i % 7], odd[i / 3 % 8], (int) (i % 4) - 1,
			(char *) hostile_name((int) i % N_HOSTILE)};
	for (size_t n = 0; n <= 300; n += n < 10 ? 1 : 145)
	{
		grid.n = n;
		assert_int_equal(gh_draw_grid(ctx, &grid, NULL, &svg, &length), GH_OK);
		assert_picture(svg);
		gh_free(ctx, svg);
	}
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
the_best_setting_is_marked(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_grid_point point[] = {
		{0.3, 5, 0.1, 10, 0, "first"}, {0.5, 9, 0.3, 20, 0, "noisy"}, {0.5, 7, 0.2, 40, 1, "winner"},
		{NAN, 1, 0, 80, 0, "undefined"}, {0.5, 8, 0.2, 80, 1, "too many"}
	};
	gh_grid_chart grid = {.n = 5,.point = point,.n_methods = 2,.method = {"eom", "leaf"}};
	char	   *svg;
	size_t		length;

	(void) state;
	assert_int_equal(gh_draw_grid(ctx, &grid, NULL, &svg, &length), GH_OK);
	assert_picture(svg);
	assert_non_null(strstr(svg, ">Best: DBCV 0.500, 7 clusters, 20 % noise<"));
	assert_non_null(strstr(svg, ">winner</text>"));
	assert_non_null(strstr(svg, "5 settings; DBCV is not defined for 1<"));
	assert_null(strstr(svg, "<title>undefined"));
	/* in both panels */
	assert_int_equal(count_of(svg, ">best<"), 2);
	assert_int_equal(count_of(svg, "<title>winner</title>"), 2);
	assert_int_equal(count_of(svg, "<title>noisy</title>"), 2);
	gh_free(ctx, svg);
	gh_ctx_close(ctx);
}

/* ---- hierarchies ------------------------------------------------------ */

/* n_top supergenres of n_below genres each; names are hostile. */
static gh_model
make_model(uint32_t n_top, uint32_t n_below)
{
	gh_model	model = {.n_nodes = n_top * (1 + n_below),.n_genres = n_top * n_below};

	model.node = calloc(model.n_nodes + 1, sizeof(gh_node));
	for (uint32_t i = 0; i < model.n_nodes; i++)
	{
		bool		top = i < n_top;
		uint32_t	k = i - n_top;

		model.node[i] = (gh_node) {.name = (char *) hostile_name((int) (i % N_HOSTILE)),
			.parent = top ? -1 : (int32_t) (k % n_top),.level = top ? 1 : 2,.is_genre = !top,
			.positives = top ? 1000000 + i : 10 + k,.negatives = top ? 9000000 - i : 1000000,
			.ap_defined = i % 5 != 4,.average_precision = i % 7 == 6 ? NAN : (double) (i % 11) / 10};
	}
	return model;
}

static void
hierarchies(void **state)
{
	static const uint32_t shapes[][2] = {{0, 0}, {1, 0}, {1, 1}, {5, 7}, {30, 100}, {700, 3}};
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
	{
		gh_model	model = make_model(shapes[i][0], shapes[i][1]);
		uint32_t	shown = model.n_nodes < GH_CHART_MAX_ROWS ? model.n_nodes : GH_CHART_MAX_ROWS;
		char	   *svg,
				   *again;
		size_t		length;

		assert_int_equal(gh_draw_hierarchy(ctx, &model, NULL, "a", &svg, &length), GH_OK);
		assert_int_equal(gh_draw_hierarchy(ctx, &model, NULL, "a", &again, &length), GH_OK);
		assert_string_equal(svg, again);
		assert_picture(svg);
		/* one bar a node, besides the ground */
		assert_int_equal(count_of(svg, "<rect"), shown + 1);
		assert_int_equal(strstr(svg, " smaller<") != NULL, model.n_nodes > GH_CHART_MAX_ROWS);
		gh_free(ctx, svg);
		gh_free(ctx, again);
		free(model.node);
	}
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

/* Levels below levels, children before larger cousins, and the counts of what is left out. */
static void
rows_follow_the_tree(void **state)
{
	gh_node		node[] = {
		{.name = "small top",.parent = -1,.positives = 10,.negatives = 90},
		{.name = "large top",.parent = -1,.positives = 60,.negatives = 40},
		{.name = "middle",.parent = 1,.positives = 30,.negatives = 30},
		{.name = "leaf one",.parent = 2,.is_genre = true,.positives = 10},
		{.name = "leaf two",.parent = 2,.is_genre = true,.positives = 20},
		{.name = "leaf three",.parent = 1,.is_genre = true,.positives = 25},
		{.name = "leaf four",.parent = 0,.is_genre = true,.positives = 10}
	};
	static const char *const order[] = {
		"large top", "middle", "leaf two", "leaf one", "leaf three", "small top", "leaf four"
	};
	gh_model	model = {.n_nodes = 7,.n_genres = 4,.node = node};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	char	   *svg;
	const char *at;
	size_t		length;

	(void) state;
	assert_int_equal(gh_draw_hierarchy(ctx, &model, "T", NULL, &svg, &length), GH_OK);
	assert_picture(svg);
	at = svg;
	for (int i = 0; i < 7; i++)
	{
		char		text[64];

		snprintf(text, sizeof(text), ">%s</text>", order[i]);
		at = strstr(at, text);
		assert_non_null(at);
	}
	assert_non_null(strstr(svg, "3 supergenres, 4 genres, trained on 100 songs"));
	gh_free(ctx, svg);
	gh_ctx_close(ctx);
}

/* ---- failures --------------------------------------------------------- */

static gh_status
draw_one(gh_ctx *ctx, int which, const sample *data, const gh_model *model)
{
	static const gh_grid_point point[] = {{0.3, 5, 0.1, 10, 0, "first"}, {0.4, 6, 0.2, 20, 1, "second"}};
	gh_grid_chart grid = {.n = 2,.point = point,.n_methods = 2,.method = {"eom", "leaf"}};
	char	   *text;
	size_t		length;
	gh_status	status = which == 0 ? gh_draw_projection(ctx, &data->points, NULL, NULL, &text, &length)
		: which == 1 ? gh_draw_grid(ctx, &grid, NULL, &text, &length)
		: gh_draw_hierarchy(ctx, model, NULL, NULL, &text, &length);

	assert_int_equal(status == GH_OK, text != NULL);
	gh_free(ctx, text);
	assert_int_equal(gh_memory_used(ctx), 0);
	return status;
}

static void
allocation_failures(void **state)
{
	gh_model	model = make_model(3, 4);
	sample		data;

	(void) state;
	make_sample(&data, 300, 5, 3);
	for (int which = 0; which < 3; which++)
	{
		gh_status	status = GH_ENOMEM;

		for (uint64_t k = 1; status != GH_OK; k++)
		{
			gh_ctx	   *ctx = gh_ctx_open(NULL);

			gh_ctx_fail_allocation(ctx, k, k % 2 == 0);
			status = draw_one(ctx, which, &data, &model);
			assert_true(status == GH_OK || status == GH_ENOMEM);
			assert_true(k < 200 && (k > 1 || status != GH_OK));
			gh_ctx_close(ctx);
		}
	}
	free_sample(&data);
	free(model.node);
}

static bool
stop_now(void *arg)
{
	uint64_t   *left = arg;

	return *left == 0 || --*left == 0;
}

static void
cancel_anywhere(void **state)
{
	gh_model	model = make_model(3, 4);
	sample		data;

	(void) state;
	make_sample(&data, 9000, 5, 3);
	for (int which = 0; which < 3; which++)
	{
		gh_status	status = GH_ECANCELED;
		uint64_t	k;

		for (k = 1; status != GH_OK; k = k * 5 / 4 + 1)
		{
			uint64_t	left = k;
			gh_host		host = {.arg = &left,.should_stop = stop_now,.threads = 1,.memory_limit = SIZE_MAX};
			gh_ctx	   *ctx = gh_ctx_open(&host);

			status = draw_one(ctx, which, &data, &model);
			assert_true(status == GH_OK || status == GH_ECANCELED);
			gh_ctx_close(ctx);
		}
		assert_true(k > 2);
	}
	free_sample(&data);
	free(model.node);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_point_is_drawn),
		cmocka_unit_test(clusters_differ_in_color),
		cmocka_unit_test(labels_do_not_overlap),
		cmocka_unit_test(hostile_projections),
		cmocka_unit_test(many_points_are_small),
		cmocka_unit_test(grids),
		cmocka_unit_test(the_best_setting_is_marked),
		cmocka_unit_test(hierarchies),
		cmocka_unit_test(rows_follow_the_tree),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(cancel_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
