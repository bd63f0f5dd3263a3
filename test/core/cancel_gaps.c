/*
 * cancel_gaps.c
 *		How soon training of many rows can be cancelled: make check-cancel.
 *
 *	cancel_gaps [ROWS [THREADS [MOMENTS [STAGE]]]]
 *
 * Every stage of the trainer runs on ROWS made-up songs (1,000,000) of 14
 * features.  First on one thread, with a look at the clocks at every poll: the
 * longest time between two polls, by the processor's clock, which other
 * programs do not stretch, and by the wall's.  Then on THREADS threads (2),
 * cancelled at MOMENTS moments (3): the longest time from the request until the
 * call has returned.  STAGE: only those with this in their name.  Where the
 * processor works for more than 10 ms between two polls it says where.  Ends
 * with 1 when a stage takes 100 ms of the processor between two polls, or goes
 * on to its end after the request.
 *
 * Not one of the tests that make test runs: it takes minutes, and a busy machine
 * changes what it measures.
 */
#include <execinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/gh_random.h"
#include "learn/gh_hierarchy.h"

#define FEATURES 14
#define GENRES 6
#define SONGS_OF_AN_ARTIST 10
#define FOLDS 3
#define PROMISED 0.1			/* seconds */
#define FRAMES 12

static double
seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

/* ---- songs ------------------------------------------------------------- */

typedef struct songs
{
	size_t		n;
	float	   *x;
	uint8_t    *positive;
	uint32_t   *row,
			   *group,
			   *genre;
	uint64_t   *begin;
	gh_labels	labels;
} songs;

static void *
block_of(size_t n, size_t size)
{
	void	   *block = malloc(n * size);

	if (block == NULL)
	{
		fprintf(stderr, "cancel_gaps: out of memory\n");
		exit(2);
	}
	return block;
}

/* Half of the features continuous, half of few values, a twentieth missing; genres lean on three of them. */
static void
make_songs(songs *s, size_t n)
{
	*s = (songs) {n, block_of(n * FEATURES, sizeof(float)), block_of(n, 1), block_of(n, sizeof(uint32_t)),
		block_of(n, sizeof(uint32_t)), block_of(n, sizeof(uint32_t)), block_of(n + 1, sizeof(uint64_t)), {0}};
	for (size_t i = 0; i < n; i++)
	{
		double		signal[3];

		for (size_t j = 0; j < FEATURES; j++)
		{
			double		u = gh_random_double(1, GH_STREAM_TEST, i * FEATURES + j);

			if (j < 3)
				signal[j] = u;
			s->x[i * FEATURES + j] = u < 0.05 ? NAN : (float) (j % 2 == 0 ? u : floor(u * 12));
		}
		s->genre[i] = (uint32_t) fmin(GENRES - 1, GENRES * fabs(signal[0] + 0.3 * signal[1] * signal[2] +
																0.4 * gh_random_double(2, GH_STREAM_TEST, i) - 0.3));
		s->positive[i] = s->genre[i] < 2;
		s->row[i] = (uint32_t) i;
		s->group[i] = (uint32_t) (i / SONGS_OF_AN_ARTIST);
		s->begin[i] = i;
	}
	s->begin[n] = n;
	s->labels = (gh_labels) {n, GENRES, s->begin, s->genre};
}

/* ---- stages ------------------------------------------------------------ */

/* What a stage works on; made once, by the stages before it. */
typedef struct workshop
{
	songs		songs;
	gh_bins		bins;
	uint8_t    *fold;
	gh_booster	booster;
	double	   *margins;
} workshop;

static gh_fit
fit_of(const workshop *w)
{
	return (gh_fit) {.bins = &w->bins,.rows = w->songs.row,.n_rows = w->songs.n,.labels = w->songs.positive};
}

static gh_status
make_bins(gh_ctx *ctx, workshop *w)
{
	gh_bins		bins;
	gh_status	status = gh_bins_build(ctx, w->songs.x, w->songs.n, FEATURES, 256, NULL, 0, &bins);

	if (status == GH_OK)
		gh_bins_free(ctx, &bins);
	return status;
}

static gh_status
deal_folds(gh_ctx *ctx, workshop *w)
{
	return gh_folds(ctx, &w->songs.labels, w->songs.group, FOLDS, NULL, 1, w->fold);
}

static gh_status
fit(gh_ctx *ctx, const workshop *w, const gh_boost_params *params)
{
	gh_fit		task = fit_of(w);
	gh_booster	booster;
	gh_status	status = gh_boost_train(ctx, &task, params, &booster, NULL);

	if (status == GH_OK)
		gh_booster_free(ctx, &booster);
	return status;
}

static gh_status
fit_plain(gh_ctx *ctx, workshop *w)
{
	gh_boost_params params = gh_boost_defaults();

	params.n_estimators = 5;
	return fit(ctx, w, &params);
}

