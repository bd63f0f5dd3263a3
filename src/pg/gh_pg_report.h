/*
 * gh_pg_report.h
 *		What the files of model_report share.
 */
#ifndef GH_PG_REPORT_H
#define GH_PG_REPORT_H

#include "gh_pg_model.h"

#include "draw/gh_page.h"

typedef struct gh_report
{
	gh_ctx	   *ctx;
	gh_page		page;
	const char *schema;			/* of the extension, quoted */
	const char *registry;		/* qualified and quoted */
	const char *model;			/* name, server's encoding */
	int32		version;
	gh_registered newest;
	const char *artists,		/* tables, qualified and quoted; NULL: not known, not there or not to be read */
			   *links;
	bool		songs_readable;
	uint64		left_out;		/* figures that would have made the page too large */
} gh_report;

/* Longest page, bytes. */
#define GH_REPORT_LIMIT 9900000
/* Longest table, rows. */
#define GH_REPORT_ROWS 500

/*
 * Statements run with the caller's rights in the snapshot of the call, between
 * SPI_connect and SPI_finish, with pg_catalog as the search path.  $1 is the
 * model's name, $2 the version.  gh_report_with() puts before a statement the
 * tables v (the version's row of the registry) and node (model_nodes of it).
 */
extern char *gh_report_with(const gh_report *report, const char *statement);
extern void gh_report_run(const gh_report *report, const char *statement);
/* A cell of the result at hand in the server's encoding; NULL for NULL. */
extern char *gh_report_cell(uint64 row, int column);

/* The result of a statement as a table; a paragraph instead when it has no row. */
extern void gh_report_table(gh_report *report, const char *caption, const gh_page_column *columns, int n,
							const char *statement, const char *otherwise);
/* The picture that a statement returns, unless the page would become too large. */
extern void gh_report_figure(gh_report *report, const char *statement, const char *caption);
/* Words in the server's encoding. */
extern void gh_report_paragraph(gh_report *report, const char *words);

/* ---- chapters, each in the order of the page --------------------------- */

extern void gh_report_model(gh_report *report);
extern void gh_report_scores(gh_report *report);
extern void gh_report_supergenres(gh_report *report);
extern void gh_report_reasons(gh_report *report);
extern void gh_report_examples(gh_report *report);
extern void gh_report_classifiers(gh_report *report);
extern void gh_report_again(gh_report *report);

#endif							/* GH_PG_REPORT_H */
