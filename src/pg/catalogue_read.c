/*
 * catalogue_read.c
 *		The user's three tables into memory: one statement for artists, one for songs.
 *
 * When a sample is asked for the songs are read twice, the first time without
 * their features.
 */
#include "gh_pg_catalogue.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* ---- artists ----------------------------------------------------------- */

enum
{
	ARTIST_ID,
	ARTIST_FOLLOWERS,
	ARTIST_GENRES,
	N_ARTIST_COLUMNS
};

typedef struct artist_reading
{
	gh_catalogue *c;
	gh_names   *genre;			/* in order of arrival */
	int64		min_followers;
} artist_reading;

static char *
artists_query(const gh_table *artists)
{
	char	   *id = gh_table_id(artists, "a", "artist_id"),
			   *genres = gh_table_texts(artists, "a", "genres");

	return psprintf("SELECT %s AS artist_id, %s AS followers, %s AS genres FROM %s AS a"
					" WHERE pg_catalog.cardinality(%s) OPERATOR(pg_catalog.>) 0 ORDER BY %s",
					id, gh_table_number(artists, "a", "followers"), genres, artists->name, genres, id);
}

static void
duplicate(const char *what, const char *id, const gh_table *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("%s \"%s\" is there more than once in %s", what, id, table->name),
			 errhint("A primary key would have kept it out; a view with DISTINCT ON helps now.")));
}

static void
take_artist_genre(void *arg, const char *string, Size length)
{
	artist_reading *r = arg;

	gh_label_list_add(&r->c->artist_genres, gh_names_add(r->genre, string, length));
}

static void
take_artist(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	artist_reading *r = arg;
	gh_catalogue *c = r->c;
	char	   *id = TextDatumGetCString(values[ARTIST_ID]);

	if (gh_names_add(c->artist, id, strlen(id)) != row)
		duplicate("artist", id, &c->artists_table);
	if (row == c->followed_capacity)
	{
		c->followed_capacity = c->followed_capacity == 0 ? 1024 : c->followed_capacity * 2;
		c->followed = gh_pg_realloc(c->ctx, c->followed, c->followed_capacity, sizeof(bool));
	}
	/* an unknown number of followers counts as none */
	c->followed[row] = (nulls[ARTIST_FOLLOWERS] ? 0 : DatumGetFloat8(values[ARTIST_FOLLOWERS])) >= r->min_followers;
	gh_label_list_row(&c->artist_genres);
	gh_texts_each(values[ARTIST_GENRES], take_artist_genre, r);
}

/* Genres numbered by the order of their names instead of their arrival. */
static void
sort_genres(gh_catalogue *c, const gh_names *arrived)
{
	uint32	   *rank = gh_names_rank(arrived);
	char	  **sorted = gh_names_sorted(arrived, rank);
	gh_label_list *labels = &c->artist_genres;

	for (uint32 g = 0; g < arrived->n; g++)
		gh_names_add(c->genre, sorted[g], strlen(sorted[g]));
	for (uint64_t i = 0; i < labels->begin[labels->n]; i++)
		labels->label[i] = rank[labels->label[i]];
	pfree(sorted);
	pfree(rank);
}

static void
read_artists(gh_catalogue *c, int64 min_followers)
{
	artist_reading r = {c, gh_names_make(), min_followers};
	gh_column	column[N_ARTIST_COLUMNS] = {
		[ARTIST_ID] = {"artist_id", GH_COLUMN_ANY_AS_TEXT},
		[ARTIST_FOLLOWERS] = {"followers", GH_COLUMN_FLOAT, .nullable = true},
		[ARTIST_GENRES] = {"genres", GH_COLUMN_TEXTS}
	};

	gh_label_list_init(&c->artist_genres, c->ctx);
	gh_pg_query("train_hierarchy", artists_query(&c->artists_table), true, column, N_ARTIST_COLUMNS, take_artist, &r);
	c->n_artists = c->artist->n;
	sort_genres(c, r.genre);
	if (c->genre->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("train_hierarchy: no artist in %s has genres", c->artists_table.name),
				 errhint("The column genres is a text[]; songs take their genres from their artists.")));
}

