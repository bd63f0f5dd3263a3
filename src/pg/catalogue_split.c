/*
 * catalogue_split.c
 *		Which songs train and which validate, and which genres are learnt.
 */
#include "gh_pg_catalogue.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* Loops over songs serve interrupts this often. */
#define SONGS_BETWEEN_INTERRUPTS 65536
#define SERVE_INTERRUPTS(i) \
	do { \
		if ((i) % SONGS_BETWEEN_INTERRUPTS == 0) \
			CHECK_FOR_INTERRUPTS(); \
	} while (0)

/* ---- the split --------------------------------------------------------- */

/* The first artist of every song: what is dealt out as a whole. */
static uint32_t *
first_artists(const gh_catalogue *c)
{
	uint32_t   *group = gh_pg_alloc(c->ctx, c->songs.n, sizeof(uint32_t));

	for (size_t i = 0; i < c->songs.n; i++)
	{
		SERVE_INTERRUPTS(i);
		group[i] = c->song_artists.label[c->song_artists.begin[i]];
	}
	return group;
}

/* Songs that train but share any artist with one that validates are set aside. */
static size_t
set_aside(gh_catalogue *c)
{
	bool	   *validates = gh_pg_alloc(c->ctx, c->artist->n, sizeof(bool));
	const gh_label_list *artists = &c->song_artists;
	size_t		n = 0;

	memset(validates, 0, c->artist->n * sizeof(bool));
	for (size_t i = 0; i < c->songs.n; i++)
	{
		SERVE_INTERRUPTS(i);
		if (c->use[i] == GH_SONG_VALIDATES)
			for (uint64_t j = artists->begin[i]; j < artists->begin[i + 1]; j++)
				validates[artists->label[j]] = true;
	}
	for (size_t i = 0; i < c->songs.n; i++)
	{
		SERVE_INTERRUPTS(i);
		for (uint64_t j = artists->begin[i]; j < artists->begin[i + 1] && c->use[i] == GH_SONG_TRAINS; j++)
			if (validates[artists->label[j]])
			{
				c->use[i] = GH_SONG_SET_ASIDE;
				n++;
			}
	}
	gh_free(c->ctx, validates);
	return n;
}

void
gh_catalogue_split(gh_catalogue *c, const gh_train_options *options, bool by_artist)
{
	gh_labels	labels = gh_label_list_view(&c->song_genres, c->genre->n);
	uint32_t   *group = by_artist ? first_artists(c) : NULL;
	size_t		validate = 0,
				aside = 0;

	/* the parts of the split are numbered as the uses are */
	c->use = gh_validation_split(c->ctx, options, &labels, group);
	if (c->use == NULL)
	{
		c->use = gh_pg_alloc(c->ctx, c->songs.n, sizeof(uint8_t));
		memset(c->use, GH_SONG_TRAINS, c->songs.n);
	}
	for (size_t i = 0; i < c->songs.n; i++)
		validate += c->use[i] == GH_SONG_VALIDATES;
	if (by_artist)
		aside = set_aside(c);
	gh_free(c->ctx, group);
	gh_note(c->ctx, "catalogue", "%zu songs train, %zu validate, %zu share an artist with those and are set aside",
			c->songs.n - validate - aside, validate, aside);
}

/* ---- artists that train ------------------------------------------------ */

uint32 *
gh_catalogue_training_artists(const gh_catalogue *c, size_t *n)
{
	bool	   *trains = palloc0(Max(c->n_artists, 1) * sizeof(bool));
	uint32	   *artist = MemoryContextAllocHuge(CurrentMemoryContext, Max(c->n_artists, 1) * sizeof(uint32));
	const gh_label_list *artists = &c->song_artists;

	for (size_t i = 0; i < c->songs.n; i++)
	{
		SERVE_INTERRUPTS(i);
		for (uint64_t j = artists->begin[i]; j < artists->begin[i + 1] && c->use[i] == GH_SONG_TRAINS; j++)
			if (artists->label[j] < c->n_artists)
				trains[artists->label[j]] = true;
	}
	*n = 0;
	for (uint32 a = 0; a < c->n_artists; a++)
		if (trains[a] && c->followed[a])
			artist[(*n)++] = a;
	pfree(trains);
	return artist;
}

