/*
 * plot.c
 *		Pictures as text.
 */
#include "gh_pg_plot.h"

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

char *
gh_plot_utf8(const char *server_string)
{
	return (char *) pg_do_encoding_conversion((unsigned char *) unconstify(char *, server_string),
											  (int) strlen(server_string), GetDatabaseEncoding(), PG_UTF8);
}

static void
check_length(size_t length)
{
	if (length > MaxAllocSize - VARHDRSZ - 1)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("the picture has %zu bytes, more than a text can hold", length),
				errhint("Draw fewer rows."));
}

/* The markup is good UTF-8: our writer made it. */
static text *
as_ascii(const char *markup, size_t length)
{
	StringInfoData ascii;
	text	   *result;

	initStringInfo(&ascii);
	for (size_t at = 0; at < length;)
	{
		const unsigned char *s = (const unsigned char *) markup + at;
		int			n = pg_utf_mblen(s);

		if (n == 1)
			appendStringInfoChar(&ascii, (char) *s);
		else
			appendStringInfo(&ascii, "&#%u;", (unsigned) utf8_to_unicode(s));
		at += n;
	}
	result = cstring_to_text_with_len(ascii.data, ascii.len);
	pfree(ascii.data);
	return result;
}

text *
gh_plot_text(gh_ctx *ctx, char *markup, size_t length)
{
	text	   *result;

	check_length(length);
	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		result = cstring_to_text_with_len(markup, (int) length);
	else
		result = as_ascii(markup, length);
	gh_free(ctx, markup);
	return result;
}
