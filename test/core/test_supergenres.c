/*
 * test_supergenres.c
 *		Assignment, popularity, names and discovery of supergenres.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/gh_random.h"
#include "learn/supergenres_private.h"

#define MAX_ROWS 4000
#define MAX_GENRES 64
#define MAX_LABELS (4 * MAX_ROWS)

/* Artists, their genres and clusters, built one artist after another. */
typedef struct people
{
	gh_labels	labels;
	uint64_t	begin[MAX_ROWS + 1];
	uint32_t	label[MAX_LABELS];
	int32_t		cluster[MAX_ROWS];
} people;

static void
people_init(people *p, uint32_t n_genres)
{
	memset(p, 0, sizeof(*p));
	p->labels.n_labels = n_genres;
	p->labels.begin = p->begin;
	p->labels.label = p->label;
}

static void
add_artist(people *p, int32_t cluster, int n, const uint32_t *genres)
{
	uint64_t	at = p->begin[p->labels.n];

	p->cluster[p->labels.n] = cluster;
	for (int k = 0; k < n; k++)
		p->label[at++] = genres[k];
	p->begin[++p->labels.n] = at;
}

static void
add_artists(people *p, int count, int32_t cluster, uint32_t genre)
{
	while (count-- > 0)
		add_artist(p, cluster, 1, &genre);
}

typedef struct assigned
{
	int32_t		cluster[MAX_GENRES];
	uint64_t	count[MAX_GENRES],
				total[MAX_GENRES];
} assigned;

static gh_assignment
assign(const people *p, int n_clusters, assigned *room)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_assignment a = {room->cluster, room->count, room->total};

	assert_int_equal(gh_assign_genres(ctx, &p->labels, p->cluster, n_clusters, &a), GH_OK);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return a;
}

/* ---- assignment -------------------------------------------------------- */

static void
the_studys_example(void **state)
{
	static people p;
	static assigned a;
	const int	seen[7] = {100, 20, 10, 2, 3, 50, 1};

	(void) state;
	people_init(&p, 1);
	for (int c = 0; c < 7; c++)
		add_artists(&p, seen[c], c, 0);
	assign(&p, 7, &a);
	assert_int_equal(a.cluster[0], 0);
	assert_int_equal(a.count[0], 100);
	assert_int_equal(a.total[0], 186);
}

static void
noise_counts_only_when_there_is_nothing_else(void **state)
{
	static people p;
	static assigned a;

	(void) state;
	people_init(&p, 3);
	add_artists(&p, 50, GH_NOISE, 0);
	add_artists(&p, 1, 2, 0);
	add_artists(&p, 4, GH_NOISE, 1);
	assign(&p, 3, &a);
	assert_int_equal(a.cluster[0], 2);
	assert_int_equal(a.count[0], 1);
	assert_int_equal(a.total[0], 51);
	assert_int_equal(a.cluster[1], GH_NOISE);
	assert_int_equal(a.count[1], 4);
	assert_int_equal(a.total[1], 4);
	/* a genre that nobody has */
	assert_int_equal(a.cluster[2], GH_NOISE);
	assert_int_equal(a.count[2], 0);
	assert_int_equal(a.total[2], 0);
}

static void
ties_go_to_the_larger_share_then_the_lower_cluster(void **state)
{
	static people p;
	static assigned a;

	(void) state;
	people_init(&p, 3);
	/* genre 0: five in each of clusters 0 (15 artists), 1 (10), 2 (10) */
	add_artists(&p, 5, 2, 0);
	add_artists(&p, 5, 1, 0);
	add_artists(&p, 5, 0, 0);
	add_artists(&p, 10, 0, 1);
	add_artists(&p, 5, 1, 2);
	add_artists(&p, 5, 2, 2);
	assign(&p, 3, &a);
	assert_int_equal(a.cluster[0], 1);
	assert_int_equal(a.cluster[2], 1);
	assert_int_equal(a.cluster[1], 0);
}

