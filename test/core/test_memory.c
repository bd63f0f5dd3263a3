/*
 * test_memory.c
 *		Training in little memory: parked fits, folds in turns, estimates.
 */
#include "learn_testing.h"

#include <stdio.h>

#include "learn/boost_private.h"
#include "learn/gh_hierarchy.h"

#define ROWS 12000
#define FOLDS 3

/* ---- parked fits ------------------------------------------------------- */

static gh_booster
train_parked(gh_ctx *ctx, const gh_fit *fit, const gh_boost_params *params, int rounds, int parked_every,
			 double *margins)
{
	gh_trainer *trainer;
	gh_booster	booster;

	test_ok(ctx, gh_trainer_open(ctx, fit, params, GH_KEEP_TREES, &trainer));
	for (int round = 0; round < rounds; round++)
	{
		if (parked_every > 0 && round % parked_every == 0)
		{
			size_t		before = gh_memory_used(ctx);

			gh_trainer_park(trainer);
			gh_trainer_park(trainer);
			/* records of 32 bytes, 5 columns, order and spare, label and weight */
			assert_true(gh_memory_used(ctx) + fit->n_rows * (32 + 5 + 8 + 5) <= before);
		}
		test_ok(ctx, gh_trainer_round(trainer));
	}
	test_ok(ctx, gh_trainer_valid_margins_at(trainer, gh_trainer_rounds(trainer), margins));
	gh_trainer_take(trainer, gh_trainer_rounds(trainer), &booster);
	gh_trainer_close(trainer);
	return booster;
}

