/*
 * test_xgboost_ubjson.c
 *		XGBoost's UBJSON: the same models as in JSON, every spelling, and everything hostile.
 */
#include "xgboost_testing.h"

/* ---- JSON as UBJSON, in several spellings ------------------------------- */

typedef enum spelling
{
	XGBOOST,					/* as XGBoost does: arrays counted, those of trees typed, floats single */
	PLAIN,						/* no counts, no types, floats double */
	COUNTED,					/* objects too, padded, smallest integers, booleans as they are */
	N_SPELLINGS
} spelling;

typedef struct bytes
{
	uint8_t		at[65536];
	size_t		n;
} bytes;

static void
put_byte(bytes *b, int byte)
{
	assert_true(b->n < sizeof(b->at));
	b->at[b->n++] = (uint8_t) byte;
}

static void
put_big_endian(bytes *b, uint64_t v, int size)
{
	for (int i = size - 1; i >= 0; i--)
		put_byte(b, (int) (v >> 8 * i & 0xff));
}

static void
put_count(bytes *b, spelling how, uint64_t n)
{
	if (how == XGBOOST)
	{
		put_byte(b, 'L');
		put_big_endian(b, n, 8);
	}
	else if (n < 256)
	{
		put_byte(b, 'U');
		put_byte(b, (int) n);
	}
	else
	{
		put_byte(b, 'I');
		put_big_endian(b, n, 2);
	}
}

static void
put_number(bytes *b, char type, double v)
{
	float		single = (float) v;
	uint32_t	half;
	uint64_t	whole;

	memcpy(&half, &single, sizeof(half));
	memcpy(&whole, &v, sizeof(whole));
	if (type == 'd')
		put_big_endian(b, half, 4);
	else if (type == 'D')
		put_big_endian(b, whole, 8);
	else
		put_big_endian(b, (uint64_t) (int64_t) v, type == 'i' || type == 'U' ? 1 : type == 'I' ? 2 : type == 'l' ? 4 : 8);
}

/* The type a number is written with: integers as small as they go. */
static char
number_type(spelling how, double v)
{
	if (v != floor(v) || fabs(v) > 1e15)
		return how == XGBOOST ? 'd' : 'D';
	return v >= -128 && v < 128 ? 'i' : v >= 0 && v < 256 && how == COUNTED ? 'U' : fabs(v) < 32768 ? 'I' :
		fabs(v) < 2147483648.0 ? 'l' : 'L';
}

static const char *put_value(bytes *b, spelling how, const char *json, char type);

/* A string without its quotes: the model has no escapes. */
static const char *
put_text(bytes *b, spelling how, const char *json)
{
	const char *end = strchr(json + 1, '"');

	assert_true(*json == '"' && end != NULL && memchr(json, '\\', (size_t) (end - json)) == NULL);
	put_count(b, how, (uint64_t) (end - json - 1));
	for (json++; json < end; json++)
		put_byte(b, *json);
	return end + 1;
}

static size_t
count_members(const char *json)
{
	size_t		n = json[1] != ']' && json[1] != '}';
	int			depth = 0;
	bool		quoted = false;

	for (; !quoted && depth == 1 ? *json != ']' && *json != '}' : true; json++)
	{
		quoted = quoted != (*json == '"');
		depth += !quoted && (*json == '{' || *json == '[');
		depth -= !quoted && (*json == '}' || *json == ']');
		n += !quoted && depth == 1 && *json == ',';
	}
	return n;
}

/* What XGBoost writes typed, by its name. */
static char
array_type(const char *key)
{
	static const char *const floats[] = {"base_weights", "loss_changes", "split_conditions", "sum_hessian"},
			   *const integers[] = {"left_children", "right_children", "parents", "split_indices"};

	for (int i = 0; i < 4; i++)
		if (strncmp(key + 1, floats[i], strlen(floats[i])) == 0 && key[1 + strlen(floats[i])] == '"')
			return 'd';
	for (int i = 0; i < 4; i++)
		if (strncmp(key + 1, integers[i], strlen(integers[i])) == 0 && key[1 + strlen(integers[i])] == '"')
			return 'l';
	return strncmp(key, "\"default_left\"", 14) == 0 || strncmp(key, "\"split_type\"", 12) == 0 ? 'U' : '\0';
}

