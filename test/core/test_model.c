/*
 * test_model.c
 *		A hierarchy as a thing: its plan, its names, its bytes.
 */
#include "hierarchy_testing.h"

#include "base/gh_container.h"

/* ---- plan -------------------------------------------------------------- */

/* "name:parent:level" of every node in order, supergenres with a star. */
static void
describe(const gh_model *model, char *text, size_t size)
{
	text[0] = '\0';
	for (uint32_t i = 0; i < model->n_nodes; i++)
	{
		const gh_node *node = &model->node[i];

		snprintf(text + strlen(text), size - strlen(text), "%s%s:%d:%d%s", i > 0 ? " " : "", node->name, node->parent,
				 node->level, node->is_genre ? "" : "*");
	}
}

static void
assert_plan(size_t n, const char *const (*pair)[2], const char *expected)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_model	model;
	char		text[1000];

	assert_int_equal(plan_of(ctx, n, pair, &model), GH_OK);
	describe(&model, text, sizeof(text));
	assert_string_equal(text, expected);
	for (uint32_t g = 0, at = 0; at < model.n_nodes; at++)
		if (model.node[at].is_genre)
			assert_int_equal(model.genre[g++], at);
	assert_int_equal(model.n_features, 3);
	assert_string_equal(model.feature[2], "valence");
	gh_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

static void
plans_stand_in_order(void **state)
{
	static const char *const two[][2] = {{"trap", "rap"}, {"metal", "rock"}, {"rap", "rap"}, {"hard", "rock"}};
	static const char *const deep[][2] = {{"c", "B"}, {"B", "A"}, {"b", "A"}, {"A", NULL}, {"d", NULL}, {"a", "C"},
	{"C", "B"}};
	static const char *const declared[][2] = {{"x", "S"}, {"S", "T"}, {"y", "T"}};
	static const char *const lone[][2] = {{"only", NULL}};
	static const char *const both[][2] = {{"rap", "rap"}, {"rap", "urban"}, {"soul", "urban"}};

	(void) state;
	assert_plan(4, two, "rap:-1:1* rap:0:2 trap:0:2 rock:-1:1* hard:3:2 metal:3:2");
	assert_plan(7, deep, "A:-1:1* B:0:2* C:1:3* a:2:4 c:1:3 b:0:2 d:-1:1");
	assert_plan(3, declared, "T:-1:1* S:0:2* x:1:3 y:0:2");
	assert_plan(1, lone, "only:-1:1");
	assert_plan(3, both, "urban:-1:1* rap:0:2* rap:1:3 soul:0:2");
}

static void
impossible_plans_are_refused(void **state)
{
	static const char *const circle[][2] = {{"a", "b"}, {"b", "c"}, {"c", "a"}, {"x", "a"}};
	static const char *const tail[][2] = {{"x", "d"}, {"d", "a"}, {"a", "b"}, {"b", "a"}};
	static const char *const twice[][2] = {{"a", "S"}, {"a", "S"}};
	static const char *const two_parents[][2] = {{"a", "S"}, {"a", "T"}};
	static const char *const top_too[][2] = {{"a", "S"}, {"a", NULL}};
	static const char *const super_twice[][2] = {{"a", "S"}, {"S", "T"}, {"S", "U"}};
	static const char *const no_name[][2] = {{"", "S"}};
	static const char *const no_parent_name[][2] = {{"a", ""}};
	static const struct
	{
		size_t		n;
		const char *const (*pair)[2];
		gh_status	status;
	}			bad[] = {
		{4, circle, GH_EDATA}, {4, tail, GH_EDATA}, {2, twice, GH_EDATA}, {2, two_parents, GH_EDATA},
		{2, top_too, GH_EDATA}, {3, super_twice, GH_EDATA}, {0, circle, GH_EDATA}, {1, no_name, GH_EINVAL},
		{1, no_parent_name, GH_EINVAL}
	};

	(void) state;
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_model	model;

		assert_int_equal(plan_of(ctx, bad[k].n, bad[k].pair, &model), bad[k].status);
		assert_true(gh_ctx_message(ctx)[0] != '\0');
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

static void
levels_and_lengths_are_limited(void **state)
{
	char		names[GH_MAX_LEVELS + 2][8];
	const char *name[GH_MAX_LEVELS + 2],
			   *parent[GH_MAX_LEVELS + 2];
	static char longest[GH_MAX_NAME + 2];

	(void) state;
	for (int i = 0; i < GH_MAX_LEVELS + 2; i++)
	{
		snprintf(names[i], sizeof(names[i]), "n%d", i);
		name[i] = names[i];
		parent[i] = i > 0 ? names[i - 1] : NULL;
	}
	for (int extra = 0; extra < 2; extra++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_model	model;

		/* a chain that ends in a genre on the last level, or one below it */
		assert_int_equal(gh_model_plan(ctx, name, parent, GH_MAX_LEVELS + extra, feature_name, 3, &model),
						 extra ? GH_EDATA : GH_OK);
		gh_model_free(ctx, &model);
		gh_ctx_close(ctx);
	}
	memset(longest, 'x', GH_MAX_NAME + 1);
	for (int extra = 1; extra >= 0; extra--)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_model	model;
		const char *one[1] = {longest},
				   *none[1] = {NULL};

		longest[GH_MAX_NAME + extra] = '\0';
		assert_int_equal(gh_model_plan(ctx, one, none, 1, feature_name, 3, &model), extra ? GH_EINVAL : GH_OK);
		gh_model_free(ctx, &model);
		assert_int_equal(gh_model_plan(ctx, one, none, 1, feature_name, 0, &model), GH_EINVAL);
		gh_ctx_close(ctx);
	}
}