static void
a_genre_twice_on_one_artist_counts_once(void **state)
{
	static people p;
	static assigned a;
	const uint32_t twice[3] = {1, 0, 1};

	(void) state;
	people_init(&p, 2);
	add_artist(&p, 0, 3, twice);
	add_artist(&p, 1, 3, twice);
	add_artist(&p, 1, 1, twice);
	assign(&p, 2, &a);
	assert_int_equal(a.cluster[1], 1);
	assert_int_equal(a.count[1], 2);
	assert_int_equal(a.total[1], 3);
	assert_int_equal(a.total[0], 2);
}

/* Every genre against every cluster, counted one by one. */
static void
assignment_equals_the_literal_count(void **state)
{
	static people p;
	static assigned a;
	enum
	{
		n = 500,
		n_genres = 40,
		n_clusters = 6
	};

	(void) state;
	for (uint64_t seed = 0; seed < 20; seed++)
	{
		people_init(&p, n_genres);
		for (int i = 0; i < n; i++)
		{
			uint32_t	genres[3];
			int			count = (int) (gh_random_u64(seed, GH_STREAM_TEST, 10 * i) % 4);

			for (int k = 0; k < count; k++)
				genres[k] = (uint32_t) (gh_random_u64(seed, GH_STREAM_TEST, 10 * i + 1 + k) % n_genres);
			add_artist(&p, (int32_t) (gh_random_u64(seed, GH_STREAM_TEST, 10 * i + 5) % (n_clusters + 1)) - 1, count, genres);
		}
		assign(&p, n_clusters, &a);
		for (uint32_t g = 0; g < n_genres; g++)
		{
			uint64_t	count[n_clusters + 1] = {0},
						size[n_clusters + 1] = {0};
			int			best = GH_NOISE;

			for (size_t i = 0; i < p.labels.n; i++)
			{
				bool		has = false;

				size[p.cluster[i] + 1]++;
				for (uint64_t k = p.begin[i]; k < p.begin[i + 1]; k++)
					has = has || p.label[k] == g;
				count[p.cluster[i] + 1] += has;
			}
			for (int c = 0; c < n_clusters; c++)
			{
				double		share = (double) count[c + 1] / (double) size[c + 1],
							best_share = best < 0 ? 0 : (double) count[best + 1] / (double) size[best + 1];

				if (count[c + 1] > 0 && (best < 0 || count[c + 1] > count[best + 1]
										 || (count[c + 1] == count[best + 1] && share > best_share)))
					best = c;
			}
			assert_int_equal(a.cluster[g], best);
			assert_int_equal(a.count[g], count[best + 1]);
		}
	}
}

