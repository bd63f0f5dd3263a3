/*
 * json_scan.c
 *		Reads JSON text (RFC 8259) from front to back.
 */
#include "learn/json_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Brackets that may be open at once. */
#define MAX_DEPTH 64
/* Values between two polls. */
#define POLL_VALUES 4096

void
gh_json_init(gh_json *j, gh_ctx *ctx, const char *text, size_t length)
{
	*j = (gh_json) {.ctx = ctx, .text = text, .length = length};
}

static gh_status
fail_at(gh_json *j, const char *what)
{
	gh_fail(j->ctx, GH_EDATA, "the JSON cannot be read");
	return gh_fail_detail(j->ctx, "Byte %zu: %s.", j->at + 1, what);
}

char
gh_json_peek(gh_json *j)
{
	while (j->at < j->length && memchr(" \t\n\r", j->text[j->at], 4) != NULL)
		j->at++;
	return j->at < j->length ? j->text[j->at] : '\0';
}

static char
closing(char bracket)
{
	return bracket == '{' || bracket == '}' ? '}' : ']';
}

gh_status
gh_json_open(gh_json *j, char bracket, bool *more)
{
	if (gh_json_peek(j) != bracket)
		return fail_at(j, bracket == '{' ? "an object was expected" : "an array was expected");
	if (j->depth == MAX_DEPTH)
		return fail_at(j, "too many brackets are open");
	j->at++;
	*more = gh_json_peek(j) != closing(bracket);
	if (*more)
		j->depth++;
	else
		j->at++;
	return GH_OK;
}

