/*
 * gh_container.h
 *		The envelope of every model: one parser for all kinds.
 *
 *	offset	size
 *	0		8		magic "GENREHI\x1a"
 *	8		2		format version (1)
 *	10		2		kind (gh_model_kind)
 *	12		4		CRC-32C of everything from offset 16 on
 *	16		8		total length in bytes
 *	24		4		number of sections
 *	28		4		zero
 *	32		24 each	section table: tag u32, zero u32, offset u64, length u64
 *	...				sections, in table order, without gaps or overlap
 *
 * All little-endian.  A parser of a kind reads its sections with gh_reader
 * and rejects what it does not know.
 */
#ifndef GH_CONTAINER_H
#define GH_CONTAINER_H

#include "gh_bytes.h"

#define GH_FORMAT_VERSION 1
#define GH_MAX_SECTIONS 64

typedef enum gh_model_kind
{
	GH_MODEL_BOOST = 1,
	GH_MODEL_HIERARCHY = 2,
	GH_MODEL_UMAP = 3,
	GH_MODEL_HDBSCAN = 4
} gh_model_kind;

extern const char *gh_model_kind_name(int kind);	/* "boosted trees", ..., never NULL */

typedef struct gh_container
{
	int			kind;
	int			n_sections;
	struct
	{
		uint32_t	tag;
		const uint8_t *bytes;	/* into the caller's bytes */
		size_t		length;
	}			section[GH_MAX_SECTIONS];
} gh_container;

/* Section tags are four letters: GH_TAG('T','R','E','E') */
#define GH_TAG(a, b, c, d) \
	((uint32_t) (a) | (uint32_t) (b) << 8 | (uint32_t) (c) << 16 | (uint32_t) (d) << 24)

/*
 * Check magic, version, length, CRC and section table; GH_ECORRUPT with a
 * detail that says which and where otherwise.  `bytes` must outlive `out`.
 * kind 0 accepts any kind; else another kind is GH_ECORRUPT ("model is ..., not ...").
 */
extern gh_status gh_container_open(gh_ctx *ctx, const void *bytes, size_t length, int kind, gh_container *out);

/* Reader over a section; GH_ECORRUPT when it is missing or there twice. */
extern gh_status gh_container_section(gh_ctx *ctx, const gh_container *c, uint32_t tag, gh_reader *out);

/* GH_ECORRUPT naming the section and the byte, for a reader that went bad or has bytes left. */
extern gh_status gh_container_reject(gh_ctx *ctx, uint32_t tag, const gh_reader *r, const char *why);

/* Writing: init, then for each section begin / write with the writer / end; finish gives the bytes (gh memory). */
typedef struct gh_container_writer
{
	gh_writer	body;
	int			kind;
	int			n_sections;
	uint32_t	tag[GH_MAX_SECTIONS];
	size_t		begin[GH_MAX_SECTIONS];
} gh_container_writer;

extern void gh_container_begin(gh_container_writer *w, gh_ctx *ctx, gh_model_kind kind);
extern gh_writer *gh_container_add(gh_container_writer *w, uint32_t tag);	/* ends the section before */
extern gh_status gh_container_finish(gh_container_writer *w, uint8_t **bytes, size_t *length);

#endif							/* GH_CONTAINER_H */
