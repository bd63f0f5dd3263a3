/*
 * split.c
 *		Weights, gains and the search for the best split of a node.
 *
 * Chen and Guestrin, https://arxiv.org/abs/1603.02754, equations 5 to 7 and
 * algorithm 3 (missing values).  The roundings to float stand where XGBoost
 * 3.2's histogram method has them, and a candidate replaces the best only when
 * it is strictly better, so ties go to the lower feature, then the lower cut
 * with missing values to the right.  Checked against its trees by
 * test/bench/boost.py.
 */
#include <math.h>

#include "learn/gains.h"

/* sign(g) max(|g| - alpha, 0) */
static inline double
soften(double g, float alpha)
{
	if (g > alpha)
		return g - alpha;
	if (g < -alpha)
		return g + alpha;
	return 0.0;
}

static inline bool
is_bounded(const gh_rates *rates)
{
	return rates->monotone != NULL || rates->max_delta_step != 0.0f;
}

static float
weight_of(const gh_rates *rates, double g, double h, float lower, float upper)
{
	double		w;
	float		result;

	if (h < rates->min_child_weight || h <= 0.0)
		w = 0.0;
	else
	{
		w = -soften(g, rates->alpha) / (h + rates->lambda);
		if (rates->max_delta_step != 0.0f && fabs(w) > rates->max_delta_step)
			w = copysign(rates->max_delta_step, w);
	}
	result = (float) w;
	if (result < lower)
		return lower;
	return result > upper ? upper : result;
}

/* What a side with weight w gains; float throughout, as in XGBoost. */
static inline float
bounded_score(const gh_rates *rates, double g, double h, float w)
{
	float		gf = (float) g,
				hf = (float) h;

	if (h <= 0.0)
		return 0.0f;
	return -(2.0f * gf * w + (hf + rates->lambda) * (w * w));
}

static inline float
free_score(const gh_rates *rates, double g, double h)
{
	double		t = soften(g, rates->alpha);

	return h <= 0.0 ? 0.0f : (float) (t * t / (h + rates->lambda));
}

float
gh_split_weight(const gh_rates *rates, gh_sum sum, float lower, float upper)
{
	return weight_of(rates, (double) sum.g * rates->unit, (double) sum.h * rates->unit, lower, upper);
}

void
gh_split_weigh(const gh_rates *rates, gh_grown *node)
{
	double		g = (double) node->total.g * rates->unit,
				h = (double) node->total.h * rates->unit;

	node->weight = weight_of(rates, g, h, node->lower, node->upper);
	node->score = is_bounded(rates) ? bounded_score(rates, g, h, node->weight) : free_score(rates, g, h);
}

/* Gain of splitting a node into these two sides within bounds; -inf when they break the feature's constraint. */
static float
bounded_gain(const gh_rates *rates, const gh_grown *node, int feature, double gl, double hl, double gr, double hr)
{
	int			constraint = rates->monotone != NULL ? rates->monotone[feature] : 0;
	float		wl = weight_of(rates, gl, hl, node->lower, node->upper),
				wr = weight_of(rates, gr, hr, node->lower, node->upper);

	if ((constraint > 0 && wl > wr) || (constraint < 0 && wl < wr))
		return -INFINITY;
	return bounded_score(rates, gl, hl, wl) + bounded_score(rates, gr, hr, wr) - node->score;
}

typedef struct search
{
	const gh_rates *rates;
	gh_grown   *node;
	int64_t		least;			/* smallest sum of hessians a side may have */
	gh_gain_kernel kernel;
	gh_candidates candidates;
	float		gain[256];
} search;