static void
nodes_are_found_and_renamed_by_name(void **state)
{
	static const char *const pairs[][2] = {{"rap", "rap"}, {"trap", "rap"}, {"genre:odd", "rock"}, {"metal", "rock"}};
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_model	model;
	uint32_t	node = 99;

	(void) state;
	assert_int_equal(plan_of(ctx, 4, pairs, &model), GH_OK);
	assert_int_equal(gh_model_find(ctx, &model, "trap", &node), GH_OK);
	assert_int_equal(node, 2);
	assert_int_equal(gh_model_find(ctx, &model, "genre:rap", &node), GH_OK);
	assert_int_equal(node, 1);
	assert_int_equal(gh_model_find(ctx, &model, "supergenre:rap", &node), GH_OK);
	assert_int_equal(node, 0);
	assert_int_equal(gh_model_find(ctx, &model, "genre:odd", &node), GH_OK);
	assert_string_equal(model.node[node].name, "genre:odd");
	assert_int_equal(gh_model_rename(ctx, &model, 0, "hip hop"), GH_OK);
	assert_int_equal(gh_model_find(ctx, &model, "rap", &node), GH_OK);
	assert_int_equal(node, 1);
	assert_int_equal(gh_model_rename(ctx, &model, 0, "hip hop"), GH_OK);	/* its own name is free */
	gh_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);

	for (int k = 0; k < 5; k++)
	{
		gh_status	status,
					expected = k == 3 ? GH_EDATA : GH_EINVAL;

		ctx = gh_ctx_open(NULL);
		assert_int_equal(plan_of(ctx, 4, pairs, &model), GH_OK);
		status = k == 0 ? gh_model_find(ctx, &model, "rap", &node)	/* two of them */
			: k == 1 ? gh_model_find(ctx, &model, "nothing", &node)
			: k == 2 ? gh_model_find(ctx, &model, "genre:rock", &node)
			: k == 3 ? gh_model_rename(ctx, &model, 0, "rock") : gh_model_rename(ctx, &model, 0, "");
		assert_int_equal(status, expected);
		if (k < 3)
			assert_non_null(strstr(gh_ctx_hint(ctx), "model_nodes"));
		gh_model_free(ctx, &model);
		gh_ctx_close(ctx);
	}
}

/* ---- bytes ------------------------------------------------------------- */

static uint8_t *
small_model(gh_ctx *ctx, size_t *length)
{
	static data_set d;
	gh_model	model;
	gh_evaluation e;
	uint8_t    *bytes;

	make_data(&d);
	d.training.params.n_estimators = 1;
	d.training.params.max_depth = 2;
	d.training.blend = true;
	d.training.iterations = 2;
	plan_catalogue(ctx, &model);
	assert_int_equal(gh_hierarchy_train(ctx, &d.training, &model, &e), GH_OK);
	gh_evaluation_free(ctx, &e);
	model.info = gh_alloc_zero(ctx, 20, 1);
	strcpy(model.info, "{\"songs\": \"s\"}");
	assert_int_equal(gh_model_write(ctx, &model, &bytes, length), GH_OK);
	gh_model_free(ctx, &model);
	return bytes;
}