/* Mean features over the songs that train, added up in the order of song ids. */
static double *
artist_means(const gh_catalogue *c, const uint32 *artist, size_t n)
{
	int			d = c->n_features;
	double	   *mean = gh_pg_alloc(c->ctx, n, d * sizeof(double));
	uint64	   *songs = gh_pg_alloc(c->ctx, n, sizeof(uint64));
	uint32	   *place = gh_pg_alloc(c->ctx, c->n_artists, sizeof(uint32));
	const gh_label_list *artists = &c->song_artists;

	memset(mean, 0, n * d * sizeof(double));
	memset(songs, 0, n * sizeof(uint64));
	memset(place, 0xff, c->n_artists * sizeof(uint32));
	for (size_t i = 0; i < n; i++)
		place[artist[i]] = (uint32) i;
	for (size_t i = 0; i < c->songs.n; i++)
	{
		SERVE_INTERRUPTS(i);
		for (uint64_t j = artists->begin[i]; j < artists->begin[i + 1] && c->use[i] == GH_SONG_TRAINS; j++)
		{
			uint32		at = artists->label[j] < c->n_artists ? place[artists->label[j]] : PG_UINT32_MAX;

			if (at == PG_UINT32_MAX)
				continue;
			songs[at]++;
			for (int f = 0; f < d; f++)
				mean[(size_t) at * d + f] += c->songs.x[i * d + f];
		}
	}
	for (size_t i = 0; i < n * d; i++)
		mean[i] /= (double) songs[i / d];
	gh_free(c->ctx, place);
	gh_free(c->ctx, songs);
	return mean;
}

/* Genres of some artists as the core takes them. */
static void
genres_of(const gh_catalogue *c, const uint32 *artist, size_t n, gh_label_list *out)
{
	const gh_label_list *all = &c->artist_genres;

	gh_label_list_init(out, c->ctx);
	for (size_t i = 0; i < n; i++)
	{
		gh_label_list_row(out);
		for (uint64_t j = all->begin[artist[i]]; j < all->begin[artist[i] + 1]; j++)
			gh_label_list_add(out, all->label[j]);
	}
}

/* The chosen clustering and the size of every supergenre. */
static char *
describe_discovery(const gh_discovery *found)
{
	const gh_grid_cell *cell = &found->cells[found->chosen];
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"artists\": %zu, \"min_cluster_size\": %d, \"min_samples\": %d, "
					 "\"cluster_selection_method\": \"%s\", \"dbcv\": ", found->n_artists, cell->params.min_cluster_size,
					 cell->params.min_samples, cell->params.selection == GH_SELECT_LEAF ? "leaf" : "eom");
	gh_json_number(&json, cell->dbcv);
	appendStringInfo(&json, ", \"clusters\": %d, \"noise\": %zu, \"settings_tried\": %zu, \"limits_met\": %s, "
					 "\"supergenres\": [", cell->clusters, cell->noise, found->n_cells,
					 found->relaxed ? "false" : "true");
	for (int c = 0; c < found->n_clusters; c++)
	{
		size_t		artists = 0;

		for (size_t i = 0; i < found->n_artists; i++)
			artists += found->labels[i] == c;
		appendStringInfo(&json, "%s{\"supergenre\": ", c > 0 ? ", " : "");
		gh_json_string(&json, gh_pg_from_utf8(found->name[c]));
		appendStringInfo(&json, ", \"artists\": %zu}", artists);
	}
	appendStringInfoString(&json, "]}");
	return json.data;
}

void
gh_catalogue_discover(gh_catalogue *c, const gh_discovery_params *params, gh_links *links)
{
	size_t		n;
	uint32	   *artist = gh_catalogue_training_artists(c, &n);
	double	   *mean = artist_means(c, artist, n);
	const char **name = palloc(c->genre->n * sizeof(char *));
	gh_label_list genres;
	gh_labels	view;
	gh_discovery found;

	genres_of(c, artist, n, &genres);
	view = gh_label_list_view(&genres, c->genre->n);
	for (uint32 g = 0; g < c->genre->n; g++)
		name[g] = gh_pg_to_utf8(c->genre->name[g]);
	gh_pg_check(c->ctx, gh_discover(c->ctx, mean, n, c->n_features, &view, name, params, &found));
	gh_links_init(links, true);
	for (uint32 g = 0; g < c->genre->n; g++)
		if (found.genre_cluster[g] >= 0)
			gh_links_add(links, c->genre->name[g], gh_pg_from_utf8(found.name[found.genre_cluster[g]]));
	c->discovery = describe_discovery(&found);
	gh_discovery_free(c->ctx, &found);
	gh_label_list_free(&genres);
	gh_free(c->ctx, mean);
	pfree(name);
	pfree(artist);
}