/* An object or array; type: of all its values, if it is to say so. */
static const char *
put_members(bytes *b, spelling how, const char *json, char type)
{
	bool		object = *json == '{',
				counted = object ? how == COUNTED : how != PLAIN;

	put_byte(b, *json);
	if (type != '\0')
	{
		put_byte(b, '$');
		put_byte(b, type);
	}
	if (counted)
	{
		put_byte(b, '#');
		put_count(b, how, count_members(json));
	}
	json += strspn(json + 1, " ") + 1;
	while (*json != '}' && *json != ']')
	{
		char		inner = '\0';

		if (object)
		{
			inner = how == XGBOOST ? array_type(json) : '\0';
			json = put_text(b, how, json) + 1;
		}
		if (how == COUNTED && !object)
			put_byte(b, 'N');
		json = object && inner != '\0' ? put_members(b, how, json, inner) : put_value(b, how, json, object ? '\0' : type);
		json += strspn(json, " ,");
	}
	if (!counted)
		put_byte(b, *json);
	return json + 1;
}

/* One value; type: said already by the array it stands in. */
static const char *
put_value(bytes *b, spelling how, const char *json, char type)
{
	static const char *const words[] = {"true", "false", "null"};
	char	   *end;
	double		v;

	if (*json == '{' || *json == '[')
		return put_members(b, how, json, '\0');
	if (*json == '"')
	{
		put_byte(b, 'S');
		return put_text(b, how, json);
	}
	for (int i = 0; i < 3; i++)
		if (strncmp(json, words[i], strlen(words[i])) == 0)
		{
			put_byte(b, type == '\0' ? "TFZ"[i] : i == 0);
			return json + strlen(words[i]);
		}
	v = strtod(json, &end);
	assert_true(end != json);
	if (type == '\0')
		put_byte(b, type = number_type(how, v));
	put_number(b, type, v);
	return end;
}

static void
convert(const char *json, spelling how, bytes *b)
{
	b->n = 0;
	assert_true(*put_value(b, how, json, '\0') == '\0');
}

/* The model without escapes; malloc'ed. */
static char *
plain_model(void)
{
	return with(MODEL, "\"te\\u006dpo\",\"caf\\u00e9 \\ud83c\\udfb5\\n\"", "\"tempo\",\"caf\xc3\xa9\"");
}

/* ---- the same models --------------------------------------------------- */

static void
every_spelling_says_the_same(void **state)
{
	static bytes b;
	char	   *json = plain_model();
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_boost_model model,
				same;

	(void) state;
	test_ok(ctx, gh_xgboost_read(ctx, json, strlen(json), false, &model));
	for (spelling how = 0; how < N_SPELLINGS; how++)
	{
		convert(json, how, &b);
		test_ok(ctx, gh_xgboost_read(ctx, b.at, b.n, false, &same));
		test_same_booster(ctx, &model.booster, &same.booster);
		assert_string_equal(same.feature[0], "tempo");
		assert_string_equal(same.feature[1], "caf\xc3\xa9");
		assert_string_equal(same.info, model.info);
		gh_boost_model_free(ctx, &same);
	}
	gh_boost_model_free(ctx, &model);
	free(json);
	test_close(ctx);
}

