/*
 * supergenres_testing.h
 *		Artists in clusters, for the tests of supergenres and of their discovery.
 */
#ifndef SUPERGENRES_TESTING_H
#define SUPERGENRES_TESTING_H

#include "testing.h"

#include <stdio.h>

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

static inline void
people_init(people *p, uint32_t n_genres)
{
	memset(p, 0, sizeof(*p));
	p->labels.n_labels = n_genres;
	p->labels.begin = p->begin;
	p->labels.label = p->label;
}

static inline void
add_artist(people *p, int32_t cluster, int n, const uint32_t *genres)
{
	uint64_t	at = p->begin[p->labels.n];

	p->cluster[p->labels.n] = cluster;
	for (int k = 0; k < n; k++)
		p->label[at++] = genres[k];
	p->begin[++p->labels.n] = at;
}

static inline void
add_artists(people *p, int count, int32_t cluster, uint32_t genre)
{
	while (count-- > 0)
		add_artist(p, cluster, 1, &genre);
}

#endif							/* SUPERGENRES_TESTING_H */
