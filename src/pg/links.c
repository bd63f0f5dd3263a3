/*
 * links.c
 *		Hierarchies as rows of a query: (genre, supergenre) or (genre, parent).
 *
 * With supergenre the two columns name different things: a genre and a
 * supergenre may share a name, and there are two levels.  With parent a name
 * is one node wherever it stands, so any depth is possible.
 */
#include "gh_pg_model.h"

#include "miscadmin.h"

/* Stands before a supergenre's name while two levels are planned, so that no genre has the same. */
#define MARK '\001'

void
gh_links_init(gh_links *links, bool two_levels)
{
	memset(links, 0, sizeof(*links));
	links->two_levels = two_levels;
	links->capacity = 64;
	links->name = palloc(links->capacity * sizeof(char *));
	links->parent = palloc(links->capacity * sizeof(char *));
}

void
gh_links_add(gh_links *links, const char *name, const char *parent)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(links->name));

	if (links->n == links->capacity)
	{
		links->capacity *= 2;
		links->name = repalloc(links->name, links->capacity * sizeof(char *));
		links->parent = repalloc(links->parent, links->capacity * sizeof(char *));
	}
	links->name[links->n] = pstrdup(name);
	links->parent[links->n] = parent == NULL ? NULL : pstrdup(parent);
	links->n++;
	MemoryContextSwitchTo(old);
}

enum
{
	COLUMN_GENRE,
	COLUMN_SUPERGENRE,
	COLUMN_PARENT,
	N_COLUMNS
};

typedef struct reading
{
	const char *what;
	gh_links   *links;
	gh_column	column[N_COLUMNS];
} reading;

static void
take_link(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	reading    *r = arg;
	bool		two_levels = r->column[COLUMN_SUPERGENRE].found;
	int			parent = two_levels ? COLUMN_SUPERGENRE : COLUMN_PARENT;
	char	   *name = TextDatumGetCString(values[COLUMN_GENRE]);

	if (two_levels == r->column[COLUMN_PARENT].found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("%s: the query for supergenres must have a column \"supergenre\" or a column \"parent\"%s",
						r->what, two_levels ? ", not both" : ""),
				 errhint("Columns are genre and supergenre, or, for more than two levels, genre and parent.")));
	if (name[0] == '\0' || (!nulls[parent] && VARSIZE_ANY_EXHDR(DatumGetPointer(values[parent])) == 0))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s: a name in row " UINT64_FORMAT " of the supergenres is empty", r->what, row + 1),
				 errhint("A genre without a supergenre has NULL there.")));
	r->links->two_levels = two_levels;
	gh_links_add(r->links, name, nulls[parent] ? NULL : TextDatumGetCString(values[parent]));
}

/* By name, then parent: the order of the rows has no say. */
static int
compare_links(const void *a, const void *b, void *arg)
{
	const gh_links *links = arg;
	uint32		i = *(const uint32 *) a,
				j = *(const uint32 *) b;
	int			order = strcmp(links->name[i], links->name[j]);

	CHECK_FOR_INTERRUPTS();
	if (order == 0 && (links->parent[i] == NULL || links->parent[j] == NULL))
		return (links->parent[i] != NULL) - (links->parent[j] != NULL);
	return order != 0 ? order : strcmp(links->parent[i], links->parent[j]);
}

static void
sort_links(gh_links *links)
{
	uint32	   *order = palloc(Max(links->n, 1) * sizeof(uint32));
	char	  **name = palloc(links->capacity * sizeof(char *)),
			  **parent = palloc(links->capacity * sizeof(char *));

	for (size_t i = 0; i < links->n; i++)
		order[i] = (uint32) i;
	qsort_arg(order, links->n, sizeof(uint32), compare_links, links);
	for (size_t i = 0; i < links->n; i++)
	{
		name[i] = links->name[order[i]];
		parent[i] = links->parent[order[i]];
	}
	pfree(links->name);
	pfree(links->parent);
	pfree(order);
	links->name = name;
	links->parent = parent;
}

/* A genre below the supergenre of its own name, in a query with parents: no second place of the supergenre. */
static bool
is_own_parent(const gh_links *links, size_t i)
{
	return !links->two_levels && links->parent[i] != NULL && strcmp(links->name[i], links->parent[i]) == 0;
}