static void
bytes_go_round(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	size_t		length,
				length_again;
	uint8_t    *bytes = small_model(ctx, &length),
			   *again;
	gh_model	model;
	char		text[500];

	(void) state;
	assert_int_equal(gh_model_read(ctx, bytes, length, &model), GH_OK);
	describe(&model, text, sizeof(text));
	assert_string_equal(text, "rap:-1:1* boom:0:2 trap:0:2* dark:2:3 deep:2:3 rock:-1:1* hard:5:2 metal:5:2 solo:-1:1");
	assert_int_equal(model.n_genres, GENRES);
	assert_string_equal(model.info, "{\"songs\": \"s\"}");
	assert_non_null(model.flat);
	assert_true(model.flat[0].n_trees == 1 && model.flat[GENRES - 1].n_trees == 0);
	assert_true(model.node[0].ap_defined && model.node[0].average_precision > 0);
	assert_true(model.node[0].search.trials == 2 && model.node[0].search.folds == 3);
	assert_true(model.node[0].search.score > 0 && model.node[0].search.score_sd > 0);
	assert_true(model.node[0].vanilla_params == NULL && model.node[0].vanilla_search.trials == 0);
	assert_non_null(model.node[1].vanilla_params);
	assert_true(model.node[1].vanilla_search.trials == 2);
	assert_string_equal(model.node[8].params, model.node[8].vanilla_params);
	assert_memory_equal(&model.node[8].search, &model.node[8].vanilla_search, sizeof(gh_search));
	assert_int_equal(gh_model_write(ctx, &model, &again, &length_again), GH_OK);
	assert_int_equal(length, length_again);
	assert_memory_equal(bytes, again, length);
	gh_model_free(ctx, &model);
	gh_free(ctx, again);
	gh_free(ctx, bytes);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

/* The same bytes without one of their sections. */
static uint8_t *
without_section(gh_ctx *ctx, const uint8_t *bytes, size_t length, uint32_t tag, size_t *left)
{
	gh_container c;
	gh_container_writer w;
	uint8_t    *out;

	assert_int_equal(gh_container_open(ctx, bytes, length, GH_MODEL_HIERARCHY, &c), GH_OK);
	gh_container_begin(&w, ctx, GH_MODEL_HIERARCHY);
	for (int i = 0; i < c.n_sections; i++)
		if (c.section[i].tag != tag)
			gh_write_bytes(gh_container_add(&w, c.section[i].tag), c.section[i].bytes, c.section[i].length);
	assert_int_equal(gh_container_finish(&w, &out, left), GH_OK);
	return out;
}

static void
bytes_without_searches_are_read(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	size_t		length,
				length_before;
	uint8_t    *bytes = small_model(ctx, &length),
			   *before = without_section(ctx, bytes, length, GH_TAG('F', 'I', 'T', 'S'), &length_before);
	gh_model	model;

	(void) state;
	assert_true(length_before < length);
	assert_int_equal(gh_model_read(ctx, before, length_before, &model), GH_OK);
	for (uint32_t i = 0; i < model.n_nodes; i++)
	{
		assert_int_equal(model.node[i].search.trials, 0);
		assert_null(model.node[i].vanilla_params);
		assert_true(model.node[i].params[0] == '{');
	}
	gh_model_free(ctx, &model);
	gh_free(ctx, before);
	gh_free(ctx, bytes);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

/* Rejected without a leak, or a model whose answers are probabilities. */
static bool
read_is_safe(const uint8_t *bytes, size_t length)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_model	model;
	gh_status	status = gh_model_read(ctx, bytes, length, &model);
	const float x[2][FEATURES] = {{0, 1, NAN}, {-1e30f, 1e30f, 0.5f}};

	assert_true(status == GH_OK || status == GH_ECORRUPT);
	if (status == GH_OK && model.n_features == FEATURES)
	{
		double	   *conditional = malloc(model.n_nodes * sizeof(double)),
				   *joint = malloc(model.n_nodes * sizeof(double));
		uint32_t   *order = malloc(model.n_genres * sizeof(uint32_t));

		for (int k = 0; k < 2; k++)
		{
			gh_model_predict(&model, x[k], conditional, joint);
			assert_int_equal(gh_model_rank(ctx, &model, joint, order), GH_OK);
			for (uint32_t v = 0; v < model.n_nodes; v++)
				assert_true(joint[v] >= 0 && joint[v] <= 1);
		}
		free(order);
		free(joint);
		free(conditional);
	}
	gh_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return status == GH_OK;
}

/* Make the check sum right again, so that the damage reaches the parser. */
static void
repair(uint8_t *bytes, size_t length)
{
	uint32_t	crc = gh_crc32c(bytes + 16, length - 16);

	for (int k = 0; k < 4; k++)
		bytes[12 + k] = (uint8_t) (crc >> (8 * k));
}

static void
damaged_bytes_are_harmless(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	size_t		length;
	uint8_t    *bytes = small_model(ctx, &length);
	uint32_t	accepted = 0;

	(void) state;
	assert_true(read_is_safe(bytes, length));
	for (size_t cut = 0; cut < length; cut++)
	{
		/* a block of its own, so that a read past the end is seen */
		uint8_t    *copy = malloc(cut > 0 ? cut : 1);

		memcpy(copy, bytes, cut);
		assert_false(read_is_safe(copy, cut));
		free(copy);
	}
	for (size_t i = 16; i < length; i++)
		for (int bit = 0; bit < 8; bit += bit == 0 ? 6 : 1)
		{
			bytes[i] ^= (uint8_t) (1 << bit);
			repair(bytes, length);
			accepted += read_is_safe(bytes, length);
			bytes[i] ^= (uint8_t) (1 << bit);
		}
	/* a flipped threshold or letter is another model, not a damaged one */
	assert_true(accepted > 0);
	for (uint64_t seed = 0; seed < 300; seed++)
	{
		uint8_t    *copy = malloc(length);

		memcpy(copy, bytes, length);
		for (int k = 0; k < 6; k++)
			copy[16 + gh_random_u64(seed, GH_STREAM_TEST, (uint64_t) (2 * k)) % (length - 16)] =
				(uint8_t) gh_random_u64(seed, GH_STREAM_TEST, (uint64_t) (2 * k + 1));
		repair(copy, length);
		read_is_safe(copy, length);
		free(copy);
	}
	gh_free(ctx, bytes);
	gh_ctx_close(ctx);
}

/* A model's nodes, set by hand and written: does the reader take them? */
static gh_status
read_by_hand(const char *const *name, const int32_t *parent, const bool *is_genre, uint32_t n, double ap,
			 int booster_features)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_node		node[4];
	char	   *feature[2] = {"x", "y"};
	gh_model	model = {.n_features = 2, .feature = feature, .n_nodes = n, .node = node},
				back;
	uint8_t    *bytes;
	size_t		length;
	gh_status	status;

	memset(node, 0, sizeof(node));
	for (uint32_t i = 0; i < n; i++)
	{
		node[i].name = (char *) name[i];
		node[i].parent = parent[i];
		node[i].is_genre = is_genre[i];
		node[i].ap_defined = true;
		node[i].average_precision = ap;
		node[i].booster.n_features = booster_features;
		node[i].booster.base_score = 0.5;
	}
	assert_int_equal(gh_model_write(ctx, &model, &bytes, &length), GH_OK);
	status = gh_model_read(ctx, bytes, length, &back);
	gh_model_free(ctx, &back);
	gh_free(ctx, bytes);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return status;
}