/* ---- popularity -------------------------------------------------------- */

/* Artists that train, per genre. */
static uint64 *
count_artists(gh_catalogue *c)
{
	size_t		n;
	uint32	   *artist = gh_catalogue_training_artists(c, &n);
	uint64	   *count = palloc0(c->genre->n * sizeof(uint64));
	const gh_label_list *all = &c->artist_genres;

	for (size_t i = 0; i < n; i++)
		for (uint64_t j = all->begin[artist[i]]; j < all->begin[artist[i] + 1]; j++)
			count[all->label[j]]++;
	pfree(artist);
	return count;
}

typedef struct popularity
{
	const gh_links *links;
	const uint64 *count;		/* per link */
} popularity;

/* By parent (none first), then artists descending, then name. */
static int
compare_popularity(const void *a, const void *b, void *arg)
{
	const popularity *p = arg;
	uint32		i = *(const uint32 *) a,
				j = *(const uint32 *) b;
	const char *above_i = p->links->parent[i],
			   *above_j = p->links->parent[j];
	int			order = strcmp(above_i == NULL ? "" : above_i, above_j == NULL ? "" : above_j);

	CHECK_FOR_INTERRUPTS();
	if (order != 0)
		return order;
	if (p->count[i] != p->count[j])
		return p->count[i] > p->count[j] ? -1 : 1;
	return strcmp(p->links->name[i], p->links->name[j]);
}

/* keep[i] of the leaves: one of the most popular of its parent.  A genre at the top is its own only child. */
static void
keep_leaves(gh_catalogue *c, const gh_links *given, int most, bool *keep)
{
	bool	   *leaf = gh_links_leaves(given);
	uint64	   *artists = count_artists(c),
			   *count = palloc0(Max(given->n, 1) * sizeof(uint64));
	uint32	   *order = palloc(Max(given->n, 1) * sizeof(uint32)),
				n = 0;
	popularity	p = {given, count};
	const char *above = NULL;
	int			kept = 0;
	size_t		absent = 0;

	for (size_t i = 0; i < given->n; i++)
	{
		uint32		genre = gh_names_find(c->genre, given->name[i], strlen(given->name[i]));

		count[i] = genre == PG_UINT32_MAX ? 0 : artists[genre];
		if (leaf[i] && count[i] > 0)
			order[n++] = (uint32) i;
		absent += leaf[i] && count[i] == 0;
	}
	qsort_arg(order, n, sizeof(uint32), compare_popularity, &p);
	for (uint32 i = 0; i < n; i++)
	{
		const char *parent = given->parent[order[i]];

		if (parent == NULL || above == NULL || strcmp(parent, above) != 0)
			kept = 0;
		above = parent;
		keep[order[i]] = kept++ < most;
	}
	if (absent > 0)
		gh_note(c->ctx, "supergenres", "%zu genres have no artist to learn from and are left out", absent);
}

/* Whatever stands above something kept is kept. */
static void
keep_ancestors(const gh_links *given, bool *keep)
{
	bool		changed = !given->two_levels;

	while (changed)
	{
		gh_names   *needed = gh_names_make();

		changed = false;
		for (size_t i = 0; i < given->n; i++)
			if (keep[i] && given->parent[i] != NULL)
				gh_names_add(needed, given->parent[i], strlen(given->parent[i]));
		for (size_t i = 0; i < given->n; i++)
			if (!keep[i] && gh_names_find(needed, given->name[i], strlen(given->name[i])) != PG_UINT32_MAX)
				keep[i] = changed = true;
		CHECK_FOR_INTERRUPTS();
	}
}

void
gh_catalogue_keep_popular(gh_catalogue *c, const gh_links *given, int genres_per_supergenre, gh_links *links)
{
	bool	   *keep = palloc0(Max(given->n, 1) * sizeof(bool));

	keep_leaves(c, given, genres_per_supergenre, keep);
	keep_ancestors(given, keep);
	gh_links_init(links, given->two_levels);
	for (size_t i = 0; i < given->n; i++)
		if (keep[i])
			gh_links_add(links, given->name[i], given->parent[i]);
	if (links->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("train_hierarchy: no genre of the supergenres has an artist to learn from"),
				 errdetail("Genres are compared letter by letter; "
						   "an artist counts with enough followers and a complete song that trains."),
				 errhint("Lower min_followers, or compare the genres with those of %s.", c->artists_table.name)));
	pfree(keep);
}
