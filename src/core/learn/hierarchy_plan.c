/*
 * hierarchy_plan.c
 *		The shape of a hierarchy from (name, parent) pairs.
 */
#include "learn/gh_hierarchy.h"
#include "learn/shown.h"

#include <stdlib.h>
#include <string.h>

#define NOT_DECLARED (-2)
#define TOP (-1)

/* A node on its way into the model. */
typedef struct entry
{
	const char *name;
	int32_t		parent;			/* position among the supergenres, or TOP */
	int32_t		self;			/* position among the supergenres; -1: a genre */
} entry;

typedef struct plan
{
	const char *const *name;
	const char *const *parent;
	size_t		n;
	uint32_t	n_super;
	const char **super;			/* names of supergenres, ascending, each once */
	int32_t    *super_parent;
	uint32_t	n_entries;
	entry	   *entries;
	uint32_t   *first;			/* of TOP and each supergenre: its first entry */
	gh_model   *model;
} plan;

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* By parent, then name, supergenre before genre: a total order once names are checked. */
static int
compare_entries(const void *va, const void *vb)
{
	const entry *a = va,
			   *b = vb;
	int			order;

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	order = strcmp(a->name, b->name);
	return order != 0 ? order : (a->self < 0) - (b->self < 0);
}

/* Genres by name, then parent: the same name stands together. */
static int
compare_genres(const void *va, const void *vb)
{
	const entry *a = va,
			   *b = vb;
	int			order = strcmp(a->name, b->name);

	return order != 0 ? order : (a->parent > b->parent) - (a->parent < b->parent);
}

static gh_status
check_name(gh_ctx *ctx, const char *what, const char *name)
{
	size_t		length = strlen(name);

	if (length > 0 && length <= GH_MAX_NAME)
		return GH_OK;
	gh_fail(ctx, GH_EINVAL, "name of a %s is %s", what, length == 0 ? "empty" : "too long");
	return gh_fail_detail(ctx, "It has %zu bytes; 1 to %d are allowed.", length, GH_MAX_NAME);
}

/* Position among the supergenres; -1: not one of them. */
static int32_t
find_super(const plan *p, const char *name)
{
	const char **found = p->n_super == 0 ? NULL
		: bsearch(&name, p->super, p->n_super, sizeof(char *), compare_names);

	return found == NULL ? -1 : (int32_t) (found - p->super);
}

/* Every parent's name, once. */
static gh_status
collect_supergenres(gh_ctx *ctx, plan *p)
{
	uint32_t	n = 0;

	p->super = GH_NEW(ctx, p->n, const char *);
	p->super_parent = GH_NEW(ctx, p->n, int32_t);
	if (p->super == NULL || p->super_parent == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < p->n; i++)
	{
		GH_TRY(check_name(ctx, "node", p->name[i]));
		if (p->parent[i] == NULL)
			continue;
		GH_TRY(check_name(ctx, "parent", p->parent[i]));
		p->super[n++] = p->parent[i];
	}
	if (n > 0)
		qsort(p->super, n, sizeof(char *), compare_names);
	for (uint32_t i = 0; i < n; i++)
		if (p->n_super == 0 || strcmp(p->super[p->n_super - 1], p->super[i]) != 0)
			p->super[p->n_super++] = p->super[i];
	for (uint32_t i = 0; i < p->n_super; i++)
		p->super_parent[i] = NOT_DECLARED;
	return GH_OK;
}

static gh_status
two_parents(gh_ctx *ctx, const plan *p, const char *kind, const char *name, int32_t a, int32_t b)
{
	if (a == b)
	{
		gh_fail(ctx, GH_EDATA, "%s \"%.*s\" is given twice", kind, GH_SHOWN(name));
		return gh_fail_hint(ctx, "Give every node and its parent once (SELECT DISTINCT).");
	}
	gh_fail(ctx, GH_EDATA, "%s \"%.*s\" has two parents", kind, GH_SHOWN(name));
	return gh_fail_detail(ctx, "One is \"%.*s\", another \"%.*s\"; a node belongs to one parent.",
						  GH_SHOWN(a < 0 ? "(none)" : p->super[a]), GH_SHOWN(b < 0 ? "(none)" : p->super[b]));
}

