/*
 * boost_bytes.c
 *		Bytes of a single classifier.
 */
#include "gh_boost_bytes.h"

#include "base/gh_container.h"

#include <string.h>

#define TAG_NAMES GH_TAG('N', 'A', 'M', 'E')
#define TAG_INFO GH_TAG('I', 'N', 'F', 'O')
#define TAG_TREES GH_TAG('T', 'R', 'E', 'E')

#define MAX_NAME 10000			/* bytes of a feature's name */
#define MAX_INFO (1u << 20)

void
gh_boost_model_free(gh_ctx *ctx, gh_boost_model *model)
{
	if (model->feature != NULL)
		for (int i = 0; i < model->n_features; i++)
			gh_free(ctx, model->feature[i]);
	gh_free(ctx, model->feature);
	gh_free(ctx, model->info);
	gh_booster_free(ctx, &model->booster);
	memset(model, 0, sizeof(*model));
}

gh_status
gh_boost_model_write(gh_ctx *ctx, const gh_boost_model *model, uint8_t **bytes, size_t *length)
{
	gh_container_writer writer;
	gh_writer  *w;

	gh_container_begin(&writer, ctx, GH_MODEL_BOOST);
	w = gh_container_add(&writer, TAG_NAMES);
	gh_write_u32(w, (uint32_t) model->n_features);
	for (int i = 0; i < model->n_features; i++)
		gh_write_string(w, model->feature[i]);
	w = gh_container_add(&writer, TAG_INFO);
	gh_write_string(w, model->info);
	w = gh_container_add(&writer, TAG_TREES);
	gh_booster_write(w, &model->booster);
	return gh_container_finish(&writer, bytes, length);
}

/* A string could not be read: out of memory, or bad bytes. */
static gh_status
bad_string(gh_ctx *ctx, uint32_t tag, const gh_reader *r)
{
	gh_status	status = gh_ctx_status(ctx);

	return status != GH_OK ? status : gh_container_reject(ctx, tag, r, "a text is cut off or not UTF-8");
}

static gh_status
read_names(gh_ctx *ctx, const gh_container *c, gh_boost_model *model)
{
	gh_reader	r;
	uint32_t	n;

	GH_TRY(gh_container_section(ctx, c, TAG_NAMES, &r));
	n = gh_read_count(&r, sizeof(uint32_t), GH_MAX_FEATURES);
	if (!r.ok || n == 0)
		return gh_container_reject(ctx, TAG_NAMES, &r, "the number of features makes no sense");
	model->feature = GH_NEW_ZERO(ctx, n, char *);
	if (model->feature == NULL)
		return gh_ctx_status(ctx);
	model->n_features = (int) n;
	for (uint32_t i = 0; i < n; i++)
	{
		model->feature[i] = gh_read_string(&r, ctx, MAX_NAME);
		if (model->feature[i] == NULL)
			return bad_string(ctx, TAG_NAMES, &r);
	}
	if (!gh_reader_at_end(&r))
		return gh_container_reject(ctx, TAG_NAMES, &r, "bytes are left over");
	return GH_OK;
}

static gh_status
read_info(gh_ctx *ctx, const gh_container *c, gh_boost_model *model)
{
	gh_reader	r;

	GH_TRY(gh_container_section(ctx, c, TAG_INFO, &r));
	model->info = gh_read_string(&r, ctx, MAX_INFO);
	if (model->info == NULL)
		return bad_string(ctx, TAG_INFO, &r);
	if (!gh_reader_at_end(&r))
		return gh_container_reject(ctx, TAG_INFO, &r, "bytes are left over");
	return GH_OK;
}

static gh_status
read_trees(gh_ctx *ctx, const gh_container *c, gh_boost_model *model)
{
	gh_reader	r;

	GH_TRY(gh_container_section(ctx, c, TAG_TREES, &r));
	GH_TRY(gh_booster_read(ctx, &r, &model->booster));
	if (!r.ok)
		return gh_container_reject(ctx, TAG_TREES, &r, "a tree makes no sense");
	if (!gh_reader_at_end(&r))
		return gh_container_reject(ctx, TAG_TREES, &r, "bytes are left over");
	if (model->booster.n_features != model->n_features)
		return gh_container_reject(ctx, TAG_TREES, &r, "the number of features is not that of the names");
	return GH_OK;
}

gh_status
gh_boost_model_read(gh_ctx *ctx, const void *bytes, size_t length, gh_boost_model *model)
{
	gh_container c;
	gh_status	status;

	memset(model, 0, sizeof(*model));
	GH_TRY(gh_container_open(ctx, bytes, length, GH_MODEL_BOOST, &c));
	GH_GOTO(failed, read_names(ctx, &c, model));
	GH_GOTO(failed, read_info(ctx, &c, model));
	GH_GOTO(failed, read_trees(ctx, &c, model));
	if (c.n_sections != 3)
	{
		gh_reader	end;

		gh_reader_init(&end, bytes, length);
		status = gh_container_reject(ctx, c.section[3].tag, &end, "the section is unknown");
		goto failed;
	}
	return GH_OK;

failed:
	gh_boost_model_free(ctx, model);
	return status;
}