/* ---- songs ------------------------------------------------------------- */

enum
{
	SONG_ID,
	SONG_ARTISTS,
	SONG_FEATURES,
	N_SONG_COLUMNS
};

typedef struct song_reading
{
	gh_catalogue *c;
	char	   *last;			/* id of the row before */
	Size		last_size;
	uint32	   *artist;			/* of the song at hand */
	uint32		n_artists,
				capacity;
	size_t		n;				/* songs with a genre so far */
	uint32_t   *first;			/* their first artists, when these are all that is read */
	size_t		first_capacity;
	const bool *keep;			/* which of them are kept; NULL: all */
	size_t		n_keep;
} song_reading;

/* The artists of a song come with it, so the server does the join. */
static char *
songs_query(const gh_catalogue *c, bool features)
{
	const gh_table *songs = &c->songs_table,
			   *links = &c->links_table;
	char	   *id = gh_table_id(songs, "s", "song_id"),
			   *artist = gh_table_id(links, "l", "artist_id");
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s AS song_id, ", id);
	if (features)
		appendStringInfo(&sql, "%s AS features, ", gh_table_features(songs, "s", c->feature, c->n_features));
	appendStringInfo(&sql, "a.artists FROM %s AS s", songs->name);
	appendStringInfo(&sql, " JOIN (SELECT l.song_id, pg_catalog.array_agg(DISTINCT %s ORDER BY %s) AS artists"
					 " FROM %s AS l WHERE l.artist_id IS NOT NULL GROUP BY l.song_id) AS a ON %s",
					 artist, artist, links->name, gh_table_equal(songs, "s", links, "a", "song_id"));
	appendStringInfo(&sql, " WHERE %s ORDER BY %s", gh_table_complete(songs, "s", c->feature, c->n_features), id);
	return sql.data;
}

static void
take_song_artist(void *arg, const char *string, Size length)
{
	song_reading *r = arg;

	if (r->n_artists == r->capacity)
	{
		r->capacity = r->capacity == 0 ? 16 : r->capacity * 2;
		r->artist = gh_pg_realloc(r->c->ctx, r->artist, r->capacity, sizeof(uint32));
	}
	r->artist[r->n_artists++] = gh_names_add(r->c->artist, string, length);
}

/* Rows come in the order of ids, so equal ones follow each other. */
static void
check_song_id(song_reading *r, const char *id)
{
	Size		size = strlen(id) + 1;

	if (r->last != NULL && strcmp(r->last, id) == 0)
		duplicate("song", id, &r->c->songs_table);
	if (size > r->last_size)
	{
		r->last_size = size * 2;
		r->last = r->last == NULL ? MemoryContextAlloc(r->c->context, r->last_size) : repalloc(r->last, r->last_size);
	}
	memcpy(r->last, id, size);
}

static bool
has_genre(const song_reading *r)
{
	for (uint32 i = 0; i < r->n_artists; i++)
		if (r->artist[i] < r->c->n_artists)
			return true;
	return false;
}

/* Whether the row is a song to go on with: it has a genre and is kept. */
static bool
is_wanted(song_reading *r, const Datum *values)
{
	size_t		number = r->n;

	check_song_id(r, TextDatumGetCString(values[SONG_ID]));
	r->n_artists = 0;
	gh_texts_each(values[SONG_ARTISTS], take_song_artist, r);
	if (!has_genre(r))
		return false;
	r->n++;
	return r->keep == NULL || (number < r->n_keep && r->keep[number]);
}

static void
take_first_artist(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	song_reading *r = arg;

	if (!is_wanted(r, values))
		return;
	if (r->n > r->first_capacity)
	{
		r->first_capacity = gh_pg_grow(r->first_capacity);
		r->first = gh_pg_realloc(r->c->ctx, r->first, r->first_capacity, sizeof(uint32_t));
	}
	r->first[r->n - 1] = r->artist[0];
}

