/*
 * json_scan.h
 *		Reads JSON text from front to back, trusting nothing.
 *
 * A caller walks the text in the order it stands:
 *
 *		GH_TRY(gh_json_open(j, '{', &more));
 *		while (more)
 *		{
 *			GH_TRY(gh_json_key(j, key, sizeof(key)));
 *			... read or skip one value ...
 *			GH_TRY(gh_json_next(j, '}', &more));
 *		}
 *
 * A failure is GH_EDATA with the byte in its detail.
 */
#ifndef GH_JSON_SCAN_H
#define GH_JSON_SCAN_H

#include "base/gh_context.h"

/* Longest number or short text that a caller may ask for, with its end. */
#define GH_JSON_TOKEN 512

typedef struct gh_json
{
	gh_ctx	   *ctx;
	const char *text;			/* UTF-8 */
	size_t		length;
	size_t		at;
	int			depth;			/* brackets open */
} gh_json;

/* Numbers of one array; grows, and is used again for the next one. */
typedef struct gh_json_numbers
{
	double	   *value;			/* gh memory */
	size_t		n,
				capacity;
} gh_json_numbers;

extern void gh_json_init(gh_json *j, gh_ctx *ctx, const char *text, size_t length);
/* First byte of the value that comes next; 0 at the end. */
extern char gh_json_peek(gh_json *j);
/* Into an object ('{') or array ('['); *more: it is not empty. */
extern gh_status gh_json_open(gh_json *j, char bracket, bool *more);
/* After a member: ',' (*more) or the closing bracket. */
extern gh_status gh_json_next(gh_json *j, char bracket, bool *more);
/* A member's name and its colon; a name that does not fit is cut off. */
extern gh_status gh_json_key(gh_json *j, char *key, size_t size);
/* A string, or a number as it is written; one that does not fit is an error. */
extern gh_status gh_json_scalar(gh_json *j, char *out, size_t size);
/* A string of at most `most` bytes, in gh memory. */
extern gh_status gh_json_text(gh_json *j, size_t most, char **out);
/* An array of numbers; true and false count as 1 and 0. */
extern gh_status gh_json_numbers_read(gh_json *j, gh_json_numbers *out);
/* Whatever value comes next. */
extern gh_status gh_json_skip(gh_json *j);
/* Nothing but white space is left. */
extern gh_status gh_json_end(gh_json *j);

#endif							/* GH_JSON_SCAN_H */
