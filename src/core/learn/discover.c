/*
 * discover.c
 *		Supergenres from artist means: projection, grid of clusterings, choice, genres, names.
 *
 * The study's way: UMAP to two dimensions, HDBSCAN over a grid, the best DBCV
 * within limits that keep the answer useful, every genre to the cluster with
 * most of its artists.
 */
#include "learn/shown.h"
#include "learn/supergenres_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define STAGE "discovery"

#define MAX_LIST 32				/* as gh_discovery_params */
#define MAX_CELLS (2 * MAX_LIST * MAX_LIST)

/*
 * The grid when none is given.  Smallest clusters are shares of the artists:
 * the range in which clusterings of real catalogues give 5 to 15 clusters.
 * The smoothing (min_samples) grows with the square root: in proportion it
 * would blur large catalogues and cost much more.
 */
static const double size_share[] = {0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05};
static const double samples_share[] = {0.05, 0.1, 0.2, 0.4};

#define SMALLEST_SIZE 5
#define SMALLEST_SAMPLES 3

/* How many of the limits a choice keeps, best first. */
typedef enum relaxation
{
	KEEP_ALL = 0,
	WAIVE_SIZE,					/* clusters may be tiny */
	WAIVE_NOISE,				/* and noise may be any */
	WAIVE_COUNT,				/* and the number of clusters is only as near as can be */
	N_RELAXATIONS
} relaxation;

gh_discovery_params
gh_discovery_defaults(void)
{
	gh_discovery_params p;

	memset(&p, 0, sizeof(p));
	p.umap = gh_umap_defaults();
	p.umap.n_neighbors = 30;
	p.umap.min_dist = 0;
	p.umap.n_components = 2;
	p.min_clusters = 5;
	p.max_clusters = 15;
	p.max_noise = 0.5;
	p.min_cluster_fraction = 0.005;
	p.genres_per_supergenre = 5;
	return p;
}

static gh_status
out_of_range(gh_ctx *ctx, const char *name, double value, const char *range)
{
	gh_fail(ctx, GH_EINVAL, "parameter \"%s\" is out of range", name);
	return gh_fail_detail(ctx, "The value is %g; it must be %s.", value, range);
}

static gh_status
check_list(gh_ctx *ctx, const char *name, const int *list, int n, int least, const char *range)
{
	if (n < 0 || n > MAX_LIST)
	{
		gh_fail(ctx, GH_EINVAL, "parameter \"%s\" has too many values", name);
		return gh_fail_detail(ctx, "There are %d; at most %d are tried.", n, MAX_LIST);
	}
	for (int i = 0; i < n; i++)
		if (list[i] < least)
			return out_of_range(ctx, name, list[i], range);
	return GH_OK;
}

static gh_status
check_params(gh_ctx *ctx, const gh_discovery_params *p)
{
	if (p->min_clusters < 2)
		return out_of_range(ctx, "min_clusters", p->min_clusters, "at least 2");
	if (p->max_clusters < p->min_clusters)
		return out_of_range(ctx, "max_clusters", p->max_clusters, "at least min_clusters");
	if (!(p->max_noise >= 0 && p->max_noise <= 1))
		return out_of_range(ctx, "max_noise", p->max_noise, "between 0 and 1");
	if (!(p->min_cluster_fraction >= 0 && p->min_cluster_fraction < 1))
		return out_of_range(ctx, "min_cluster_fraction", p->min_cluster_fraction, "at least 0 and below 1");
	if (p->genres_per_supergenre < 1)
		return out_of_range(ctx, "genres_per_supergenre", p->genres_per_supergenre, "at least 1");
	if (p->umap.n_components != 2)
		return out_of_range(ctx, "n_components", p->umap.n_components, "2 when supergenres are looked for");
	GH_TRY(check_list(ctx, "min_cluster_size", p->min_cluster_size, p->n_min_cluster_size, 2, "at least 2"));
	GH_TRY(check_list(ctx, "min_samples", p->min_samples, p->n_min_samples, 1, "at least 1"));
	return gh_umap_check(ctx, &p->umap);
}

