/*
 * ubjson_document.c
 *		Documents in UBJSON (https://ubjson.org), the bytes that say what JSON says.
 *
 * A value is a letter for its type and then its bytes, big-endian.  Objects and
 * arrays may say how many values they have ('#' and a count) and, before that,
 * the one type of all of them ('$' and a letter); no bracket ends those.
 */
#include "learn/document.h"

#include <stdio.h>
#include <string.h>

#define NOTHING '\0'

static size_t
bytes_left(const gh_document *d)
{
	return d->length - d->at;
}

/* Fewest bytes of a value behind its letter. */
static size_t
least_bytes(char type)
{
	switch (type)
	{
		case 'Z':
		case 'T':
		case 'F':
			return 0;
		case 'I':
		case 'S':
		case 'H':
			return 2;
		case 'l':
		case 'd':
			return 4;
		case 'L':
		case 'D':
			return 8;
		default:
			return 1;
	}
}

/* The letter of the value that comes next, which typed objects and arrays have said at their beginning. */
static char
next_type(gh_document *d)
{
	const gh_document_level *level = &d->level[d->depth];

	if (d->depth > 0 && level->type != NOTHING)
		return level->type;
	/* 'N' is no value: it pads */
	while (d->at < d->length && d->bytes[d->at] == 'N')
		if (++d->at % 65536 == 0 && gh_should_stop(d->ctx))
			return NOTHING;
	return d->at < d->length ? d->bytes[d->at] : NOTHING;
}

static char
take_type(gh_document *d)
{
	char		type = next_type(d);

	if (type != NOTHING && (d->depth == 0 || d->level[d->depth].type == NOTHING))
		d->at++;
	return type;
}

static gh_value
ubjson_peek(gh_document *d)
{
	char		type = next_type(d);

	switch (type)
	{
		case '{':
			return GH_VALUE_OBJECT;
		case '[':
			return GH_VALUE_ARRAY;
		case 'S':
		case 'C':
			return GH_VALUE_TEXT;
		default:
			return type != NOTHING && strchr("iUIlLdD", type) != NULL ? GH_VALUE_NUMBER : GH_VALUE_OTHER;
	}
}

/* ---- numbers ----------------------------------------------------------- */

/* `n` bytes as an unsigned number; false when there are fewer. */
static bool
take_bytes(gh_document *d, size_t n, uint64_t *out)
{
	*out = 0;
	if (bytes_left(d) < n)
		return false;
	for (size_t i = 0; i < n; i++)
		*out = *out << 8 | (uint8_t) d->bytes[d->at++];
	return true;
}

/* An integer of a type; false when the bytes end, or the type is another. */
static bool
take_integer(gh_document *d, char type, int64_t *out)
{
	uint64_t	bits;

	if (type == NOTHING || strchr("iUIlL", type) == NULL || !take_bytes(d, least_bytes(type), &bits))
		return false;
	*out = type == 'i' ? (int8_t) bits : type == 'I' ? (int16_t) bits : type == 'l' ? (int32_t) bits : (int64_t) bits;
	return true;
}

static bool
take_number(gh_document *d, char type, double *out)
{
	int64_t		integer;
	uint64_t	bits;
	uint32_t	half;
	float		single;

	if (take_integer(d, type, &integer))
		*out = (double) integer;
	else if (type == 'd' && take_bytes(d, 4, &bits))
	{
		half = (uint32_t) bits;
		memcpy(&single, &half, sizeof(single));
		*out = (double) single;
	}
	else if (type == 'D' && take_bytes(d, 8, &bits))
		memcpy(out, &bits, sizeof(*out));
	else
		return false;
	return true;
}

static gh_status
ubjson_number(gh_document *d, double *out)
{
	char		type = take_type(d);

	if (type == 'T' || type == 'F')
		*out = type == 'T';
	else if (!take_number(d, type, out))
		return gh_document_fail(d, "a number was expected");
	return GH_OK;
}

/* A length or count; false when it is none, or more than the bytes that are left hold at `unit` bytes each. */
static bool
take_count(gh_document *d, size_t unit, uint64_t *out)
{
	char		type = d->at < d->length ? d->bytes[d->at++] : NOTHING;
	int64_t		count;

	if (!take_integer(d, type, &count) || count < 0 || (uint64_t) count > bytes_left(d) / unit)
		return false;
	*out = (uint64_t) count;
	return true;
}

/* ---- objects and arrays ------------------------------------------------ */

static bool
ends_here(const gh_document *d, gh_value kind)
{
	return d->at < d->length && d->bytes[d->at] == (kind == GH_VALUE_OBJECT ? '}' : ']');
}

