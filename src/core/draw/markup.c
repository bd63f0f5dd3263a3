/*
 * markup.c
 *		Growable XML and HTML text with a stack of open elements.
 */
#include "draw/gh_markup.h"

#include <math.h>
#include <string.h>

#include "draw/gh_text.h"

/* Coordinates beyond are a broken scale, and would not fit the digits below. */
#define LARGEST_NUMBER 1e9

/* Foreign text is copied this much at a time between two looks at the host. */
#define POLL_BYTES 65536

void
gh_markup_init(gh_markup *m, gh_ctx *ctx, bool html)
{
	memset(m, 0, sizeof(*m));
	m->ctx = ctx;
	m->html = html;
}

void
gh_markup_free(gh_markup *m)
{
	gh_free(m->ctx, m->text);
	m->text = NULL;
	m->length = m->capacity = 0;
}

/* ---- bytes ------------------------------------------------------------ */

/* Room for n more bytes and a NUL; false after a failure. */
static bool
reserve(gh_markup *m, size_t n)
{
	size_t		need,
				capacity = m->capacity < 4096 ? 4096 : m->capacity;
	char	   *text;

	if (m->status != GH_OK)
		return false;
	if (gh_add_overflow(m->length, n, &need) || gh_add_overflow(need, 1, &need))
	{
		m->status = gh_fail(m->ctx, GH_ELIMIT, "picture of more bytes than this machine can address");
		return false;
	}
	if (need <= m->capacity)
		return true;
	while (capacity < need)
		if (gh_mul_overflow(capacity, 2, &capacity))
			capacity = need;
	text = gh_realloc(m->ctx, m->text, capacity, 1);
	if (text == NULL)
	{
		m->status = gh_ctx_status(m->ctx);
		return false;
	}
	m->text = text;
	m->capacity = capacity;
	return true;
}

static void
put(gh_markup *m, const char *bytes, size_t n)
{
	if (!reserve(m, n))
		return;
	memcpy(m->text + m->length, bytes, n);
	m->length += n;
	m->text[m->length] = '\0';
}

static void
put_string(gh_markup *m, const char *string)
{
	put(m, string, strlen(string));
}

static void
broken(gh_markup *m, const char *what)
{
	if (m->status == GH_OK)
		m->status = gh_fail(m->ctx, GH_EINTERNAL, "markup: %s", what);
}

/* ---- numbers ---------------------------------------------------------- */