static void
take_song(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	song_reading *r = arg;
	gh_catalogue *c = r->c;
	char	   *id;
	float	   *x;

	if (!is_wanted(r, values))
		return;
	id = TextDatumGetCString(values[SONG_ID]);
	gh_features_read("train_hierarchy", id, row, values[SONG_FEATURES], &x);
	memcpy(gh_rows_add(&c->songs, c->n_features, id), x, c->n_features * sizeof(float));
	gh_label_list_row(&c->song_artists);
	gh_label_list_row(&c->song_genres);
	for (uint32 i = 0; i < r->n_artists; i++)
	{
		uint32		artist = r->artist[i];

		gh_label_list_add(&c->song_artists, artist);
		if (artist >= c->n_artists)
			continue;
		for (uint64_t j = c->artist_genres.begin[artist]; j < c->artist_genres.begin[artist + 1]; j++)
			gh_label_list_add(&c->song_genres, c->artist_genres.label[j]);
	}
}

/* Which songs a sample keeps; NULL: all. */
static bool *
draw_sample(gh_catalogue *c, int64 most, uint64 seed, size_t *n)
{
	song_reading r = {c};
	gh_column	column[] = {
		[SONG_ID] = {"song_id", GH_COLUMN_ANY_AS_TEXT},
		[SONG_ARTISTS] = {"artists", GH_COLUMN_TEXTS}
	};
	bool	   *keep;

	gh_pg_query("train_hierarchy", songs_query(c, false), true, column, lengthof(column), take_first_artist, &r);
	*n = r.n;
	keep = gh_catalogue_sample(c, r.first, r.n, most, seed);
	gh_free(c->ctx, r.first);
	gh_free(c->ctx, r.artist);
	return keep;
}

static void
read_songs(gh_catalogue *c, int64 max_songs, uint64 seed)
{
	song_reading r = {c};
	gh_column	column[N_SONG_COLUMNS] = {
		[SONG_ID] = {"song_id", GH_COLUMN_ANY_AS_TEXT},
		[SONG_ARTISTS] = {"artists", GH_COLUMN_TEXTS},
		[SONG_FEATURES] = {"features", GH_COLUMN_FLOATS}
	};
	uint64		complete;
	bool	   *keep = max_songs > 0 ? draw_sample(c, max_songs, seed, &r.n_keep) : NULL;

	r.keep = keep;
	gh_rows_init(&c->songs, c->ctx, "train_hierarchy");
	gh_label_list_init(&c->song_artists, c->ctx);
	gh_label_list_init(&c->song_genres, c->ctx);
	complete = gh_pg_query("train_hierarchy", songs_query(c, true), true, column, N_SONG_COLUMNS, take_song, &r);
	gh_free(c->ctx, keep);
	gh_free(c->ctx, r.artist);
	gh_note(c->ctx, "catalogue", "%llu complete songs with an artist, %zu of them with genres; %zu artists with %u genres",
			(unsigned long long) complete, r.n, c->n_artists, c->genre->n);
	if (c->songs.n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("train_hierarchy: no complete song has an artist with genres"),
				 errdetail(UINT64_FORMAT " songs of %s have all %d features and an artist in %s.", complete,
						   c->songs_table.name, c->n_features, c->links_table.name),
				 errhint("Songs with a missing feature are left out: name fewer features if one is missing everywhere.")));
	gh_rows_trim(&c->songs);
	gh_label_list_trim(&c->song_artists);
	gh_label_list_trim(&c->song_genres);
}

void
gh_catalogue_read(gh_catalogue *c, int64 min_followers, int64 max_songs, uint64 seed)
{
	c->genre = gh_names_make();
	c->artist = gh_names_make();
	read_artists(c, min_followers);
	read_songs(c, max_songs, seed);
}
