/*
 * gh_bytes.h
 *		Little-endian byte writer and bounded reader.
 *
 * The reader never reads past its end and never trusts a count: after a bad
 * read `ok` is false, every later read gives zero, and the position of the
 * first bad byte is kept.
 */
#ifndef GH_BYTES_H
#define GH_BYTES_H

#include "gh_context.h"

typedef struct gh_writer
{
	gh_ctx	   *ctx;
	uint8_t    *bytes;			/* owned: gh_free() it */
	size_t		length;
	size_t		capacity;
	gh_status	status;			/* sticky: check once at the end */
} gh_writer;

extern void gh_writer_init(gh_writer *w, gh_ctx *ctx);
extern void gh_write_bytes(gh_writer *w, const void *bytes, size_t n);
extern void gh_write_u8(gh_writer *w, uint8_t v);
extern void gh_write_u16(gh_writer *w, uint16_t v);
extern void gh_write_u32(gh_writer *w, uint32_t v);
extern void gh_write_u64(gh_writer *w, uint64_t v);
extern void gh_write_f32(gh_writer *w, float v);
extern void gh_write_f64(gh_writer *w, double v);
extern void gh_write_f32_array(gh_writer *w, const float *v, size_t n);
extern void gh_write_u32_array(gh_writer *w, const uint32_t *v, size_t n);
/* u32 length, then the bytes, no terminator */
extern void gh_write_string(gh_writer *w, const char *s);

typedef struct gh_reader
{
	const uint8_t *bytes;
	size_t		length;
	size_t		offset;
	bool		ok;
	size_t		bad_offset;		/* where the first bad read began, relative to `bytes` */
} gh_reader;

extern void gh_reader_init(gh_reader *r, const void *bytes, size_t length);
extern uint8_t gh_read_u8(gh_reader *r);
extern uint16_t gh_read_u16(gh_reader *r);
extern uint32_t gh_read_u32(gh_reader *r);
extern uint64_t gh_read_u64(gh_reader *r);
extern float gh_read_f32(gh_reader *r);
extern double gh_read_f64(gh_reader *r);
/* A u32 between least and most, both at least 0; else the reader goes bad and least is returned. */
extern int	gh_read_int(gh_reader *r, int least, int most);
extern void gh_read_f32_array(gh_reader *r, float *out, size_t n);
extern void gh_read_u32_array(gh_reader *r, uint32_t *out, size_t n);
/*
 * A count of things of at least `unit` bytes each: bad when the bytes left
 * cannot hold them or it is above `cap`.  Check before allocating.
 */
extern uint32_t gh_read_count(gh_reader *r, size_t unit, uint32_t cap);
/* Copy of a string, NUL-terminated, in gh memory; NULL (and !ok) when bad, holds a NUL byte, or is not UTF-8. */
extern char *gh_read_string(gh_reader *r, gh_ctx *ctx, uint32_t cap);
/* The same where it stands in the bytes: no copy, no terminator. */
extern const char *gh_read_text(gh_reader *r, uint32_t cap, uint32_t *length);
extern bool gh_reader_at_end(const gh_reader *r);
static inline size_t
gh_reader_left(const gh_reader *r)
{
	return r->length - r->offset;
}
/* Mark the reader bad at its present place (a value that makes no sense). */
extern void gh_reader_reject(gh_reader *r);

/* UTF-8 (RFC 3629) without a NUL byte? */
extern bool gh_is_text(const void *bytes, size_t length);

extern uint32_t gh_crc32c(const void *bytes, size_t n);

#endif							/* GH_BYTES_H */