static void
nodes_that_make_no_sense_are_rejected(void **state)
{
	const char *const name[3] = {"S", "a", "b"},
			   *const twins[3] = {"S", "a", "a"},
			   *const same[3] = {"a", "a", "b"},
			   *const empty[3] = {"S", "", "b"};
	const int32_t parent[3] = {-1, 0, 0},
				forward[3] = {-1, 2, 0},
				own[3] = {-1, 1, 0},
				below_genre[3] = {-1, 0, 1};
	const bool	genre[3] = {false, true, true},
				childless[3] = {false, false, true},
				all[3] = {true, true, true};

	(void) state;
	assert_int_equal(read_by_hand(name, parent, genre, 3, 0.5, 2), GH_OK);
	assert_int_equal(read_by_hand(same, parent, genre, 3, 0.5, 2), GH_OK);
	assert_int_equal(read_by_hand(twins, parent, genre, 3, 0.5, 2), GH_ECORRUPT);
	assert_int_equal(read_by_hand(empty, parent, genre, 3, 0.5, 2), GH_ECORRUPT);
	assert_int_equal(read_by_hand(name, forward, genre, 3, 0.5, 2), GH_ECORRUPT);
	assert_int_equal(read_by_hand(name, own, genre, 3, 0.5, 2), GH_ECORRUPT);
	assert_int_equal(read_by_hand(name, below_genre, genre, 3, 0.5, 2), GH_ECORRUPT);
	assert_int_equal(read_by_hand(name, parent, childless, 3, 0.5, 2), GH_ECORRUPT);
	assert_int_equal(read_by_hand(name, parent, all, 3, 0.5, 2), GH_ECORRUPT);
	assert_int_equal(read_by_hand(name, parent, genre, 1, 0.5, 2), GH_ECORRUPT);
	assert_int_equal(read_by_hand(name, parent, genre, 0, 0.5, 2), GH_ECORRUPT);
	assert_int_equal(read_by_hand(name, parent, genre, 3, 1.5, 2), GH_ECORRUPT);
	assert_int_equal(read_by_hand(name, parent, genre, 3, NAN, 2), GH_ECORRUPT);
	assert_int_equal(read_by_hand(name, parent, genre, 3, 0.5, 1), GH_ECORRUPT);
}

