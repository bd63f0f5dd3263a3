/*
 * test_draw.c
 *		The writer of markup, text, axes and the placement of labels.
 */
#include "draw_testing.h"

#include "base/gh_context.h"
#include "draw/gh_chart.h"
#include "draw/gh_place.h"

/* ---- markup ----------------------------------------------------------- */

static void
markup_is_what_was_asked(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_markup	m;
	char	   *text;
	size_t		length;

	(void) state;
	gh_markup_init(&m, ctx, false);
	gh_markup_begin(&m, "g");
	gh_markup_attr(&m, "class", "a\"<>&'b");
	gh_markup_attr_number(&m, "x", -0.5);
	gh_markup_begin(&m, "path");
	gh_markup_end(&m);
	gh_markup_element(&m, "title", "R&B <3");
	gh_markup_end(&m);
	assert_int_equal(gh_markup_finish(&m, &text, &length), GH_OK);
	assert_string_equal(text, "<g class=\"a&quot;&lt;&gt;&amp;&#39;b\" x=\"-.5\"><path/><title>R&amp;B &lt;3</title></g>");
	assert_int_equal(length, strlen(text));
	gh_free(ctx, text);

	gh_markup_init(&m, ctx, true);
	gh_markup_begin(&m, "td");
	gh_markup_end(&m);
	gh_markup_begin(&m, "br");
	gh_markup_end(&m);
	assert_int_equal(gh_markup_finish(&m, &text, &length), GH_OK);
	assert_string_equal(text, "<td></td><br>");
	gh_free(ctx, text);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
numbers_in_markup(void **state)
{
	static const double values[] = {0, 1, -1, 0.5, -0.004, -0.006, 0.005, 12.345, 99.999, 1e6, 100, 1200, -7.1};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	char		expected[64];
	char	   *text;
	size_t		length;

	(void) state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		gh_markup	m;

		gh_markup_init(&m, ctx, false);
		gh_markup_number(&m, values[i], 2);
		assert_int_equal(gh_markup_finish(&m, &text, &length), GH_OK);
		/* half a unit goes away from zero here and anywhere in printf */
		assert_true(fabs(strtod(text, NULL) - values[i]) <= 0.0050001);
		snprintf(expected, sizeof(expected), "%.2f", strtod(text, NULL));
		assert_true(strlen(text) <= strlen(expected));
		assert_string_not_equal(text, "-0");
		gh_free(ctx, text);
	}
	gh_ctx_close(ctx);
}