static gh_status
fit_sampled(gh_ctx *ctx, workshop *w)
{
	gh_boost_params params = gh_boost_defaults();

	params.n_estimators = 3;
	params.max_depth = 10;
	params.subsample = 0.6;
	params.colsample_bynode = 0.5;
	return fit(ctx, w, &params);
}

static gh_status
fit_lossguide(gh_ctx *ctx, workshop *w)
{
	gh_boost_params params = gh_boost_defaults();

	params.n_estimators = 3;
	params.grow_policy = GH_GROW_LOSSGUIDE;
	params.max_depth = 0;
	params.max_leaves = 200;
	return fit(ctx, w, &params);
}

static gh_status
predict(gh_ctx *ctx, workshop *w)
{
	return gh_booster_margins(ctx, &w->booster, w->songs.x, w->songs.n, FEATURES, w->margins);
}

static gh_status
tune(gh_ctx *ctx, workshop *w)
{
	gh_fit		task = fit_of(w);
	gh_boost_params params = gh_boost_defaults();
	gh_space	space = gh_space_default();
	gh_tune_options options = {.iterations = 2,.seed = 1};
	gh_trial	trials[2];
	int			best;

	params.n_estimators = 4;
	return gh_tune(ctx, &task, w->fold, FOLDS, &params, &space, &options, trials, &best);
}

static gh_status
hierarchy(gh_ctx *ctx, workshop *w)
{
	static const char *const name[GENRES] = {"a", "b", "c", "d", "e", "f"},
			   *const parent[GENRES] = {"S", "S", "T", "T", "U", "U"};
	char		names[FEATURES][8];
	const char *feature[FEATURES];
	gh_training training = {
		.rows = w->songs.x,.n = w->songs.n,.n_features = FEATURES,.labels = &w->songs.labels,.group = w->songs.group,
		.validation = block_of(w->songs.n, 1),.params = gh_boost_defaults(),.space = gh_space_default(),.iterations = 1,
		.folds = FOLDS,.seed = 1,.vanilla = true
	};
	gh_model	model = {0};
	gh_evaluation evaluation;
	gh_status	status;

	for (int j = 0; j < FEATURES; j++)
	{
		snprintf(names[j], sizeof(names[j]), "x%d", j);
		feature[j] = names[j];
	}
	for (size_t i = 0; i < w->songs.n; i++)
		((uint8_t *) training.validation)[i] = w->songs.group[i] % 5 == 0;
	training.params.n_estimators = 2;
	status = gh_model_plan(ctx, name, parent, GENRES, feature, FEATURES, &model);
	if (status == GH_OK)
		status = gh_hierarchy_train(ctx, &training, &model, &evaluation);
	if (status == GH_OK)
		gh_evaluation_free(ctx, &evaluation);
	gh_model_free(ctx, &model);
	free((uint8_t *) training.validation);
	return status;
}

static const struct
{
	const char *name;
	gh_status	(*run) (gh_ctx *ctx, workshop *w);
}			stages[] = {
	{"bins", make_bins}, {"folds", deal_folds}, {"fit, depth 6", fit_plain}, {"fit, depth 10, sampled", fit_sampled},
	{"fit, lossguide", fit_lossguide}, {"predict", predict}, {"tune", tune}, {"hierarchy", hierarchy}
};

/* ---- measuring --------------------------------------------------------- */

/* A place in the program. */
typedef struct frames
{
	void	   *at[FRAMES];
	int			n;
} frames;

static struct
{
	uint64_t	polls;
	double		began,			/* wall */
				last_wall,
				last_processor,
				longest_wall,
				longest_processor,
				stop_at,		/* wall; 0: never */
				asked;			/* when the stage was told to stop; 0: not */
	frames		last,			/* where the last poll was */
				before,			/* and those around the longest gap */
				after;
}			watch;

static void
start_watch(double stop_after)
{
	memset(&watch, 0, sizeof(watch));
	watch.began = watch.last_wall = seconds(CLOCK_MONOTONIC);
	watch.last_processor = seconds(CLOCK_THREAD_CPUTIME_ID);
	watch.stop_at = stop_after > 0 ? watch.began + stop_after : 0;
}

static void
look(void)
{
	double		wall = seconds(CLOCK_MONOTONIC),
				processor = seconds(CLOCK_THREAD_CPUTIME_ID);

	watch.polls++;
	watch.longest_wall = fmax(watch.longest_wall, wall - watch.last_wall);
	if (processor - watch.last_processor > watch.longest_processor)
	{
		watch.longest_processor = processor - watch.last_processor;
		watch.before = watch.last;
		watch.after.n = backtrace(watch.after.at, FRAMES);
	}
	watch.last.n = backtrace(watch.last.at, FRAMES);
	/* after the look itself, which costs more than most gaps */
	watch.last_wall = seconds(CLOCK_MONOTONIC);
	watch.last_processor = seconds(CLOCK_THREAD_CPUTIME_ID);
}

/* The request counts from when it was due, not from when somebody asked for it. */
static bool
poll_gaps(void *arg)
{
	(void) arg;
	look();
	return false;
}

