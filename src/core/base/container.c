/*
 * container.c
 *		The envelope of model bytes.
 */
#include "gh_container.h"

#include <string.h>

#define HEADER_SIZE 32
#define ENTRY_SIZE 24
#define CHECKED_FROM 16			/* the CRC covers everything from here on */

static const uint8_t magic[8] = {'G', 'E', 'N', 'R', 'E', 'H', 'I', 0x1a};

const char *
gh_model_kind_name(int kind)
{
	switch (kind)
	{
		case GH_MODEL_BOOST:
			return "boosted trees";
		case GH_MODEL_HIERARCHY:
			return "a genre hierarchy";
		case GH_MODEL_UMAP:
			return "a UMAP projection";
		case GH_MODEL_HDBSCAN:
			return "an HDBSCAN clustering";
	}
	return "of an unknown kind";
}

static gh_status
damaged(gh_ctx *ctx, const char *detail)
{
	gh_fail(ctx, GH_ECORRUPT, "model bytes are damaged");
	gh_fail_detail(ctx, "%s", detail);
	return gh_fail_hint(ctx, "Train the model again, or restore it from a backup.");
}

static gh_status
check_header(gh_ctx *ctx, const uint8_t *bytes, size_t length, gh_reader *r, uint32_t *n_sections, int *kind)
{
	uint16_t	version;
	uint32_t	crc;

	if (length < sizeof(magic) || memcmp(bytes, magic, sizeof(magic)) != 0)
	{
		gh_fail(ctx, GH_ECORRUPT, "not a model of genre_hier");
		gh_fail_detail(ctx, "The %zu bytes do not begin as a model does.", length);
		return gh_fail_hint(ctx, "Give the bytea that train_hierarchy or one of the fit functions made.");
	}
	if (length < HEADER_SIZE)
		return damaged(ctx, "The header is cut off.");
	gh_reader_init(r, bytes, length);
	r->offset = sizeof(magic);
	version = gh_read_u16(r);
	*kind = gh_read_u16(r);
	crc = gh_read_u32(r);
	if (version != GH_FORMAT_VERSION)
	{
		gh_fail(ctx, GH_ECORRUPT, "model format version %u is not supported", version);
		gh_fail_detail(ctx, "This library reads version %u.", GH_FORMAT_VERSION);
		return gh_fail_hint(ctx, "Update genre_hier, or train the model again.");
	}
	if (gh_read_u64(r) != length)
		return damaged(ctx, "The length in the header is not the number of bytes given.");
	if (gh_crc32c(bytes + CHECKED_FROM, length - CHECKED_FROM) != crc)
		return damaged(ctx, "The checksum does not match.");
	*n_sections = gh_read_u32(r);
	if (gh_read_u32(r) != 0 || *n_sections > GH_MAX_SECTIONS ||
		(size_t) *n_sections * ENTRY_SIZE > length - HEADER_SIZE)
		return damaged(ctx, "The number of sections makes no sense.");
	return GH_OK;
}

gh_status
gh_container_open(gh_ctx *ctx, const void *bytes, size_t length, int kind, gh_container *out)
{
	gh_reader	r;
	uint32_t	n_sections = 0;
	uint64_t	expected;

	GH_TRY(check_header(ctx, bytes, length, &r, &n_sections, &out->kind));
	out->n_sections = (int) n_sections;
	expected = HEADER_SIZE + (uint64_t) n_sections * ENTRY_SIZE;
	for (uint32_t i = 0; i < n_sections; i++)
	{
		uint32_t	tag = gh_read_u32(&r),
					zero = gh_read_u32(&r);
		uint64_t	offset = gh_read_u64(&r),
					size = gh_read_u64(&r);

		if (zero != 0 || offset != expected || size > length - offset)
			return damaged(ctx, "The section table makes no sense.");
		out->section[i].tag = tag;
		out->section[i].bytes = (const uint8_t *) bytes + offset;
		out->section[i].length = (size_t) size;
		expected += size;
	}
	if (expected != length)
		return damaged(ctx, "There are bytes that belong to no section.");
	if (kind != 0 && out->kind != kind)
	{
		gh_fail(ctx, GH_ECORRUPT, "model is %s, not %s", gh_model_kind_name(out->kind), gh_model_kind_name(kind));
		return gh_fail_hint(ctx, "model_info(model) tells what a model is and which functions take it.");
	}
	return GH_OK;
}

