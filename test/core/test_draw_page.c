/*
 * test_draw_page.c
 *		Reports as HTML pages.
 */
#include "draw_testing.h"

#include "draw/gh_page.h"

static const gh_chapter chapters[2] = {{"one", "First & foremost"}, {"two", "Second"}};
static const gh_page_column columns[2] = {{"Name", false}, {"Number", true}};

/* Every kind of thing, with the same text everywhere. */
static gh_status
write_page(gh_ctx *ctx, const char *text, char **html, size_t *length)
{
	gh_page		page;
	const char *cells[2] = {text, NULL};

	gh_page_open(&page, ctx, text, text, chapters, 2);
	gh_page_chapter(&page);
	gh_page_heading(&page, text);
	gh_page_paragraph(&page, text);
	gh_page_code(&page, text);
	gh_page_chapter(&page);
	gh_page_table(&page, text, columns, 2);
	gh_page_row(&page, columns, cells, 2);
	gh_page_row(&page, columns, cells, 2);
	gh_page_table_end(&page);
	gh_page_figure(&page, "<svg></svg>", 11, text);
	assert_true(gh_page_length(&page) > 0 || page.m.status != GH_OK);
	return gh_page_close(&page, html, length);
}

/* Without its first line and the elements that have no end tag, the page is XML. */
static void
assert_page(const char *html)
{
	char	   *xml = malloc(strlen(html) + 1);
	size_t		n = 0;
	const char *error;

	assert_int_equal(strncmp(html, "<!DOCTYPE html>\n", 16), 0);
	for (const char *at = html + 16; *at != '\0'; at++)
	{
		if (strncmp(at, "<meta ", 6) == 0)
			at = strchr(at, '>');
		else
			xml[n++] = *at;
	}
	xml[n] = '\0';
	error = xml_error(xml);
	if (error != NULL)
		print_error("not well-formed at: %.200s\n", error);
	assert_null(error);
	free(xml);
	assert_null(strstr(html, "<script"));
	assert_null(strstr(html, "http:"));
}

static void
test_structure(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	char	   *html;
	size_t		length;

	assert_int_equal(write_page(ctx, "a\nb", &html, &length), GH_OK);
	assert_int_equal(length, strlen(html));
	assert_page(html);
	assert_int_equal(count_of(html, "<h1>"), 1);
	assert_int_equal(count_of(html, "<h2>"), 2);
	assert_non_null(strstr(html, "<a href=\"#one\">First &amp; foremost</a>"));
	assert_non_null(strstr(html, "<section id=\"two\"><h2>Second</h2>"));
	assert_non_null(strstr(html, "<pre><code>a\nb</code></pre>"));
	assert_non_null(strstr(html, "<p>a b</p>"));
	assert_int_equal(count_of(html, "<th scope=\"row\">a b</th><td class=\"n\">\xe2\x80\x93</td>"), 2);
	assert_non_null(strstr(html, "<th scope=\"col\" class=\"n\">Number</th>"));
	assert_non_null(strstr(html, "<figure><svg></svg><figcaption>a b</figcaption></figure>"));
	assert_non_null(strstr(html, "default-src &#39;none&#39;"));
	gh_free(ctx, html);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
test_hostile(UNUSED void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	for (int i = 0; i < N_HOSTILE; i++)
	{
		char	   *html;
		size_t		length;

		assert_int_equal(write_page(ctx, hostile_name(i), &html, &length), GH_OK);
		assert_page(html);
		gh_free(ctx, html);
	}
	gh_ctx_close(ctx);
}

static void
test_no_memory(UNUSED void **state)
{
	gh_status	status = GH_ENOMEM;

	for (uint64_t k = 1; status != GH_OK; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		char	   *html;
		size_t		length;

		assert_true(k < 50);
		gh_ctx_fail_allocation(ctx, k, false);
		status = write_page(ctx, hostile_name(N_HOSTILE - 1), &html, &length);
		if (status == GH_OK)
			gh_free(ctx, html);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
