/*
 * gh_markup.h
 *		The one place that writes XML and HTML text.
 *
 * Elements are opened and closed on a stack, so what comes out is well-formed
 * whatever the order of calls; text and attribute values are escaped.  Numbers
 * do not depend on the locale.  The first failure stays in `status`, later
 * calls do nothing: check once, with gh_markup_finish().
 */
#ifndef GH_MARKUP_H
#define GH_MARKUP_H

#include "base/gh_context.h"

#define GH_MARKUP_DEPTH 64

typedef struct gh_markup
{
	gh_ctx	   *ctx;
	char	   *text;			/* gh memory */
	size_t		length,
				capacity;
	gh_status	status;			/* sticky */
	bool		html;			/* empty elements get an end tag, unless HTML has none for them */
	bool		in_tag;			/* the start tag is still open for attributes */
	int			depth;
	const char *stack[GH_MARKUP_DEPTH]; /* names of open elements: literals */
} gh_markup;

extern void gh_markup_init(gh_markup *m, gh_ctx *ctx, bool html);
extern void gh_markup_free(gh_markup *m);

/*
 * Hands over the text, NUL-terminated, in gh memory of the caller; *length
 * does not count the NUL.  GH_EINTERNAL when an element is still open.  After
 * a failure everything is freed.
 */
extern gh_status gh_markup_finish(gh_markup *m, char **text, size_t *length);

/* `name` must be a literal. */
extern void gh_markup_begin(gh_markup *m, const char *name);
extern void gh_markup_end(gh_markup *m);
/* Attributes of the element begun last, before anything is inside it. */
extern void gh_markup_attr(gh_markup *m, const char *name, const char *value);
/* At most two decimals; GH_EINTERNAL when not finite. */
extern void gh_markup_attr_number(gh_markup *m, const char *name, double value);

/* Text inside the element begun last; NUL-terminated UTF-8, good or bad. */
extern void gh_markup_text(gh_markup *m, const char *utf8);
extern void gh_markup_text_n(gh_markup *m, const char *utf8, size_t n);
/* <name>text</name> */
extern void gh_markup_element(gh_markup *m, const char *name, const char *utf8);

/* Markup as it stands: literals and whole documents of ours, never foreign text. */
extern void gh_markup_raw(gh_markup *m, const char *markup);
extern void gh_markup_raw_n(gh_markup *m, const char *markup, size_t n);
/* Inside an attribute's value or raw text: at most `decimals` (0 to 6) decimals, no trailing zeros. */
extern void gh_markup_number(gh_markup *m, double value, int decimals);

/*
 * A long attribute value in pieces: gh_markup_attr_open(m, "d"), then raw
 * pieces and numbers, then gh_markup_attr_close(m).
 */
extern void gh_markup_attr_open(gh_markup *m, const char *name);
extern void gh_markup_attr_close(gh_markup *m);

#endif							/* GH_MARKUP_H */
