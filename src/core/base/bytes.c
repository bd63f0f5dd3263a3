/*
 * bytes.c
 *		Byte writer, bounded reader, checksum.
 */
#include "gh_bytes.h"

#include <string.h>

/* ---- writing ---------------------------------------------------------- */

void
gh_writer_init(gh_writer *w, gh_ctx *ctx)
{
	memset(w, 0, sizeof(*w));
	w->ctx = ctx;
}

/* Room for n more bytes; NULL after a failure. */
static uint8_t *
reserve(gh_writer *w, size_t n)
{
	size_t		need;
	uint8_t    *at;

	if (w->status != GH_OK)
		return NULL;
	if (gh_add_overflow(w->length, n, &need))
	{
		w->status = gh_fail(w->ctx, GH_ELIMIT, "model of more bytes than this machine can address");
		return NULL;
	}
	if (need > w->capacity)
	{
		size_t		capacity = w->capacity < 1024 ? 1024 : w->capacity;
		uint8_t    *bytes;

		while (capacity < need)
			if (gh_mul_overflow(capacity, 2, &capacity))
				capacity = need;
		bytes = gh_realloc(w->ctx, w->bytes, capacity, 1);
		if (bytes == NULL)
		{
			w->status = gh_ctx_status(w->ctx);
			return NULL;
		}
		w->bytes = bytes;
		w->capacity = capacity;
	}
	at = w->bytes + w->length;
	w->length = need;
	return at;
}

void
gh_write_bytes(gh_writer *w, const void *bytes, size_t n)
{
	uint8_t    *at = reserve(w, n);

	if (at != NULL && n > 0)
		memcpy(at, bytes, n);
}

/* `size` low bytes of v, lowest first */
static void
write_unsigned(gh_writer *w, uint64_t v, int size)
{
	uint8_t    *at = reserve(w, (size_t) size);

	if (at != NULL)
		for (int i = 0; i < size; i++)
			at[i] = (uint8_t) (v >> (8 * i));
}

void
gh_write_u8(gh_writer *w, uint8_t v)
{
	write_unsigned(w, v, 1);
}

void
gh_write_u16(gh_writer *w, uint16_t v)
{
	write_unsigned(w, v, 2);
}

void
gh_write_u32(gh_writer *w, uint32_t v)
{
	write_unsigned(w, v, 4);
}

void
gh_write_u64(gh_writer *w, uint64_t v)
{
	write_unsigned(w, v, 8);
}

void
gh_write_f32(gh_writer *w, float v)
{
	uint32_t	bits;

	memcpy(&bits, &v, sizeof(bits));
	gh_write_u32(w, bits);
}

void
gh_write_f64(gh_writer *w, double v)
{
	uint64_t	bits;

	memcpy(&bits, &v, sizeof(bits));
	gh_write_u64(w, bits);
}

void
gh_write_f32_array(gh_writer *w, const float *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		gh_write_f32(w, v[i]);
}

void
gh_write_u32_array(gh_writer *w, const uint32_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		gh_write_u32(w, v[i]);
}

void
gh_write_string(gh_writer *w, const char *s)
{
	size_t		n = strlen(s);

	if (n > UINT32_MAX)
	{
		if (w->status == GH_OK)
			w->status = gh_fail(w->ctx, GH_ELIMIT, "text of %zu bytes is too long for a model", n);
		return;
	}
	gh_write_u32(w, (uint32_t) n);
	gh_write_bytes(w, s, n);
}

/* ---- reading ---------------------------------------------------------- */

void
gh_reader_init(gh_reader *r, const void *bytes, size_t length)
{
	r->bytes = bytes;
	r->length = length;
	r->offset = 0;
	r->ok = true;
	r->bad_offset = 0;
}

void
gh_reader_reject(gh_reader *r)
{
	if (r->ok)
		r->bad_offset = r->offset;
	r->ok = false;
}

bool
gh_reader_at_end(const gh_reader *r)
{
	return r->ok && r->offset == r->length;
}

/* The next n bytes, or NULL. */
static const uint8_t *
take(gh_reader *r, size_t n)
{
	const uint8_t *at = r->bytes + r->offset;

	if (!r->ok || n > gh_reader_left(r))
	{
		gh_reader_reject(r);
		return NULL;
	}
	r->offset += n;
	return at;
}

static uint64_t
read_unsigned(gh_reader *r, int size)
{
	const uint8_t *at = take(r, (size_t) size);
	uint64_t	v = 0;

	if (at != NULL)
		for (int i = 0; i < size; i++)
			v |= (uint64_t) at[i] << (8 * i);
	return v;
}

