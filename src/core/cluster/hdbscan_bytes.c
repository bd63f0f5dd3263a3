/*
 * hdbscan_bytes.c
 *		Bytes of a clustering.
 */
#include "hdbscan_model.h"

#include "base/gh_container.h"

#include <string.h>

#define TAG_PARAMS GH_TAG('P', 'A', 'R', 'M')
#define TAG_POINTS GH_TAG('P', 'O', 'I', 'N')
#define TAG_CORES GH_TAG('C', 'O', 'R', 'E')
#define TAG_TREE GH_TAG('T', 'R', 'E', 'E')
#define TAG_NAMES GH_TAG('N', 'A', 'M', 'E')
#define N_SECTIONS 5

#define PARAMS_SIZE 38
#define CLUSTER_SIZE 32			/* of one cluster of the tree */
#define MEMBER_SIZE 12			/* of one point of it */
/* Of the container around the sections. */
#define ENVELOPE_SIZE (32 + 24 * N_SECTIONS)
#define MAX_ID (1u << 30)

size_t
gh_hdbscan_model_length(size_t n, int d, size_t id_bytes, int min_cluster_size)
{
	size_t		clusters = 2 * (n / (size_t) min_cluster_size) + 1,
				bytes,
				rest = ENVELOPE_SIZE + PARAMS_SIZE + sizeof(uint32_t);

	if (gh_mul_overflow(n, ((size_t) d + 1) * sizeof(double) + MEMBER_SIZE + sizeof(uint32_t), &bytes) ||
		gh_add_overflow(bytes, id_bytes, &bytes) ||
		gh_add_overflow(rest, clusters * CLUSTER_SIZE, &rest) || gh_add_overflow(bytes, rest, &bytes))
		return SIZE_MAX;
	return bytes;
}

/* ---- writing ----------------------------------------------------------- */

static void
write_params(gh_writer *w, const gh_hdbscan_model *model)
{
	const gh_hdbscan_params *p = &model->params;

	gh_write_u32(w, (uint32_t) model->n);
	gh_write_u32(w, (uint32_t) model->d);
	gh_write_u32(w, (uint32_t) p->min_cluster_size);
	gh_write_u32(w, (uint32_t) p->min_samples);
	gh_write_u32(w, (uint32_t) p->max_cluster_size);
	gh_write_u8(w, (uint8_t) p->selection);
	gh_write_u8(w, p->allow_single_cluster);
	gh_write_f64(w, p->epsilon);
	gh_write_f64(w, p->alpha);
}

static gh_status
write_doubles(gh_ctx *ctx, gh_writer *w, const double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		GH_POLL(ctx, i);
		gh_write_f64(w, values[i]);
	}
	return GH_OK;
}

static gh_status
write_tree(gh_ctx *ctx, gh_writer *w, const gh_condensed *tree)
{
	gh_write_u32(w, tree->n_clusters);
	for (uint32_t c = 0; c < tree->n_clusters; c++)
	{
		GH_POLL(ctx, c);
		gh_write_u32(w, tree->parent[c]);
		gh_write_u32(w, tree->size[c]);
		gh_write_f64(w, tree->birth[c]);
		gh_write_f64(w, tree->death[c]);
		gh_write_f64(w, tree->stability[c]);
	}
	for (size_t i = 0; i < tree->n_points; i++)
	{
		GH_POLL(ctx, i);
		gh_write_u32(w, tree->point_cluster[i]);
		gh_write_f64(w, tree->point_lambda[i]);
	}
	return GH_OK;
}

static gh_status
write_sections(gh_ctx *ctx, const gh_hdbscan_model *model, gh_container_writer *writer)
{
	gh_writer  *w;

	write_params(gh_container_add(writer, TAG_PARAMS), model);
	w = gh_container_add(writer, TAG_POINTS);
	GH_TRY(write_doubles(ctx, w, model->point, model->n * (size_t) model->d));
	w = gh_container_add(writer, TAG_CORES);
	GH_TRY(write_doubles(ctx, w, model->near_core, model->n));
	w = gh_container_add(writer, TAG_TREE);
	GH_TRY(write_tree(ctx, w, model->tree));
	w = gh_container_add(writer, TAG_NAMES);
	for (size_t i = 0; i < model->n; i++)
	{
		GH_POLL(ctx, i);
		gh_write_string(w, model->ids + model->id_begin[i]);
	}
	return GH_OK;
}

