/*
 * catalogue_context.c
 *		What a song's artist adds to its features: the mean of the artist's songs.
 *
 * The artist is the song's first one (lowest id), the songs are the complete
 * ones of the catalogue, whatever they are used for: no labels enter.  Training
 * and prediction take the mean with feature_avg(), which gives the same bytes
 * for any plan.
 */
#include "gh_pg_catalogue.h"

#include <math.h>

#include "miscadmin.h"

#define PREFIX "artist_"

char **
gh_context_features(char **feature, int n)
{
	char	  **all = palloc(2 * n * sizeof(char *));

	if (2 * n > GH_MAX_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%d features and as many of the artist", n),
				 errdetail("A model has 1 to %d features.", GH_MAX_FEATURES)));
	for (int i = 0; i < n; i++)
	{
		all[i] = feature[i];
		all[n + i] = psprintf(PREFIX "%s", feature[i]);
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			if (strcmp(feature[i], all[n + j]) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("feature \"%s\" has the name of the artist's mean of \"%s\"", feature[i], feature[j]),
						 errhint("Rename the column, or train with context => 'song'.")));
	return all;
}

char *
gh_context_lateral(const char *schema, const gh_table *songs, const gh_table *links, char **feature, int n)
{
	char	   *artist = gh_table_id(links, "f", "artist_id");

	return psprintf(" LEFT JOIN LATERAL (SELECT %s.feature_avg(%s) AS features FROM %s AS t JOIN %s AS l ON %s"
					" WHERE l.artist_id OPERATOR(pg_catalog.=) (SELECT f.artist_id FROM %s AS f"
					" WHERE %s AND f.artist_id IS NOT NULL ORDER BY %s LIMIT 1)) AS m ON true",
					schema, gh_table_features(songs, "t", feature, n), songs->name, links->name,
					gh_table_equal(songs, "t", links, "l", "song_id"), links->name,
					gh_table_equal(songs, "s", links, "f", "song_id"), artist);
}

char *
gh_context_query(const char *schema, const gh_table *songs, const gh_table *links, char **feature, int n)
{
	StringInfoData sql;
	char	   *artist = gh_table_id(links, "l", "artist_id");

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s AS song_id", gh_table_id(songs, "s", "song_id"));
	for (int i = 0; i < n; i++)
		appendStringInfo(&sql, ", %s AS %s", gh_table_number(songs, "s", feature[i]), quote_identifier(feature[i]));
	for (int i = 0; i < n; i++)
		appendStringInfo(&sql, ", m.features[%d] AS %s", i + 1, quote_identifier(psprintf(PREFIX "%s", feature[i])));
	appendStringInfo(&sql, " FROM %s AS s LEFT JOIN (SELECT DISTINCT ON (l.song_id) l.song_id, l.artist_id FROM %s AS l"
					 " WHERE l.artist_id IS NOT NULL ORDER BY l.song_id, %s) AS f ON %s",
					 songs->name, links->name, artist, gh_table_equal(songs, "s", links, "f", "song_id"));
	appendStringInfo(&sql, " LEFT JOIN (SELECT l.artist_id, %s.feature_avg(%s) AS features FROM %s AS t JOIN %s AS l ON %s"
					 " GROUP BY l.artist_id) AS m ON f.artist_id OPERATOR(pg_catalog.=) m.artist_id",
					 schema, gh_table_features(songs, "t", feature, n), songs->name, links->name,
					 gh_table_equal(songs, "t", links, "l", "song_id"));
	return sql.data;
}

/* ---- training ---------------------------------------------------------- */

typedef struct mean_reading
{
	gh_catalogue *c;
	float	   *mean;			/* artists x features, NaN = none */
} mean_reading;

static void
take_mean(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	mean_reading *r = arg;
	text	   *id = DatumGetTextPP(values[0]);
	uint32		artist = gh_names_find(r->c->artist, VARDATA_ANY(id), VARSIZE_ANY_EXHDR(id));
	float	   *x;
	int			n;

	if (artist == PG_UINT32_MAX || nulls[1])
		return;
	n = gh_features_read("train_hierarchy", text_to_cstring(id), row, values[1], &x);
	memcpy(r->mean + (size_t) artist * n, x, n * sizeof(float));
}

/* One mean for every artist that a song names. */
static float *
read_means(gh_catalogue *c, const char *schema)
{
	gh_column	column[] = {
		{"artist_id", GH_COLUMN_ANY_AS_TEXT},
		{"features", GH_COLUMN_FLOATS, .nullable = true}
	};
	const gh_table *songs = &c->songs_table,
			   *links = &c->links_table;
	size_t		cells = (size_t) c->artist->n * c->n_features;
	mean_reading r = {c, gh_pg_alloc(c->ctx, cells, sizeof(float))};
	char	   *id = gh_table_id(links, "l", "artist_id");

	for (size_t i = 0; i < cells; i++)
		r.mean[i] = NAN;
	gh_pg_query("train_hierarchy",
				psprintf("SELECT %s AS artist_id, %s.feature_avg(%s) AS features FROM %s AS s JOIN %s AS l ON %s"
						 " WHERE l.artist_id IS NOT NULL GROUP BY 1",
						 id, schema, gh_table_features(songs, "s", c->feature, c->n_features), songs->name, links->name,
						 gh_table_equal(songs, "s", links, "l", "song_id")),
				true, column, lengthof(column), take_mean, &r);
	return r.mean;
}

void
gh_catalogue_add_context(gh_catalogue *c, const char *schema, const uint32_t *artist)
{
	float	   *mean = read_means(c, schema);
	size_t		d = c->n_features;

	c->songs.capacity = Max(c->songs.n, 1);
	c->songs.x = gh_pg_realloc(c->ctx, c->songs.x, c->songs.capacity * 2 * d, sizeof(float));
	/* from the end, where there is room */
	for (size_t i = c->songs.n; i-- > 0;)
	{
		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		memmove(c->songs.x + i * 2 * d, c->songs.x + i * d, d * sizeof(float));
		memcpy(c->songs.x + i * 2 * d + d, mean + (size_t) artist[i] * d, d * sizeof(float));
	}
	gh_free(c->ctx, mean);
}

float *
gh_catalogue_weights(gh_catalogue *c, const uint32_t *artist, const uint8_t *validation)
{
	uint64	   *songs = gh_pg_alloc(c->ctx, c->artist->n, sizeof(uint64));
	float	   *weights = gh_pg_alloc(c->ctx, Max(c->songs.n, 1), sizeof(float));
	double		sum = 0;
	size_t		n = 0;

	memset(songs, 0, c->artist->n * sizeof(uint64));
	for (size_t i = 0; i < c->songs.n; i++)
		songs[artist[i]] += !validation[i];
	for (size_t i = 0; i < c->songs.n; i++)
	{
		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		/* a validation song's weight is never used */
		weights[i] = validation[i] ? 1 : (float) (1 / sqrt((double) songs[artist[i]]));
		sum += validation[i] ? 0 : weights[i];
		n += !validation[i];
	}
	for (size_t i = 0; i < c->songs.n && n > 0; i++)
		weights[i] = (float) (weights[i] * ((double) n / sum));
	gh_free(c->ctx, songs);
	return weights;
}
