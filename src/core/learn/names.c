/*
 * names.c
 *		Names of supergenres: genres common in the cluster and rare elsewhere.
 *
 * Only kept genres name a supergenre, so its name says what can be predicted
 * below it; being the most popular ones, they are common.  Among them a genre
 * speaks for the cluster by share * lift: the share of the cluster's artists
 * that carry it, times that share over the genre's share among all artists.
 * The best one names the cluster; the second best joins it ("rock / metal")
 * when it speaks at least half as strongly and says something else: not "rap /
 * pop rap".
 */
#include "learn/supergenres_private.h"

#include <stdio.h>
#include <string.h>

/* A second genre joins the name from this part of the first one's score on. */
#define SECOND_GENRE 0.5

#define NAME_BYTES 10000		/* as GH_MAX_NAME in gh_hierarchy.h */

/* The two genres that speak most for a cluster; -1: none. */
typedef struct speakers
{
	int64_t		first,
				second;
	double		first_score,
				second_score;
} speakers;

/* share * lift, but for the number of artists, which is the same for all. */
static double
genre_score(const gh_assignment *a, uint32_t genre, const uint64_t *size)
{
	double		share = (double) a->count[genre] / (double) size[a->cluster[genre]];

	return share * share / (double) a->total[genre];
}

/* Replaces the best genre so far by a better one; ties by name. */
static void
take_better(int64_t *best, double *best_score, uint32_t genre, double score, const char *const *genre_name)
{
	if (*best >= 0 && (score < *best_score
					   || (score == *best_score && strcmp(genre_name[genre], genre_name[*best]) >= 0)))
		return;
	*best = genre;
	*best_score = score;
}

static bool
is_boundary(char c)
{
	return c == '\0' || c == ' ' || c == '-';
}

/* "rap" is in "pop rap", not in "trap". */
static bool
contains_words(const char *name, const char *words)
{
	for (const char *at = strstr(name, words); at != NULL; at = strstr(at + 1, words))
		if ((at == name || is_boundary(at[-1])) && is_boundary(at[strlen(words)]))
			return true;
	return false;
}

static void
find_speakers(const gh_assignment *a, const int32_t *keep, uint32_t n_genres, const char *const *genre_name,
			  const uint64_t *size, int n_clusters, speakers *out)
{
	for (int c = 0; c < n_clusters; c++)
		out[c] = (speakers) {-1, -1, 0, 0};
	for (uint32_t g = 0; g < n_genres; g++)
		if (keep[g] >= 0)
			take_better(&out[keep[g]].first, &out[keep[g]].first_score, g, genre_score(a, g, size), genre_name);
	for (uint32_t g = 0; g < n_genres; g++)
	{
		speakers   *s = keep[g] >= 0 ? &out[keep[g]] : NULL;

		if (s == NULL || s->first == g || contains_words(genre_name[g], genre_name[s->first])
			|| contains_words(genre_name[s->first], genre_name[g]))
			continue;
		take_better(&s->second, &s->second_score, g, genre_score(a, g, size), genre_name);
	}
}

/* True when another cluster has the name, or a genre that does not belong to this cluster. */
static bool
name_taken(const char *name, char **others, int n_others, const gh_assignment *a, uint32_t n_genres,
		   const char *const *genre_name, int cluster)
{
	for (int c = 0; c < n_others; c++)
		if (strcmp(others[c], name) == 0)
			return true;
	for (uint32_t g = 0; g < n_genres; g++)
		if (a->cluster[g] != cluster && strcmp(genre_name[g], name) == 0)
			return true;
	return false;
}

/* "first / second", "first", or "cluster 3" for a cluster without genres; then " (2)", ... until free. */
static gh_status
name_one(gh_ctx *ctx, const speakers *s, int cluster, const gh_assignment *a, uint32_t n_genres,
		 const char *const *genre_name, char **name)
{
	char		spare[32];
	const char *first = s->first >= 0 ? genre_name[s->first] : spare,
			   *second = s->second >= 0 && s->second_score >= SECOND_GENRE * s->first_score ? genre_name[s->second] : "";
	size_t		room;
	char	   *text;

	snprintf(spare, sizeof(spare), "cluster %d", cluster + 1);
	if (strlen(first) + strlen(second) + sizeof(spare) > NAME_BYTES)
		second = "";
	room = strlen(first) + strlen(second) + sizeof(spare);
	text = GH_NEW(ctx, room, char);
	if (text == NULL)
		return gh_ctx_status(ctx);
	for (int k = 1; k == 1 || name_taken(text, name, cluster, a, n_genres, genre_name, cluster); k++)
	{
		snprintf(text, room, "%s%s%s", first, second[0] != '\0' ? " / " : "", second);
		if (k > 1)
			snprintf(text + strlen(text), room - strlen(text), " (%d)", k);
	}
	name[cluster] = text;
	return GH_OK;
}

gh_status
gh_name_clusters(gh_ctx *ctx, const gh_assignment *assignment, const int32_t *keep, uint32_t n_genres,
				 const char *const *genre_name, const uint64_t *size, int n_clusters, char **name)
{
	speakers   *s = GH_NEW(ctx, n_clusters, speakers);
	gh_status	status = GH_OK;

	if (s == NULL)
		return gh_ctx_status(ctx);
	memset(name, 0, n_clusters * sizeof(char *));
	find_speakers(assignment, keep, n_genres, genre_name, size, n_clusters, s);
	for (int c = 0; c < n_clusters && status == GH_OK; c++)
		status = name_one(ctx, &s[c], c, assignment, n_genres, genre_name, name);
	for (int c = 0; c < n_clusters && status != GH_OK; c++)
	{
		gh_free(ctx, name[c]);
		name[c] = NULL;
	}
	gh_free(ctx, s);
	return status;
}
