/*
 * text.c
 *		UTF-8, widths, cutting, numbers for people.
 */
#include "draw/gh_text.h"

#include <math.h>
#include <string.h>

#define REPLACEMENT 0xFFFD
#define MOST_PILED 3			/* marks on one letter; more would climb over the lines above */
#define ELLIPSIS "\xE2\x80\xA6"
#define MINUS "\xE2\x88\x92"
#define INFINITY_SIGN "\xE2\x88\x9E"

/* ---- characters ------------------------------------------------------- */

/* The code point of well-formed UTF-8 (RFC 3629), or REPLACEMENT and one byte. */
static uint32_t
decode(const unsigned char *s, size_t n, size_t *used)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t		length = s[0] < 0x80 ? 1 : s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
	uint32_t	c = s[0];

	*used = 1;
	if (length == 1)
		return c;
	if (s[0] < 0xC2 || s[0] > 0xF4 || length > n)
		return REPLACEMENT;
	c &= 0x7Fu >> length;
	for (size_t i = 1; i < length; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			return REPLACEMENT;
		c = c << 6 | (s[i] & 0x3F);
	}
	if (c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return REPLACEMENT;
	*used = length;
	return c;
}

uint32_t
gh_text_next(const char *s, size_t n, size_t *used)
{
	uint32_t	c = decode((const unsigned char *) s, n, used);

	if (c == '\t' || c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029)
		return ' ';
	if (c < 0x20 || (c >= 0x7F && c < 0xA0) || (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF))
		return REPLACEMENT;
	if ((c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069))
		return 0;
	return c;
}

