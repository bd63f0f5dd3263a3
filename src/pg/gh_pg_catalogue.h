/*
 * gh_pg_catalogue.h
 *		A catalogue in memory, as train_hierarchy works on it.
 *
 * Artists and songs are numbered in the order of their ids, so nothing here
 * depends on where the rows lie in the user's tables.
 */
#ifndef GH_PG_CATALOGUE_H
#define GH_PG_CATALOGUE_H

#include "gh_pg_model.h"

/* What a song is used for. */
typedef enum gh_song_use
{
	GH_SONG_TRAINS = 0,
	GH_SONG_VALIDATES,
	GH_SONG_SET_ASIDE			/* shares an artist with a song that validates */
} gh_song_use;

typedef struct gh_catalogue
{
	gh_ctx	   *ctx;
	MemoryContext context;
	gh_table	songs_table,
				artists_table,
				links_table;
	char	  **feature;		/* server's encoding */
	int			n_features;

	gh_names   *genre;			/* in the order of their names */
	gh_names   *artist;			/* those with genres first, n_artists of them; then others that songs name */
	size_t		n_artists;
	gh_label_list artist_genres;	/* of the n_artists */
	bool	   *followed;		/* of the n_artists: at least min_followers */
	size_t		followed_capacity;

	gh_rows		songs;			/* complete, with a genre */
	gh_label_list song_artists; /* the first is the one with the lowest id */
	gh_label_list song_genres;
	uint8_t    *use;			/* gh_song_use per song */
	char	   *discovery;		/* JSON: what was found; NULL when supergenres were given */
} gh_catalogue;

/* ---- catalogue_read.c ------------------------------------------------- */

/*
 * Reads artists and songs in the caller's snapshot; the tables and features are
 * set.  max_songs: a sample of so many songs at most, drawn with the seed; 0: all.
 */
extern void gh_catalogue_read(gh_catalogue *c, int64 min_followers, int64 max_songs, uint64 seed);

/* ---- catalogue_sample.c ----------------------------------------------- */

/*
 * keep[n], gh memory: which `most` of n songs are kept, of each artist (artist[i]:
 * of song i) its share; the same ones for the same songs and seed.  NULL: all.
 */
extern bool *gh_catalogue_sample(gh_catalogue *c, const uint32_t *artist, size_t n, int64 most, uint64 seed);

/* ---- catalogue_split.c ------------------------------------------------ */

/* Decides the use of every song. */
extern void gh_catalogue_split(gh_catalogue *c, const gh_train_options *options, bool by_artist);
/* The artists to learn supergenres from: followed, with a song that trains.  palloc'd numbers. */
extern uint32 *gh_catalogue_training_artists(const gh_catalogue *c, size_t *n);
/* Supergenres found by the core from those artists. */
extern void gh_catalogue_discover(gh_catalogue *c, const gh_discovery_params *params, gh_links *links);
/* Of the given links: the most popular genres of each supergenre, and what is above them. */
extern void gh_catalogue_keep_popular(gh_catalogue *c, const gh_links *given, int genres_per_supergenre,
									  gh_links *links);

/* ---- catalogue_context.c ---------------------------------------------- */

/* Names of the features and of the artist's means of them, palloc'd: 2 n. */
extern char **gh_context_features(char **feature, int n);
/* SQL after "FROM songs AS s": joins m.features, the means of the song's artist. */
extern char *gh_context_lateral(const char *schema, const gh_table *songs, const gh_table *links, char **feature, int n);
/* A query for song_id and all features, under their names, of every song. */
extern char *gh_context_query(const char *schema, const gh_table *songs, const gh_table *links, char **feature, int n);
/* Appends to the features of every song those of artist[song]; schema: of the extension. */
extern void gh_catalogue_add_context(gh_catalogue *c, const char *schema, const uint32_t *artist);
/*
 * A weight for every song, gh memory: one over the square root of how many of
 * its artist's songs train, with mean 1 over these.  Means are the same for all
 * of an artist's songs, so trees would learn large artists by heart.
 */
extern float *gh_catalogue_weights(gh_catalogue *c, const uint32_t *artist, const uint8_t *validation);

#endif							/* GH_PG_CATALOGUE_H */
