/*
 * suggest.c
 *		Which parameters to try next.
 */
#include <math.h>
#include <string.h>

#include "base/gh_optimize.h"
#include "base/gh_random.h"
#include "base/gh_sort.h"
#include "learn/tune_private.h"

#define SOBOL_CANDIDATES 2048
/* Around each of the best trials so far. */
#define TOP_TRIALS 5
#define LOCAL_CANDIDATES 26
#define CANDIDATES (SOBOL_CANDIDATES + TOP_TRIALS * LOCAL_CANDIDATES)
#define LOCAL_SPREAD 0.1
/*
 * Every so many trials the whole cube is searched, else the best trial's
 * neighbourhood: in eight dimensions improvement is expected in every corner
 * that nobody has seen, and there are more of them than trials.
 */
#define GLOBAL_PERIOD 5
#define NEAR_REACH 0.25
/* Scores further below the median than this many times what the best is above it are raised. */
#define FLOOR_REACH 3.0
/* Candidates that are climbed from. */
#define CLIMBS 8
#define CLIMB_EVALUATIONS 60
#define CLIMB_TOLERANCE 1e-6
#define POLL_CANDIDATES 32

bool
gh_was_tried(const double *tried, int n, int d, const double *x)
{
	for (int i = 0; i < n; i++)
		if (memcmp(tried + (size_t) i * (size_t) d, x, (size_t) d * sizeof(double)) == 0)
			return true;
	return false;
}

/* Where to look: the whole cube, or the neighbourhood of the best trial. */
typedef struct box
{
	double		lower[GH_MAX_DIMENSIONS],
				upper[GH_MAX_DIMENSIONS];
} box;

static box
choose_box(const double *best, int n, int d)
{
	bool		near = n % GLOBAL_PERIOD != 0;
	box			b;

	for (int j = 0; j < d; j++)
	{
		b.lower[j] = near ? fmax(best[j] - NEAR_REACH, 0.0) : 0.0;
		b.upper[j] = near ? fmin(best[j] + NEAR_REACH, 1.0) : 1.0;
	}
	return b;
}

/* Scrambled Sobol points, then normal steps from the best trials; all snapped to integers. */
static void
make_candidates(const gh_space *space, const box *b, const double *tried, const uint32_t *by_score, int n,
				uint64_t seed, double *candidates)
{
	int			d = gh_space_width(space);
	gh_sobol	sobol;
	double		x[GH_MAX_DIMENSIONS];

	gh_sobol_init(&sobol, d, seed);
	for (int i = 0; i < CANDIDATES; i++)
	{
		int			local = i - SOBOL_CANDIDATES;

		if (local < 0)
		{
			gh_sobol_point(&sobol, (uint32_t) i, x);
			for (int j = 0; j < d; j++)
				x[j] = b->lower[j] + (b->upper[j] - b->lower[j]) * x[j];
		}
		else
		{
			int			top = local / LOCAL_CANDIDATES;
			const double *center = tried + (size_t) by_score[top < n ? top : n - 1] * (size_t) d;

			for (int j = 0; j < d; j++)
			{
				double		step = gh_random_normal(seed, GH_STREAM_TUNE_CANDIDATE, (uint64_t) (local * d + j));

				x[j] = fmin(fmax(center[j] + LOCAL_SPREAD * step, b->lower[j]), b->upper[j]);
			}
		}
		gh_space_snap(space, x, candidates + (size_t) i * (size_t) d);
	}
}

/* Climbing moves the coordinates that are not integers. */
typedef struct climb
{
	const gh_gp *gp;
	int			n_moving;
	int			moving[GH_MAX_DIMENSIONS];
	double		x[GH_MAX_DIMENSIONS];
} climb;

static double
minus_log_ei(int n, const double *y, double *gradient, void *arg)
{
	climb	   *c = arg;
	double		full[GH_MAX_DIMENSIONS],
				value;

	for (int j = 0; j < n; j++)
		c->x[c->moving[j]] = y[j];
	value = -gh_log_ei(c->gp, c->x, gradient != NULL ? full : NULL);
	for (int j = 0; gradient != NULL && j < n; j++)
		gradient[j] = -full[c->moving[j]];
	return value;
}

/* From x uphill, in place; *value: log EI reached. */
static gh_status
climb_from(gh_ctx *ctx, const gh_space *space, const box *b, const gh_gp *gp, double *x, double *value)
{
	climb		c = {.gp = gp};
	double		lower[GH_MAX_DIMENSIONS],
				upper[GH_MAX_DIMENSIONS],
				y[GH_MAX_DIMENSIONS],
				minimum;

	memcpy(c.x, x, (size_t) gp->d * sizeof(double));
	for (int j = 0; j < gp->d; j++)
	{
		if (gh_space_is_integer(space, j))
			continue;
		lower[c.n_moving] = b->lower[j];
		upper[c.n_moving] = b->upper[j];
		y[c.n_moving] = x[j];
		c.moving[c.n_moving++] = j;
	}
	if (c.n_moving == 0)
		return GH_OK;
	GH_TRY(gh_minimize(ctx, c.n_moving, minus_log_ei, &c, lower, upper, CLIMB_TOLERANCE, CLIMB_EVALUATIONS, y,
					   &minimum));
	for (int j = 0; j < c.n_moving; j++)
		x[c.moving[j]] = y[j];
	*value = -minimum;
	return GH_OK;
}