static void
broken_calls_are_reported(void **state)
{
	static const double bad[] = {NAN, INFINITY, -INFINITY, 1e10};
	char	   *text;
	size_t		length;

	(void) state;
	for (size_t i = 0; i < 6; i++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_markup	m;

		gh_markup_init(&m, ctx, false);
		if (i < 4)
			gh_markup_number(&m, bad[i], 2);
		else if (i == 4)
			gh_markup_begin(&m, "g");
		else
			gh_markup_end(&m);
		assert_int_equal(gh_markup_finish(&m, &text, &length), GH_EINTERNAL);
		assert_null(text);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

/* ---- text ------------------------------------------------------------- */

static void
hostile_text_is_well_formed(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	for (int i = 0; i < N_HOSTILE; i++)
	{
		const char *name = hostile_name(i);
		gh_figure	figure = {.title = name,.subtitle = name,.description = name,.prefix = name,.height = 300};
		gh_svg		svg;
		char	   *text;
		size_t		length;

		gh_svg_open(&svg, ctx, &figure);
		gh_svg_circle(&svg, name, 1, 2, 3);
		gh_svg_tooltip(&svg, name);
		gh_svg_end(&svg);
		gh_svg_text(&svg, "l", GH_END, 10, 10, GH_SIZE_TEXT, 80, name);
		assert_int_equal(gh_svg_close(&svg, &text, &length), GH_OK);
		assert_picture(text);
		assert_true(length < 70000);
		gh_free(ctx, text);
	}
	gh_ctx_close(ctx);
}

/* Any bytes: the reader goes on, and what it gives can be written. */
static void
random_bytes_are_read(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	for (uint64_t round = 0; round < 3000; round++)
	{
		char		bytes[48],
					cut[32],
				   *text;
		size_t		length;
		gh_markup	m;

		for (int i = 0; i < 47; i++)
		{
			uint64_t	r = (uint64_t) (gh_random_double(round, GH_STREAM_TEST, (uint64_t) i) * 65536);

			/* mostly bytes that are close to good UTF-8 */
			bytes[i] = (char) (r % 3 == 0 ? r >> 8 : r % 3 == 1 ? 0x80 | (r >> 8 & 0x3F) : 0xC0 | (r >> 8 & 0x3F));
			if (bytes[i] == '\0')
				bytes[i] = 'x';
		}
		bytes[47] = '\0';
		gh_markup_init(&m, ctx, false);
		gh_markup_begin(&m, "t");
		gh_markup_attr(&m, "a", bytes);
		gh_markup_text(&m, bytes);
		gh_text_cut(cut, sizeof(cut), bytes, 13, 100);
		assert_true(strlen(cut) < sizeof(cut));
		gh_markup_text(&m, cut);
		gh_markup_end(&m);
		assert_int_equal(gh_markup_finish(&m, &text, &length), GH_OK);
		assert_null(xml_error(text));
		gh_free(ctx, text);
	}
	gh_ctx_close(ctx);
}

static void
text_is_cut_to_its_width(void **state)
{
	char		cut[256];
	bool		is_cut;

	(void) state;
	for (int i = 0; i < N_HOSTILE; i++)
	{
		for (double width = 20; width < 300; width += 7)
		{
			double		taken = gh_text_cut(cut, sizeof(cut), hostile_name(i), 13, width);

			assert_true(taken <= width);
			assert_true(fabs(taken - gh_text_width(cut, 13)) < 1e-9);
		}
	}
	assert_true(gh_text_cut(cut, sizeof(cut), "rock", 13, 1000) > 13);
	assert_string_equal(cut, "rock");
	gh_text_cut(cut, sizeof(cut), "rock and roll", 10, 40);
	assert_string_equal(cut, "rock\xE2\x80\xA6");
	/* a mark stays with its letter: e and four accents, again and again */
	for (double width = 15; width < 60; width += 1)
	{
		static const char accents[] = "e\xcc\x81\xcc\x82" "e\xcc\x81\xcc\x82" "e\xcc\x81\xcc\x82" "e\xcc\x81\xcc\x82"
			"e\xcc\x81\xcc\x82" "e\xcc\x81\xcc\x82";

		assert_int_equal(gh_text_fit(accents, 10, width, &is_cut) % 5, 0);
	}
}

static void
directions_do_not_leak(void **state)
{
	char		cut[64];

	(void) state;
	gh_text_cut(cut, sizeof(cut), "a\xe2\x80\xae" "b\xe2\x81\xa6" "c\xe2\x80\x8f" "d", 13, 1000);
	assert_string_equal(cut, "abc\xe2\x80\x8f" "d");
	assert_true(gh_text_is_rtl("x \xd7\xa9"));
	assert_true(gh_text_is_rtl("\xd9\x85"));
	assert_false(gh_text_is_rtl("rock \xc3\xa9 \xe3\x83\x93 \xf0\x9f\x8e\xb8"));
}

/* No tower of marks, but emoji of many parts stay whole. */
static void
marks_do_not_pile_up(void **state)
{
	static const char family[] = "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7\xf0\x9f\x8f\xbd\xef\xb8\x8f";
	char		cut[64],
				tower[64] = "e";

	(void) state;
	for (int i = 0; i < 20; i++)
		strcat(tower, "\xcc\x81");
	strcat(tower, "x\xcc\x82");
	gh_text_cut(cut, sizeof(cut), tower, 13, 1000);
	assert_string_equal(cut, "e\xcc\x81\xcc\x81\xcc\x81x\xcc\x82");
	gh_text_cut(cut, sizeof(cut), family, 13, 1000);
	assert_string_equal(cut, family);
}

static void
numbers_for_people(void **state)
{
	char		out[GH_NUMBER_SIZE];

	(void) state;
	assert_string_equal(gh_number_fixed(out, 3.14159, 2), "3.14");
	assert_string_equal(gh_number_fixed(out, -0.5, 1), "\xE2\x88\x92" "0.5");
	assert_string_equal(gh_number_fixed(out, -0.0001, 2), "0.00");
	assert_string_equal(gh_number_fixed(out, NAN, 2), "n/a");
	assert_string_equal(gh_number_fixed(out, -INFINITY, 2), "\xE2\x88\x92\xE2\x88\x9E");
	assert_string_equal(gh_number_fixed(out, 1.5e200, 2), "1.5e200");
	assert_string_equal(gh_number_short(out, 0.000123456, 3), "0.000123");
	assert_string_equal(gh_number_short(out, 0.0000123456, 3), "1.23e\xE2\x88\x92" "5");
	assert_string_equal(gh_number_short(out, 123456, 3), "123456");
	assert_string_equal(gh_number_short(out, 0.5, 3), "0.5");
	assert_string_equal(gh_number_short(out, 9.9996, 4), "10");
	assert_string_equal(gh_number_short(out, 9.9996e9, 4), "1e10");
	assert_string_equal(gh_number_short(out, 0, 4), "0");
	assert_string_equal(gh_number_short(out, 5e-324, 4), "0");
	assert_string_equal(gh_number_count(out, 0), "0");
	assert_string_equal(gh_number_count(out, 1234567), "1,234,567");
	assert_string_equal(gh_number_count(out, UINT64_MAX), "18,446,744,073,709,551,615");
	assert_string_equal(gh_number_percent(out, 0.123), "12 %");
	assert_string_equal(gh_number_percent(out, 0.0042), "0.4 %");
}

/* ---- paths ------------------------------------------------------------ */

/* Differences add up to the rounded places, however many there are. */
static void
paths_do_not_drift(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_figure	figure = {.title = "t",.description = "d",.height = 100};
	gh_svg		svg;
	char	   *text,
			   *at;
	size_t		length;
	double		x = 0,
				y = 0;

	(void) state;
	gh_svg_open(&svg, ctx, &figure);
	gh_svg_path(&svg, "none");
	gh_svg_move(&svg, 3.14159, 2.71828);
	for (int i = 1; i <= 5000; i++)
		gh_svg_line_to(&svg, 3.14159 + 0.033 * i, 2.71828 - 0.027 * i);
	gh_svg_path_done(&svg);
	gh_svg_end(&svg);
	assert_int_equal(gh_svg_close(&svg, &text, &length), GH_OK);
	at = strstr(text, " d=\"m") + 5;
	for (int i = 0; i <= 5000; i++)
	{
		if (*at == 'l')
			at++;
		x += strtod(at, &at);
		y += strtod(at, &at);
		assert_true(fabs(x - (3.14159 + 0.033 * i)) <= 0.0501);
		assert_true(fabs(y - (2.71828 - 0.027 * i)) <= 0.0501);
	}
	assert_int_equal(*at, '"');
	gh_free(ctx, text);
	gh_ctx_close(ctx);
}

/* ---- axes ------------------------------------------------------------- */

static void
axes_hold_their_ticks(void **state)
{
	static const double ends[][2] = {
		{0, 1}, {-1, 1}, {0.37, 0.41}, {0, 228000}, {-3.2, 17.9}, {5, 5}, {0, 0}, {7, -2}, {1e-8, 3e-8}, {1e12, 5e12},
		{NAN, NAN}, {NAN, 3}, {-INFINITY, INFINITY}, {-1e308, 1e308}, {1e15, 1e15 + 2}, {5e-324, 5e-324}
	};

	(void) state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
	{
		for (int kind = 0; kind < 4; kind++)
		{
			bool		nice = kind & 1;
			gh_axis		axis = kind < 2 ? gh_axis_linear(ends[i][0], ends[i][1], 400, 20, 6, nice)
				: gh_axis_log(ends[i][0], ends[i][1], 400, 20, nice);

			assert_true(isfinite(axis.low) && isfinite(axis.high) && axis.low < axis.high);
			assert_true(axis.n_ticks >= (nice ? 2 : 1) && axis.n_ticks <= GH_AXIS_TICKS);
			for (int t = 0; t < axis.n_ticks; t++)
			{
				char		number[GH_NUMBER_SIZE];
				double		at = gh_axis_at(&axis, axis.tick[t]);

				assert_true(at >= 20 - 1e-6 && at <= 400 + 1e-6);
				assert_true(strlen(gh_axis_number(&axis, t, number)) > 0);
				if (t > 0)
					assert_true(axis.tick[t] > axis.tick[t - 1]);
			}
			assert_true(gh_axis_at(&axis, axis.low) == 400);
			assert_true(fabs(gh_axis_at(&axis, axis.high) - 20) < 1e-9);
			assert_true(gh_axis_at(&axis, INFINITY) == gh_axis_at(&axis, axis.high));
			assert_true(isnan(gh_axis_at(&axis, NAN)));
		}
	}
}

static void
ticks_are_round(void **state)
{
	gh_axis		axis = gh_axis_linear(0.03, 0.97, 0, 100, 5, true);
	char		number[GH_NUMBER_SIZE];

	(void) state;
	assert_int_equal(axis.n_ticks, 6);
	assert_string_equal(gh_axis_number(&axis, 0, number), "0.0");
	assert_string_equal(gh_axis_number(&axis, 3, number), "0.6");
	assert_true(axis.low == 0 && axis.high == 1);
	axis = gh_axis_linear(0, 228000, 0, 100, 5, true);
	assert_string_equal(gh_axis_number(&axis, axis.n_ticks - 1, number), "250,000");
	axis = gh_axis_log(3, 40000, 0, 100, true);
	assert_true(axis.low == 1 && axis.high == 100000);
	assert_int_equal(axis.n_ticks, 6);
}

/* ---- placing ---------------------------------------------------------- */

static bool
overlap(const gh_box *a, const gh_box *b, double gap)
{
	double		x = fmin(a->x + a->width, b->x + b->width) - fmax(a->x, b->x),
				y = fmin(a->y + a->height, b->y + b->height) - fmax(a->y, b->y);

	return x > -gap && y > -gap;
}

/* No two overlap, all are inside, and a label that found no place had none. */
static void
labels_keep_apart(void **state)
{
	static const double sides[8][2] = {{1, 0}, {-1, 0}, {0, -1}, {0, 1}, {1, -1}, {1, 1}, {-1, -1}, {-1, 1}};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_box		bounds = {10, 20, 300, 200},
				taken[400];
	gh_place	place;
	size_t		n = 0;

	(void) state;
	gh_place_init(&place, ctx, bounds, 2);
	for (uint64_t i = 0; i < 400; i++)
	{
		double		x = 10 + 300 * gh_random_double(1, GH_STREAM_TEST, 3 * i),
					y = 20 + 200 * gh_random_double(1, GH_STREAM_TEST, 3 * i + 1);
		gh_box		box = {0, 0, 10 + 60 * gh_random_double(1, GH_STREAM_TEST, 3 * i + 2), 14};
		bool		placed;

		assert_int_equal(gh_place_beside(&place, x, y, 5, &box, &placed), GH_OK);
		if (placed)
		{
			assert_true(box.x >= 10 && box.y >= 20 && box.x + box.width <= 310 && box.y + box.height <= 220);
			for (size_t k = 0; k < n; k++)
				assert_false(overlap(&box, &taken[k], 2));
			taken[n++] = box;
			continue;
		}
		for (int c = 0; c < 24; c++)
		{
			const double *side = sides[c % 8];
			double		r = 5 * (c / 8 + 1) * (c % 8 >= 4 ? M_SQRT1_2 : 1);
			gh_box		at = {x + side[0] * r - box.width / 2 * (1 - side[0]), y + side[1] * r - 7 * (1 - side[1]),
				box.width, 14};
			bool		is_free = at.x >= 10 && at.y >= 20 && at.x + at.width <= 310 && at.y + at.height <= 220;

			for (size_t k = 0; k < n && is_free; k++)
				is_free = !overlap(&at, &taken[k], 2);
			assert_false(is_free);
		}
	}
	assert_true(n > 30 && n < 400);
	assert_int_equal(place.n, n);
	gh_place_free(&place);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
names_move_as_little_as_they_can(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_box		bounds = {0, 0, 400, 400},
				first = {0, 0, 60, 16},
				second = first,
				third = first;
	gh_place	place;
	bool		placed;

	(void) state;
	gh_place_init(&place, ctx, bounds, 0);
	assert_int_equal(gh_place_over(&place, 100, 100, 50, &first, &placed), GH_OK);
	assert_true(placed && first.x == 70 && first.y == 92);
	assert_int_equal(gh_place_over(&place, 100, 100, 50, &second, &placed), GH_OK);
	assert_true(placed && second.x == 70 && fabs(second.y - 92) == 16);
	/* nothing within reach */
	assert_int_equal(gh_place_take(&place, bounds), GH_OK);
	assert_int_equal(gh_place_over(&place, 100, 100, 50, &third, &placed), GH_OK);
	assert_false(placed);
	gh_place_free(&place);
	gh_ctx_close(ctx);
}

/* ---- whole pictures --------------------------------------------------- */

static gh_status
draw_everything(gh_ctx *ctx, char **text, size_t *length)
{
	static const gh_legend_item items[] = {
		{"vanilla", "f0", GH_KEY_SQUARE}, {"hierarchical", "f1", GH_KEY_DOT}, {"ring", "none s2", GH_KEY_RING},
		{"a line with a name that is long enough to go to the next row of the legend", "s3", GH_KEY_LINE},
		{"last", "f4", GH_KEY_DOT}
	};
	gh_figure	figure = {.title = "Everything",.subtitle = "at once",.description = "a test",.height = 400};
	gh_svg		svg;
	gh_axis		x = gh_axis_log(1, 1e5, 60, 600, true),
				y = gh_axis_linear(-1, 1, 300, 80, 5, true);
	double		top = gh_svg_open(&svg, ctx, &figure);

	top = gh_svg_legend(&svg, 16, top, 400, items, 5);
	gh_svg_color_bar(&svg, 420, top, 200, "low", "high");
	gh_svg_axis_bottom(&svg, &x, 300, 80, "songs");
	gh_svg_axis_left(&svg, &y, 60, 600, "log-odds");
	return gh_svg_close(&svg, text, length);
}

static void
a_figure_is_complete(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	char	   *one,
			   *two;
	size_t		length;

	(void) state;
	assert_int_equal(draw_everything(ctx, &one, &length), GH_OK);
	assert_int_equal(draw_everything(ctx, &two, &length), GH_OK);
	assert_string_equal(one, two);
	assert_picture(one);
	assert_non_null(strstr(one, "prefers-color-scheme:dark"));
	assert_non_null(strstr(one, "10000"));
	assert_int_equal(count_of(one, "<title id=\"gh"), 1);
	gh_free(ctx, one);
	gh_free(ctx, two);
	gh_ctx_close(ctx);
}

static void
allocation_failures(void **state)
{
	(void) state;
	for (uint64_t k = 1;; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		char	   *text;
		size_t		length;
		gh_status	status;

		gh_ctx_fail_allocation(ctx, k, k % 2 == 0);
		status = draw_everything(ctx, &text, &length);
		if (status == GH_OK)
		{
			gh_free(ctx, text);
			gh_ctx_close(ctx);
			assert_true(k > 1);
			return;
		}
		assert_int_equal(status, GH_ENOMEM);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markup_is_what_was_asked),
		cmocka_unit_test(numbers_in_markup),
		cmocka_unit_test(broken_calls_are_reported),
		cmocka_unit_test(hostile_text_is_well_formed),
		cmocka_unit_test(random_bytes_are_read),
		cmocka_unit_test(text_is_cut_to_its_width),
		cmocka_unit_test(directions_do_not_leak),
		cmocka_unit_test(marks_do_not_pile_up),
		cmocka_unit_test(numbers_for_people),
		cmocka_unit_test(paths_do_not_drift),
		cmocka_unit_test(axes_hold_their_ticks),
		cmocka_unit_test(ticks_are_round),
		cmocka_unit_test(labels_keep_apart),
		cmocka_unit_test(names_move_as_little_as_they_can),
		cmocka_unit_test(a_figure_is_complete),
		cmocka_unit_test(allocation_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