void
gh_markup_number(gh_markup *m, double value, int decimals)
{
	static const double scale[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
	char		digits[32];
	int			at = sizeof(digits);
	uint64_t	fixed;
	bool		negative;

	if (!isfinite(value) || fabs(value) > LARGEST_NUMBER || decimals < 0 || decimals > 6)
	{
		broken(m, "a coordinate is not finite");
		return;
	}
	fixed = (uint64_t) floor(fabs(value) * scale[decimals] + 0.5);
	negative = value < 0 && fixed != 0;
	while (decimals > 0 && fixed % 10 == 0)
	{
		fixed /= 10;
		decimals--;
	}
	for (int i = 0; i < decimals; i++, fixed /= 10)
		digits[--at] = (char) ('0' + fixed % 10);
	if (decimals > 0)
		digits[--at] = '.';
	/* ".5" is a number to SVG and CSS: no zero before the point */
	for (; fixed > 0 || (decimals == 0 && at == sizeof(digits)); fixed /= 10)
		digits[--at] = (char) ('0' + fixed % 10);
	if (negative)
		digits[--at] = '-';
	put(m, digits + at, sizeof(digits) - (size_t) at);
}

/* ---- foreign text ----------------------------------------------------- */

static const char *
entity(uint32_t c)
{
	switch (c)
	{
		case '&':
			return "&amp;";
		case '<':
			return "&lt;";
		case '>':
			return "&gt;";
		case '"':
			return "&quot;";
		case '\'':
			return "&#39;";
		default:
			return NULL;
	}
}

static void
put_escaped(gh_markup *m, const char *utf8, size_t n)
{
	size_t		polled = 0;

	for (size_t at = 0; at < n && m->status == GH_OK;)
	{
		size_t		used;
		uint32_t	c = gh_text_next(utf8 + at, n - at, &used);
		const char *escaped = entity(c);
		char		bytes[4];

		if (escaped != NULL)
			put_string(m, escaped);
		else if (c != 0)
			put(m, bytes, gh_text_encode(c, bytes));
		at += used;
		if (at - polled > POLL_BYTES)
		{
			polled = at;
			if (gh_should_stop(m->ctx))
				m->status = gh_canceled(m->ctx);
		}
	}
}

/* ---- elements --------------------------------------------------------- */

/* Ends the start tag: something comes inside. */
static void
enter(gh_markup *m)
{
	if (m->in_tag)
		put(m, ">", 1);
	m->in_tag = false;
}

void
gh_markup_begin(gh_markup *m, const char *name)
{
	if (m->depth >= GH_MARKUP_DEPTH)
	{
		broken(m, "too many open elements");
		return;
	}
	enter(m);
	put(m, "<", 1);
	put_string(m, name);
	m->stack[m->depth++] = name;
	m->in_tag = true;
}

/* HTML elements that have no end tag; in SVG these names do not occur. */
static bool
is_void(const char *name)
{
	static const char *const names[] = {"meta", "br", "hr", "img", "col", "link", "input", "wbr"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

void
gh_markup_end(gh_markup *m)
{
	const char *name;

	if (m->depth == 0)
	{
		broken(m, "no element is open");
		return;
	}
	name = m->stack[--m->depth];
	if (m->in_tag && !m->html)
		put(m, "/>", 2);
	else if (m->in_tag && is_void(name))
		put(m, ">", 1);
	else
	{
		enter(m);
		put(m, "</", 2);
		put_string(m, name);
		put(m, ">", 1);
	}
	m->in_tag = false;
}

void
gh_markup_attr_open(gh_markup *m, const char *name)
{
	if (!m->in_tag)
		broken(m, "an attribute outside a start tag");
	put(m, " ", 1);
	put_string(m, name);
	put(m, "=\"", 2);
}

void
gh_markup_attr_close(gh_markup *m)
{
	put(m, "\"", 1);
}

void
gh_markup_attr(gh_markup *m, const char *name, const char *value)
{
	gh_markup_attr_open(m, name);
	put_escaped(m, value, strlen(value));
	gh_markup_attr_close(m);
}

void
gh_markup_attr_number(gh_markup *m, const char *name, double value)
{
	gh_markup_attr_open(m, name);
	gh_markup_number(m, value, 2);
	gh_markup_attr_close(m);
}

void
gh_markup_text_n(gh_markup *m, const char *utf8, size_t n)
{
	enter(m);
	put_escaped(m, utf8, n);
}

void
gh_markup_text(gh_markup *m, const char *utf8)
{
	gh_markup_text_n(m, utf8, strlen(utf8));
}

void
gh_markup_element(gh_markup *m, const char *name, const char *utf8)
{
	gh_markup_begin(m, name);
	gh_markup_text(m, utf8);
	gh_markup_end(m);
}

void
gh_markup_raw_n(gh_markup *m, const char *markup, size_t n)
{
	put(m, markup, n);
}

void
gh_markup_raw(gh_markup *m, const char *markup)
{
	put_string(m, markup);
}

gh_status
gh_markup_finish(gh_markup *m, char **text, size_t *length)
{
	*text = NULL;
	*length = 0;
	if (m->depth != 0)
		broken(m, "an element is still open");
	reserve(m, 0);
	if (m->status != GH_OK)
	{
		gh_status	status = m->status;

		gh_markup_free(m);
		return status;
	}
	m->text[m->length] = '\0';
	*text = m->text;
	*length = m->length;
	m->text = NULL;
	m->length = m->capacity = 0;
	return GH_OK;
}