/* Is a genre with this search of its own and of its vanilla classifier's parameters taken? */
static gh_status
read_search_by_hand(gh_search search, bool supergenre_has_vanilla)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	char		empty[] = "{}",
			   *feature[1] = {(char *) "x"};
	gh_node		node[2] = {
		{.name = (char *) "S",.parent = -1,.booster = {.n_features = 1,.base_score = 0.5}},
		{.name = (char *) "a",.is_genre = true,.search = search,.vanilla_params = empty,.vanilla_search = search,
		.booster = {.n_features = 1,.base_score = 0.5}}
	};
	gh_model	model = {.n_features = 1,.feature = feature,.n_nodes = 2,.node = node},
				back;
	uint8_t    *bytes;
	size_t		length;
	gh_status	status;

	if (supergenre_has_vanilla)
		node[0].vanilla_params = empty;
	assert_int_equal(gh_model_write(ctx, &model, &bytes, &length), GH_OK);
	status = gh_model_read(ctx, bytes, length, &back);
	if (status == GH_OK)
	{
		assert_int_equal(back.node[1].search.trials, search.trials);
		assert_true(back.node[1].vanilla_search.score == (search.trials > 0 ? search.score : 0));
		assert_string_equal(back.node[1].vanilla_params, "{}");
	}
	gh_model_free(ctx, &back);
	gh_free(ctx, bytes);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return status;
}

static void
searches_that_make_no_sense_are_rejected(void **state)
{
	(void) state;
	assert_int_equal(read_search_by_hand((gh_search) {0}, false), GH_OK);
	assert_int_equal(read_search_by_hand((gh_search) {10000, 255, -0.5, 0}, false), GH_OK);
	assert_int_equal(read_search_by_hand((gh_search) {0}, true), GH_ECORRUPT);
	assert_int_equal(read_search_by_hand((gh_search) {10001, 5, 0.5, 0.1}, false), GH_ECORRUPT);
	assert_int_equal(read_search_by_hand((gh_search) {50, 0, 0.5, 0.1}, false), GH_ECORRUPT);
	assert_int_equal(read_search_by_hand((gh_search) {50, 256, 0.5, 0.1}, false), GH_ECORRUPT);
	assert_int_equal(read_search_by_hand((gh_search) {50, 5, NAN, 0.1}, false), GH_ECORRUPT);
	assert_int_equal(read_search_by_hand((gh_search) {50, 5, 0.5, INFINITY}, false), GH_ECORRUPT);
	assert_int_equal(read_search_by_hand((gh_search) {50, 5, 0.5, -0.1}, false), GH_ECORRUPT);
}

static void
reading_survives_a_failed_allocation(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	size_t		length;
	uint8_t    *bytes = small_model(ctx, &length);
	gh_status	status = GH_ENOMEM;

	(void) state;
	for (uint64_t k = 1; status != GH_OK; k++)
	{
		gh_ctx	   *small = gh_ctx_open(NULL);
		gh_model	model;

		gh_ctx_fail_allocation(small, k, false);
		status = gh_model_read(small, bytes, length, &model);
		assert_true(status == GH_OK || status == GH_ENOMEM);
		gh_model_free(small, &model);
		assert_int_equal(gh_memory_used(small), 0);
		gh_ctx_close(small);
	}
	gh_free(ctx, bytes);
	gh_ctx_close(ctx);
}

static void
classifiers_have_names(void **state)
{
	(void) state;
	assert_string_equal(gh_classifier_name(GH_VANILLA), "vanilla");
	assert_string_equal(gh_classifier_name(GH_HIERARCHICAL), "hierarchical");
	assert_string_equal(gh_classifier_name(GH_HIERARCHICAL_HINT), "hierarchical_hint");
	assert_string_equal(gh_classifier_name(GH_BLEND), "blend");
	assert_string_equal(gh_classifier_name(7), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_stand_in_order),
		cmocka_unit_test(impossible_plans_are_refused),
		cmocka_unit_test(levels_and_lengths_are_limited),
		cmocka_unit_test(nodes_are_found_and_renamed_by_name),
		cmocka_unit_test(bytes_go_round),
		cmocka_unit_test(bytes_without_searches_are_read),
		cmocka_unit_test(searches_that_make_no_sense_are_rejected),
		cmocka_unit_test(damaged_bytes_are_harmless),
		cmocka_unit_test(nodes_that_make_no_sense_are_rejected),
		cmocka_unit_test(reading_survives_a_failed_allocation),
		cmocka_unit_test(classifiers_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