/* Type and count of all values, if they are said. */
static gh_status
take_header(gh_document *d, gh_document_level *level)
{
	size_t		unit = 1;

	if (d->at < d->length && d->bytes[d->at] == '$')
	{
		d->at++;
		level->type = d->at < d->length ? d->bytes[d->at++] : NOTHING;
		unit = level->type != NOTHING ? least_bytes(level->type) : 0;
		/* values of no bytes could be as many as they like */
		if (unit == 0 || strchr("iUIlLdDSHC[{", level->type) == NULL)
			return gh_document_fail(d, "the type of all values makes no sense");
		if (d->at == d->length || d->bytes[d->at] != '#')
			return gh_document_fail(d, "a count was expected");
	}
	if (d->at < d->length && d->bytes[d->at] == '#')
	{
		d->at++;
		level->counted = true;
		if (!take_count(d, unit, &level->left))
			return gh_document_fail(d, "a count is cut off or beyond the bytes that are left");
	}
	return GH_OK;
}

static gh_status
ubjson_open(gh_document *d, gh_value kind, bool *more)
{
	gh_document_level *level = &d->level[d->depth + 1];

	take_type(d);
	GH_TRY(take_header(d, level));
	if (level->counted)
		*more = level->left > 0;
	else
	{
		*more = !ends_here(d, kind);
		d->at += !*more;
	}
	return GH_OK;
}

static gh_status
ubjson_next(gh_document *d, bool *more)
{
	gh_document_level *level = &d->level[d->depth];

	if (level->counted)
		*more = --level->left > 0;
	else
	{
		*more = !ends_here(d, level->kind);
		d->at += !*more;
	}
	return GH_OK;
}

/* ---- texts ------------------------------------------------------------- */

/* The bytes of a text, where they stand. */
static bool
take_text(gh_document *d, const char **text, uint64_t *length)
{
	if (!take_count(d, 1, length))
		return false;
	*text = d->bytes + d->at;
	d->at += (size_t) *length;
	return true;
}

static gh_status
ubjson_key(gh_document *d, char *key, size_t size)
{
	const char *text;
	uint64_t	length;

	if (!take_text(d, &text, &length))
		return gh_document_fail(d, "a name is cut off");
	if (size == 0)
		return GH_OK;
	if (length >= size)
		length = size - 1;
	if (length > 0 && memchr(text, '\0', length) != NULL)
		return gh_document_fail(d, "a name has a byte 0");
	memcpy(key, text, length);
	key[length] = '\0';
	return GH_OK;
}

/* The bytes of a text with its letter. */
static gh_status
take_string(gh_document *d, const char **text, uint64_t *length)
{
	char		type = take_type(d);

	*text = "";
	*length = 0;
	if (type == 'C' && bytes_left(d) > 0)
	{
		*text = d->bytes + d->at++;
		*length = 1;
	}
	else if (type != 'S' || !take_text(d, text, length))
		return gh_document_fail(d, type == 'S' || type == 'C' ? "a text is cut off" : "a text was expected");
	return GH_OK;
}

static gh_status
ubjson_scalar(gh_document *d, char *out, size_t size)
{
	gh_value	kind = ubjson_peek(d);
	const char *text;
	uint64_t	length;
	double		number;

	if (kind == GH_VALUE_NUMBER)
	{
		GH_TRY(ubjson_number(d, &number));
		snprintf(out, size, "%.17g", number);
		return GH_OK;
	}
	if (kind != GH_VALUE_TEXT)
		return gh_document_fail(d, "a number or a text was expected");
	GH_TRY(take_string(d, &text, &length));
	if (length >= size)
		return gh_document_fail(d, "a text is too long");
	if (memchr(text, '\0', length) != NULL)
		return gh_document_fail(d, "a text has a byte 0");
	memcpy(out, text, length);
	out[length] = '\0';
	return GH_OK;
}

static gh_status
ubjson_text(gh_document *d, size_t most, char **out)
{
	const char *text;
	uint64_t	length;

	*out = NULL;
	GH_TRY(take_string(d, &text, &length));
	if (length > most)
		return GH_OK;
	if (memchr(text, '\0', length) != NULL)
		return gh_document_fail(d, "a text has a byte 0");
	*out = GH_NEW(d->ctx, length + 1, char);
	if (*out == NULL)
		return gh_ctx_status(d->ctx);
	memcpy(*out, text, length);
	(*out)[length] = '\0';
	return GH_OK;
}

static gh_status
ubjson_pass(gh_document *d)
{
	char		type = take_type(d);
	const char *text;
	uint64_t	length;
	size_t		n;

	if (type == NOTHING || strchr("ZTFiUIlLdDCSH", type) == NULL)
		return gh_document_fail(d, "a value was expected");
	if (type == 'S' || type == 'H')
		return take_text(d, &text, &length) ? GH_OK : gh_document_fail(d, "a text is cut off");
	n = least_bytes(type);
	if (bytes_left(d) < n)
		return gh_document_fail(d, "a value is cut off");
	d->at += n;
	return GH_OK;
}

/* ---- the format -------------------------------------------------------- */

static const gh_document_format format = {
	.name = "UBJSON",.peek = ubjson_peek,.open = ubjson_open,.next = ubjson_next,.key = ubjson_key,
	.scalar = ubjson_scalar,.text = ubjson_text,.number = ubjson_number,.pass = ubjson_pass
};

void
gh_document_ubjson(gh_document *d, gh_ctx *ctx, const void *bytes, size_t length)
{
	*d = (gh_document) {.ctx = ctx,.format = &format,.bytes = bytes,.length = length};
}