uint8_t
gh_read_u8(gh_reader *r)
{
	return (uint8_t) read_unsigned(r, 1);
}

uint16_t
gh_read_u16(gh_reader *r)
{
	return (uint16_t) read_unsigned(r, 2);
}

uint32_t
gh_read_u32(gh_reader *r)
{
	return (uint32_t) read_unsigned(r, 4);
}

uint64_t
gh_read_u64(gh_reader *r)
{
	return read_unsigned(r, 8);
}

float
gh_read_f32(gh_reader *r)
{
	uint32_t	bits = gh_read_u32(r);
	float		v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

double
gh_read_f64(gh_reader *r)
{
	uint64_t	bits = gh_read_u64(r);
	double		v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

int
gh_read_int(gh_reader *r, int least, int most)
{
	uint32_t	value = gh_read_u32(r);

	if (value >= (uint32_t) least && value <= (uint32_t) most)
		return (int) value;
	gh_reader_reject(r);
	return least;
}

void
gh_read_f32_array(gh_reader *r, float *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = gh_read_f32(r);
}

void
gh_read_u32_array(gh_reader *r, uint32_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = gh_read_u32(r);
}

uint32_t
gh_read_count(gh_reader *r, size_t unit, uint32_t cap)
{
	size_t		start = r->offset;
	uint32_t	count = gh_read_u32(r);

	if (r->ok && (count > cap || (unit > 0 && count > gh_reader_left(r) / unit)))
	{
		r->offset = start;
		gh_reader_reject(r);
	}
	return r->ok ? count : 0;
}

/* Length of the UTF-8 sequence at p (at most `left` bytes), 0 when it is not one; RFC 3629. */
static size_t
utf8_length(const uint8_t *p, size_t left)
{
	size_t		n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
		(p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return n;
}

bool
gh_is_text(const void *bytes, size_t length)
{
	const uint8_t *p = bytes;
	size_t		i = 0;

	while (i < length)
	{
		size_t		n = p[i] == 0 ? 0 : utf8_length(p + i, length - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

const char *
gh_read_text(gh_reader *r, uint32_t cap, uint32_t *length)
{
	size_t		start = r->offset;
	const uint8_t *at;

	*length = gh_read_count(r, 1, cap);
	at = take(r, *length);
	if (at != NULL && !gh_is_text(at, *length))
	{
		r->offset = start;
		gh_reader_reject(r);
		return NULL;
	}
	return (const char *) at;
}

char *
gh_read_string(gh_reader *r, gh_ctx *ctx, uint32_t cap)
{
	uint32_t	length;
	const char *at = gh_read_text(r, cap, &length);
	char	   *s;

	if (at == NULL)
		return NULL;
	s = gh_alloc(ctx, (size_t) length + 1, 1);
	if (s == NULL)
	{
		gh_reader_reject(r);
		return NULL;
	}
	memcpy(s, at, length);
	s[length] = '\0';
	return s;
}

/* ---- checksum --------------------------------------------------------- */

#define CRC32C_POLYNOMIAL UINT32_C(0x82F63B78)	/* Castagnoli, bits reversed */

/* table[k][i]: CRC of the byte i followed by k zero bytes.  Made per call: no shared state, 8 kB, 10 microseconds. */
static void
make_tables(uint32_t table[8][256])
{
	for (uint32_t i = 0; i < 256; i++)
	{
		uint32_t	c = i;

		for (int bit = 0; bit < 8; bit++)
			c = (c & 1) != 0 ? (c >> 1) ^ CRC32C_POLYNOMIAL : c >> 1;
		table[0][i] = c;
	}
	for (int k = 1; k < 8; k++)
		for (int i = 0; i < 256; i++)
			table[k][i] = table[0][table[k - 1][i] & 0xFF] ^ (table[k - 1][i] >> 8);
}

/* Eight bytes a step (slicing by 8; Kounavis and Berry, https://doi.org/10.1109/TC.2008.85). */
uint32_t
gh_crc32c(const void *bytes, size_t n)
{
	uint32_t	table[8][256];
	const uint8_t *p = bytes;
	uint32_t	crc = UINT32_MAX;

	make_tables(table);
	for (; n >= 8; n -= 8, p += 8)
	{
		uint32_t	low = crc ^ ((uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24);

		crc = table[7][low & 0xFF] ^ table[6][low >> 8 & 0xFF] ^ table[5][low >> 16 & 0xFF] ^ table[4][low >> 24] ^
			table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
	}
	for (; n > 0; n--, p++)
		crc = table[0][(crc ^ *p) & 0xFF] ^ (crc >> 8);
	return ~crc;
}
