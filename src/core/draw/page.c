/*
 * page.c
 *		A report as one HTML page.
 */
#include "draw/gh_page.h"

#include <string.h>

#include "draw/gh_text.h"

/* Names in headings and tables are cut with an ellipsis beyond about 200 and 600 letters. */
#define HEADING_WIDTH 1500.0
#define CELL_WIDTH 4500.0
#define LETTER 13.0
#define CUT_BYTES 4096

/* The colours are those of the figures' style sheet. */
static const char style[] =
":root{color-scheme:light dark}"
"*{box-sizing:border-box}"
"body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:54rem;background:#fff;color:#1f2328;"
"font:1rem/1.5 Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif;overflow-wrap:anywhere}"
"h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem}"
"h2{font-size:1.4rem;line-height:1.25;margin:2.6rem 0 .6rem;padding-top:.6rem;border-top:1px solid #d0d7de}"
"h3{font-size:1.1rem;margin:1.8rem 0 .4rem}"
".lead,figcaption,caption{color:#57606a}"
".lead{margin-top:0}"
"a{color:#0550ae}"
"nav ol{padding-left:1.4rem;columns:16rem}"
"figure{margin:1.2rem 0}"
"figure svg{display:block;height:auto;border:1px solid #d0d7de;border-radius:6px}"
"figcaption{font-size:.9rem;margin-top:.4rem}"
".scroll{overflow-x:auto;margin:1rem 0}"
".scroll:focus-visible{outline:2px solid #0550ae}"
"table{border-collapse:collapse;font-size:.92rem;width:100%}"
"caption{text-align:left;font-size:.9rem;padding:0 0 .4rem}"
"th,td{padding:.3rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid #d0d7de;overflow-wrap:normal;"
"unicode-bidi:isolate}"
"tbody th{font-weight:normal;max-width:16rem;overflow-wrap:anywhere}"
"td{max-width:34rem;overflow-wrap:break-word}"
"thead th{border-bottom:2px solid #8c959f;vertical-align:bottom}"
".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
"thead .n{white-space:normal}"
"pre{white-space:pre-wrap;padding:.8rem 1rem;background:#f6f8fa;border:1px solid #d0d7de;border-radius:6px;"
"font:.85rem/1.45 ui-monospace,'DejaVu Sans Mono',monospace}"
"@media (max-width:40rem){body{padding:1rem .5rem 2rem}h1{font-size:1.5rem}th,td{padding:.3rem .4rem}}"
"@media (prefers-color-scheme:dark){"
"body{background:#14171c;color:#e6edf3}.lead,figcaption,caption{color:#a3acb6}a{color:#79b8ff}"
"h2,th,td,figure svg,pre{border-color:#3a424b}thead th{border-bottom-color:#7a838d}pre{background:#1c2128}"
".scroll:focus-visible{outline-color:#79b8ff}}"
"@page{margin:15mm}"
"@media print{body{max-width:none;padding:0;font-size:10.5pt}nav{display:none}a{color:inherit;text-decoration:none}"
"figure,tr,pre{break-inside:avoid}h2,h3{break-after:avoid}.scroll{overflow:visible}"
"figure svg{border:0}}";

static void
put_cut(gh_markup *m, const char *text, double width)
{
	char		cut[CUT_BYTES];

	gh_text_cut(cut, sizeof(cut), text, LETTER, width);
	gh_markup_text(m, cut);
}

static void
put_head(gh_markup *m, const char *title)
{
	gh_markup_begin(m, "head");
	gh_markup_begin(m, "meta");
	gh_markup_attr(m, "charset", "utf-8");
	gh_markup_end(m);
	gh_markup_begin(m, "meta");
	gh_markup_attr(m, "http-equiv", "Content-Security-Policy");
	gh_markup_attr(m, "content", "default-src 'none'; style-src 'unsafe-inline'");
	gh_markup_end(m);
	gh_markup_begin(m, "meta");
	gh_markup_attr(m, "name", "viewport");
	gh_markup_attr(m, "content", "width=device-width, initial-scale=1");
	gh_markup_end(m);
	gh_markup_begin(m, "meta");
	gh_markup_attr(m, "name", "color-scheme");
	gh_markup_attr(m, "content", "light dark");
	gh_markup_end(m);
	gh_markup_element(m, "title", title);
	gh_markup_begin(m, "style");
	gh_markup_text(m, "");		/* ends the start tag */
	gh_markup_raw(m, style);
	gh_markup_end(m);
	gh_markup_end(m);
	gh_markup_raw(m, "\n");
}

static void
put_contents(gh_page *page)
{
	gh_markup  *m = &page->m;

	gh_markup_begin(m, "nav");
	gh_markup_attr(m, "aria-label", "Contents");
	gh_markup_begin(m, "ol");
	for (size_t i = 0; i < page->n_chapters; i++)
	{
		gh_markup_begin(m, "li");
		gh_markup_begin(m, "a");
		gh_markup_attr_open(m, "href");
		gh_markup_raw(m, "#");
		gh_markup_raw(m, page->chapters[i].id);
		gh_markup_attr_close(m);
		gh_markup_text(m, page->chapters[i].heading);
		gh_markup_end(m);
		gh_markup_end(m);
	}
	gh_markup_end(m);
	gh_markup_end(m);
	gh_markup_raw(m, "\n");
}

