/*
 * gh_text.h
 *		Text in pictures: reading hostile UTF-8, estimating widths, cutting,
 *		numbers for people.
 */
#ifndef GH_TEXT_H
#define GH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The character at s[0..n), n > 0, fit to be shown: its code point, and in
 * *used the bytes it takes.  Bytes that are no UTF-8, control characters and
 * what XML forbids give U+FFFD; tab and line ends give a space; characters
 * that change the direction of what follows them (embeddings, overrides,
 * isolates) give 0: nothing to show.
 */
extern uint32_t gh_text_next(const char *s, size_t n, size_t *used);

/* Writes a code point as UTF-8 to out[4]; returns the number of bytes. */
extern size_t gh_text_encode(uint32_t c, char *out);

/*
 * Width in the units of `size` (the font's height in pixels), estimated from
 * the widest of the common sans-serif fonts, so text drawn with another one is
 * rarely wider.
 */
extern double gh_text_width(const char *utf8, double size);

/*
 * How many bytes of the text fit into `width` pixels.  All of them, or as many
 * as leave room for an ellipsis: then *cut is true.  Never cuts between a
 * character and the marks that belong to it.
 */
extern size_t gh_text_fit(const char *utf8, double size, double width, bool *cut);

/*
 * Copies text into out[n] (n >= 8), cut with an ellipsis to `width` pixels and to
 * what fits; always NUL-terminated and good UTF-8.  Of marks piled up on one
 * letter, the first three are kept.  Returns its width.
 */
extern double gh_text_cut(char *out, size_t n, const char *utf8, double size, double width);

/*
 * True when the text holds characters that are written from right to left.
 * What is appended to such a name must begin with GH_LEFT_TO_RIGHT, or a number
 * would be shown on the wrong side of it.
 */
extern bool gh_text_is_rtl(const char *utf8);
#define GH_LEFT_TO_RIGHT "\xE2\x80\x8E"	/* U+200E, without a width */

/* ---- numbers for people, locale-free ---------------------------------- */

#define GH_NUMBER_SIZE 40

/*
 * With exactly so many decimals (0 to 6) and a true minus sign.  Beyond 10^15
 * in scientific notation; "n/a" for NaN, the sign and U+221E for infinities.
 */
extern const char *gh_number_fixed(char out[GH_NUMBER_SIZE], double value, int decimals);
/* `digits` (1 to 9) significant digits without trailing zeros; scientific below 10^-4 and from 10^7. */
extern const char *gh_number_short(char out[GH_NUMBER_SIZE], double value, int digits);
/* 1,234,567 */
extern const char *gh_number_count(char out[GH_NUMBER_SIZE], uint64_t value);
/* A share in [0, 1] as "12 %", "0.4 %" */
extern const char *gh_number_percent(char out[GH_NUMBER_SIZE], double share);

#endif							/* GH_TEXT_H */
