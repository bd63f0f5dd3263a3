/*
 * plot_songs.c
 *		A sample of songs, drawn by a hash of their ids.
 */
#include "gh_pg_songs.h"

#include <ctype.h>
#include <math.h>

#include "gh_pg_plot.h"

typedef struct reading
{
	const char *what;
	MemoryContext context;		/* of the ids */
	int			n_features;
	gh_song_sample *sample;
} reading;

static void
add_song(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	reading    *r = arg;
	gh_song_sample *sample = r->sample;
	float	   *x = sample->value + sample->n * r->n_features;
	MemoryContext old;

	for (int f = 0; f < r->n_features; f++)
	{
		x[f] = nulls[f + 1] ? NAN : (float) DatumGetFloat8(values[f + 1]);
		if (isinf(x[f]))
		{
			sample->left_out++;
			return;
		}
	}
	old = MemoryContextSwitchTo(r->context);
	sample->id[sample->n++] = pstrdup(gh_plot_utf8(TextDatumGetCString(values[0])));
	MemoryContextSwitchTo(old);
}

/* A query for use in parentheses: no semicolon at its end, and a line end after what may be a comment. */
static char *
inner_query(const char *query)
{
	Size		n = strlen(query);

	while (n > 0 && (isspace((unsigned char) query[n - 1]) || query[n - 1] == ';'))
		n--;
	return psprintf("(%.*s\n)", (int) n, query);
}

/* song_id and the features of a table, under these names. */
static char *
table_query(const char *songs, char **feature, int n_features, const char *hint)
{
	StringInfoData sql;
	gh_table	table;

	if (!OidIsValid(gh_table_look_up(songs)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s of the songs does not exist", songs),
				 errhint("%s", hint)));
	gh_table_find("songs", songs, GH_SONGS_COLUMNS, &table);
	initStringInfo(&sql);
	appendStringInfo(&sql, "(SELECT %s AS song_id", gh_table_id(&table, "t", "song_id"));
	for (int f = 0; f < n_features; f++)
		appendStringInfo(&sql, ", %s AS %s", gh_table_number(&table, "t", feature[f]), quote_identifier(feature[f]));
	appendStringInfo(&sql, " FROM %s AS t)", table.name);
	return sql.data;
}

void
gh_song_sample_read(gh_ctx *ctx, const char *what, const char *songs, char **feature, int n_features, int most,
					const char *seed, const char *hint, gh_song_sample *sample)
{
	gh_column  *column = palloc0((n_features + 1) * sizeof(gh_column));
	char	   *from = gh_is_query(songs) ? inner_query(songs) : table_query(songs, feature, n_features, hint);
	reading		r = {what, CurrentMemoryContext, n_features, sample};

	column[0] = (gh_column) {.name = "song_id",.type = GH_COLUMN_ANY_AS_TEXT};
	for (int f = 0; f < n_features; f++)
		column[f + 1] = (gh_column) {.name = feature[f],.type = GH_COLUMN_FLOAT,.nullable = true};
	sample->n = sample->left_out = 0;
	sample->id = palloc(most * sizeof(char *));
	sample->value = gh_pg_alloc(ctx, (size_t) most * n_features, sizeof(float));
	/* names and types first, so that messages are about the caller's columns and not about the sampling */
	gh_pg_query(what, psprintf("SELECT * FROM %s AS s LIMIT 0", from), true, column, n_features + 1, add_song, &r);
	gh_pg_query(what, psprintf("SELECT * FROM %s AS s ORDER BY pg_catalog.md5(%s OPERATOR(pg_catalog.||)"
							   " s.song_id::pg_catalog.text) COLLATE pg_catalog.\"C\","
							   " s.song_id::pg_catalog.text COLLATE pg_catalog.\"C\" LIMIT %d",
							   from, quote_literal_cstr(psprintf("%s:", seed)), most),
				true, column, n_features + 1, add_song, &r);
}
