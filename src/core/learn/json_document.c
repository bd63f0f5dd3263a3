/*
 * json_document.c
 *		Documents in JSON (RFC 8259), and with XGBoost's NaN and Infinity.
 */
#include "learn/document.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bytes between two polls. */
#define POLL_BYTES 65536

/* First byte of what comes next; 0 at the end, and when cancelled, which gh_document_fail() then says. */
static char
next_byte(gh_document *d)
{
	while (d->at < d->length && memchr(" \t\n\r", d->bytes[d->at], 4) != NULL)
		if (++d->at % POLL_BYTES == 0 && gh_should_stop(d->ctx))
			return '\0';
	return d->at < d->length ? d->bytes[d->at] : '\0';
}

static gh_value
json_peek(gh_document *d)
{
	char		c = next_byte(d);

	switch (c)
	{
		case '{':
			return GH_VALUE_OBJECT;
		case '[':
			return GH_VALUE_ARRAY;
		case '"':
			return GH_VALUE_TEXT;
		default:
			return c == '-' || (c >= '0' && c <= '9') ? GH_VALUE_NUMBER : GH_VALUE_OTHER;
	}
}

static char
closing(gh_value kind)
{
	return kind == GH_VALUE_OBJECT ? '}' : ']';
}

static gh_status
json_open(gh_document *d, gh_value kind, bool *more)
{
	d->at++;
	*more = next_byte(d) != closing(kind);
	d->at += !*more;
	return GH_OK;
}

static gh_status
json_next(gh_document *d, bool *more)
{
	char		c = next_byte(d);

	*more = c == ',';
	if (c != ',' && c != closing(d->level[d->depth].kind))
		return gh_document_fail(d, "a comma or the closing bracket was expected");
	d->at++;
	return GH_OK;
}

/* ---- strings ----------------------------------------------------------- */

/* A string being read: what does not fit is counted, not kept. */
typedef struct sink
{
	char	   *out;
	size_t		size,
				n;
} sink;

static void
put(sink *s, uint32_t byte)
{
	if (s->n + 1 < s->size)
		s->out[s->n] = (char) byte;
	s->n++;
}

static void
put_character(sink *s, uint32_t c)
{
	if (c < 0x80)
		put(s, c);
	else if (c < 0x800)
	{
		put(s, 0xC0 | c >> 6);
		put(s, 0x80 | (c & 0x3F));
	}
	else
	{
		if (c < 0x10000)
			put(s, 0xE0 | c >> 12);
		else
		{
			put(s, 0xF0 | c >> 18);
			put(s, 0x80 | (c >> 12 & 0x3F));
		}
		put(s, 0x80 | (c >> 6 & 0x3F));
		put(s, 0x80 | (c & 0x3F));
	}
}

/* Four hexadecimal digits. */
static bool
read_hex(gh_document *d, uint32_t *out)
{
	*out = 0;
	if (d->length - d->at < 4)
		return false;
	for (int i = 0; i < 4; i++)
	{
		char		c = d->bytes[d->at++];
		int			digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
			c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return false;
		*out = *out << 4 | (uint32_t) digit;
	}
	return true;
}

/* After "\u": a character, perhaps of two halves. */
static bool
read_escaped_character(gh_document *d, sink *s)
{
	uint32_t	c,
				low;

	if (!read_hex(d, &c) || c == 0 || (c >= 0xDC00 && c < 0xE000))
		return false;
	if (c >= 0xD800 && c < 0xDC00)
	{
		if (d->length - d->at < 2 || d->bytes[d->at] != '\\' || d->bytes[d->at + 1] != 'u')
			return false;
		d->at += 2;
		if (!read_hex(d, &low) || low < 0xDC00 || low >= 0xE000)
			return false;
		c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
	}
	put_character(s, c);
	return true;
}