gh_status
gh_container_section(gh_ctx *ctx, const gh_container *c, uint32_t tag, gh_reader *out)
{
	int			found = -1;

	for (int i = 0; i < c->n_sections; i++)
		if (c->section[i].tag == tag)
		{
			if (found >= 0)
				return damaged(ctx, "A section is there twice.");
			found = i;
		}
	if (found < 0)
		return damaged(ctx, "A section is missing.");
	gh_reader_init(out, c->section[found].bytes, c->section[found].length);
	return GH_OK;
}

gh_status
gh_container_reject(gh_ctx *ctx, uint32_t tag, const gh_reader *r, const char *why)
{
	char		name[5] = {(char) tag, (char) (tag >> 8), (char) (tag >> 16), (char) (tag >> 24), '\0'};

	gh_fail(ctx, GH_ECORRUPT, "model bytes are damaged");
	gh_fail_detail(ctx, "Section %s, byte %zu: %s.", name, r->ok ? r->offset : r->bad_offset, why);
	return gh_fail_hint(ctx, "Train the model again, or restore it from a backup.");
}

/* ---- writing ---------------------------------------------------------- */

void
gh_container_begin(gh_container_writer *w, gh_ctx *ctx, gh_model_kind kind)
{
	gh_writer_init(&w->body, ctx);
	w->kind = kind;
	w->n_sections = 0;
}

gh_writer *
gh_container_add(gh_container_writer *w, uint32_t tag)
{
	if (w->n_sections == GH_MAX_SECTIONS)
	{
		if (w->body.status == GH_OK)
			w->body.status = gh_fail(w->body.ctx, GH_EINTERNAL, "more than %d sections in a model", GH_MAX_SECTIONS);
		return &w->body;
	}
	w->tag[w->n_sections] = tag;
	w->begin[w->n_sections++] = w->body.length;
	return &w->body;
}

/* Everything from the total length on: what the checksum covers. */
static void
write_checked_part(gh_writer *out, const gh_container_writer *w)
{
	size_t		table = HEADER_SIZE + (size_t) w->n_sections * ENTRY_SIZE;

	gh_write_u64(out, table + w->body.length);
	gh_write_u32(out, (uint32_t) w->n_sections);
	gh_write_u32(out, 0);
	for (int i = 0; i < w->n_sections; i++)
	{
		size_t		end = i + 1 < w->n_sections ? w->begin[i + 1] : w->body.length;

		gh_write_u32(out, w->tag[i]);
		gh_write_u32(out, 0);
		gh_write_u64(out, table + w->begin[i]);
		gh_write_u64(out, end - w->begin[i]);
	}
	gh_write_bytes(out, w->body.bytes, w->body.length);
}

gh_status
gh_container_finish(gh_container_writer *w, uint8_t **bytes, size_t *length)
{
	gh_writer	out;
	uint32_t	crc;

	*bytes = NULL;
	*length = 0;
	gh_writer_init(&out, w->body.ctx);
	out.status = w->body.status;
	gh_write_bytes(&out, magic, sizeof(magic));
	gh_write_u16(&out, GH_FORMAT_VERSION);
	gh_write_u16(&out, (uint16_t) w->kind);
	gh_write_u32(&out, 0);
	write_checked_part(&out, w);
	gh_free(w->body.ctx, w->body.bytes);
	w->body.bytes = NULL;
	if (out.status != GH_OK)
	{
		gh_free(out.ctx, out.bytes);
		return out.status;
	}
	crc = gh_crc32c(out.bytes + CHECKED_FROM, out.length - CHECKED_FROM);
	for (int i = 0; i < 4; i++)
		out.bytes[12 + i] = (uint8_t) (crc >> (8 * i));
	*bytes = out.bytes;
	*length = out.length;
	return GH_OK;
}