static void
labels_out_of_range_are_refused(void **state)
{
	static people p;
	static assigned room;
	gh_assignment a = {room.cluster, room.count, room.total};

	(void) state;
	for (int k = 0; k < 3; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);

		people_init(&p, 2);
		add_artists(&p, 3, k == 1 ? 5 : k == 2 ? -2 : 0, k == 0 ? 2 : 0);
		assert_int_equal(gh_assign_genres(ctx, &p.labels, p.cluster, 5, &a), GH_EINTERNAL);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

/* ---- popularity and names ---------------------------------------------- */

static void
the_most_popular_genres_are_kept(void **state)
{
	int32_t		cluster[7] = {0, 0, 0, 0, 1, GH_NOISE, 1};
	uint64_t	count[7] = {1, 1, 1, 1, 1, 1, 0},
				total[7] = {9, 5, 5, 8, 1, 99, 0};
	const char *const name[7] = {"d", "c", "b", "a", "z", "noise", "nobody"};
	gh_assignment a = {cluster, count, total};
	int32_t		keep[7];
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	assert_int_equal(gh_keep_popular(ctx, &a, 7, name, 3, keep), GH_OK);
	assert_int_equal(keep[0], 0);
	assert_int_equal(keep[3], 0);
	assert_int_equal(keep[2], 0);	/* "b" before "c" at five artists each */
	assert_int_equal(keep[1], GH_NOISE);
	assert_int_equal(keep[4], 1);
	assert_int_equal(keep[5], GH_NOISE);
	assert_int_equal(keep[6], GH_NOISE);
	gh_ctx_close(ctx);
}

static void
names_are_common_here_and_rare_elsewhere(void **state)
{
	/*
	 * Cluster 0: rock and metal say it, "pop" is everywhere, "grim" says more
	 * but is not kept.  Cluster 1: "pop rap" holds
	 * the word "rap", so "trap" joins instead.  Cluster 2: soul stands
	 * out alone, talk says too little.
	 */
	int32_t		cluster[9] = {0, 0, 0, 0, 1, 1, 1, 2, 2},
				keep[9] = {0, 0, 0, GH_NOISE, 1, 1, 1, 2, 2};
	uint64_t	count[9] = {60, 50, 70, 90, 80, 70, 45, 80, 10},
				total[9] = {80, 55, 400, 90, 90, 80, 50, 90, 60};
	const char *const name[9] = {"rock", "metal", "pop", "grim", "rap", "pop rap", "trap", "soul", "talk"};
	const uint64_t size[3] = {100, 100, 100};
	gh_assignment a = {cluster, count, total};
	char	   *out[3];
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	assert_int_equal(gh_name_clusters(ctx, &a, keep, 9, name, size, 3, out), GH_OK);
	/* count^2 / total: rock 45, metal 45.5, pop 12; rap 71, pop rap 61, trap 41; soul 71, talk 2 */
	assert_string_equal(out[0], "metal / rock");
	assert_string_equal(out[1], "rap / trap");
	assert_string_equal(out[2], "soul");
	for (int c = 0; c < 3; c++)
		gh_free(ctx, out[c]);
	gh_ctx_close(ctx);
}

static void
names_are_unique_and_no_other_genres(void **state)
{
	/* a genre called like the pair of another cluster; cluster 2 has no genre; equal scores go by name */
	int32_t		cluster[5] = {0, 0, 0, 1, GH_NOISE};
	uint64_t	count[5] = {9, 10, 9, 10, 3},
				total[5] = {9, 10, 9, 10, 3};
	const char *const name[5] = {"c", "a", "b", "a / b", "cluster 3"};
	const uint64_t size[3] = {10, 10, 5};
	gh_assignment a = {cluster, count, total};
	char	   *out[3];
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	assert_int_equal(gh_name_clusters(ctx, &a, cluster, 5, name, size, 3, out), GH_OK);
	assert_string_equal(out[0], "a / b (2)");
	assert_string_equal(out[1], "a / b");
	assert_string_equal(out[2], "cluster 3 (2)");
	for (int c = 0; c < 3; c++)
		gh_free(ctx, out[c]);
	gh_ctx_close(ctx);
}

/* ---- discovery --------------------------------------------------------- */

#define BLOBS 6
#define PER_BLOB 60
#define ARTISTS (BLOBS * PER_BLOB)
#define DIMENSIONS 8

static const char *const blob_genre[BLOBS * 2 + 1] = {"rock", "metal", "rap", "trap", "edm", "house", "jazz", "bebop",
"folk", "country", "opera", "choir", "pop"};

/* Six groups of artists far from each other; two genres each, and "pop" on every seventh artist. */
static void
make_blobs(people *p, double *features)
{
	people_init(p, BLOBS * 2 + 1);
	for (int i = 0; i < ARTISTS; i++)
	{
		int			blob = i % BLOBS;
		uint32_t	genres[3] = {(uint32_t) (2 * blob + (i / BLOBS) % 2), 2 * BLOBS, 0};

		add_artist(p, 0, i % 7 == 0 ? 2 : 1, genres);
		for (int j = 0; j < DIMENSIONS; j++)
			features[i * DIMENSIONS + j] = gh_random_normal(1, GH_STREAM_TEST, (uint64_t) (i * DIMENSIONS + j))
				+ 12 * gh_random_normal(2, GH_STREAM_TEST, (uint64_t) (blob * DIMENSIONS + j));
	}
}

/* Few epochs, and clusters of the groups' order of size. */
static gh_discovery_params
quick(void)
{
	gh_discovery_params params = gh_discovery_defaults();

	params.umap.n_neighbors = 15;
	params.umap.n_epochs = 100;
	params.n_min_cluster_size = params.n_min_samples = 2;
	params.min_cluster_size[0] = 20;
	params.min_cluster_size[1] = 30;
	params.min_samples[0] = 10;
	params.min_samples[1] = 15;
	return params;
}

static char notes[64][GH_MESSAGE_SIZE];
static int	n_notes;

static void
keep_notes(void *arg, const gh_progress *progress)
{
	(void) arg;
	if (progress->note && n_notes < 64)
		snprintf(notes[n_notes++], GH_MESSAGE_SIZE, "%s", progress->text);
}

static bool
noted(const char *part)
{
	for (int i = 0; i < n_notes; i++)
		if (strstr(notes[i], part) != NULL)
			return true;
	return false;
}

static gh_ctx *
noting_context(int threads)
{
	gh_host		host = {.progress = keep_notes, .threads = threads, .memory_limit = SIZE_MAX};

	n_notes = 0;
	return gh_ctx_open(&host);
}

static void
discovery_finds_the_groups(void **state)
{
	static people p;
	static double features[ARTISTS * DIMENSIONS];
	const int	threads[3] = {1, 2, 8};
	gh_discovery first;
	gh_ctx	   *first_ctx = noting_context(1);
	gh_discovery_params params = quick();

	(void) state;
	make_blobs(&p, features);
	assert_int_equal(gh_discover(first_ctx, features, ARTISTS, DIMENSIONS, &p.labels, blob_genre, &params, &first), GH_OK);
	assert_int_equal(first.n_clusters, BLOBS);
	assert_false(first.relaxed);
	assert_true(first.cells[first.chosen].clusters == BLOBS);
	assert_true(noted("DBCV") && noted("supergenre \""));
	for (int i = 0; i < ARTISTS; i++)
		if (first.labels[i] >= 0 && first.labels[i % BLOBS] >= 0)
			assert_int_equal(first.labels[i], first.labels[i % BLOBS]);
	for (int blob = 0; blob < BLOBS; blob++)
	{
		int32_t		c = first.genre_cluster[2 * blob];
		const char *name;

		assert_true(c >= 0);
		assert_int_equal(first.genre_cluster[2 * blob + 1], c);
		name = first.name[c];
		assert_true(strstr(name, blob_genre[2 * blob]) != NULL && strstr(name, blob_genre[2 * blob + 1]) != NULL);
		assert_null(strstr(name, "pop"));
	}
	for (int k = 0; k < 3; k++)
	{
		gh_ctx	   *ctx = noting_context(threads[k]);
		gh_discovery again;

		assert_int_equal(gh_discover(ctx, features, ARTISTS, DIMENSIONS, &p.labels, blob_genre, &params, &again), GH_OK);
		assert_memory_equal(again.labels, first.labels, ARTISTS * sizeof(int32_t));
		assert_memory_equal(again.embedding, first.embedding, ARTISTS * 2 * sizeof(double));
		assert_int_equal(again.chosen, first.chosen);
		gh_discovery_free(ctx, &again);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
	gh_discovery_free(first_ctx, &first);
	assert_int_equal(gh_memory_used(first_ctx), 0);
	gh_ctx_close(first_ctx);
}

static void
the_grid_scales_with_the_artists(void **state)
{
	static people p;
	static double features[ARTISTS * DIMENSIONS];
	/* shares of 360 artists, from 5 on; shares of the square root, from 3 on; each once */
	const int	sizes[5] = {5, 7, 11, 14, 18},
				samples[3] = {3, 4, 8};
	gh_discovery_params params = quick();
	gh_discovery d;
	gh_ctx	   *ctx = noting_context(2);
	size_t		at = 0;

	(void) state;
	make_blobs(&p, features);
	params.n_min_cluster_size = params.n_min_samples = 0;
	assert_int_equal(gh_discover(ctx, features, ARTISTS, DIMENSIONS, &p.labels, blob_genre, &params, &d), GH_OK);
	assert_int_equal(d.n_cells, 30);
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 5; j++)
			for (int selection = 0; selection < 2; selection++, at++)
			{
				assert_int_equal(d.cells[at].params.min_samples, samples[i]);
				assert_int_equal(d.cells[at].params.min_cluster_size, sizes[j]);
				assert_int_equal(d.cells[at].params.selection, selection);
			}
	for (size_t i = 0; i < d.n_cells; i++)
	{
		const gh_grid_cell *c = &d.cells[i];

		if (!d.relaxed && c->dbcv_defined && c->clusters >= 5 && c->clusters <= 15 && c->noise < ARTISTS / 2
			&& c->smallest >= 0.005 * ARTISTS)
			assert_true(c->dbcv <= d.cells[d.chosen].dbcv);
	}
	gh_discovery_free(ctx, &d);
	gh_ctx_close(ctx);
}

static void
limits_are_relaxed_in_order(void **state)
{
	static people p;
	static double features[ARTISTS * DIMENSIONS];
	gh_discovery_params params;
	gh_discovery d;

	(void) state;
	make_blobs(&p, features);
	for (int k = 0; k < 3; k++)
	{
		gh_ctx	   *ctx = noting_context(2);

		params = quick();
		if (k == 0)
			params.min_cluster_fraction = 0.5;
		else if (k == 1)
			params.max_noise = 0;	/* noise is never under 0 */
		else
		{
			params.min_clusters = 100;
			params.max_clusters = 120;
		}
		assert_int_equal(gh_discover(ctx, features, ARTISTS, DIMENSIONS, &p.labels, blob_genre, &params, &d), GH_OK);
		assert_true(d.relaxed);
		assert_true(noted("waived"));
		assert_true(noted(k == 0 ? "the limits on the smallest cluster's size were" : k == 1
						  ? "the smallest cluster's size and the noise were" : "the number of clusters were"));
		if (k < 2)
			assert_int_equal(d.n_clusters, BLOBS);
		else
			for (size_t i = 0; i < d.n_cells; i++)
				assert_true(!d.cells[i].dbcv_defined || d.cells[i].clusters <= d.cells[d.chosen].clusters);
		gh_discovery_free(ctx, &d);
		gh_ctx_close(ctx);
	}
}

static void
genres_per_supergenre_is_a_limit(void **state)
{
	static people p;
	static double features[ARTISTS * DIMENSIONS];
	gh_discovery_params params = quick();
	gh_discovery d;
	gh_ctx	   *ctx = noting_context(2);
	int			kept[BLOBS] = {0};

	(void) state;
	make_blobs(&p, features);
	params.genres_per_supergenre = 1;
	assert_int_equal(gh_discover(ctx, features, ARTISTS, DIMENSIONS, &p.labels, blob_genre, &params, &d), GH_OK);
	for (uint32_t g = 0; g < p.labels.n_labels; g++)
		if (d.genre_cluster[g] >= 0)
			kept[d.genre_cluster[g]]++;
	for (int c = 0; c < BLOBS; c++)
		assert_int_equal(kept[c], 1);
	/* "pop" has more artists than the other genres of its cluster */
	assert_true(d.genre_cluster[2 * BLOBS] >= 0);
	gh_discovery_free(ctx, &d);
	gh_ctx_close(ctx);
}

static void
clusters_without_genres_are_dropped(void **state)
{
	static people p;
	static double features[ARTISTS * DIMENSIONS];
	gh_discovery_params params = quick();
	gh_discovery d;
	gh_ctx	   *ctx = noting_context(2);

	(void) state;
	make_blobs(&p, features);
	people_init(&p, BLOBS * 2 + 1);
	for (int i = 0; i < ARTISTS; i++)
	{
		uint32_t	genre = (uint32_t) (2 * (i % BLOBS));

		add_artist(&p, 0, i % BLOBS == 1 || i % BLOBS == 4 ? 0 : 1, &genre);
	}
	assert_int_equal(gh_discover(ctx, features, ARTISTS, DIMENSIONS, &p.labels, blob_genre, &params, &d), GH_OK);
	assert_int_equal(d.n_clusters, BLOBS - 2);
	assert_true(noted("2 clusters have no genre"));
	for (int i = 0; i < ARTISTS; i++)
	{
		assert_true(d.labels[i] < BLOBS - 2);
		if (i % BLOBS == 1 || i % BLOBS == 4)
			assert_int_equal(d.labels[i], GH_NOISE);
	}
	for (int c = 0; c < BLOBS - 2; c++)
		assert_non_null(d.name[c]);
	gh_discovery_free(ctx, &d);
	gh_ctx_close(ctx);
}

static void
impossible_discoveries_say_what_to_do(void **state)
{
	static people p;
	static double features[ARTISTS * DIMENSIONS];
	gh_discovery_params params = quick();
	gh_discovery d;

	(void) state;
	for (int k = 0; k < 3; k++)
	{
		gh_ctx	   *ctx = noting_context(1);

		make_blobs(&p, features);
		params = quick();
		if (k == 0)
		{
			people_init(&p, 1);
			add_artists(&p, 3, 0, 0);
		}
		else if (k == 1)
		{
			/* no cluster can be that large */
			params.n_min_cluster_size = 1;
			params.min_cluster_size[0] = ARTISTS;
		}
		else
		{
			/* all genres in one group */
			people_init(&p, BLOBS * 2 + 1);
			for (int i = 0; i < ARTISTS; i++)
				add_artist(&p, 0, i % BLOBS == 0, (const uint32_t[]) {0});
		}
		assert_int_equal(gh_discover(ctx, features, p.labels.n, DIMENSIONS, &p.labels, blob_genre, &params, &d), GH_EDATA);
		assert_non_null(gh_ctx_detail(ctx));
		assert_non_null(strstr(gh_ctx_hint(ctx), "supergenres"));
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

static void
parameters_are_checked(void **state)
{
	static people p;
	static double features[ARTISTS * DIMENSIONS];
	gh_discovery d;

	(void) state;
	make_blobs(&p, features);
	for (int k = 0; k < 10; k++)
	{
		gh_ctx	   *ctx = noting_context(1);
		gh_discovery_params params = quick();

		switch (k)
		{
			case 0:
				params.min_clusters = 1;
				break;
			case 1:
				params.max_clusters = 4;
				break;
			case 2:
				params.max_noise = NAN;
				break;
			case 3:
				params.min_cluster_fraction = 1;
				break;
			case 4:
				params.genres_per_supergenre = 0;
				break;
			case 5:
				params.umap.n_components = 3;
				break;
			case 6:
				params.n_min_cluster_size = 33;
				break;
			case 7:
				params.n_min_samples = 1;
				params.min_samples[0] = 0;
				break;
			case 8:
				params.n_min_cluster_size = 1;
				params.min_cluster_size[0] = 1;
				break;
			default:
				params.umap.n_neighbors = 1;
		}
		assert_int_equal(gh_discover(ctx, features, ARTISTS, DIMENSIONS, &p.labels, blob_genre, &params, &d), GH_EINVAL);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

static int	polls_left;

static bool
stop_later(void *arg)
{
	(void) arg;
	return polls_left-- <= 0;
}

static void
discovery_stops_and_fails_cleanly(void **state)
{
	static people p;
	static double features[ARTISTS * DIMENSIONS];
	gh_host		host = {.should_stop = stop_later, .threads = 2, .memory_limit = SIZE_MAX};
	gh_discovery_params params = quick();
	gh_discovery d;
	gh_status	status = GH_ECANCELED;

	(void) state;
	make_blobs(&p, features);
	p.labels.n = 60;
	params.umap.n_epochs = 10;
	params.n_min_samples = params.n_min_cluster_size = 1;
	params.min_samples[0] = 3;
	params.min_cluster_size[0] = 5;
	for (int polls = 0; status != GH_OK; polls += 1 + polls / 5)
	{
		gh_ctx	   *ctx = gh_ctx_open(&host);

		polls_left = polls;
		status = gh_discover(ctx, features, 60, DIMENSIONS, &p.labels, blob_genre, &params, &d);
		assert_true(status == GH_OK || status == GH_ECANCELED);
		assert_true(polls > 0 || status == GH_ECANCELED);
		gh_discovery_free(ctx, &d);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
	status = GH_ENOMEM;
	for (uint64_t k = 1; status != GH_OK; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);

		gh_ctx_fail_allocation(ctx, k, false);
		status = gh_discover(ctx, features, 60, DIMENSIONS, &p.labels, blob_genre, &params, &d);
		assert_true(status == GH_OK || status == GH_ENOMEM);
		gh_discovery_free(ctx, &d);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

static void
memory_is_checked_first(void **state)
{
	static people p;
	static double features[ARTISTS * DIMENSIONS];
	gh_discovery_params params = quick();
	gh_host		host = {.threads = 1, .memory_limit = 10000, .memory_setting = "a_setting"};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	gh_discovery d;

	(void) state;
	make_blobs(&p, features);
	assert_int_equal(gh_discover(ctx, features, ARTISTS, DIMENSIONS, &p.labels, blob_genre, &params, &d), GH_ELIMIT);
	assert_non_null(strstr(gh_ctx_message(ctx), "a_setting"));
	gh_ctx_close(ctx);

	/* what a run takes at most is what is announced */
	ctx = gh_ctx_open(NULL);
	assert_int_equal(gh_discover(ctx, features, ARTISTS, DIMENSIONS, &p.labels, blob_genre, &params, &d), GH_OK);
	assert_in_range(gh_memory_peak(ctx), gh_discovery_memory(ARTISTS, DIMENSIONS, &params) / 2,
					gh_discovery_memory(ARTISTS, DIMENSIONS, &params) * 5 / 4);
	gh_discovery_free(ctx, &d);
	gh_ctx_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_studys_example),
		cmocka_unit_test(noise_counts_only_when_there_is_nothing_else),
		cmocka_unit_test(ties_go_to_the_larger_share_then_the_lower_cluster),
		cmocka_unit_test(a_genre_twice_on_one_artist_counts_once),
		cmocka_unit_test(assignment_equals_the_literal_count),
		cmocka_unit_test(labels_out_of_range_are_refused),
		cmocka_unit_test(the_most_popular_genres_are_kept),
		cmocka_unit_test(names_are_common_here_and_rare_elsewhere),
		cmocka_unit_test(names_are_unique_and_no_other_genres),
		cmocka_unit_test(discovery_finds_the_groups),
		cmocka_unit_test(the_grid_scales_with_the_artists),
		cmocka_unit_test(limits_are_relaxed_in_order),
		cmocka_unit_test(genres_per_supergenre_is_a_limit),
		cmocka_unit_test(clusters_without_genres_are_dropped),
		cmocka_unit_test(impossible_discoveries_say_what_to_do),
		cmocka_unit_test(parameters_are_checked),
		cmocka_unit_test(discovery_stops_and_fails_cleanly),
		cmocka_unit_test(memory_is_checked_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