gh_status
gh_hdbscan_model_write(gh_ctx *ctx, const gh_hdbscan_model *model, uint8_t **bytes, size_t *length)
{
	gh_container_writer writer;
	gh_status	status;

	gh_container_begin(&writer, ctx, GH_MODEL_HDBSCAN);
	status = write_sections(ctx, model, &writer);
	if (status != GH_OK)
	{
		gh_free(ctx, writer.body.bytes);
		return status;
	}
	return gh_container_finish(&writer, bytes, length);
}

/* ---- reading ----------------------------------------------------------- */

static gh_status
read_params(gh_ctx *ctx, const gh_container *c, gh_hdbscan_model *model)
{
	gh_hdbscan_params *p = &model->params;
	gh_reader	r;
	uint8_t		selection,
				single;

	GH_TRY(gh_container_section(ctx, c, TAG_PARAMS, &r));
	model->n = (size_t) gh_read_int(&r, 1, INT32_MAX);
	model->d = gh_read_int(&r, 1, INT32_MAX);
	p->min_cluster_size = gh_read_int(&r, 2, INT32_MAX);
	p->min_samples = gh_read_int(&r, 1, INT32_MAX);
	p->max_cluster_size = gh_read_int(&r, 0, INT32_MAX);
	selection = gh_read_u8(&r);
	single = gh_read_u8(&r);
	p->selection = (gh_selection) selection;
	p->allow_single_cluster = single == 1;
	p->epsilon = gh_read_f64(&r);
	p->alpha = gh_read_f64(&r);
	if (selection > GH_SELECT_LEAF || single > 1 || (size_t) p->min_samples > model->n ||
		!(p->epsilon >= 0 && isfinite(p->epsilon) && p->alpha > 0 && isfinite(p->alpha)))
		gh_reader_reject(&r);
	if (!gh_reader_at_end(&r))
		return gh_container_reject(ctx, TAG_PARAMS, &r, "a parameter makes no sense");
	return GH_OK;
}

/* n x width numbers of at least `least`, finite, and nothing else, in a new array. */
static gh_status
read_doubles(gh_ctx *ctx, const gh_container *c, uint32_t tag, size_t n, size_t width, double least, double **values)
{
	gh_reader	r;
	size_t		size;

	GH_TRY(gh_container_section(ctx, c, tag, &r));
	if (gh_mul_overflow(n, width * sizeof(double), &size) || gh_reader_left(&r) != size)
		return gh_container_reject(ctx, tag, &r, "the number of values is not that of the parameters");
	if ((*values = gh_alloc(ctx, n, width * sizeof(double))) == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < n * width; i++)
	{
		GH_POLL(ctx, i);
		(*values)[i] = gh_read_f64(&r);
		if (!isfinite((*values)[i]) || (*values)[i] < least)
			return gh_container_reject(ctx, tag, &r, "a value is out of its range");
	}
	return GH_OK;
}

/* Where the readers of the tree put it. */
static gh_status
open_tree(gh_ctx *ctx, gh_hdbscan_model *model, uint32_t n_clusters)
{
	gh_condensed *tree = GH_NEW_ZERO(ctx, 1, gh_condensed);

	if (tree == NULL)
		return gh_ctx_status(ctx);
	model->tree = tree;
	tree->n_points = model->n;
	tree->n_clusters = n_clusters;
	if ((tree->parent = GH_NEW(ctx, n_clusters, uint32_t)) == NULL ||
		(tree->child = GH_NEW_ZERO(ctx, n_clusters, uint32_t)) == NULL ||
		(tree->size = GH_NEW(ctx, n_clusters, uint32_t)) == NULL ||
		(tree->birth = GH_NEW(ctx, n_clusters, double)) == NULL ||
		(tree->death = GH_NEW(ctx, n_clusters, double)) == NULL ||
		(tree->stability = GH_NEW(ctx, n_clusters, double)) == NULL ||
		(tree->point_cluster = GH_NEW(ctx, model->n, uint32_t)) == NULL ||
		(tree->point_lambda = GH_NEW(ctx, model->n, double)) == NULL)
		return gh_ctx_status(ctx);
	return GH_OK;
}

/* A cluster's children have neighbouring numbers above its own, the odd one first; the root is its own parent. */
static bool
place_cluster(gh_condensed *tree, uint32_t c)
{
	uint32_t	parent = tree->parent[c];

	if (c == 0)
		return parent == 0;
	if (parent >= c)
		return false;
	if (c % 2 == 0)
		return tree->parent[c - 1] == parent;
	if (tree->child[parent] != 0 || c + 1 >= tree->n_clusters)
		return false;
	tree->child[parent] = c;
	return true;
}