static bool
read_escape(gh_document *d, sink *s)
{
	static const char names[] = "\"\\/bfnrt",
				meant[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (d->at >= d->length)
		return false;
	if (d->bytes[d->at] == 'u')
	{
		d->at++;
		return read_escaped_character(d, s);
	}
	found = d->bytes[d->at] != '\0' ? strchr(names, d->bytes[d->at]) : NULL;
	if (found == NULL)
		return false;
	d->at++;
	put(s, (uint8_t) meant[found - names]);
	return true;
}

/* The string that comes next into the sink, with its end. */
static gh_status
read_string(gh_document *d, sink *s)
{
	if (next_byte(d) != '"')
		return gh_document_fail(d, "a string was expected");
	d->at++;
	while (d->at < d->length && d->bytes[d->at] != '"')
	{
		uint8_t		c = (uint8_t) d->bytes[d->at];

		if (d->at % POLL_BYTES == 0)
			GH_CHECK_STOP(d->ctx);
		if (c < 0x20)
			return gh_document_fail(d, "a control character stands in a string");
		d->at++;
		if (c != '\\')
			put(s, c);
		else if (!read_escape(d, s))
			return gh_document_fail(d, "an escape makes no sense");
	}
	if (d->at == d->length)
		return gh_document_fail(d, "a string does not end");
	d->at++;
	if (s->size > 0)
		s->out[s->n + 1 < s->size ? s->n : s->size - 1] = '\0';
	return GH_OK;
}

static gh_status
json_key(gh_document *d, char *key, size_t size)
{
	sink		s = {key, size, 0};

	GH_TRY(read_string(d, &s));
	if (next_byte(d) != ':')
		return gh_document_fail(d, "a colon was expected");
	d->at++;
	return GH_OK;
}

static gh_status
json_text(gh_document *d, size_t most, char **out)
{
	gh_document ahead = *d;
	sink		s = {NULL, 0, 0};

	*out = NULL;
	GH_TRY(read_string(&ahead, &s));
	if (s.n > most)
	{
		d->at = ahead.at;
		return GH_OK;
	}
	s = (sink) {GH_NEW(d->ctx, s.n + 1, char), s.n + 1, 0};
	if (s.out == NULL)
		return gh_ctx_status(d->ctx);
	*out = s.out;
	return read_string(d, &s);
}

/* ---- numbers ----------------------------------------------------------- */

/* Bytes of the number that comes next, by the grammar; 0: there is none; GH_DOCUMENT_TOKEN: too many. */
static size_t
number_length(gh_document *d)
{
	size_t		left = d->length - d->at;
	const char *p = d->bytes + d->at,
			   *end = p + (left < GH_DOCUMENT_TOKEN ? left : GH_DOCUMENT_TOKEN),
			   *begin = p;

	if (p < end && *p == '-')
		p++;
	if (p == end || *p < '0' || *p > '9')
		return 0;
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	if (end - p > 1 && *p == '.' && p[1] >= '0' && p[1] <= '9')
		for (p++; p < end && *p >= '0' && *p <= '9';)
			p++;
	if (end - p > 1 && (*p == 'e' || *p == 'E'))
	{
		const char *digits = p + 1 + (p[1] == '+' || p[1] == '-');

		if (digits < end && *digits >= '0' && *digits <= '9')
			for (p = digits; p < end && *p >= '0' && *p <= '9';)
				p++;
	}
	return (size_t) (p - begin);
}

static gh_status
json_scalar(gh_document *d, char *out, size_t size)
{
	if (next_byte(d) == '"')
	{
		sink		s = {out, size, 0};

		GH_TRY(read_string(d, &s));
		if (s.n >= size)
			return gh_document_fail(d, "a text is too long");
	}
	else
	{
		size_t		n = number_length(d);

		if (n == 0 || n >= size)
			return gh_document_fail(d, n == 0 ? "a number or a string was expected" : "a number has too many digits");
		memcpy(out, d->bytes + d->at, n);
		out[n] = '\0';
		d->at += n;
	}
	return GH_OK;
}

/* "true" or "false" or "null"; false when none of them comes next. */
static bool
read_word(gh_document *d, const char *word)
{
	size_t		n = strlen(word);

	if (d->length - d->at < n || memcmp(d->bytes + d->at, word, n) != 0)
		return false;
	d->at += n;
	return true;
}

/* What is no number in JSON, but in that of XGBoost. */
static bool
read_nonfinite(gh_document *d, double *out)
{
	if (read_word(d, "NaN"))
		*out = NAN;
	else if (read_word(d, "Infinity"))
		*out = INFINITY;
	else if (read_word(d, "-Infinity"))
		*out = -INFINITY;
	else
		return false;
	return true;
}

static gh_status
json_number(gh_document *d, double *out)
{
	char		token[GH_DOCUMENT_TOKEN];
	char		c = next_byte(d);

	if (c == 't' && read_word(d, "true"))
		*out = 1;
	else if (c == 'f' && read_word(d, "false"))
		*out = 0;
	else if (c == '"')
		return gh_document_fail(d, "a number was expected");
	else if (!read_nonfinite(d, out))
	{
		GH_TRY(json_scalar(d, token, sizeof(token)));
		*out = strtod(token, NULL);
	}
	return GH_OK;
}

static gh_status
json_pass(gh_document *d)
{
	sink		nowhere = {NULL, 0, 0};
	double		ignored;
	size_t		n;

	if (next_byte(d) == '"')
		return read_string(d, &nowhere);
	if (read_word(d, "true") || read_word(d, "false") || read_word(d, "null") || read_nonfinite(d, &ignored))
		return GH_OK;
	n = number_length(d);
	if (n == 0 || n == GH_DOCUMENT_TOKEN)
		return gh_document_fail(d, n == 0 ? "a value was expected" : "a number has too many digits");
	d->at += n;
	return GH_OK;
}

/* ---- the format -------------------------------------------------------- */

static const gh_document_format format = {
	.name = "JSON",.peek = json_peek,.open = json_open,.next = json_next,.key = json_key,.scalar = json_scalar,
	.text = json_text,.number = json_number,.pass = json_pass
};

void
gh_document_json(gh_document *d, gh_ctx *ctx, const void *bytes, size_t length)
{
	*d = (gh_document) {.ctx = ctx,.format = &format,.bytes = bytes,.length = length};
}