/* ---- the grid ---------------------------------------------------------- */

/* Appends a value that is not there yet. */
static int
add_value(int *list, int n, double value, int least)
{
	int			rounded = value < least ? least : value > INT32_MAX ? INT32_MAX : (int) lround(value);

	for (int i = 0; i < n; i++)
		if (list[i] == rounded)
			return n;
	list[n] = rounded;
	return n + 1;
}

static size_t
fill_cells(size_t n, const gh_discovery_params *p, gh_grid_cell *cells)
{
	int			sizes[MAX_LIST],
				samples[MAX_LIST],
				n_sizes = 0,
				n_samples = 0;
	size_t		n_cells = 0;

	for (int i = 0; i < p->n_min_cluster_size; i++)
		n_sizes = add_value(sizes, n_sizes, p->min_cluster_size[i], 2);
	for (size_t i = 0; p->n_min_cluster_size == 0 && i < sizeof(size_share) / sizeof(size_share[0]); i++)
		n_sizes = add_value(sizes, n_sizes, size_share[i] * (double) n, SMALLEST_SIZE);
	for (int i = 0; i < p->n_min_samples; i++)
		n_samples = add_value(samples, n_samples, p->min_samples[i], 1);
	for (size_t i = 0; p->n_min_samples == 0 && i < sizeof(samples_share) / sizeof(samples_share[0]); i++)
		n_samples = add_value(samples, n_samples, samples_share[i] * sqrt((double) n), SMALLEST_SAMPLES);
	for (int i = 0; i < n_samples; i++)
		for (int j = 0; j < n_sizes; j++)
			for (int selection = GH_SELECT_EOM; selection <= GH_SELECT_LEAF; selection++)
			{
				gh_grid_cell *cell = &cells[n_cells++];

				memset(cell, 0, sizeof(*cell));
				cell->params = gh_hdbscan_defaults();
				cell->params.min_samples = samples[i];
				cell->params.min_cluster_size = sizes[j];
				cell->params.selection = (gh_selection) selection;
			}
	return n_cells;
}

size_t
gh_discovery_memory(size_t n_artists, int d, const gh_discovery_params *params)
{
	gh_grid_cell cells[MAX_CELLS];
	size_t		n_cells = fill_cells(n_artists, params, cells);
	size_t		kept = n_cells * sizeof(gh_grid_cell),
				stay,
				umap = gh_umap_memory(n_artists, d, &params->umap),
				grid = gh_grid_memory(n_artists, 2, cells, n_cells),
				labels,
				total;

	/* embedding and labels stay; the labels of all cells only while the choice is made */
	if (gh_mul_overflow(n_artists, 2 * sizeof(double) + sizeof(int32_t), &stay)
		|| gh_add_overflow(kept, stay, &kept)
		|| gh_mul_overflow(n_artists, n_cells * sizeof(int32_t), &labels)
		|| gh_add_overflow(grid, labels, &grid)
		|| gh_add_overflow(umap > grid ? umap : grid, kept, &total))
		return SIZE_MAX;
	return total;
}

/* ---- the choice -------------------------------------------------------- */

static int
count_distance(const gh_grid_cell *cell, const gh_discovery_params *p)
{
	return cell->clusters < p->min_clusters ? p->min_clusters - cell->clusters
		: cell->clusters > p->max_clusters ? cell->clusters - p->max_clusters : 0;
}

static bool
acceptable(const gh_grid_cell *cell, size_t n, const gh_discovery_params *p, relaxation level)
{
	if (cell->clusters < 2 || !cell->dbcv_defined)
		return false;
	if (level < WAIVE_COUNT && count_distance(cell, p) > 0)
		return false;
	if (level < WAIVE_NOISE && !((double) cell->noise < p->max_noise * (double) n))
		return false;
	return level >= WAIVE_SIZE || (double) cell->smallest >= p->min_cluster_fraction * (double) n;
}