static void
refused_in_all(const char *from, const char *to, const char *why)
{
	static bytes b;
	char	   *json = plain_model(),
			   *changed = with(json, from, to);
	char		detail[512];

	for (spelling how = 0; how < N_SPELLINGS; how++)
	{
		convert(changed, how, &b);
		assert_int_equal(try_text((const char *) b.at, b.n, detail, sizeof(detail)), GH_EDATA);
		if (strstr(detail, why) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", detail, why);
	}
	free(changed);
	free(json);
}

static void
other_models_are_refused(void **state)
{
	(void) state;
	refused_in_all("\"name\":\"gbtree\"", "\"name\":\"dart\"", "\"dart\"");
	refused_in_all("binary:logistic", "reg:squarederror", "\"reg:squarederror\"");
	refused_in_all("\"num_target\":\"1\"", "\"num_target\":\"2\"", "targets");
	refused_in_all("\"tree_info\":[0,0]", "\"tree_info\":[0,1]", "classes");
	refused_in_all("\"split_type\":[0", "\"split_type\":[1", "categor");
	refused_in_all("\"left_children\":[3,-1,-1,4", "\"left_children\":[3,-1,-1,0", "not a tree");
	refused_in_all("\"split_conditions\":[5E-1", "\"split_conditions\":[5E999", "not a tree");
	refused_in_all("\"split_indices\":[1", "\"split_indices\":[2", "num_feature");
	refused_in_all("\"learner\"", "\"learned\"", "learner");
	refused_in_all("\"caf\xc3\xa9\"", "\"caf\xe9\"", "UTF-8");
	refused_in_all("\"caf\xc3\xa9\"", "\"tempo\"", "same name");
}

/* ---- hostile bytes ----------------------------------------------------- */

static void
every_truncation_is_refused(void **state)
{
	static bytes b;
	char	   *json = plain_model();

	(void) state;
	for (spelling how = 0; how < N_SPELLINGS; how++)
	{
		convert(json, how, &b);
		assert_int_equal(try_text((const char *) b.at, b.n, NULL, 0), GH_OK);
		for (size_t n = 0; n < b.n; n++)
		{
			/* a block of its own, so that a read past the end is seen */
			char	   *cut = malloc(n > 0 ? n : 1);

			memcpy(cut, b.at, n);
			assert_int_equal(try_text(cut, n, NULL, 0), GH_EDATA);
			free(cut);
		}
		b.at[b.n] = 'Z';
		assert_int_equal(try_text((const char *) b.at, b.n + 1, NULL, 0), GH_EDATA);
	}
	free(json);
}

static void
every_changed_byte_is_refused_or_harmless(void **state)
{
	static const uint8_t instead[] = {0, 1, 2, 3, 0x7f, 0x80, 0xff, '[', ']', '{', '}', '$', '#', 'i', 'U', 'I', 'l', 'L',
	'd', 'D', 'S', 'C', 'H', 'Z', 'N', 'T', 'F'};
	static bytes b;
	char	   *json = plain_model();
	size_t		ok = 0,
				tried = 0;

	(void) state;
	for (spelling how = 0; how < N_SPELLINGS; how++)
	{
		uint8_t    *copy;

		convert(json, how, &b);
		copy = malloc(b.n);
		memcpy(copy, b.at, b.n);
		for (size_t i = 0; i < b.n; i++)
		{
			for (size_t k = 0; k < sizeof(instead); k++)
			{
				gh_status	status;

				copy[i] = instead[k];
				status = try_text((const char *) copy, b.n, NULL, 0);
				assert_true(status == GH_OK || status == GH_EDATA);
				ok += status == GH_OK;
				tried++;
			}
			copy[i] = b.at[i];
		}
		free(copy);
	}
	assert_true(ok > tried / 20 && ok < tried);
	free(json);
}

static void
several_changed_bytes_are_harmless(void **state)
{
	static bytes b;
	char	   *json = plain_model();

	(void) state;
	for (uint64_t round = 0; round < 3000; round++)
	{
		uint8_t    *copy;
		gh_status	status;

		convert(json, (spelling) (round % N_SPELLINGS), &b);
		copy = malloc(b.n);
		memcpy(copy, b.at, b.n);
		for (uint64_t k = 0; k < 1 + round % 7; k++)
			copy[1 + gh_random_u64(round, GH_STREAM_TEST, 2 * k) % (b.n - 1)] =
				(uint8_t) gh_random_u64(round, GH_STREAM_TEST, 2 * k + 1);
		status = try_text((const char *) copy, b.n, NULL, 0);
		assert_true(status == GH_OK || status == GH_EDATA);
		free(copy);
	}
	free(json);
}

/* Refused for this reason, and fast: no count is believed. */
static void
assert_refused(const char *text, size_t length, const char *why)
{
	char	   *copy = malloc(length);
	char		detail[512];

	memcpy(copy, text, length);
	assert_int_equal(try_text(copy, length, detail, sizeof(detail)), GH_EDATA);
	if (strstr(detail, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", detail, why);
	free(copy);
}

#define REFUSED(text, why) assert_refused(text, sizeof(text) - 1, why)

static void
counts_are_not_believed(void **state)
{
	(void) state;
	REFUSED("{i\1x[#L\x7f\xff\xff\xff\xff\xff\xff\xff", "count");
	REFUSED("{i\1x[$d#L\x20\0\0\0\0\0\0\1\1\1\1\1", "count");	/* times four is one, modulo 2^64 */
	REFUSED("{i\1x[$Z#l\x7f\xff\xff\xff}", "type of all values");
	REFUSED("{i\1x[$T#l\x7f\xff\xff\xff}", "type of all values");
	REFUSED("{i\1x[$N#l\x7f\xff\xff\xff}", "type of all values");
	REFUSED("{i\1x[$\0#i\1}", "type of all values");
	REFUSED("{i\1x[$dL", "a count was expected");
	REFUSED("{i\1x[#i\xff]}", "count");
	REFUSED("{i\1x[#d\0\0\0\0]}", "count");
	REFUSED("{#l\x7f\xff\xff\xff", "count");
	REFUSED("{L\x7f\xff\xff\xff\xff\xff\xff\xffx", "name");
	REFUSED("{i\xffx", "name");
	REFUSED("{i\1xSL\0\0\0\1\0\0\0\0", "text");
	REFUSED("{i\1xHl\x7f\xff\xff\xff", "text");
	REFUSED("{i\1xL\0\0\0\0\0\0\0", "cut off");
	REFUSED("{i\1x?", "value was expected");
	REFUSED("{i\7learner{i\11objective{i\4nameSi\3a\0b}}}", "byte 0");
	REFUSED("{i\7learn\0r{}}", "byte 0");
	REFUSED("{i\7learner{i\11objective{i\4nameT}}}", "number or a text");
	REFUSED("{i\7versionT}", "array");
	REFUSED("{i\7version[T}", "number");
	REFUSED("{i\7version[Si\1a]}", "number");
}

static void
depth_is_limited(void **state)
{
	char	   *text = malloc(100000);

	(void) state;
	memcpy(text, "{i\1x", 4);
	memset(text + 4, '[', 90000);
	assert_refused(text, 90004, "brackets");
	/* an array of arrays of arrays, each said to be one */
	for (size_t i = 4; i < 90000; i += 6)
		memcpy(text + i, "[$[#i\1", 6);
	assert_refused(text, 80000, "");
	/* objects in arrays in objects */
	for (size_t i = 0; i < 90000; i += 5)
		memcpy(text + i, "{i\1x[", 5);
	assert_refused(text, 80000, "brackets");
	/* padding only */
	memset(text + 4, 'N', 90000);
	assert_refused(text, 90004, "value was expected");
	free(text);
}

/* ---- failures ---------------------------------------------------------- */

static void
stops_and_fails_cleanly(void **state)
{
	static bytes b;
	char	   *json = plain_model();
	gh_host		host = {.should_stop = stop_after_polls,.threads = 1,.memory_limit = SIZE_MAX};
	gh_status	status = GH_ECANCELED;

	(void) state;
	convert(json, XGBOOST, &b);
	for (int polls = 0; status != GH_OK; polls++)
	{
		gh_ctx	   *ctx = gh_ctx_open(&host);
		gh_boost_model model;

		polls_left = polls;
		status = gh_xgboost_read(ctx, b.at, b.n, true, &model);
		assert_true(status == GH_OK || status == GH_ECANCELED);
		gh_boost_model_free(ctx, &model);
		assert_true(polls < 1000);
		test_close(ctx);
	}
	status = GH_ENOMEM;
	for (uint64_t k = 1; status != GH_OK; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_boost_model model = {0};

		gh_ctx_fail_allocation(ctx, k, true);
		status = gh_xgboost_read(ctx, b.at, b.n, true, &model);
		assert_true(status == GH_OK || status == GH_ENOMEM);
		gh_boost_model_free(ctx, &model);
		assert_true(k < 1000);
		test_close(ctx);
	}
	free(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling_says_the_same),
		cmocka_unit_test(other_models_are_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_changed_byte_is_refused_or_harmless),
		cmocka_unit_test(several_changed_bytes_are_harmless),
		cmocka_unit_test(counts_are_not_believed),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(stops_and_fails_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