/* Sorts the pairs into declarations of supergenres and genres. */
static gh_status
collect_entries(gh_ctx *ctx, plan *p)
{
	p->entries = GH_NEW(ctx, p->n + p->n_super, entry);
	if (p->entries == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < p->n; i++)
	{
		const char *above = p->parent[i];
		int32_t		self = find_super(p, p->name[i]),
					parent = above == NULL ? TOP : find_super(p, above);

		if (self < 0 || (above != NULL && strcmp(above, p->name[i]) == 0))
			p->entries[p->n_entries++] = (entry) {p->name[i], parent, -1};
		else if (p->super_parent[self] != NOT_DECLARED)
			return two_parents(ctx, p, "supergenre", p->name[i], p->super_parent[self], parent);
		else
			p->super_parent[self] = parent;
	}
	if (p->n_entries > 0)
		qsort(p->entries, p->n_entries, sizeof(entry), compare_genres);
	for (uint32_t i = 1; i < p->n_entries; i++)
		if (strcmp(p->entries[i - 1].name, p->entries[i].name) == 0)
			return two_parents(ctx, p, "genre", p->entries[i].name, p->entries[i - 1].parent, p->entries[i].parent);
	for (uint32_t i = 0; i < p->n_super; i++)
	{
		if (p->super_parent[i] == NOT_DECLARED)
			p->super_parent[i] = TOP;
		p->entries[p->n_entries++] = (entry) {p->super[i], p->super_parent[i], (int32_t) i};
	}
	return GH_OK;
}

static gh_status
own_ancestor(gh_ctx *ctx, const char *name)
{
	gh_fail(ctx, GH_EDATA, "supergenre \"%.*s\" is its own ancestor", GH_SHOWN(name));
	return gh_fail_detail(ctx, "The pairs of node and parent go round in a circle.");
}

/*
 * Levels of a supergenre and of those above it that have none yet; level: 0 not
 * known, -1 on the present path.  Every supergenre is passed twice at most.
 */
static gh_status
find_level(gh_ctx *ctx, const plan *p, int32_t from, int32_t *level)
{
	int32_t		at,
				here = 0;

	for (at = from; at != TOP && level[at] <= 0; at = p->super_parent[at])
	{
		if (level[at] < 0)
			return own_ancestor(ctx, p->super[at]);
		level[at] = -1;
		here++;
	}
	here += at == TOP ? 0 : level[at];
	if (here >= GH_MAX_LEVELS)
	{
		gh_fail(ctx, GH_EDATA, "the hierarchy is too deep");
		return gh_fail_detail(ctx, "Supergenre \"%.*s\" is on level %d; genres may be on level %d at most.",
							  GH_SHOWN(p->super[from]), here, GH_MAX_LEVELS);
	}
	for (at = from; at != TOP && level[at] < 0; at = p->super_parent[at])
		level[at] = here--;
	return GH_OK;
}

static gh_status
check_levels(gh_ctx *ctx, const plan *p)
{
	int32_t    *level = GH_NEW_ZERO(ctx, p->n_super, int32_t);
	gh_status	status = GH_OK;

	if (level == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t i = 0; i < p->n_super && status == GH_OK; i++)
		status = find_level(ctx, p, (int32_t) i, level);
	gh_free(ctx, level);
	return status;
}

static char *
copy_text(gh_ctx *ctx, const char *text)
{
	size_t		size = strlen(text) + 1;
	char	   *copy = GH_NEW(ctx, size, char);

	if (copy != NULL)
		memcpy(copy, text, size);
	return copy;
}