void
gh_page_open(gh_page *page, gh_ctx *ctx, const char *title, const char *lead, const gh_chapter *chapters,
			 size_t n_chapters)
{
	gh_markup  *m = &page->m;

	memset(page, 0, sizeof(*page));
	page->chapters = chapters;
	page->n_chapters = n_chapters;
	gh_markup_init(m, ctx, true);
	gh_markup_raw(m, "<!DOCTYPE html>\n");
	gh_markup_begin(m, "html");
	gh_markup_attr(m, "lang", "en");
	put_head(m, title);
	gh_markup_begin(m, "body");
	gh_markup_begin(m, "header");
	gh_markup_begin(m, "h1");
	put_cut(m, title, HEADING_WIDTH);
	gh_markup_end(m);
	gh_markup_begin(m, "p");
	gh_markup_attr(m, "class", "lead");
	gh_markup_text(m, lead);
	gh_markup_end(m);
	gh_markup_end(m);
	put_contents(page);
	gh_markup_begin(m, "main");
}

void
gh_page_chapter(gh_page *page)
{
	gh_markup  *m = &page->m;
	const gh_chapter *chapter = &page->chapters[page->chapter];

	if (page->chapter > 0)
		gh_markup_end(m);
	page->chapter++;
	gh_markup_begin(m, "section");
	gh_markup_attr(m, "id", chapter->id);
	gh_markup_begin(m, "h2");
	gh_markup_text(m, chapter->heading);
	gh_markup_end(m);
	gh_markup_raw(m, "\n");
}

void
gh_page_heading(gh_page *page, const char *text)
{
	gh_markup_begin(&page->m, "h3");
	put_cut(&page->m, text, HEADING_WIDTH);
	gh_markup_end(&page->m);
	gh_markup_raw(&page->m, "\n");
}

void
gh_page_paragraph(gh_page *page, const char *text)
{
	gh_markup_element(&page->m, "p", text);
	gh_markup_raw(&page->m, "\n");
}

/* Line by line: the writer of text takes line ends for spaces. */
void
gh_page_code(gh_page *page, const char *text)
{
	gh_markup  *m = &page->m;

	gh_markup_begin(m, "pre");
	gh_markup_begin(m, "code");
	for (;;)
	{
		size_t		n = strcspn(text, "\n");

		gh_markup_text_n(m, text, n);
		if (text[n] == '\0')
			break;
		gh_markup_raw(m, "\n");
		text += n + 1;
	}
	gh_markup_end(m);
	gh_markup_end(m);
	gh_markup_raw(m, "\n");
}

/* ---- tables ------------------------------------------------------------- */

void
gh_page_table(gh_page *page, const char *caption, const gh_page_column *columns, size_t n)
{
	gh_markup  *m = &page->m;
	char		cut[CUT_BYTES];

	gh_text_cut(cut, sizeof(cut), caption, LETTER, HEADING_WIDTH);

	/* wide tables scroll, by keyboard too */
	gh_markup_begin(m, "div");
	gh_markup_attr(m, "class", "scroll");
	gh_markup_attr(m, "tabindex", "0");
	gh_markup_attr(m, "role", "region");
	gh_markup_attr(m, "aria-label", cut);
	gh_markup_begin(m, "table");
	gh_markup_element(m, "caption", cut);
	gh_markup_begin(m, "thead");
	gh_markup_begin(m, "tr");
	for (size_t i = 0; i < n; i++)
	{
		gh_markup_begin(m, "th");
		gh_markup_attr(m, "scope", "col");
		if (columns[i].number)
			gh_markup_attr(m, "class", "n");
		gh_markup_text(m, columns[i].heading);
		gh_markup_end(m);
	}
	gh_markup_end(m);
	gh_markup_end(m);
	gh_markup_begin(m, "tbody");
	gh_markup_text(m, "");
	gh_markup_raw(m, "\n");
}

void
gh_page_row(gh_page *page, const gh_page_column *columns, const char *const *cells, size_t n)
{
	gh_markup  *m = &page->m;

	gh_markup_begin(m, "tr");
	for (size_t i = 0; i < n; i++)
	{
		gh_markup_begin(m, i == 0 ? "th" : "td");
		if (i == 0)
			gh_markup_attr(m, "scope", "row");
		if (columns[i].number)
			gh_markup_attr(m, "class", "n");
		put_cut(m, cells[i] == NULL ? "\xe2\x80\x93" : cells[i], CELL_WIDTH);
		gh_markup_end(m);
	}
	gh_markup_end(m);
	gh_markup_raw(m, "\n");
}

void
gh_page_table_end(gh_page *page)
{
	gh_markup_end(&page->m);
	gh_markup_end(&page->m);
	gh_markup_end(&page->m);
	gh_markup_raw(&page->m, "\n");
}

/* ---- figures and the end ------------------------------------------------ */

void
gh_page_figure(gh_page *page, const char *svg, size_t length, const char *caption)
{
	gh_markup  *m = &page->m;

	gh_markup_begin(m, "figure");
	gh_markup_text(m, "");		/* ends the start tag */
	gh_markup_raw_n(m, svg, length);
	gh_markup_element(m, "figcaption", caption);
	gh_markup_end(m);
	gh_markup_raw(m, "\n");
}

size_t
gh_page_length(const gh_page *page)
{
	return page->m.length;
}

gh_status
gh_page_close(gh_page *page, char **text, size_t *length)
{
	gh_markup  *m = &page->m;

	if (page->chapter > 0)
		gh_markup_end(m);
	gh_markup_end(m);			/* main */
	gh_markup_end(m);			/* body */
	gh_markup_end(m);			/* html */
	gh_markup_raw(m, "\n");
	return gh_markup_finish(m, text, length);
}