/* Best DBCV among the acceptable; with the count waived, nearest count first.  Ties: first in the grid. */
static bool
choose_cell(const gh_grid_cell *cells, size_t n_cells, size_t n, const gh_discovery_params *p, relaxation level,
			size_t *chosen)
{
	bool		any = false;

	for (size_t i = 0; i < n_cells; i++)
	{
		int			distance = count_distance(&cells[i], p),
					best = any ? count_distance(&cells[*chosen], p) : 0;

		if (!acceptable(&cells[i], n, p, level))
			continue;
		if (!any || distance < best || (distance == best && cells[i].dbcv > cells[*chosen].dbcv))
			*chosen = i;
		any = true;
	}
	return any;
}

static gh_status
no_clusters(gh_ctx *ctx, const gh_discovery *d)
{
	size_t		noisy = 0;

	for (size_t i = 0; i < d->n_cells; i++)
		noisy += d->cells[i].clusters == 0;
	gh_fail(ctx, GH_EDATA, "no clusters of artists to make supergenres of");
	gh_fail_detail(ctx, "Of %zu clusterings of %zu artists %zu are all noise and none has two clusters with a validity.",
				   d->n_cells, d->n_artists, noisy);
	return gh_fail_hint(ctx, "Give the genres' supergenres yourself (argument supergenres), or try other values of "
						"min_cluster_size and min_samples in params.");
}

static gh_status
choose(gh_ctx *ctx, const gh_discovery_params *p, gh_discovery *d)
{
	static const char *const waived[N_RELAXATIONS] = {
		"", "the smallest cluster's size", "the smallest cluster's size and the noise",
		"the size, the noise and the number of clusters"
	};
	int			level = KEEP_ALL;
	const gh_grid_cell *cell;

	while (level < N_RELAXATIONS && !choose_cell(d->cells, d->n_cells, d->n_artists, p, (relaxation) level, &d->chosen))
		level++;
	if (level == N_RELAXATIONS)
		return no_clusters(ctx, d);
	d->relaxed = level != KEEP_ALL;
	if (d->relaxed)
		gh_note(ctx, STAGE, "none of %zu clusterings has %d to %d clusters of at least %g %% and under %g %% noise; "
				"the limits on %s were waived", d->n_cells, p->min_clusters, p->max_clusters,
				100 * p->min_cluster_fraction, 100 * p->max_noise, waived[level]);
	cell = &d->cells[d->chosen];
	gh_note(ctx, STAGE, "min_cluster_size %d, min_samples %d, %s: DBCV %.3f, %d clusters of %zu to %zu artists, %.1f %% noise "
			"(best of %zu clusterings)", cell->params.min_cluster_size, cell->params.min_samples,
			cell->params.selection == GH_SELECT_EOM ? "eom" : "leaf", cell->dbcv, cell->clusters, cell->smallest,
			cell->largest, 100.0 * (double) cell->noise / (double) d->n_artists, d->n_cells);
	return GH_OK;
}

/* Runs the grid over the embedding and leaves the chosen labels. */
static gh_status
cluster_artists(gh_ctx *ctx, const gh_discovery_params *p, gh_discovery *d)
{
	gh_grid_cell cells[MAX_CELLS];
	int32_t    *all;
	size_t		n = d->n_artists;
	gh_status	status;

	d->n_cells = fill_cells(n, p, cells);
	d->cells = GH_NEW(ctx, d->n_cells, gh_grid_cell);
	d->labels = GH_NEW(ctx, n, int32_t);
	if (d->cells == NULL || d->labels == NULL)
		return gh_ctx_status(ctx);
	memcpy(d->cells, cells, d->n_cells * sizeof(gh_grid_cell));
	all = gh_alloc(ctx, d->n_cells, n * sizeof(int32_t));
	if (all == NULL)
		return gh_ctx_status(ctx);
	status = gh_grid(ctx, d->embedding, n, 2, d->cells, d->n_cells, all);
	if (status == GH_OK)
		status = choose(ctx, p, d);
	if (status == GH_OK)
	{
		memcpy(d->labels, all + d->chosen * n, n * sizeof(int32_t));
		d->n_clusters = d->cells[d->chosen].clusters;
	}
	gh_free(ctx, all);
	return status;
}

