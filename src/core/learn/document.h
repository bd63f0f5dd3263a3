/*
 * document.h
 *		Reads a document of nested values from front to back, trusting nothing.
 *
 * JSON (RFC 8259) and UBJSON (https://ubjson.org) say the same in text and in
 * bytes; a caller that walks a document in the order it stands reads both:
 *
 *		GH_TRY(gh_document_open(d, GH_VALUE_OBJECT, &more));
 *		while (more)
 *		{
 *			GH_TRY(gh_document_key(d, key, sizeof(key)));
 *			... read or skip one value ...
 *			GH_TRY(gh_document_next(d, &more));
 *		}
 *
 * A failure is GH_EDATA with the byte in its detail.
 */
#ifndef GH_DOCUMENT_H
#define GH_DOCUMENT_H

#include "base/gh_context.h"

/* Longest number or short text that a caller may ask for, with its end. */
#define GH_DOCUMENT_TOKEN 512
/* Objects and arrays that may be open at once. */
#define GH_DOCUMENT_DEPTH 64

typedef enum gh_value
{
	GH_VALUE_OTHER = 0,			/* null, true, false; nothing at all */
	GH_VALUE_OBJECT,
	GH_VALUE_ARRAY,
	GH_VALUE_TEXT,
	GH_VALUE_NUMBER
} gh_value;

/* An object or array that is open. */
typedef struct gh_document_level
{
	gh_value	kind;

	/* UBJSON only: */
	bool		counted;		/* its length stood in front, and no bracket ends it */
	char		type;			/* that all its values have; 0: each says its own */
	uint64_t	left;			/* values to come, if counted */
} gh_document_level;

typedef struct gh_document
{
	gh_ctx	   *ctx;
	const struct gh_document_format *format;
	const char *bytes;
	size_t		length;
	size_t		at;
	int			depth;
	gh_document_level level[GH_DOCUMENT_DEPTH + 1]; /* from 1 on */
} gh_document;

/* How one encoding does what is described below. */
typedef struct gh_document_format
{
	const char *name;			/* in messages */
	gh_value	(*peek) (gh_document *d);
	gh_status	(*open) (gh_document *d, gh_value kind, bool *more);
	gh_status	(*next) (gh_document *d, bool *more);
	gh_status	(*key) (gh_document *d, char *key, size_t size);
	gh_status	(*scalar) (gh_document *d, char *out, size_t size);
	gh_status	(*text) (gh_document *d, size_t most, char **out);	/* NULL, and passed over, when too long */
	gh_status	(*number) (gh_document *d, double *out);
	gh_status	(*pass) (gh_document *d);	/* over a value that is no object and no array */
} gh_document_format;

/* Numbers of one array; grows, and is used again for the next one. */
typedef struct gh_document_numbers
{
	double	   *value;			/* gh memory */
	size_t		n,
				capacity;
} gh_document_numbers;

/* The bytes stay the caller's; JSON is UTF-8. */
extern void gh_document_json(gh_document *d, gh_ctx *ctx, const void *bytes, size_t length);
extern void gh_document_ubjson(gh_document *d, gh_ctx *ctx, const void *bytes, size_t length);
/* What comes next. */
extern gh_value gh_document_peek(gh_document *d);
/* Into an object or array; *more: it is not empty. */
extern gh_status gh_document_open(gh_document *d, gh_value kind, bool *more);
/* After a member: there is one more, or its object or array is at its end and left. */
extern gh_status gh_document_next(gh_document *d, bool *more);
/* A member's name; one that does not fit is cut off. */
extern gh_status gh_document_key(gh_document *d, char *key, size_t size);
/* A text, or a number as text; one that does not fit is an error. */
extern gh_status gh_document_scalar(gh_document *d, char *out, size_t size);
/* A text of at most `most` bytes, good UTF-8, in gh memory; NULL where it is longer. */
extern gh_status gh_document_text(gh_document *d, size_t most, char **out);
/* An array of numbers; true and false count as 1 and 0. */
extern gh_status gh_document_numbers_read(gh_document *d, gh_document_numbers *out);
/* Over whatever value comes next. */
extern gh_status gh_document_skip(gh_document *d);
/* Nothing is left. */
extern gh_status gh_document_end(gh_document *d);
/* GH_EDATA with the byte; for the formats. */
extern gh_status gh_document_fail(gh_document *d, const char *what);

#endif							/* GH_DOCUMENT_H */
