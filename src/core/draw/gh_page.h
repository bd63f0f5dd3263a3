/*
 * gh_page.h
 *		A report as one HTML page: headings, paragraphs, tables, figures.
 *
 * Self-contained: no script, no picture or font from elsewhere, and a policy
 * in the page that lets none in.  Follows the reader's preference for light or
 * dark and prints.  Failures stay in the writer, see gh_markup.h.
 */
#ifndef GH_PAGE_H
#define GH_PAGE_H

#include "draw/gh_markup.h"

typedef struct gh_chapter
{
	const char *id;				/* of the anchor: letters and - */
	const char *heading;
} gh_chapter;

typedef struct gh_page
{
	gh_markup	m;
	const gh_chapter *chapters;
	size_t		n_chapters,
				chapter;		/* begun so far */
} gh_page;

typedef struct gh_page_column
{
	const char *heading;
	bool		number;			/* right-aligned */
} gh_page_column;

/* Title, a line below it, and the contents; `chapters` must live as long as the page. */
extern void gh_page_open(gh_page *page, gh_ctx *ctx, const char *title, const char *lead, const gh_chapter *chapters,
						 size_t n_chapters);
/* The next chapter of the list, in its order. */
extern void gh_page_chapter(gh_page *page);
/* A heading inside a chapter. */
extern void gh_page_heading(gh_page *page, const char *text);
extern void gh_page_paragraph(gh_page *page, const char *text);
/* Lines of code as they stand. */
extern void gh_page_code(gh_page *page, const char *text);

/* Rows between begin and end; the first cell heads its row.  A cell may be NULL. */
extern void gh_page_table(gh_page *page, const char *caption, const gh_page_column *columns, size_t n);
extern void gh_page_row(gh_page *page, const gh_page_column *columns, const char *const *cells, size_t n);
extern void gh_page_table_end(gh_page *page);

/* `svg`: a document of ours, put in as it stands. */
extern void gh_page_figure(gh_page *page, const char *svg, size_t length, const char *caption);

extern size_t gh_page_length(const gh_page *page);
/* As gh_markup_finish(). */
extern gh_status gh_page_close(gh_page *page, char **text, size_t *length);

#endif							/* GH_PAGE_H */