gh_status
gh_json_next(gh_json *j, char bracket, bool *more)
{
	char		c = gh_json_peek(j);

	*more = c == ',';
	if (c == closing(bracket))
		j->depth--;
	else if (c != ',')
		return fail_at(j, "a comma or the closing bracket was expected");
	j->at++;
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
read_hex(gh_json *j, uint32_t *out)
{
	*out = 0;
	if (j->length - j->at < 4)
		return false;
	for (int i = 0; i < 4; i++)
	{
		char		c = j->text[j->at++];
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
read_escaped_character(gh_json *j, sink *s)
{
	uint32_t	c,
				low;

	if (!read_hex(j, &c) || c == 0 || (c >= 0xDC00 && c < 0xE000))
		return false;
	if (c >= 0xD800 && c < 0xDC00)
	{
		if (j->length - j->at < 2 || j->text[j->at] != '\\' || j->text[j->at + 1] != 'u')
			return false;
		j->at += 2;
		if (!read_hex(j, &low) || low < 0xDC00 || low >= 0xE000)
			return false;
		c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
	}
	put_character(s, c);
	return true;
}

static bool
read_escape(gh_json *j, sink *s)
{
	static const char names[] = "\"\\/bfnrt",
				meant[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (j->at >= j->length)
		return false;
	if (j->text[j->at] == 'u')
	{
		j->at++;
		return read_escaped_character(j, s);
	}
	found = j->text[j->at] != '\0' ? strchr(names, j->text[j->at]) : NULL;
	if (found == NULL)
		return false;
	j->at++;
	put(s, (uint8_t) meant[found - names]);
	return true;
}

/* The string that comes next into the sink, with its end. */
static gh_status
read_string(gh_json *j, sink *s)
{
	if (gh_json_peek(j) != '"')
		return fail_at(j, "a string was expected");
	j->at++;
	while (j->at < j->length && j->text[j->at] != '"')
	{
		uint8_t		c = (uint8_t) j->text[j->at];

		if (j->at % 65536 == 0)
			GH_CHECK_STOP(j->ctx);
		if (c < 0x20)
			return fail_at(j, "a control character stands in a string");
		j->at++;
		if (c != '\\')
			put(s, c);
		else if (!read_escape(j, s))
			return fail_at(j, "an escape makes no sense");
	}
	if (j->at == j->length)
		return fail_at(j, "a string does not end");
	j->at++;
	if (s->size > 0)
		s->out[s->n + 1 < s->size ? s->n : s->size - 1] = '\0';
	return GH_OK;
}

gh_status
gh_json_key(gh_json *j, char *key, size_t size)
{
	sink		s = {key, size, 0};

	GH_TRY(read_string(j, &s));
	if (gh_json_peek(j) != ':')
		return fail_at(j, "a colon was expected");
	j->at++;
	return GH_OK;
}

gh_status
gh_json_text(gh_json *j, size_t most, char **out)
{
	gh_json		ahead = *j;
	sink		s = {NULL, 0, 0};

	*out = NULL;
	GH_TRY(read_string(&ahead, &s));
	if (s.n > most)
		return fail_at(j, "a text is too long");
	s = (sink) {GH_NEW(j->ctx, s.n + 1, char), s.n + 1, 0};
	if (s.out == NULL)
		return gh_ctx_status(j->ctx);
	*out = s.out;
	return read_string(j, &s);
}

/* ---- numbers ----------------------------------------------------------- */

/* Bytes of the number that comes next, by the grammar; 0: there is none. */
static size_t
number_length(gh_json *j)
{
	const char *p = j->text + j->at,
			   *end = j->text + j->length,
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

gh_status
gh_json_scalar(gh_json *j, char *out, size_t size)
{
	if (gh_json_peek(j) == '"')
	{
		sink		s = {out, size, 0};

		GH_TRY(read_string(j, &s));
		if (s.n >= size)
			return fail_at(j, "a text is too long");
	}
	else
	{
		size_t		n = number_length(j);

		if (n == 0 || n >= size)
			return fail_at(j, n == 0 ? "a number or a string was expected" : "a number has too many digits");
		memcpy(out, j->text + j->at, n);
		out[n] = '\0';
		j->at += n;
	}
	return GH_OK;
}

/* "true" or "false" or "null"; false when none of them comes next. */
static bool
read_word(gh_json *j, const char *word)
{
	size_t		n = strlen(word);

	if (j->length - j->at < n || memcmp(j->text + j->at, word, n) != 0)
		return false;
	j->at += n;
	return true;
}

static gh_status
read_number(gh_json *j, double *out)
{
	char		token[GH_JSON_TOKEN];
	char		c = gh_json_peek(j);

	if (c == 't' && read_word(j, "true"))
		*out = 1;
	else if (c == 'f' && read_word(j, "false"))
		*out = 0;
	else if (c == '"')
		return fail_at(j, "a number was expected");
	else
	{
		GH_TRY(gh_json_scalar(j, token, sizeof(token)));
		*out = strtod(token, NULL);
	}
	return GH_OK;
}

gh_status
gh_json_numbers_read(gh_json *j, gh_json_numbers *out)
{
	bool		more;

	out->n = 0;
	GH_TRY(gh_json_open(j, '[', &more));
	while (more)
	{
		if (out->n % POLL_VALUES == 0)
			GH_CHECK_STOP(j->ctx);
		if (out->n == out->capacity)
		{
			size_t		capacity = out->capacity < 64 ? 64 : 2 * out->capacity;
			double	   *block = gh_realloc(j->ctx, out->value, capacity, sizeof(double));

			if (block == NULL)
				return gh_ctx_status(j->ctx);
			out->value = block;
			out->capacity = capacity;
		}
		GH_TRY(read_number(j, &out->value[out->n++]));
		GH_TRY(gh_json_next(j, ']', &more));
	}
	return GH_OK;
}

/* ---- what is of no use ------------------------------------------------- */

/* A value without brackets. */
static gh_status
skip_plain(gh_json *j)
{
	sink		nowhere = {NULL, 0, 0};
	size_t		n;

	if (gh_json_peek(j) == '"')
		return read_string(j, &nowhere);
	if (read_word(j, "true") || read_word(j, "false") || read_word(j, "null"))
		return GH_OK;
	n = number_length(j);
	if (n == 0)
		return fail_at(j, "a value was expected");
	j->at += n;
	return GH_OK;
}

static gh_status
skip_key(gh_json *j, char bracket)
{
	return bracket == '{' ? gh_json_key(j, NULL, 0) : GH_OK;
}

gh_status
gh_json_skip(gh_json *j)
{
	char		bracket[MAX_DEPTH + 1];
	int			bottom = j->depth;
	size_t		n = 0;

	do
	{
		char		c = gh_json_peek(j);
		bool		more = false;

		if (n++ % POLL_VALUES == 0)
			GH_CHECK_STOP(j->ctx);
		if (c == '{' || c == '[')
		{
			GH_TRY(gh_json_open(j, c, &more));
			if (more)
			{
				bracket[j->depth] = c;
				GH_TRY(skip_key(j, c));
				continue;
			}
		}
		else
			GH_TRY(skip_plain(j));
		while (j->depth > bottom && !more)
		{
			char		open = bracket[j->depth];

			GH_TRY(gh_json_next(j, open, &more));
			if (more)
				GH_TRY(skip_key(j, open));
		}
	} while (j->depth > bottom);
	return GH_OK;
}

gh_status
gh_json_end(gh_json *j)
{
	gh_json_peek(j);
	return j->at == j->length ? GH_OK : fail_at(j, "text is left over");
}