/* ---- genres ------------------------------------------------------------ */

/* Clusters that got no genre become noise; the rest keep their order and close up. */
static gh_status
drop_empty(gh_ctx *ctx, gh_discovery *d, gh_assignment *a, uint32_t n_genres)
{
	int32_t    *new_number = GH_NEW_ZERO(ctx, d->n_clusters, int32_t);
	int			kept = 0;

	if (new_number == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t g = 0; g < n_genres; g++)
		if (a->cluster[g] >= 0 && a->total[g] > 0)
			new_number[a->cluster[g]] = 1;
	for (int c = 0; c < d->n_clusters; c++)
		new_number[c] = new_number[c] ? kept++ : GH_NOISE;
	for (size_t i = 0; i < d->n_artists; i++)
		d->labels[i] = d->labels[i] < 0 ? GH_NOISE : new_number[d->labels[i]];
	for (uint32_t g = 0; g < n_genres; g++)
		a->cluster[g] = a->cluster[g] < 0 ? GH_NOISE : new_number[a->cluster[g]];
	if (kept < d->n_clusters)
		gh_note(ctx, STAGE, "%d clusters have no genre of their own and are dropped", d->n_clusters - kept);
	d->n_clusters = kept;
	gh_free(ctx, new_number);
	if (kept >= 2)
		return GH_OK;
	gh_fail(ctx, GH_EDATA, "the genres fall into %d supergenres, fewer than two", kept);
	gh_fail_detail(ctx, "Every genre belongs to the cluster where most of its artists are.");
	return gh_fail_hint(ctx, "Give the genres' supergenres yourself (argument supergenres), or ask for other clusters "
						"(min_clusters, min_cluster_size in params).");
}

static void
note_supergenres(gh_ctx *ctx, const gh_discovery *d, const uint64_t *size, uint32_t n_genres,
				 const char *const *genre_name)
{
	for (int c = 0; c < d->n_clusters; c++)
	{
		char		list[GH_MESSAGE_SIZE / 2] = "";
		size_t		used = 0;

		for (uint32_t g = 0; g < n_genres; g++)
		{
			size_t		length = strlen(genre_name[g]);

			/* whole names only: a cut one might end inside a character */
			if (d->genre_cluster[g] != c || used + length + 3 > sizeof(list))
				continue;
			used += (size_t) snprintf(list + used, sizeof(list) - used, "%s%s", used > 0 ? ", " : "", genre_name[g]);
		}
		gh_note(ctx, STAGE, "supergenre \"%.*s\": %llu artists; genres %s", GH_SHOWN(d->name[c]),
				(unsigned long long) size[c], list);
	}
}

static gh_status
find_genres(gh_ctx *ctx, const gh_labels *genres, const char *const *genre_name, const gh_discovery_params *p,
			gh_discovery *d, gh_assignment *a, uint64_t *size)
{
	GH_TRY(gh_assign_genres(ctx, genres, d->labels, d->n_clusters, a));
	GH_TRY(drop_empty(ctx, d, a, genres->n_labels));
	for (size_t i = 0; i < d->n_artists; i++)
		if (d->labels[i] >= 0)
			size[d->labels[i]]++;
	GH_TRY(gh_keep_popular(ctx, a, genres->n_labels, genre_name, p->genres_per_supergenre, d->genre_cluster));
	d->name = GH_NEW_ZERO(ctx, d->n_clusters, char *);
	if (d->name == NULL)
		return gh_ctx_status(ctx);
	GH_TRY(gh_name_clusters(ctx, a, d->genre_cluster, genres->n_labels, genre_name, size, d->n_clusters, d->name));
	note_supergenres(ctx, d, size, genres->n_labels, genre_name);
	return GH_OK;
}