/* Rows and features are drawn, rows weigh differently: nothing of it may depend on how often a fit waited. */
static void
a_parked_fit_goes_on_where_it_was(void **state)
{
	gh_ctx	   *ctx = open_threads(2);
	test_data	data = test_make(ROWS, 5, 0, .1, 3);
	gh_bins		bins;
	gh_fit		fit = test_fit(&data, &bins);
	gh_boost_params params = gh_boost_defaults();
	static float weights[ROWS];
	static double margins[2][1000];

	(void) state;
	test_ok(ctx, gh_bins_build(ctx, data.rows, ROWS, 5, 256, NULL, 0, &bins));
	for (int i = 0; i < ROWS; i++)
		weights[i] = (float) test_uniform(4, (uint64_t) i);
	fit.weights = weights;
	fit.n_rows = 2000;
	fit.valid_rows = data.all + 2000;
	fit.n_valid = 1000;
	params.subsample = .7;
	params.colsample_bytree = .6;
	params.colsample_bynode = .7;
	params.scale_pos_weight = 3;
	for (int every = 1; every < 4; every++)
	{
		gh_booster	one = train_parked(ctx, &fit, &params, 9, 0, margins[0]),
					other = train_parked(ctx, &fit, &params, 9, every, margins[1]);

		test_same_booster(ctx, &one, &other);
		assert_memory_equal(margins[0], margins[1], sizeof(margins[0]));
		gh_booster_free(ctx, &one);
		gh_booster_free(ctx, &other);
	}
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

/* A trainer that keeps paths only knows what an earlier, shorter training would say. */
static void
paths_lead_back_to_any_round(void **state)
{
	gh_ctx	   *ctx = open_threads(2);
	test_data	data = test_make(ROWS, 5, 0, .1, 3);
	gh_bins		bins;
	gh_fit		fit = test_fit(&data, &bins);
	gh_boost_params params = gh_boost_defaults();
	gh_trainer *trainer;
	static double expected[1000],
				found[1000];

	(void) state;
	test_ok(ctx, gh_bins_build(ctx, data.rows, ROWS, 5, 256, NULL, 0, &bins));
	fit.n_rows = 2000;
	fit.valid_rows = data.all + 2000;
	fit.n_valid = 1000;
	params.subsample = .7;
	params.max_depth = 9;
	test_ok(ctx, gh_trainer_open(ctx, &fit, &params, GH_KEEP_PATHS, &trainer));
	for (int round = 0; round < 40; round++)
		test_ok(ctx, gh_trainer_round(trainer));
	for (int rounds = 0; rounds <= 40; rounds += 8)
	{
		gh_booster	booster = train_parked(ctx, &fit, &params, rounds, 0, expected);

		test_ok(ctx, gh_trainer_valid_margins_at(trainer, (uint32_t) rounds, found));
		assert_memory_equal(expected, found, sizeof(expected));
		for (int i = 0; i < 1000; i += 111)
			assert_true(gh_booster_margin(&booster, data.rows + (size_t) (2000 + i) * 5) == found[i]);
		gh_booster_free(ctx, &booster);
	}
	gh_trainer_close(trainer);
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

/* ---- folds in turns ---------------------------------------------------- */

/* A search of four trials; the peak of memory it had. */
static size_t
search(int threads, size_t limit, bool lean, gh_trial *trials)
{
	gh_host		host = {.threads = threads,.memory_limit = limit,.memory_setting = "test_memory"};
	gh_ctx	   *made = gh_ctx_open(NULL),
			   *ctx = gh_ctx_open(&host);
	test_data	data = test_make(ROWS, 5, 0, .1, 3);
	gh_bins		bins;
	gh_fit		fit = test_fit(&data, &bins);
	gh_boost_params base = gh_boost_defaults();
	gh_space	space = gh_space_default();
	gh_tune_options options = {.metric = GH_METRIC_AVERAGE_PRECISION,.iterations = 4,.seed = 5,.lean = lean};
	static uint8_t fold[ROWS];
	size_t		peak;
	int			best;

	test_ok(made, gh_bins_build(made, data.rows, ROWS, 5, 256, NULL, 0, &bins));
	for (int i = 0; i < ROWS; i++)
		fold[i] = (uint8_t) (test_uniform(18, (uint64_t) i) * FOLDS);
	/* small trees, so that rows and not histograms decide */
	test_ok(made, gh_space_set(made, &space, "max_depth", 2, 4));
	base.max_depth = 3;
	base.n_estimators = 20;
	test_ok(ctx, gh_tune(ctx, &fit, fold, FOLDS, &base, &space, &options, trials, &best));
	peak = gh_memory_peak(ctx);
	test_close(ctx);
	gh_bins_free(made, &bins);
	test_discard(&data);
	test_close(made);
	return peak;
}

static void
folds_in_turns_give_the_same_trials(void **state)
{
	static gh_trial all[4],
				lean[4];
	size_t		peak = search(1, SIZE_MAX, false, all);

	(void) state;
	for (int threads = 1; threads <= 2; threads++)
	{
		assert_true(search(threads, SIZE_MAX, true, lean) < peak * 6 / 10);
		assert_memory_equal(all, lean, sizeof(all));
		/* nobody asked for it, but memory is short */
		assert_true(search(threads, peak - 1, false, lean) < peak * 6 / 10);
		assert_memory_equal(all, lean, sizeof(all));
	}
}

/* ---- a whole training -------------------------------------------------- */

#define SONGS 60000
#define FEATURES 6

static double announced;		/* MB */
static char plan_note[GH_MESSAGE_SIZE];

static void
keep_notes(void *arg, const gh_progress *progress)
{
	const char *at = progress->note ? strstr(progress->text, "held out; about ") : NULL;

	(void) arg;
	if (at != NULL)
		sscanf(at, "held out; about %lf", &announced);
	if (progress->note && strstr(progress->text, "memory allowed") != NULL)
		snprintf(plan_note, sizeof(plan_note), "%s", progress->text);
}

typedef struct shape
{
	int			threads;
	int			iterations;
	bool		grouped,
				vanilla,
				blend,
				released;		/* the rows are let go once they are cut into bins */
	int			early_stopping;
} shape;

typedef struct rows
{
	gh_ctx	   *ctx;
	float	   *x;
} rows;

static void
release_rows(void *arg)
{
	rows	   *r = arg;

	gh_free(r->ctx, r->x);
	r->x = NULL;
}

/* What is trained: three genres below two supergenres; every fifth group is held out. */
typedef struct catalogue
{
	uint32_t	label[SONGS],
				group[SONGS];
	uint64_t	begin[SONGS + 1];
	uint8_t		validation[SONGS];
} catalogue;

static void
fill_songs(catalogue *c, float *x)
{
	for (uint32_t i = 0; i < SONGS; i++)
	{
		c->label[i] = (uint32_t) (test_uniform(31, i) * 3);
		c->begin[i] = i;
		c->group[i] = i / 10;
		c->validation[i] = c->group[i] % 5 == 0;
		for (uint32_t j = 0; j < FEATURES; j++)
			x[i * FEATURES + j] = (float) (test_uniform(32, i * FEATURES + j) + .3 * (j % 3 == c->label[i]));
	}
	c->begin[SONGS] = SONGS;
}

static void
plan_three_genres(gh_ctx *ctx, gh_model *model)
{
	static const char *const feature[FEATURES] = {"a", "b", "c", "d", "e", "f"};
	static const char *const name[] = {"x", "y", "z"};
	static const char *const parent[] = {"one", "one", "two"};

	test_ok(ctx, gh_model_plan(ctx, name, parent, 3, feature, FEATURES, model));
}

/* Trains within a limit; the model's bytes, NULL when it is refused. */
static uint8_t *
train_within(const shape *s, size_t limit, size_t *length, size_t *peak)
{
	static catalogue c;
	static char message[3 * GH_MESSAGE_SIZE];
	gh_host		host = {.progress = keep_notes,.threads = s->threads,.memory_limit = limit,.memory_setting = "test_memory"};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	rows		r = {ctx, gh_alloc(ctx, SONGS, FEATURES * sizeof(float))};
	gh_labels	labels = {SONGS, 3, c.begin, c.label};
	gh_training training = {
		.rows = r.x,.n = SONGS,.n_features = FEATURES,.labels = &labels,.group = s->grouped ? c.group : NULL,
		.validation = c.validation,.params = gh_boost_defaults(),.space = gh_space_default(),.iterations = s->iterations,
		.folds = 5,.seed = 11,.vanilla = s->vanilla,.blend = s->blend,.advice = "wait for rain"
	};
	gh_model	model;
	gh_evaluation evaluation;
	uint8_t    *bytes = NULL;
	gh_status	status;

	fill_songs(&c, r.x);
	training.params.n_estimators = 3;
	training.params.max_depth = 2;
	training.params.early_stopping_rounds = s->early_stopping;
	test_ok(ctx, gh_space_set(ctx, &training.space, "max_depth", 2, 2));
	if (s->released)
	{
		training.release = release_rows;
		training.release_arg = &r;
		training.releasable = SONGS * FEATURES * sizeof(float);
	}
	plan_three_genres(ctx, &model);
	plan_note[0] = '\0';
	status = gh_hierarchy_train(ctx, &training, &model, &evaluation);
	*peak = gh_memory_peak(ctx);
	if (status == GH_OK)
	{
		uint8_t    *written;

		test_ok(ctx, gh_model_write(ctx, &model, &written, length));
		bytes = malloc(*length);
		memcpy(bytes, written, *length);
		gh_free(ctx, written);
		gh_evaluation_free(ctx, &evaluation);
	}
	else
	{
		snprintf(message, sizeof(message), "%s / %s", gh_ctx_message(ctx), gh_ctx_hint(ctx));
		assert_int_equal(status, GH_ELIMIT);
		assert_non_null(strstr(message, "training the hierarchy needs about "));
		assert_non_null(strstr(message, "Raise test_memory, or wait for rain."));
		sscanf(message, "training the hierarchy needs about %lf", &announced);
	}
	gh_model_free(ctx, &model);
	gh_free(ctx, r.x);
	test_close(ctx);
	return bytes;
}

static const shape shapes[] = {
	{1, 0, true, true, false, true, 0},
	{2, 0, true, true, true, true, 0},
	{1, 0, false, false, false, false, 0},
	{2, 0, true, true, false, true, 3},
	{1, 2, true, true, false, true, 0},
	{2, 2, true, true, true, true, 0},
	{2, 2, false, true, false, true, 0},
};

/* Announced before the first tree: not below the allocator's high-water mark, and not a fifth above it. */
static void
check_announced(size_t number, size_t peak)
{
	double		mb = (double) peak / (1024.0 * 1024.0);

	if (announced < mb - .1 || announced > 1.2 * mb)
		fail_msg("shape %zu: %.2f MB were announced, %.2f MB used", number, announced, mb);
}

/* From all that it can use down to the least: always the same model, within what is allowed. */
static void
memory_is_announced_and_less_trains_the_same_model(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
	{
		size_t		length,
					other_length,
					all,
					peak,
					limit;
		uint8_t    *bytes = train_within(&shapes[i], SIZE_MAX, &length, &all),
				   *other;
		int			plans = 0;
		double		least;

		assert_int_equal(plan_note[0], 0);
		check_announced(i, all);
		/* refused: says what would be enough */
		assert_null(train_within(&shapes[i], SONGS * (FEATURES + 1) * sizeof(float) + 100000, &other_length, &peak));
		least = announced;
		for (double part = 0; part < 1; part += .6)
		{
			limit = (size_t) ((least + .06) * 1048576 + part * fmax((double) all - least * 1048576, 0));
			other = train_within(&shapes[i], limit, &other_length, &peak);
			if (other == NULL)
				fail_msg("shape %zu: %.2f MB were to be enough, %zu bytes are not", i, least, limit);
			assert_true(peak <= limit);
			plans += plan_note[0] != '\0';
			assert_int_equal(length, other_length);
			assert_memory_equal(bytes, other, length);
			free(other);
		}
		assert_true(plans > 0 || (shapes[i].threads == 1 && shapes[i].iterations == 0));
		free(bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_parked_fit_goes_on_where_it_was),
		cmocka_unit_test(paths_lead_back_to_any_round),
		cmocka_unit_test(folds_in_turns_give_the_same_trials),
		cmocka_unit_test(memory_is_announced_and_less_trains_the_same_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
