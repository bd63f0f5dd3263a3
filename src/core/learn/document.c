/*
 * document.c
 *		What reading is alike in all formats.
 */
#include "learn/document.h"

#include "base/gh_bytes.h"

#include <string.h>

/* Values between two polls. */
#define POLL_VALUES 4096

gh_status
gh_document_fail(gh_document *d, const char *what)
{
	GH_CHECK_STOP(d->ctx);
	gh_fail(d->ctx, GH_EDATA, "the %s cannot be read", d->format->name);
	return gh_fail_detail(d->ctx, "Byte %zu: %s.", d->at + 1, what);
}

gh_value
gh_document_peek(gh_document *d)
{
	return d->format->peek(d);
}

gh_status
gh_document_open(gh_document *d, gh_value kind, bool *more)
{
	if (gh_document_peek(d) != kind)
		return gh_document_fail(d, kind == GH_VALUE_OBJECT ? "an object was expected" : "an array was expected");
	if (d->depth == GH_DOCUMENT_DEPTH)
		return gh_document_fail(d, "too many brackets are open");
	d->level[d->depth + 1] = (gh_document_level) {.kind = kind};
	GH_TRY(d->format->open(d, kind, more));
	d->depth += *more;
	return GH_OK;
}

gh_status
gh_document_next(gh_document *d, bool *more)
{
	GH_TRY(d->format->next(d, more));
	d->depth -= !*more;
	return GH_OK;
}

gh_status
gh_document_key(gh_document *d, char *key, size_t size)
{
	return d->format->key(d, key, size);
}

gh_status
gh_document_scalar(gh_document *d, char *out, size_t size)
{
	GH_TRY(d->format->scalar(d, out, size));
	return gh_is_text(out, strlen(out)) ? GH_OK : gh_document_fail(d, "a text is not UTF-8");
}

gh_status
gh_document_text(gh_document *d, size_t most, char **out)
{
	gh_status	status = d->format->text(d, most, out);

	if (status == GH_OK && *out != NULL && !gh_is_text(*out, strlen(*out)))
		status = gh_document_fail(d, "a text is not UTF-8");
	if (status != GH_OK)
	{
		gh_free(d->ctx, *out);
		*out = NULL;
	}
	return status;
}

gh_status
gh_document_numbers_read(gh_document *d, gh_document_numbers *out)
{
	bool		more;

	out->n = 0;
	GH_TRY(gh_document_open(d, GH_VALUE_ARRAY, &more));
	while (more)
	{
		if (out->n % POLL_VALUES == 0)
			GH_CHECK_STOP(d->ctx);
		if (out->n == out->capacity)
		{
			size_t		capacity = out->capacity < 64 ? 64 : 2 * out->capacity;
			double	   *block = gh_realloc(d->ctx, out->value, capacity, sizeof(double));

			if (block == NULL)
				return gh_ctx_status(d->ctx);
			out->value = block;
			out->capacity = capacity;
		}
		GH_TRY(d->format->number(d, &out->value[out->n++]));
		GH_TRY(gh_document_next(d, &more));
	}
	return GH_OK;
}

/* ---- what is of no use ------------------------------------------------- */

static gh_status
skip_key(gh_document *d)
{
	return d->level[d->depth].kind == GH_VALUE_OBJECT ? gh_document_key(d, NULL, 0) : GH_OK;
}

gh_status
gh_document_skip(gh_document *d)
{
	int			bottom = d->depth;
	size_t		n = 0;

	do
	{
		gh_value	kind = gh_document_peek(d);
		bool		more = false;

		if (n++ % POLL_VALUES == 0)
			GH_CHECK_STOP(d->ctx);
		if (kind == GH_VALUE_OBJECT || kind == GH_VALUE_ARRAY)
			GH_TRY(gh_document_open(d, kind, &more));
		else
			GH_TRY(d->format->pass(d));
		/* the first member of what was opened, or the next one of what is open */
		while (!more && d->depth > bottom)
			GH_TRY(gh_document_next(d, &more));
		if (more)
			GH_TRY(skip_key(d));
	} while (d->depth > bottom);
	return GH_OK;
}

gh_status
gh_document_end(gh_document *d)
{
	gh_document_peek(d);
	return d->at == d->length ? GH_OK : gh_document_fail(d, "something is left over");
}
