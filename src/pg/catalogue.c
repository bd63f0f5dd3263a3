/*
 * catalogue.c
 *		artist_features: one point per artist out of the user's tables.
 */
#include "gh_pg_model.h"

PG_FUNCTION_INFO_V1(genre_hier_artist_features);

char **
gh_catalogue_features(ArrayType *features, int *n)
{
	char	  **name = gh_feature_names_given(features, n);

	for (int i = 0; i < *n; i++)
		name[i] = gh_pg_from_utf8(name[i]);
	return name;
}

/* The one statement: means first, so that the server can take them in parallel. */
static char *
artist_query(FunctionCallInfo fcinfo, const gh_table *songs, const gh_table *artists, const gh_table *links,
			 char **feature, int n, int64 min_followers)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s AS artist_id, m.features, m.songs, %s AS genres",
					 gh_table_id(artists, "a", "artist_id"), gh_table_texts(artists, "a", "genres"));
	appendStringInfo(&sql, " FROM (SELECT l.artist_id, %s.feature_avg(%s) AS features, pg_catalog.count(*) AS songs",
					 gh_pg_schema(fcinfo), gh_table_features(songs, "s", feature, n));
	appendStringInfo(&sql, " FROM %s AS s JOIN %s AS l ON %s WHERE %s GROUP BY l.artist_id) AS m",
					 songs->name, links->name, gh_table_equal(songs, "s", links, "l", "song_id"),
					 gh_table_complete(songs, "s", feature, n));
	appendStringInfo(&sql, " JOIN %s AS a ON %s", artists->name, gh_table_equal(artists, "a", links, "m", "artist_id"));
	appendStringInfo(&sql, " WHERE COALESCE(%s, 0) OPERATOR(pg_catalog.>=) " INT64_FORMAT "::pg_catalog.float8",
					 gh_table_number(artists, "a", "followers"), min_followers);
	appendStringInfo(&sql, " AND pg_catalog.cardinality(%s) OPERATOR(pg_catalog.>) 0 ORDER BY 1",
					 gh_table_texts(artists, "a", "genres"));
	return sql.data;
}

typedef struct output
{
	Tuplestorestate *store;
	TupleDesc	tupdesc;
} output;

static void
put_artist(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	output	   *out = arg;

	tuplestore_putvalues(out->store, out->tupdesc, (Datum *) values, (bool *) nulls);
}

Datum
genre_hier_artist_features(PG_FUNCTION_ARGS)
{
	gh_args		args = {"artist_features", fcinfo, NULL};
	gh_column	column[] = {
		{"artist_id", GH_COLUMN_ANY_AS_TEXT},
		{"features", GH_COLUMN_FLOATS},
		{"songs", GH_COLUMN_INT},
		{"genres", GH_COLUMN_TEXTS}
	};
	output		out;
	gh_table	songs,
				artists,
				links;
	char	  **feature;
	int			n;
	int64		min_followers = gh_arg_bigint(&args, 4, "min_followers");

	out.store = gh_pg_materialize(fcinfo, &out.tupdesc);
	gh_table_find("songs", gh_arg_text(&args, 0, "songs"), GH_SONGS_COLUMNS, &songs);
	gh_table_find("artists", gh_arg_text(&args, 1, "artists"), GH_ARTISTS_COLUMNS, &artists);
	gh_table_find("song_artists", gh_arg_text(&args, 2, "song_artists"), GH_LINKS_COLUMNS, &links);
	if (gh_arg_is_null(&args, 3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("artist_features: features must not be NULL"),
				 errhint("Leave it out for the features of song_features().")));
	feature = gh_catalogue_features(PG_GETARG_ARRAYTYPE_P(3), &n);
	gh_pg_query("artist_features", artist_query(fcinfo, &songs, &artists, &links, feature, n, min_followers), true,
				column, lengthof(column), put_artist, &out);
	return (Datum) 0;
}