static gh_status
genres_of_clusters(gh_ctx *ctx, const gh_labels *genres, const char *const *genre_name, const gh_discovery_params *p,
				   gh_discovery *d)
{
	gh_assignment a;
	uint64_t   *size = GH_NEW_ZERO(ctx, d->n_clusters, uint64_t);
	gh_status	status;

	a.cluster = GH_NEW(ctx, genres->n_labels, int32_t);
	a.count = GH_NEW(ctx, genres->n_labels, uint64_t);
	a.total = GH_NEW(ctx, genres->n_labels, uint64_t);
	d->genre_cluster = GH_NEW(ctx, genres->n_labels, int32_t);
	if (size == NULL || a.cluster == NULL || a.count == NULL || a.total == NULL || d->genre_cluster == NULL)
		status = gh_ctx_status(ctx);
	else
		status = find_genres(ctx, genres, genre_name, p, d, &a, size);
	gh_free(ctx, a.total);
	gh_free(ctx, a.count);
	gh_free(ctx, a.cluster);
	gh_free(ctx, size);
	return status;
}

/* ---- the whole --------------------------------------------------------- */

static gh_status
run(gh_ctx *ctx, const double *features, int dimensions, const gh_labels *genres, const char *const *genre_name,
	const gh_discovery_params *params, gh_discovery *d)
{
	d->embedding = gh_alloc(ctx, d->n_artists, 2 * sizeof(double));
	if (d->embedding == NULL)
		return gh_ctx_status(ctx);
	gh_note(ctx, STAGE, "projecting %zu artists (n_neighbors %d, min_dist %g)", d->n_artists, params->umap.n_neighbors,
			params->umap.min_dist);
	GH_TRY(gh_umap_project(ctx, features, d->n_artists, dimensions, &params->umap, d->embedding));
	GH_TRY(cluster_artists(ctx, params, d));
	return genres_of_clusters(ctx, genres, genre_name, params, d);
}

gh_status
gh_discover(gh_ctx *ctx, const double *features, size_t n_artists, int d, const gh_labels *genres,
			const char *const *genre_name, const gh_discovery_params *params, gh_discovery *out)
{
	gh_status	status;

	memset(out, 0, sizeof(*out));
	out->n_artists = n_artists;
	GH_TRY(check_params(ctx, params));
	if (genres->n != n_artists)
		return gh_fail(ctx, GH_EINTERNAL, "genres of %zu artists for %zu points", genres->n, n_artists);
	if (n_artists < 4)
	{
		gh_fail(ctx, GH_EDATA, "%zu artists are too few to find supergenres", n_artists);
		gh_fail_detail(ctx, "Artists count when they have genres, complete songs and enough followers.");
		return gh_fail_hint(ctx, "Lower min_followers, or give the genres' supergenres yourself (argument supergenres).");
	}
	GH_TRY(gh_memory_check(ctx, gh_discovery_memory(n_artists, d, params), "finding supergenres"));
	status = run(ctx, features, d, genres, genre_name, params, out);
	if (status != GH_OK)
		gh_discovery_free(ctx, out);
	return status;
}

void
gh_discovery_free(gh_ctx *ctx, gh_discovery *discovery)
{
	for (int c = 0; discovery->name != NULL && c < discovery->n_clusters; c++)
		gh_free(ctx, discovery->name[c]);
	gh_free(ctx, discovery->name);
	gh_free(ctx, discovery->genre_cluster);
	gh_free(ctx, discovery->cells);
	gh_free(ctx, discovery->embedding);
	gh_free(ctx, discovery->labels);
	memset(discovery, 0, sizeof(*discovery));
}