/* With two levels, a genre at the top cannot have a supergenre's name: they would be siblings. */
static void
check_top_genres(const gh_links *links, const char *what)
{
	gh_names   *parents = gh_names_make();

	for (size_t i = 0; i < links->n; i++)
		if (links->parent[i] != NULL)
			gh_names_add(parents, links->parent[i], strlen(links->parent[i]));
	for (size_t i = 0; i < links->n; i++)
		if (links->parent[i] == NULL &&
			gh_names_find(parents, links->name[i], strlen(links->name[i])) != PG_UINT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("%s: \"%s\" is a supergenre and a genre without one", what, links->name[i]),
					 errhint("Give the genre a supergenre, or the supergenre another name.")));
}

/* One row per name; a row given twice counts once.  The links are sorted. */
static void
check_links(gh_links *links, const char *what)
{
	size_t		n = 0;

	for (size_t i = 0; i < links->n; i++)
	{
		const char *before = n == 0 ? NULL : links->parent[n - 1],
				   *parent = links->parent[i];

		if (n > 0 && strcmp(links->name[n - 1], links->name[i]) == 0)
		{
			bool		own = is_own_parent(links, n - 1) != is_own_parent(links, i);

			if (before == parent || (before != NULL && parent != NULL && strcmp(before, parent) == 0))
				continue;
			if (!own)
				ereport(ERROR,
						(errcode(ERRCODE_DATA_EXCEPTION),
						 errmsg("%s: \"%s\" is given two parents", what, links->name[i]),
						 errdetail("They are %s and %s.", before == NULL ? "none" : quote_identifier(before),
								   parent == NULL ? "none" : quote_identifier(parent)),
						 errhint("Every genre belongs to one supergenre.")));
		}
		links->name[n] = links->name[i];
		links->parent[n] = links->parent[i];
		n++;
	}
	links->n = n;
	if (links->two_levels)
		check_top_genres(links, what);
}

void
gh_links_query(gh_links *links, const char *what, const char *query)
{
	reading		r = {
		.what = what,
		.links = links,
		.column = {
			[COLUMN_GENRE] = {"genre", GH_COLUMN_TEXT},
			[COLUMN_SUPERGENRE] = {"supergenre", GH_COLUMN_TEXT, .optional = true, .nullable = true},
			[COLUMN_PARENT] = {"parent", GH_COLUMN_TEXT, .optional = true, .nullable = true}
		}
	};

	gh_links_init(links, true);
	gh_pg_query(what, query, true, r.column, N_COLUMNS, take_link, &r);
	if (links->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s: the query for supergenres returned no rows", what),
				 errhint("It must return the genre and supergenre (or parent) of every genre to be learnt.")));
	sort_links(links);
	check_links(links, what);
}

bool *
gh_links_leaves(const gh_links *links)
{
	gh_names   *parents = gh_names_make();
	bool	   *leaf = palloc(Max(links->n, 1) * sizeof(bool));

	for (size_t i = 0; i < links->n && !links->two_levels; i++)
		if (links->parent[i] != NULL)
			gh_names_add(parents, links->parent[i], strlen(links->parent[i]));
	for (size_t i = 0; i < links->n; i++)
		leaf[i] = is_own_parent(links, i) ||
			gh_names_find(parents, links->name[i], strlen(links->name[i])) == PG_UINT32_MAX;
	return leaf;
}

/* Take the marks of supergenres away again. */
static void
strip_marks(gh_model *model)
{
	for (uint32_t i = 0; i < model->n_nodes; i++)
	{
		char	   *name = model->node[i].name;

		if (name[0] == MARK)
			memmove(name, name + 1, strlen(name));
	}
}

void
gh_links_plan(gh_ctx *ctx, const gh_links *links, char **feature, int n_features, gh_model *model)
{
	const char **name = palloc(Max(links->n, 1) * sizeof(char *)),
			  **parent = palloc(Max(links->n, 1) * sizeof(char *));

	for (size_t i = 0; i < links->n; i++)
	{
		name[i] = gh_pg_to_utf8(links->name[i]);
		parent[i] = links->parent[i] == NULL ? NULL : gh_pg_to_utf8(links->parent[i]);
		if (parent[i] != NULL && links->two_levels)
			parent[i] = psprintf("%c%s", MARK, parent[i]);
	}
	gh_pg_check(ctx, gh_model_plan(ctx, name, parent, links->n, (const char *const *) feature, n_features, model));
	if (links->two_levels)
		strip_marks(model);
	pfree(name);
	pfree(parent);
}

gh_names *
gh_model_genre_names(const gh_model *model)
{
	gh_names   *names = gh_names_make();

	for (uint32_t g = 0; g < model->n_genres; g++)
	{
		char	   *name = gh_pg_from_utf8(model->node[model->genre[g]].name);

		gh_names_add(names, name, strlen(name));
	}
	return names;
}
