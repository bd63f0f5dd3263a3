/*
 * names.c
 *		Names of supergenres: genres common in the cluster and rare elsewhere.
 *
 * A genre speaks for a cluster by share * lift: the share of the cluster's
 * artists that carry it, times that share over the genre's share among all
 * artists.  The best one names the cluster; the second best joins it ("rock /
 * metal") when it speaks at least half as strongly.
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

static void
find_speakers(const gh_assignment *a, uint32_t n_genres, const char *const *genre_name, const uint64_t *size,
			  int n_clusters, size_t n, speakers *out)
{
	for (int c = 0; c < n_clusters; c++)
		out[c] = (speakers) {-1, -1, 0, 0};
	for (uint32_t g = 0; g < n_genres; g++)
	{
		speakers   *s;
		double		share,
					score;

		if (a->cluster[g] < 0 || a->total[g] == 0)
			continue;
		s = &out[a->cluster[g]];
		share = (double) a->count[g] / (double) size[a->cluster[g]];
		score = share * share * (double) n / (double) a->total[g];
		if (s->first < 0 || score > s->first_score
			|| (score == s->first_score && strcmp(genre_name[g], genre_name[s->first]) < 0))
		{
			s->second = s->first;
			s->second_score = s->first_score;
			s->first = g;
			s->first_score = score;
		}
		else if (s->second < 0 || score > s->second_score
				 || (score == s->second_score && strcmp(genre_name[g], genre_name[s->second]) < 0))
		{
			s->second = g;
			s->second_score = score;
		}
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
gh_name_clusters(gh_ctx *ctx, const gh_assignment *assignment, uint32_t n_genres, const char *const *genre_name,
				 const uint64_t *size, int n_clusters, size_t n, char **name)
{
	speakers   *s = GH_NEW(ctx, n_clusters, speakers);
	gh_status	status = GH_OK;

	if (s == NULL)
		return gh_ctx_status(ctx);
	memset(name, 0, n_clusters * sizeof(char *));
	find_speakers(assignment, n_genres, genre_name, size, n_clusters, n, s);
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
