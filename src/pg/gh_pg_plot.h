/*
 * gh_pg_plot.h
 *		What the glue files that return pictures share.
 */
#ifndef GH_PG_PLOT_H
#define GH_PG_PLOT_H

#include "gh_pg.h"

/*
 * UTF-8 of text to be shown, palloc'd or the text itself.  What is no good
 * text stays as it is: the writer of pictures deals with it.
 */
extern char *gh_plot_utf8(const char *server_string);

/*
 * A finished picture or page (gh memory, freed here) as text.  Where the
 * database is not in UTF-8, characters beyond ASCII become numeric references.
 * 54000 when it would not fit a text.
 */
extern text *gh_plot_text(gh_ctx *ctx, char *markup, size_t length);

#endif							/* GH_PG_PLOT_H */
