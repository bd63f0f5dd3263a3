/*
 * test_discover.c
 *		Supergenres found by projection and clustering: the groups, the grid, limits, failures.
 */
#include "supergenres_testing.h"

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

/* The numbers of the reference page. */
static void
defaults_are_the_documented_ones(void **state)
{
	gh_discovery_params p = gh_discovery_defaults();

	(void) state;
	assert_true(p.umap.n_neighbors == 30 && p.umap.min_dist == 0 && p.umap.n_components == 2 && p.umap.standardize);
	assert_true(p.min_clusters == 5 && p.max_clusters == 15 && p.max_noise == 0.5 && p.min_cluster_fraction == 0.005);
	assert_int_equal(p.genres_per_supergenre, 5);
	assert_true(p.n_min_cluster_size == 0 && p.n_min_samples == 0);
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

static void
discovery_stops_and_fails_cleanly(void **state)
{
	static people p;
	static double features[ARTISTS * DIMENSIONS];
	gh_host		host = {.should_stop = stop_after_polls, .threads = 2, .memory_limit = SIZE_MAX};
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
		cmocka_unit_test(defaults_are_the_documented_ones),
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