size_t
gh_text_encode(uint32_t c, char *out)
{
	if (c < 0x80)
	{
		out[0] = (char) c;
		return 1;
	}
	if (c < 0x800)
	{
		out[0] = (char) (0xC0 | c >> 6);
		out[1] = (char) (0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000)
	{
		out[0] = (char) (0xE0 | c >> 12);
		out[1] = (char) (0x80 | (c >> 6 & 0x3F));
		out[2] = (char) (0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (char) (0xF0 | c >> 18);
	out[1] = (char) (0x80 | (c >> 12 & 0x3F));
	out[2] = (char) (0x80 | (c >> 6 & 0x3F));
	out[3] = (char) (0x80 | (c & 0x3F));
	return 4;
}

/* ---- widths ----------------------------------------------------------- */

/* Thousandths of the font's height, from ' ' to '~'. */
static const short ascii_width[] = {
	318, 401, 475, 838, 637, 951, 780, 275, 391, 391, 500, 838, 318, 361, 318, 337,
	637, 637, 637, 637, 637, 637, 637, 637, 637, 637, 337, 337, 838, 838, 838, 611,
	1016, 723, 723, 723, 771, 667, 611, 778, 752, 295, 557, 723, 611, 863, 749, 788,
	667, 788, 723, 667, 611, 732, 685, 989, 686, 667, 686, 391, 337, 391, 838, 557,
	500, 613, 635, 557, 635, 616, 353, 635, 634, 278, 278, 580, 278, 975, 634, 612,
	635, 635, 412, 557, 393, 634, 592, 818, 592, 592, 525, 637, 337, 637, 838
};

/* Marks drawn over the character before them, joiners, variation selectors. */
static bool
is_mark(uint32_t c)
{
	return c == 0 || (c >= 0x300 && c <= 0x36F) || (c >= 0x483 && c <= 0x489) || (c >= 0x591 && c <= 0x5BD) ||
		(c >= 0x610 && c <= 0x61A) || (c >= 0x64B && c <= 0x65F) || (c >= 0xE31 && c <= 0xE3A && c != 0xE32 && c != 0xE33) ||
		(c >= 0xE47 && c <= 0xE4E) || (c >= 0x1AB0 && c <= 0x1AFF) || (c >= 0x1DC0 && c <= 0x1DFF) ||
		(c >= 0x200B && c <= 0x200F) || (c >= 0x20D0 && c <= 0x20FF) || (c >= 0xFE00 && c <= 0xFE0F) ||
		(c >= 0xFE20 && c <= 0xFE2F) || c == 0xFEFF || (c >= 0x1F3FB && c <= 0x1F3FF) || (c >= 0xE0020 && c <= 0xE01EF);
}

/* Marks that a font piles up on one letter; joiners, selectors and tags of emoji are none. */
static bool
is_piled(uint32_t c)
{
	return is_mark(c) && c != 0 && (c < 0x200B || c > 0x200F) && (c < 0xFE00 || c > 0xFE0F) && c < 0x10000;
}

bool
gh_text_is_rtl(const char *utf8)
{
	size_t		n = strlen(utf8);

	for (size_t at = 0, used; at < n; at += used)
	{
		uint32_t	c = gh_text_next(utf8 + at, n - at, &used);

		if ((c >= 0x590 && c <= 0x8FF) || c == 0x200F || (c >= 0xFB1D && c <= 0xFDFF) || (c >= 0xFE70 && c <= 0xFEFE) ||
			(c >= 0x10800 && c <= 0x10FFF) || (c >= 0x1E800 && c <= 0x1EFFF))
			return true;
	}
	return false;
}

static double
character_width(uint32_t c)
{
	if (c >= 0x20 && c < 0x7F)
		return ascii_width[c - 0x20] / 1000.0;
	if (is_mark(c))
		return 0;
	if (c < 0x400)
		return 0.72;			/* Latin and Greek */
	if (c < 0x1100)
		return 0.85;			/* Cyrillic, Hebrew, Arabic, Indic */
	if (c < 0x2000)
		return 1;
	if (c < 0x2E80)
		return c == 0x2026 ? 1 : 0.9;	/* punctuation, arrows, symbols */
	return c < 0x1F000 ? 1.05 : 1.4;	/* ideographs; emoji */
}

double
gh_text_width(const char *utf8, double size)
{
	size_t		n = strlen(utf8);
	double		width = 0;

	for (size_t at = 0, used; at < n; at += used)
		width += character_width(gh_text_next(utf8 + at, n - at, &used));
	return width * size;
}

size_t
gh_text_fit(const char *utf8, double size, double width, bool *cut)
{
	size_t		n = strlen(utf8),
				kept = 0;
	double		room = width - character_width(0x2026) * size,
				so_far = 0;
	bool		joined = false;

	*cut = false;
	for (size_t at = 0, used; at < n; at += used)
	{
		uint32_t	c = gh_text_next(utf8 + at, n - at, &used);

		/* before a character that stands by itself one may cut */
		if (!joined && !is_mark(c) && so_far <= room)
			kept = at;
		joined = c == 0x200D;
		so_far += character_width(c) * size;
		if (so_far > width)
		{
			*cut = true;
			return kept;
		}
	}
	return n;
}

double
gh_text_cut(char *out, size_t n, const char *utf8, double size, double width)
{
	bool		cut;
	size_t		kept = gh_text_fit(utf8, size, width, &cut),
				length = 0,
				pile = 0;

	for (size_t at = 0, used; at < kept; at += used)
	{
		uint32_t	c = gh_text_next(utf8 + at, kept - at, &used);

		/* always leave room for another character, the ellipsis and the NUL */
		if (length + 4 + sizeof(ELLIPSIS) > n)
		{
			cut = true;
			break;
		}
		pile = is_piled(c) ? pile + 1 : 0;
		if (c != 0 && pile <= MOST_PILED)
			length += gh_text_encode(c, out + length);
	}
	while (cut && length > 0 && out[length - 1] == ' ')
		length--;
	if (cut)
	{
		memcpy(out + length, ELLIPSIS, sizeof(ELLIPSIS) - 1);
		length += sizeof(ELLIPSIS) - 1;
	}
	out[length] = '\0';
	return gh_text_width(out, size);
}

/* ---- numbers ---------------------------------------------------------- */

static char *
append(char *at, const char *string)
{
	size_t		n = strlen(string);

	memcpy(at, string, n + 1);
	return at + n;
}

/* value as digits, with a point before the last `decimals`, and `separator` between thousands unless it is 0 */
static char *
append_digits(char *at, uint64_t value, int decimals, char separator)
{
	char		digits[48];
	int			n = sizeof(digits);

	for (int i = 0; i < decimals; i++, value /= 10)
		digits[--n] = (char) ('0' + value % 10);
	if (decimals > 0)
		digits[--n] = '.';
	for (int i = 0; i == 0 || value > 0; i++, value /= 10)
	{
		if (separator != 0 && i > 0 && i % 3 == 0)
			digits[--n] = separator;
		digits[--n] = (char) ('0' + value % 10);
	}
	memcpy(at, digits + n, sizeof(digits) - (size_t) n);
	at += sizeof(digits) - (size_t) n;
	*at = '\0';
	return at;
}

/* "n/a" and infinities: true when value is one. */
static bool
append_special(char *at, double value)
{
	if (isnan(value))
		append(at, "n/a");
	else if (isinf(value))
		append(value < 0 ? append(at, MINUS) : at, INFINITY_SIGN);
	else
		return false;
	return true;
}

static uint64_t
power_of_ten(int n)
{
	uint64_t	p = 1;

	while (n-- > 0)
		p *= 10;
	return p;
}

/* Mantissa of so many digits and exponent; value > 0. */
static char *
append_scientific(char *at, double value, int digits)
{
	int			exponent = (int) floor(log10(value));
	uint64_t	mantissa = (uint64_t) floor(value / pow(10, exponent) * (double) power_of_ten(digits - 1) + 0.5);
	int			decimals = digits - 1;

	if (mantissa >= power_of_ten(digits))
	{
		mantissa /= 10;
		exponent++;
	}
	for (; decimals > 0 && mantissa % 10 == 0; decimals--)
		mantissa /= 10;
	at = append(append_digits(at, mantissa, decimals, 0), "e");
	if (exponent < 0)
		at = append(at, MINUS);
	return append_digits(at, (uint64_t) (exponent < 0 ? -exponent : exponent), 0, 0);
}

const char *
gh_number_fixed(char out[GH_NUMBER_SIZE], double value, int decimals)
{
	char	   *at = out;
	uint64_t	fixed;

	if (append_special(out, value))
		return out;
	if (fabs(value) * (double) power_of_ten(decimals) > 1e15)
	{
		append_scientific(value < 0 ? append(at, MINUS) : at, fabs(value), 3);
		return out;
	}
	fixed = (uint64_t) floor(fabs(value) * (double) power_of_ten(decimals) + 0.5);
	if (value < 0 && fixed > 0)
		at = append(at, MINUS);
	append_digits(at, fixed, decimals, 0);
	return out;
}

const char *
gh_number_short(char out[GH_NUMBER_SIZE], double value, int digits)
{
	char	   *at = out;
	double		size = fabs(value);
	int			decimals;
	uint64_t	fixed;

	if (append_special(out, value))
		return out;
	if (value < 0)
		at = append(at, MINUS);
	if (size < 1e-300)
	{
		append(out, "0");
		return out;
	}
	if (size < 1e-4 || size >= 1e7)
	{
		append_scientific(at, size, digits);
		return out;
	}
	decimals = digits - 1 - (int) floor(log10(size));
	decimals = decimals < 0 ? 0 : decimals > 12 ? 12 : decimals;
	fixed = (uint64_t) floor(size * (double) power_of_ten(decimals) + 0.5);
	for (; decimals > 0 && fixed % 10 == 0; decimals--)
		fixed /= 10;
	append_digits(at, fixed, decimals, 0);
	return out;
}

const char *
gh_number_count(char out[GH_NUMBER_SIZE], uint64_t value)
{
	append_digits(out, value, 0, ',');
	return out;
}

const char *
gh_number_percent(char out[GH_NUMBER_SIZE], double share)
{
	if (append_special(out, share))
		return out;
	gh_number_short(out, share * 100, fabs(share) < 0.1 ? 1 : 2);
	append(out + strlen(out), " %");
	return out;
}