/* Round a point as a trial would be; false when it was tried. */
static gh_status
accept(gh_ctx *ctx, const gh_space *space, const double *tried, int n, const double *from, double *x, bool *fresh)
{
	gh_boost_params ignored,
				base = gh_boost_defaults();
	int			d = gh_space_width(space);

	memcpy(x, from, (size_t) d * sizeof(double));
	GH_TRY(gh_space_params(ctx, space, &base, x, &ignored));
	*fresh = !gh_was_tried(tried, n, d, x);
	return GH_OK;
}

/* The best of the climbs that is new, else the best candidate that is. */
static gh_status
choose(gh_ctx *ctx, const gh_space *space, const box *b, const gh_gp *gp, const double *tried, int n, double *candidates,
	   double *value, uint32_t *order, double *x, bool *found)
{
	size_t		d = (size_t) gp->d;

	for (int i = 0; i < CANDIDATES; i++)
	{
		if (i % POLL_CANDIDATES == 0)
			GH_CHECK_STOP(ctx);
		value[i] = gh_log_ei(gp, candidates + (size_t) i * d, NULL);
	}
	GH_TRY(gh_argsort_descending(ctx, value, CANDIDATES, order));
	for (int i = 0; i < CLIMBS; i++)
		GH_TRY(climb_from(ctx, space, b, gp, candidates + order[i] * d, &value[order[i]]));
	GH_TRY(gh_argsort_descending(ctx, value, CANDIDATES, order));
	*found = false;
	for (int i = 0; i < CANDIDATES && !*found; i++)
		GH_TRY(accept(ctx, space, tried, n, candidates + order[i] * d, x, found));
	return GH_OK;
}

/*
 * The process over the best trials; small is good for it.  Scores far below the
 * median, FLOOR_REACH times what the best is above it, are raised to there: how bad
 * the bad ones are would only blur the differences between the good.
 */
static gh_status
fit_process(gh_ctx *ctx, const double *tried, const double *score, const double *variance, const uint32_t *by_score,
			int n, int d, const double *start, gh_gp *gp)
{
	int			m = n < GH_GP_MAX_POINTS ? n : GH_GP_MAX_POINTS;
	double	   *px = GH_NEW(ctx, (size_t) m * (size_t) d, double),
			   *py = GH_NEW(ctx, (size_t) m, double),
			   *pv = GH_NEW(ctx, (size_t) m, double);
	gh_status	status;

	if (px == NULL || py == NULL || pv == NULL)
		status = gh_ctx_status(ctx);
	else
	{
		double		middle = score[by_score[n / 2]],
					worst = middle - FLOOR_REACH * (score[by_score[0]] - middle);

		for (int i = 0; i < m; i++)
		{
			memcpy(px + (size_t) i * (size_t) d, tried + (size_t) by_score[i] * (size_t) d, (size_t) d * sizeof(double));
			py[i] = -fmax(score[by_score[i]], worst);
			pv[i] = variance[by_score[i]];
		}
		status = gh_gp_fit(ctx, px, py, pv, m, d, start, gp);
	}
	gh_free(ctx, px);
	gh_free(ctx, py);
	gh_free(ctx, pv);
	return status;
}

gh_status
gh_suggest(gh_ctx *ctx, const gh_space *space, const double *tried, const double *score, const double *variance, int n,
		   uint64_t seed, double *hyper, bool *warm, double *x, bool *found)
{
	int			d = gh_space_width(space);
	gh_gp		gp = {0};
	box			b;
	uint32_t   *by_score = GH_NEW(ctx, (size_t) n, uint32_t);
	uint32_t   *order = GH_NEW(ctx, CANDIDATES, uint32_t);
	double	   *value = GH_NEW(ctx, CANDIDATES, double);
	double	   *candidates = GH_NEW(ctx, (size_t) CANDIDATES * (size_t) d, double);
	gh_status	status;

	*found = false;
	if (by_score == NULL || order == NULL || value == NULL || candidates == NULL)
	{
		status = gh_ctx_status(ctx);
		goto done;
	}
	GH_GOTO(done, gh_argsort_descending(ctx, score, (size_t) n, by_score));
	GH_GOTO(done, fit_process(ctx, tried, score, variance, by_score, n, d, *warm ? hyper : NULL, &gp));
	memcpy(hyper, gp.log_length, (size_t) d * sizeof(double));
	hyper[d] = gp.log_noise;
	*warm = true;
	b = choose_box(tried + (size_t) by_score[0] * (size_t) d, n, d);
	make_candidates(space, &b, tried, by_score, n, seed, candidates);
	GH_GOTO(done, choose(ctx, space, &b, &gp, tried, n, candidates, value, order, x, found));
done:
	gh_gp_free(ctx, &gp);
	gh_free(ctx, by_score);
	gh_free(ctx, order);
	gh_free(ctx, value);
	gh_free(ctx, candidates);
	return status;
}
