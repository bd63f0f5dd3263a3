/*
 * hierarchy_bytes.c
 *		A hierarchy as bytes, and back from bytes that nobody vouches for.
 *
 *	FEAT	u32 number of features, then each name
 *	NODE	u32 number of nodes, then each: name, u32 parent (all ones: top), u8 is
 *			genre, u64 positives, u64 negatives, u8 average precision known, f64
 *			average precision, params (JSON text)
 *	TREE	the boosters, in the order of the nodes (gh_tree.h)
 *	FITS	for each node: the search of its parameters, u8 whether it has a vanilla
 *			classifier, and if so that one's params and search.  A search is u32 trials
 *			and, unless that is 0, u32 folds, f64 score, f64 deviation.  Models of
 *			before this section was known lack it
 *	FLAT	only in a blend: the vanilla classifiers, in the order of the genres
 *	INFO	JSON object text: what was trained on what
 */
#include "learn/gh_hierarchy.h"

#include "base/gh_container.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TAG_FEATURES GH_TAG('F', 'E', 'A', 'T')
#define TAG_NODES GH_TAG('N', 'O', 'D', 'E')
#define TAG_TREES GH_TAG('T', 'R', 'E', 'E')
#define TAG_FITS GH_TAG('F', 'I', 'T', 'S')
#define TAG_FLAT GH_TAG('F', 'L', 'A', 'T')
#define TAG_INFO GH_TAG('I', 'N', 'F', 'O')
#define N_SECTIONS 4

#define NO_PARENT UINT32_MAX
/* two lengths of texts, parent, counts, flags, average precision */
#define NODE_BYTES (4 + 4 + 4 + 8 + 8 + 1 + 1 + 8)
/* features, base score, number of trees */
#define BOOSTER_BYTES (4 + 8 + 4)

#define MAX_PARAMS (1u << 16)
#define MAX_INFO (1u << 26)
/* bounds of what gh_tune() takes */
#define MAX_TRIALS 10000
#define MAX_FOLDS 255

/* ---- writing ----------------------------------------------------------- */

static void
write_node(gh_writer *w, const gh_node *node)
{
	gh_write_string(w, node->name);
	gh_write_u32(w, node->parent < 0 ? NO_PARENT : (uint32_t) node->parent);
	gh_write_u8(w, node->is_genre);
	gh_write_u64(w, node->positives);
	gh_write_u64(w, node->negatives);
	gh_write_u8(w, node->ap_defined);
	gh_write_f64(w, node->ap_defined ? node->average_precision : 0);
	gh_write_string(w, node->params != NULL ? node->params : "{}");
}

static void
write_search(gh_writer *w, const gh_search *search)
{
	gh_write_u32(w, search->trials);
	if (search->trials == 0)
		return;
	gh_write_u32(w, search->folds);
	gh_write_f64(w, search->score);
	gh_write_f64(w, search->score_sd);
}

static void
write_fit(gh_writer *w, const gh_node *node)
{
	write_search(w, &node->search);
	gh_write_u8(w, node->vanilla_params != NULL);
	if (node->vanilla_params == NULL)
		return;
	gh_write_string(w, node->vanilla_params);
	write_search(w, &node->vanilla_search);
}

gh_status
gh_model_write(gh_ctx *ctx, const gh_model *model, uint8_t **bytes, size_t *length)
{
	gh_container_writer writer;
	gh_writer  *w;

	gh_container_begin(&writer, ctx, GH_MODEL_HIERARCHY);
	w = gh_container_add(&writer, TAG_FEATURES);
	gh_write_u32(w, (uint32_t) model->n_features);
	for (int j = 0; j < model->n_features; j++)
		gh_write_string(w, model->feature[j]);
	w = gh_container_add(&writer, TAG_NODES);
	gh_write_u32(w, model->n_nodes);
	for (uint32_t i = 0; i < model->n_nodes; i++)
		write_node(w, &model->node[i]);
	w = gh_container_add(&writer, TAG_TREES);
	for (uint32_t i = 0; i < model->n_nodes; i++)
		gh_booster_write(w, &model->node[i].booster);
	w = gh_container_add(&writer, TAG_FITS);
	for (uint32_t i = 0; i < model->n_nodes; i++)
		write_fit(w, &model->node[i]);
	if (model->flat != NULL)
	{
		w = gh_container_add(&writer, TAG_FLAT);
		for (uint32_t g = 0; g < model->n_genres; g++)
			gh_booster_write(w, &model->flat[g]);
	}
	w = gh_container_add(&writer, TAG_INFO);
	gh_write_string(w, model->info != NULL ? model->info : "{}");
	return gh_container_finish(&writer, bytes, length);
}