static gh_status
read_clusters(gh_ctx *ctx, gh_reader *r, gh_condensed *tree)
{
	for (uint32_t c = 0; c < tree->n_clusters; c++)
	{
		GH_POLL(ctx, c);
		tree->parent[c] = gh_read_u32(r);
		tree->size[c] = gh_read_u32(r);
		tree->birth[c] = gh_read_f64(r);
		tree->death[c] = gh_read_f64(r);
		tree->stability[c] = gh_read_f64(r);
		if (!place_cluster(tree, c) || tree->size[c] > tree->n_points || !(tree->birth[c] >= 0 && tree->death[c] >= 0))
			return gh_container_reject(ctx, TAG_TREE, r, "a cluster makes no sense");
	}
	return GH_OK;
}

static gh_status
read_tree(gh_ctx *ctx, const gh_container *c, gh_hdbscan_model *model)
{
	gh_condensed *tree;
	gh_reader	r;
	uint32_t	n_clusters;

	GH_TRY(gh_container_section(ctx, c, TAG_TREE, &r));
	n_clusters = gh_read_count(&r, CLUSTER_SIZE, INT32_MAX);
	if (n_clusters == 0 || n_clusters % 2 == 0 ||
		gh_reader_left(&r) != n_clusters * (size_t) CLUSTER_SIZE + model->n * (size_t) MEMBER_SIZE)
		return gh_container_reject(ctx, TAG_TREE, &r, "the number of clusters makes no sense");
	GH_TRY(open_tree(ctx, model, n_clusters));
	tree = model->tree;
	GH_TRY(read_clusters(ctx, &r, tree));
	for (size_t i = 0; i < model->n; i++)
	{
		GH_POLL(ctx, i);
		tree->point_cluster[i] = gh_read_u32(&r);
		tree->point_lambda[i] = gh_read_f64(&r);
		if (tree->point_cluster[i] >= n_clusters || !(tree->point_lambda[i] >= 0))
			return gh_container_reject(ctx, TAG_TREE, &r, "a point's place in the tree makes no sense");
	}
	return GH_OK;
}

static gh_status
read_names(gh_ctx *ctx, const gh_container *c, gh_hdbscan_model *model)
{
	gh_reader	r;
	size_t		at = 0;

	GH_TRY(gh_container_section(ctx, c, TAG_NAMES, &r));
	if (gh_reader_left(&r) / sizeof(uint32_t) < model->n)
		return gh_container_reject(ctx, TAG_NAMES, &r, "there are fewer ids than points");
	/* a terminator takes no more room than a length did */
	if ((model->id_begin = GH_NEW(ctx, model->n + 1, size_t)) == NULL ||
		(model->ids = GH_NEW(ctx, gh_reader_left(&r), char)) == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < model->n; i++)
	{
		uint32_t	length;
		const char *id = gh_read_text(&r, MAX_ID, &length);

		GH_POLL(ctx, i);
		if (id == NULL)
			return gh_container_reject(ctx, TAG_NAMES, &r, "an id is cut off or not UTF-8");
		model->id_begin[i] = at;
		memcpy(model->ids + at, id, length);
		model->ids[at + length] = '\0';
		at += (size_t) length + 1;
	}
	model->id_begin[model->n] = at;
	if (!gh_reader_at_end(&r))
		return gh_container_reject(ctx, TAG_NAMES, &r, "bytes are left over");
	return GH_OK;
}

static gh_status
read_sections(gh_ctx *ctx, const gh_container *c, gh_hdbscan_model *model)
{
	GH_TRY(read_params(ctx, c, model));
	GH_TRY(read_doubles(ctx, c, TAG_POINTS, model->n, (size_t) model->d, -INFINITY, &model->point));
	GH_TRY(read_doubles(ctx, c, TAG_CORES, model->n, 1, 0, &model->near_core));
	GH_TRY(read_tree(ctx, c, model));
	GH_TRY(read_names(ctx, c, model));
	if (c->n_sections != N_SECTIONS)
	{
		gh_reader	extra;

		gh_reader_init(&extra, c->section[N_SECTIONS].bytes, c->section[N_SECTIONS].length);
		return gh_container_reject(ctx, c->section[N_SECTIONS].tag, &extra, "the section is unknown");
	}
	return gh_hdbscan_model_select(ctx, model);
}

gh_status
gh_hdbscan_model_read(gh_ctx *ctx, const void *bytes, size_t length, gh_hdbscan_model *model)
{
	gh_container c;
	gh_status	status;

	memset(model, 0, sizeof(*model));
	GH_TRY(gh_container_open(ctx, bytes, length, GH_MODEL_HDBSCAN, &c));
	status = read_sections(ctx, &c, model);
	if (status != GH_OK)
		gh_hdbscan_model_free(ctx, model);
	return status;
}