static bool
poll_stop(void *arg)
{
	(void) arg;
	if (watch.stop_at > 0 && watch.asked == 0 && seconds(CLOCK_MONOTONIC) >= watch.stop_at)
		watch.asked = watch.stop_at;
	return watch.asked > 0;
}

static gh_status
run_stage(size_t stage, int threads, bool (*poll) (void *arg), double stop_after, workshop *w, double *took)
{
	gh_host		host = {.should_stop = poll,.threads = threads,.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	gh_status	status;

	if (ctx == NULL)
		return GH_ENOMEM;
	start_watch(stop_after);
	status = stages[stage].run(ctx, w);
	if (poll == poll_gaps)
		look();
	*took = seconds(CLOCK_MONOTONIC) - watch.began;
	if (status != GH_OK && status != GH_ECANCELED)
		fprintf(stderr, "cancel_gaps: %s: %s\n", stages[stage].name, gh_ctx_message(ctx));
	gh_ctx_close(ctx);
	return status;
}

/* Longest time from the request to the return; negative when a stage went on to its end. */
static double
cancel_stage(size_t stage, int threads, int moments, double whole, workshop *w)
{
	double		longest = 0;

	for (int k = 0; k < moments; k++)
	{
		double		after = whole * (k + 0.5) / moments,
					took;
		gh_status	status = run_stage(stage, threads, poll_stop, after, w, &took);

		/* one that was faster than before has ended by itself */
		if (status != GH_ECANCELED && took > after + PROMISED)
			return -1;
		longest = fmax(longest, status == GH_ECANCELED ? took - after : 0);
	}
	return longest;
}

/* For addr2line. */
static void
show_gap(const char *stage)
{
	fflush(stdout);
	fprintf(stderr, "\n%s: the longest gap, from\n", stage);
	backtrace_symbols_fd(watch.before.at, watch.before.n, 2);
	fprintf(stderr, "to\n");
	backtrace_symbols_fd(watch.after.at, watch.after.n, 2);
}

static bool
measure(size_t stage, int threads, int moments, workshop *w)
{
	double		whole,
				delay;
	bool		kept;

	if (run_stage(stage, 1, poll_gaps, 0, w, &whole) != GH_OK)
		return false;
	kept = watch.longest_processor < PROMISED;
	printf("%-24s %9.2f %10llu %11.1f %11.1f", stages[stage].name, whole, (unsigned long long) watch.polls,
		   1e3 * watch.longest_processor, 1e3 * watch.longest_wall);
	if (watch.longest_processor > PROMISED / 10)
		show_gap(stages[stage].name);
	if (run_stage(stage, threads, poll_stop, 0, w, &whole) != GH_OK)
		return false;
	delay = cancel_stage(stage, threads, moments, whole, w);
	printf(" %9.2f %11.1f\n", whole, 1e3 * delay);
	return kept && delay >= 0;
}

static void
open_workshop(gh_ctx *ctx, size_t n, workshop *w)
{
	gh_boost_params params = gh_boost_defaults();
	gh_fit		task;

	make_songs(&w->songs, n);
	w->fold = block_of(n, 1);
	w->margins = block_of(n, sizeof(double));
	params.n_estimators = 10;
	if (gh_bins_build(ctx, w->songs.x, n, FEATURES, 256, NULL, 0, &w->bins) == GH_OK && deal_folds(ctx, w) == GH_OK)
	{
		task = fit_of(w);
		gh_boost_train(ctx, &task, &params, &w->booster, NULL);
	}
	if (gh_ctx_status(ctx) != GH_OK)
	{
		fprintf(stderr, "cancel_gaps: %s\n", gh_ctx_message(ctx));
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	size_t		n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	int			threads = argc > 2 ? atoi(argv[2]) : 2,
				moments = argc > 3 ? atoi(argv[3]) : 3;
	gh_host		host = {.threads = 2,.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	workshop	w;
	bool		kept = true;

	if (ctx == NULL || n < 1000 || threads < 1 || moments < 1)
	{
		fprintf(stderr, "usage: cancel_gaps [ROWS [THREADS [MOMENTS [STAGE]]]], of at least 1000 rows\n");
		return 2;
	}
	open_workshop(ctx, n, &w);
	printf("%zu rows, %d features\n%-24s %9s %10s %11s %11s %9s %11s\n%-24s %9s %10s %11s %11s %9s %11s\n", n, FEATURES, "",
		   "1 thread", "polls", "longest gap", "of the wall", "threads", "cancel", "", "s", "", "ms", "ms", "s", "ms at most");
	for (size_t stage = 0; stage < sizeof(stages) / sizeof(stages[0]); stage++)
		if (argc <= 4 || strstr(stages[stage].name, argv[4]) != NULL)
			kept = measure(stage, threads, moments, &w) && kept;
	puts(kept ? "kept" : "not kept: 100 ms of the processor between two polls, or not cancelled at all");
	return kept ? 0 : 1;
}