/* ---- reading ----------------------------------------------------------- */

/* A text of at least `least` bytes; NULL after recording why not. */
static char *
read_text(gh_ctx *ctx, uint32_t tag, gh_reader *r, uint32_t least, uint32_t cap)
{
	char	   *text = gh_read_string(r, ctx, cap);

	if (text == NULL)
	{
		/* out of memory is on record already */
		if (gh_ctx_status(ctx) == GH_OK)
			gh_container_reject(ctx, tag, r, "a text is cut off, too long or not UTF-8");
		return NULL;
	}
	if (strlen(text) < least)
	{
		gh_container_reject(ctx, tag, r, "a name is empty");
		gh_free(ctx, text);
		return NULL;
	}
	return text;
}

static gh_status
read_features(gh_ctx *ctx, const gh_container *c, gh_model *model)
{
	gh_reader	r;
	uint32_t	n;

	GH_TRY(gh_container_section(ctx, c, TAG_FEATURES, &r));
	n = gh_read_count(&r, sizeof(uint32_t), GH_MAX_FEATURES);
	if (!r.ok || n == 0)
		return gh_container_reject(ctx, TAG_FEATURES, &r, "the number of features makes no sense");
	model->feature = GH_NEW_ZERO(ctx, n, char *);
	if (model->feature == NULL)
		return gh_ctx_status(ctx);
	model->n_features = (int) n;
	for (uint32_t j = 0; j < n; j++)
	{
		model->feature[j] = read_text(ctx, TAG_FEATURES, &r, 1, GH_MAX_NAME);
		if (model->feature[j] == NULL)
			return gh_ctx_status(ctx);
	}
	if (!gh_reader_at_end(&r))
		return gh_container_reject(ctx, TAG_FEATURES, &r, "bytes are left over");
	return GH_OK;
}

/* Place of a node below its parent, which must stand before it and be a supergenre. */
static bool
place_node(gh_model *model, uint32_t at, uint32_t parent)
{
	gh_node    *node = &model->node[at];

	if (parent == NO_PARENT)
	{
		node->parent = -1;
		node->level = 1;
		return true;
	}
	if (parent >= at || model->node[parent].is_genre || model->node[parent].level >= GH_MAX_LEVELS)
		return false;
	node->parent = (int32_t) parent;
	node->level = model->node[parent].level + 1;
	return true;
}

static gh_status
read_node(gh_ctx *ctx, gh_reader *r, gh_model *model, uint32_t at)
{
	gh_node    *node = &model->node[at];
	uint32_t	parent;
	uint8_t		is_genre,
				ap_defined;

	node->name = read_text(ctx, TAG_NODES, r, 1, GH_MAX_NAME);
	if (node->name == NULL)
		return gh_ctx_status(ctx);
	parent = gh_read_u32(r);
	is_genre = gh_read_u8(r);
	node->positives = gh_read_u64(r);
	node->negatives = gh_read_u64(r);
	ap_defined = gh_read_u8(r);
	node->average_precision = gh_read_f64(r);
	if (!r->ok || is_genre > 1 || ap_defined > 1
		|| !(node->average_precision >= 0 && node->average_precision <= 1))
		return gh_container_reject(ctx, TAG_NODES, r, "a node makes no sense");
	node->is_genre = is_genre;
	node->ap_defined = ap_defined;
	if (!place_node(model, at, parent))
		return gh_container_reject(ctx, TAG_NODES, r, "a node's parent makes no sense");
	node->params = read_text(ctx, TAG_NODES, r, 0, MAX_PARAMS);
	return node->params != NULL ? GH_OK : gh_ctx_status(ctx);
}

typedef struct sibling
{
	int32_t		parent;
	const char *name;
} sibling;

