/*
 * shown.h
 *		Names in messages: cut at whole characters.
 */
#ifndef GH_SHOWN_H
#define GH_SHOWN_H

#include <string.h>

/* Bytes of a UTF-8 text to show: at most `limit`, never a part of a character. */
static inline int
gh_shown_length(const char *text, int limit)
{
	size_t		length = strlen(text);

	if (length <= (size_t) limit)
		return (int) length;
	while (limit > 0 && ((unsigned char) text[limit] & 0xC0) == 0x80)
		limit--;
	return limit;
}

/* The two arguments of "%.*s" */
#define GH_SHOWN(text) gh_shown_length((text), 150), (text)

#endif							/* GH_SHOWN_H */