/* A candidate when both sides have hessian enough; `side`: what was added up, `bin`: codes up to it go left. */
static inline void
add_candidate(search *s, int bin, gh_sum side, gh_sum other, bool side_is_left)
{
	gh_candidates *c = &s->candidates;
	int			i = c->n;
	double		unit = s->rates->unit,
				g = (double) side.g * unit,
				h = (double) side.h * unit,
				other_g = (double) other.g * unit,
				other_h = (double) other.h * unit;

	c->bin[i] = (int16_t) bin;
	c->sum[i] = side;
	c->left_g[i] = side_is_left ? g : other_g;
	c->left_h[i] = side_is_left ? h : other_h;
	c->right_g[i] = side_is_left ? other_g : g;
	c->right_h[i] = side_is_left ? other_h : h;
	c->n += side.h >= s->least && other.h >= s->least;
}

/* The first of the best candidates, when it is better than what there is. */
static void
choose(search *s, int feature, bool default_left)
{
	const gh_candidates *c = &s->candidates;
	gh_split   *best = &s->node->split;

	if (!is_bounded(s->rates))
		s->kernel(c, s->rates->alpha, s->rates->lambda, s->node->score, s->gain);
	else
		for (int i = 0; i < c->n; i++)
			s->gain[i] = bounded_gain(s->rates, s->node, feature, c->left_g[i], c->left_h[i], c->right_g[i],
									  c->right_h[i]);
	for (int i = 0; i < c->n; i++)
		if (s->gain[i] > best->gain && isfinite(s->gain[i]))
			*best = (gh_split) {s->gain[i], feature, c->bin[i], default_left,
				default_left ? gh_sum_subtract(s->node->total, c->sum[i]) : c->sum[i]};
}

/* Missing values to the right; returns the sums of the values that are there. */
static gh_sum
scan_forward(search *s, int feature, const gh_sum *bin, int n_bins, bool last_cut_usable)
{
	gh_sum		left = {0, 0};

	s->candidates.n = 0;
	for (int b = 0; b < n_bins; b++)
	{
		/* an empty bin changes nothing, so its cut cannot be strictly better */
		if (bin[b].g == 0 && bin[b].h == 0)
			continue;
		left = gh_sum_add(left, bin[b]);
		if (b < n_bins - 1 || last_cut_usable)
			add_candidate(s, b, left, gh_sum_subtract(s->node->total, left), true);
	}
	choose(s, feature, false);
	return left;
}

/* Missing values to the left. */
static void
scan_backward(search *s, int feature, const gh_sum *bin, int n_bins)
{
	gh_sum		right = {0, 0};

	s->candidates.n = 0;
	for (int b = n_bins - 1; b >= 0; b--)
	{
		if (bin[b].g == 0 && bin[b].h == 0)
			continue;
		right = gh_sum_add(right, bin[b]);
		add_candidate(s, b - 1, right, gh_sum_subtract(s->node->total, right), false);
	}
	choose(s, feature, true);
}

/* The smallest fixed-point number that is above 0 and at least min_child_weight. */
static int64_t
least_hessian(const gh_rates *rates)
{
	double		least = ceil(rates->min_child_weight / rates->unit);

	if (least < 1.0)
		return 1;
	return least > 0x1p62 ? INT64_MAX : (int64_t) least;
}

void
gh_split_find(const gh_rates *rates, const gh_bins *bins, const gh_sum *histogram, const uint32_t *offset,
			  const uint16_t *features, int n, gh_grown *node)
{
	search		s;

	s.rates = rates;
	s.node = node;
	s.least = least_hessian(rates);
	s.kernel = gh_gain_kernel_get();
	node->split = (gh_split) {0};
	for (int i = 0; i < n; i++)
	{
		int			f = features[i],
					n_bins = (int) (bins->cut_begin[f + 1] - bins->cut_begin[f]);
		const gh_sum *bin = histogram + offset[f];
		gh_sum		present;

		/* nothing is above a last cut that could not be put above the largest float */
		present = scan_forward(&s, f, bin, n_bins, bins->cuts[bins->cut_begin[f + 1] - 1] < 0x1.fffffep127f);
		if (present.g != node->total.g || present.h != node->total.h)
			scan_backward(&s, f, bin, n_bins);
	}
}