/* Appends the children of `parent` (position, or TOP), each followed by its own. */
static gh_status
emit_children(gh_ctx *ctx, plan *p, int32_t parent, int32_t parent_node, int level)
{
	gh_model   *model = p->model;

	for (uint32_t i = p->first[parent + 1]; i < p->n_entries && p->entries[i].parent == parent; i++)
	{
		const entry *e = &p->entries[i];
		uint32_t	at = model->n_nodes;
		gh_node    *node = &model->node[at];

		node->name = copy_text(ctx, e->name);
		if (node->name == NULL)
			return gh_ctx_status(ctx);
		node->parent = parent_node;
		node->level = level;
		node->is_genre = e->self < 0;
		model->n_nodes++;
		if (node->is_genre)
			model->genre[model->n_genres++] = at;
		else
			GH_TRY(emit_children(ctx, p, e->self, (int32_t) at, level + 1));
	}
	return GH_OK;
}

static gh_status
emit_nodes(gh_ctx *ctx, plan *p)
{
	gh_model   *model = p->model;

	qsort(p->entries, p->n_entries, sizeof(entry), compare_entries);
	p->first = GH_NEW_ZERO(ctx, (size_t) p->n_super + 1, uint32_t);
	model->node = GH_NEW_ZERO(ctx, p->n_entries, gh_node);
	model->genre = GH_NEW(ctx, p->n_entries - p->n_super, uint32_t);
	if (p->first == NULL || model->node == NULL || model->genre == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t i = p->n_entries; i-- > 0;)
		p->first[p->entries[i].parent + 1] = i;
	return emit_children(ctx, p, TOP, -1, 1);
}

static gh_status
copy_features(gh_ctx *ctx, const char *const *feature, int n_features, gh_model *model)
{
	if (n_features < 1 || n_features > GH_MAX_FEATURES)
	{
		gh_fail(ctx, GH_EINVAL, "%d features", n_features);
		return gh_fail_detail(ctx, "A model has 1 to %d features.", GH_MAX_FEATURES);
	}
	model->feature = GH_NEW_ZERO(ctx, n_features, char *);
	if (model->feature == NULL)
		return gh_ctx_status(ctx);
	model->n_features = n_features;
	for (int j = 0; j < n_features; j++)
	{
		GH_TRY(check_name(ctx, "feature", feature[j]));
		model->feature[j] = copy_text(ctx, feature[j]);
		if (model->feature[j] == NULL)
			return gh_ctx_status(ctx);
	}
	return GH_OK;
}

static gh_status
make_plan(gh_ctx *ctx, plan *p, const char *const *feature, int n_features)
{
	GH_TRY(copy_features(ctx, feature, n_features, p->model));
	if (p->n == 0)
	{
		gh_fail(ctx, GH_EDATA, "no genres to make a hierarchy of");
		return gh_fail_hint(ctx, "Give at least one genre and its supergenre.");
	}
	if (p->n > GH_MAX_NODES)
	{
		gh_fail(ctx, GH_EDATA, "too many nodes in the hierarchy");
		return gh_fail_detail(ctx, "There are %zu; the limit is %d.", p->n, GH_MAX_NODES);
	}
	GH_TRY(collect_supergenres(ctx, p));
	GH_TRY(collect_entries(ctx, p));
	if (p->n_entries > GH_MAX_NODES)
	{
		gh_fail(ctx, GH_EDATA, "too many nodes in the hierarchy");
		return gh_fail_detail(ctx, "There are %u; the limit is %d.", p->n_entries, GH_MAX_NODES);
	}
	GH_TRY(check_levels(ctx, p));
	return emit_nodes(ctx, p);
}

gh_status
gh_model_plan(gh_ctx *ctx, const char *const *name, const char *const *parent, size_t n,
			  const char *const *feature, int n_features, gh_model *model)
{
	plan		p = {.name = name, .parent = parent, .n = n, .model = model};
	gh_status	status;

	memset(model, 0, sizeof(*model));
	status = make_plan(ctx, &p, feature, n_features);
	gh_free(ctx, p.first);
	gh_free(ctx, p.entries);
	gh_free(ctx, p.super_parent);
	gh_free(ctx, p.super);
	if (status != GH_OK)
		gh_model_free(ctx, model);
	return status;
}
