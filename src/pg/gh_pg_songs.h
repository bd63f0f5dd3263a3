/*
 * gh_pg_songs.h
 *		Songs out of a table or query, for charts of many songs.
 */
#ifndef GH_PG_SONGS_H
#define GH_PG_SONGS_H

#include "gh_pg_model.h"

typedef struct gh_song_sample
{
	size_t		n;
	size_t		left_out;		/* songs with an infinite feature */
	char	  **id;				/* UTF-8, palloc'd */
	float	   *value;			/* n x n_features, gh memory; NaN: missing */
} gh_song_sample;

/*
 * At most `most` songs of `songs` (a table, view or query with song_id and the
 * features), the same ones in the same order every time: those whose id has
 * the least MD5 together with `seed`.  Features in the server's encoding.  `hint`
 * says what to do when a table does not exist.
 */
extern void gh_song_sample_read(gh_ctx *ctx, const char *what, const char *songs, char **feature, int n_features,
								int most, const char *seed, const char *hint, gh_song_sample *sample);

#endif							/* GH_PG_SONGS_H */
