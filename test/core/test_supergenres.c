/*
 * test_supergenres.c
 *		Assignment of genres to supergenres, popularity, names.
 */
#include "supergenres_testing.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