static int
compare_siblings(const void *va, const void *vb)
{
	const sibling *a = va,
			   *b = vb;

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* No two siblings share a name. */
static gh_status
check_siblings(gh_ctx *ctx, const gh_model *model, const gh_reader *r)
{
	sibling    *all = GH_NEW(ctx, model->n_nodes, sibling);
	bool		unique = true;

	if (all == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t i = 0; i < model->n_nodes; i++)
		all[i] = (sibling) {model->node[i].parent, model->node[i].name};
	qsort(all, model->n_nodes, sizeof(sibling), compare_siblings);
	for (uint32_t i = 1; i < model->n_nodes; i++)
		unique = unique && compare_siblings(&all[i - 1], &all[i]) != 0;
	gh_free(ctx, all);
	return unique ? GH_OK : gh_container_reject(ctx, TAG_NODES, r, "two siblings have one name");
}

/* Every supergenre has a child; the genres get their order. */
static gh_status
list_genres(gh_ctx *ctx, gh_model *model, const gh_reader *r)
{
	uint8_t    *has_child = GH_NEW_ZERO(ctx, model->n_nodes, uint8_t);
	bool		all_have = true;

	model->genre = GH_NEW(ctx, model->n_nodes, uint32_t);
	if (has_child != NULL && model->genre != NULL)
	{
		for (uint32_t i = 0; i < model->n_nodes; i++)
		{
			if (model->node[i].parent >= 0)
				has_child[model->node[i].parent] = 1;
			if (model->node[i].is_genre)
				model->genre[model->n_genres++] = i;
		}
		for (uint32_t i = 0; i < model->n_nodes; i++)
			all_have = all_have && (model->node[i].is_genre || has_child[i]);
	}
	gh_free(ctx, has_child);
	GH_TRY(gh_ctx_status(ctx));
	return all_have ? GH_OK : gh_container_reject(ctx, TAG_NODES, r, "a supergenre has no children");
}

static gh_status
read_nodes(gh_ctx *ctx, const gh_container *c, gh_model *model)
{
	gh_reader	r;
	uint32_t	n;

	GH_TRY(gh_container_section(ctx, c, TAG_NODES, &r));
	n = gh_read_count(&r, NODE_BYTES, GH_MAX_NODES);
	if (!r.ok || n == 0)
		return gh_container_reject(ctx, TAG_NODES, &r, "the number of nodes makes no sense");
	model->node = GH_NEW_ZERO(ctx, n, gh_node);
	if (model->node == NULL)
		return gh_ctx_status(ctx);
	model->n_nodes = n;
	for (uint32_t i = 0; i < n; i++)
	{
		GH_CHECK_STOP(ctx);
		GH_TRY(read_node(ctx, &r, model, i));
	}
	if (!gh_reader_at_end(&r))
		return gh_container_reject(ctx, TAG_NODES, &r, "bytes are left over");
	GH_TRY(check_siblings(ctx, model, &r));
	return list_genres(ctx, model, &r);
}

static gh_status
read_booster(gh_ctx *ctx, uint32_t tag, gh_reader *r, const gh_model *model, gh_booster *booster)
{
	GH_CHECK_STOP(ctx);
	GH_TRY(gh_booster_read(ctx, r, booster));
	if (!r->ok)
		return gh_container_reject(ctx, tag, r, "a tree makes no sense");
	if (booster->n_features != model->n_features)
		return gh_container_reject(ctx, tag, r, "a classifier has another number of features");
	return GH_OK;
}

static gh_status
read_trees(gh_ctx *ctx, const gh_container *c, gh_model *model)
{
	gh_reader	r;

	GH_TRY(gh_container_section(ctx, c, TAG_TREES, &r));
	if (gh_reader_left(&r) / BOOSTER_BYTES < model->n_nodes)
		return gh_container_reject(ctx, TAG_TREES, &r, "there are fewer classifiers than nodes");
	for (uint32_t i = 0; i < model->n_nodes; i++)
		GH_TRY(read_booster(ctx, TAG_TREES, &r, model, &model->node[i].booster));
	if (!gh_reader_at_end(&r))
		return gh_container_reject(ctx, TAG_TREES, &r, "bytes are left over");
	return GH_OK;
}

static bool
has_section(const gh_container *c, uint32_t tag)
{
	for (int i = 0; i < c->n_sections; i++)
		if (c->section[i].tag == tag)
			return true;
	return false;
}

static void
read_search(gh_reader *r, gh_search *search)
{
	search->trials = (uint32_t) gh_read_int(r, 0, MAX_TRIALS);
	if (!r->ok || search->trials == 0)
		return;
	search->folds = (uint32_t) gh_read_int(r, 1, MAX_FOLDS);
	search->score = gh_read_f64(r);
	search->score_sd = gh_read_f64(r);
	if (!isfinite(search->score) || !isfinite(search->score_sd) || search->score_sd < 0)
		gh_reader_reject(r);
}

static gh_status
read_fit(gh_ctx *ctx, gh_reader *r, gh_node *node)
{
	uint8_t		has_vanilla;

	read_search(r, &node->search);
	has_vanilla = gh_read_u8(r);
	if (has_vanilla > node->is_genre)
		gh_reader_reject(r);
	if (r->ok && has_vanilla)
	{
		node->vanilla_params = read_text(ctx, TAG_FITS, r, 0, MAX_PARAMS);
		if (node->vanilla_params == NULL)
			return gh_ctx_status(ctx);
		read_search(r, &node->vanilla_search);
	}
	return r->ok ? GH_OK : gh_container_reject(ctx, TAG_FITS, r, "a search of parameters makes no sense");
}

static gh_status
read_fits(gh_ctx *ctx, const gh_container *c, gh_model *model)
{
	gh_reader	r;

	if (!has_section(c, TAG_FITS))
		return GH_OK;
	GH_TRY(gh_container_section(ctx, c, TAG_FITS, &r));
	for (uint32_t i = 0; i < model->n_nodes; i++)
	{
		GH_CHECK_STOP(ctx);
		GH_TRY(read_fit(ctx, &r, &model->node[i]));
	}
	if (!gh_reader_at_end(&r))
		return gh_container_reject(ctx, TAG_FITS, &r, "bytes are left over");
	return GH_OK;
}

static gh_status
read_flat(gh_ctx *ctx, const gh_container *c, gh_model *model)
{
	gh_reader	r;

	if (!has_section(c, TAG_FLAT))
		return GH_OK;
	GH_TRY(gh_container_section(ctx, c, TAG_FLAT, &r));
	if (gh_reader_left(&r) / BOOSTER_BYTES < model->n_genres)
		return gh_container_reject(ctx, TAG_FLAT, &r, "there are fewer classifiers than genres");
	model->flat = GH_NEW_ZERO(ctx, model->n_genres, gh_booster);
	if (model->flat == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t g = 0; g < model->n_genres; g++)
		GH_TRY(read_booster(ctx, TAG_FLAT, &r, model, &model->flat[g]));
	if (!gh_reader_at_end(&r))
		return gh_container_reject(ctx, TAG_FLAT, &r, "bytes are left over");
	return GH_OK;
}

static gh_status
read_info(gh_ctx *ctx, const gh_container *c, gh_model *model)
{
	gh_reader	r;

	GH_TRY(gh_container_section(ctx, c, TAG_INFO, &r));
	model->info = read_text(ctx, TAG_INFO, &r, 0, MAX_INFO);
	if (model->info == NULL)
		return gh_ctx_status(ctx);
	if (!gh_reader_at_end(&r))
		return gh_container_reject(ctx, TAG_INFO, &r, "bytes are left over");
	return GH_OK;
}

/* With the sections that are read there, one more is a stranger. */
static gh_status
check_sections(gh_ctx *ctx, const gh_container *c, const gh_model *model)
{
	gh_reader	nothing;

	if (c->n_sections == N_SECTIONS + has_section(c, TAG_FITS) + (model->flat != NULL))
		return GH_OK;
	gh_reader_init(&nothing, NULL, 0);
	return gh_container_reject(ctx, c->section[c->n_sections - 1].tag, &nothing, "the model has sections that are not known");
}

gh_status
gh_model_read(gh_ctx *ctx, const void *bytes, size_t length, gh_model *model)
{
	gh_container c;
	gh_status	status;

	memset(model, 0, sizeof(*model));
	GH_TRY(gh_container_open(ctx, bytes, length, GH_MODEL_HIERARCHY, &c));
	GH_GOTO(failed, read_features(ctx, &c, model));
	GH_GOTO(failed, read_nodes(ctx, &c, model));
	GH_GOTO(failed, read_trees(ctx, &c, model));
	GH_GOTO(failed, read_fits(ctx, &c, model));
	GH_GOTO(failed, read_flat(ctx, &c, model));
	GH_GOTO(failed, read_info(ctx, &c, model));
	GH_GOTO(failed, check_sections(ctx, &c, model));
	return GH_OK;

failed:
	gh_model_free(ctx, model);
	return status;
}
