/*
 * xgboost_attributes.c
 *		Attributes of XGBoost's models: texts by name, which import keeps and export gives back.
 *
 * One of them means something: best_iteration, where early stopping found the
 * lowest loss.  We count in trees, XGBoost in iterations, which have several in
 * a forest; so it is kept as the place of its last tree.
 */
#include "learn/xgboost_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a value, and of all attributes together, that are kept. */
#define MAX_VALUE 65536
#define MAX_ATTRIBUTES (1u << 19)

static void
put(gh_writer *w, const char *text)
{
	gh_write_bytes(w, text, strlen(text));
}

void
gh_xgboost_put_string(gh_writer *w, const char *text)
{
	static const char meant[] = "\"\\\n\r\t",
				names[] = "\"\\nrt";

	put(w, "\"");
	for (; *text != '\0'; text++)
	{
		const char *found = strchr(meant, *text);
		char		escape[8];

		if (found != NULL)
			snprintf(escape, sizeof(escape), "\\%c", names[found - meant]);
		else if ((uint8_t) *text < 0x20)
			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned) *text);
		else
			snprintf(escape, sizeof(escape), "%c", *text);
		put(w, escape);
	}
	put(w, "\"");
}

static void
put_member(gh_writer *w, const char *separator, const char *key, const char *colon, const char *value)
{
	put(w, w->length > 0 ? separator : "");
	gh_xgboost_put_string(w, key);
	put(w, colon);
	gh_xgboost_put_string(w, value);
}

/* ---- import ------------------------------------------------------------ */

/* A whole number from 0 on; -1 when the text is none. */
static double
iteration_of(const char *text)
{
	char	   *end;
	double		v = strtod(text, &end);

	return end != text && *end == '\0' && gh_is_index(v, GH_MAX_TREES) ? v : -1;
}

static gh_status
read_attribute(gh_xgboost_reading *r)
{
	char		key[GH_DOCUMENT_TOKEN];
	char	   *value;
	size_t		before = r->attributes.length;

	GH_TRY(gh_document_key(&r->document, key, sizeof(key)));
	/* XGBoost writes texts only */
	if (gh_document_peek(&r->document) != GH_VALUE_TEXT)
		return gh_document_skip(&r->document);
	GH_TRY(gh_document_text(&r->document, MAX_VALUE, &value));
	if (value == NULL)
		return GH_OK;
	if (strcmp(key, "best_iteration") == 0)
		r->best_iteration = iteration_of(value);
	/* a key that may be cut off is none */
	else if (strlen(key) + 1 < sizeof(key) && gh_is_text(key, strlen(key)))
		put_member(&r->attributes, ", ", key, ": ", value);
	if (r->attributes.length > MAX_ATTRIBUTES)
		r->attributes.length = before;
	gh_free(r->ctx, value);
	return r->attributes.status;
}

gh_status
gh_xgboost_read_attributes(gh_xgboost_reading *r)
{
	bool		more;

	GH_TRY(gh_document_open(&r->document, GH_VALUE_OBJECT, &more));
	while (more)
	{
		GH_CHECK_STOP(r->ctx);
		GH_TRY(read_attribute(r));
		GH_TRY(gh_document_next(&r->document, &more));
	}
	return GH_OK;
}

gh_status
gh_xgboost_set_info(gh_xgboost_reading *r)
{
	gh_writer  *kept = &r->attributes,
				w;
	double		trees = r->best_iteration >= 0 ? gh_xgboost_best_trees(r) : -1;
	char		number[32];

	if (trees > 0)
	{
		snprintf(number, sizeof(number), "%.0f", trees - 1);
		put_member(kept, ", ", "best_iteration", ": ", number);
	}
	gh_writer_init(&w, r->ctx);
	put(&w, "{\"source\": \"xgboost\", \"version\": [");
	put(&w, r->version);
	put(&w, "]");
	if (kept->length > 0)
	{
		put(&w, ", \"attributes\": {");
		gh_write_bytes(&w, kept->bytes, kept->length);
		put(&w, "}");
	}
	put(&w, "}");
	gh_write_u8(&w, 0);
	r->model.info = (char *) w.bytes;
	return kept->status != GH_OK ? kept->status : w.status;
}

/* ---- export ------------------------------------------------------------ */

static gh_status
copy_attributes(gh_document *d, gh_writer *members)
{
	char		key[GH_DOCUMENT_TOKEN];
	char	   *value;
	bool		more;

	GH_TRY(gh_document_open(d, GH_VALUE_OBJECT, &more));
	while (more)
	{
		GH_CHECK_STOP(d->ctx);
		GH_TRY(gh_document_key(d, key, sizeof(key)));
		GH_TRY(gh_document_text(d, MAX_VALUE, &value));
		if (value != NULL && gh_is_text(key, strlen(key)))
			put_member(members, ",", key, ":", value);
		gh_free(d->ctx, value);
		GH_TRY(gh_document_next(d, &more));
	}
	return members->status;
}

/* The object "attributes" of the object that comes next, if it has one. */
static gh_status
find_attributes(gh_document *d, gh_writer *members)
{
	char		key[GH_XGBOOST_KEY];
	bool		more;

	GH_TRY(gh_document_open(d, GH_VALUE_OBJECT, &more));
	while (more)
	{
		GH_TRY(gh_document_key(d, key, sizeof(key)));
		if (strcmp(key, "attributes") == 0 && gh_document_peek(d) == GH_VALUE_OBJECT)
			GH_TRY(copy_attributes(d, members));
		else
			GH_TRY(gh_document_skip(d));
		GH_TRY(gh_document_next(d, &more));
	}
	return GH_OK;
}

gh_status
gh_xgboost_put_attributes(gh_writer *w, const char *info)
{
	gh_document document;
	gh_writer	members;
	gh_status	status;

	gh_document_json(&document, w->ctx, info, strlen(info));
	gh_writer_init(&members, w->ctx);
	status = find_attributes(&document, &members);
	if (status == GH_OK && members.length > 0)
		gh_write_bytes(w, members.bytes, members.length);
	gh_free(w->ctx, members.bytes);
	return status;
}
