/*
 * report.c
 *		model_report: everything that is known of a model as one page.
 */
#include "gh_pg_report.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "gh_pg_plot.h"

PG_FUNCTION_INFO_V1(genre_hier_model_report);

static const gh_chapter chapters[] = {
	{"model", "What was trained on what"},
	{"scores", "How well it predicts"},
	{"supergenres", "Supergenres and genres"},
	{"reasons", "What decides"},
	{"examples", "Example songs"},
	{"classifiers", "Every classifier"},
	{"again", "How to reproduce it"}
};

/* ---- statements --------------------------------------------------------- */

char *
gh_report_with(const gh_report *report, const char *statement)
{
	return psprintf("WITH v AS (SELECT * FROM %s WHERE name = $1 AND version = $2),"
					" node AS MATERIALIZED (SELECT n.* FROM v, %s.model_nodes(v.model) WITH ORDINALITY AS n"
					" (node, parent, level, is_genre, positives, negatives, trees, average_precision, params, place)) %s",
					report->registry, report->schema, statement);
}

void
gh_report_run(const gh_report *report, const char *statement)
{
	Oid			types[2] = {TEXTOID, INT4OID};
	Datum		values[2] = {CStringGetTextDatum(report->model), Int32GetDatum(report->version)};

	if (SPI_execute_with_args(statement, 2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "model_report: reading failed: %s", statement);
}

char *
gh_report_cell(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column + 1);
}

void
gh_report_paragraph(gh_report *report, const char *words)
{
	gh_page_paragraph(&report->page, gh_plot_utf8(words));
}

void
gh_report_table(gh_report *report, const char *caption, const gh_page_column *columns, int n, const char *statement,
				const char *otherwise)
{
	const char **cells = palloc(n * sizeof(char *));
	SPITupleTable *rows;
	uint64		n_rows,
				shown;

	gh_report_run(report, statement);
	rows = SPI_tuptable;
	n_rows = SPI_processed;
	shown = Min(n_rows, GH_REPORT_ROWS);
	if (n_rows == 0)
	{
		gh_report_paragraph(report, otherwise);
		return;
	}
	gh_page_table(&report->page, gh_plot_utf8(caption), columns, n);
	for (uint64 i = 0; i < shown; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int c = 0; c < n; c++)
		{
			char	   *cell = gh_report_cell(i, c);

			cells[c] = cell == NULL ? NULL : gh_plot_utf8(cell);
		}
		gh_page_row(&report->page, columns, cells, n);
	}
	gh_page_table_end(&report->page);
	if (shown < n_rows)
		gh_report_paragraph(report, psprintf("The table shows the first " UINT64_FORMAT " of " UINT64_FORMAT " rows.",
											 shown, n_rows));
	SPI_freetuptable(rows);
}

void
gh_report_figure(gh_report *report, const char *statement, const char *caption)
{
	SPITupleTable *rows;
	bool		null;
	text	   *svg;

	gh_report_run(report, statement);
	rows = SPI_tuptable;
	if (SPI_processed != 1)
		elog(ERROR, "model_report: a picture of " UINT64_FORMAT " rows", SPI_processed);
	svg = DatumGetTextPP(SPI_getbinval(rows->vals[0], rows->tupdesc, 1, &null));
	if (gh_page_length(&report->page) + VARSIZE_ANY_EXHDR(svg) > GH_REPORT_LIMIT)
		report->left_out++;
	else
		gh_page_figure(&report->page, VARDATA_ANY(svg), VARSIZE_ANY_EXHDR(svg), gh_plot_utf8(caption));
	SPI_freetuptable(rows);
}

/* ---- what may be read --------------------------------------------------- */

/* A table that is there and that the caller may read. */
static bool
is_readable(const char *table)
{
	Oid			relid = table == NULL ? InvalidOid : gh_table_look_up(table);

	return OidIsValid(relid) && pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

static void
find_tables(gh_report *report)
{
	gh_report_run(report, gh_report_with(report, "SELECT params ->> 'artists', params ->> 'song_artists' FROM v"));
	report->artists = gh_report_cell(0, 0);
	report->links = gh_report_cell(0, 1);
	report->songs_readable = is_readable(report->newest.songs);
	if (!is_readable(report->artists))
		report->artists = NULL;
	if (!is_readable(report->links))
		report->links = NULL;
}

/* ---- the page ----------------------------------------------------------- */

static void
open_page(gh_report *report)
{
	char	   *title = psprintf("Genres of model \"%s\"", report->model),
			   *lead = psprintf("Version %d: supergenres, genres, how well they are predicted, and why.", report->version);

	gh_page_open(&report->page, report->ctx, gh_plot_utf8(title), gh_plot_utf8(lead), chapters, lengthof(chapters));
}

static void
write_page(gh_report *report)
{
	static void (*const write[]) (gh_report *) = {
		gh_report_model, gh_report_scores, gh_report_supergenres, gh_report_reasons, gh_report_examples,
		gh_report_classifiers, gh_report_again
	};

	StaticAssertStmt(lengthof(write) == lengthof(chapters), "a chapter is missing");
	for (size_t i = 0; i < lengthof(write); i++)
	{
		gh_page_chapter(&report->page);
		write[i] (report);
		gh_pg_check(report->ctx, report->page.m.status);
	}
	if (report->left_out > 0)
		gh_report_paragraph(report, psprintf(UINT64_FORMAT " figures are left out, because the page would have become larger "
											 "than 10 MB; the plot functions draw them.", report->left_out));
}

Datum
genre_hier_model_report(PG_FUNCTION_ARGS)
{
	gh_args		args = {"model_report", fcinfo, NULL};
	gh_report	report = {.model = gh_arg_text(&args, 0, "model"),.schema = gh_pg_schema(fcinfo)};
	SPIPlanPtr	plan = NULL;
	char	   *markup;
	size_t		length;
	text	   *result;

	report.registry = gh_registry(fcinfo, ACL_SELECT);
	report.ctx = gh_pg_open(CurrentMemoryContext);
	SPI_connect();
	gh_registry_newest(report.registry, report.model, true, &plan, &report.newest);
	SPI_freeplan(plan);
	report.version = report.newest.version;
	find_tables(&report);
	open_page(&report);
	write_page(&report);
	gh_pg_check(report.ctx, gh_page_close(&report.page, &markup, &length));
	SPI_finish();
	result = gh_plot_text(report.ctx, markup, length);
	gh_pg_close(report.ctx);
	PG_RETURN_TEXT_P(result);
}
