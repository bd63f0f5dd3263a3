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

#include "learn/boost_private.h"

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

/* Gain of splitting a node into these two sides; -inf when they break the feature's constraint. */
static float
split_gain(const gh_rates *rates, const gh_grown *node, int feature, gh_sum left, gh_sum right)
{
	double		gl = (double) left.g * rates->unit,
				hl = (double) left.h * rates->unit,
				gr = (double) right.g * rates->unit,
				hr = (double) right.h * rates->unit;
	int			constraint = rates->monotone != NULL ? rates->monotone[feature] : 0;
	float		wl,
				wr;

	if (!is_bounded(rates))
		return free_score(rates, gl, hl) + free_score(rates, gr, hr) - node->score;
	wl = weight_of(rates, gl, hl, node->lower, node->upper);
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
} search;

static inline void
consider(const search *s, int feature, int bin, bool default_left, gh_sum left, gh_sum right)
{
	gh_split   *best = &s->node->split;
	float		gain;

	if (left.h < s->least || right.h < s->least)
		return;
	gain = split_gain(s->rates, s->node, feature, left, right);
	if (gain > best->gain && isfinite(gain))
		*best = (gh_split) {gain, feature, bin, default_left, left};
}

/* Missing values to the right; returns the sums of the values that are there. */
static gh_sum
scan_forward(const search *s, int feature, const gh_sum *bin, int n_bins, bool last_cut_usable)
{
	gh_sum		left = {0, 0};

	for (int b = 0; b < n_bins; b++)
	{
		/* an empty bin changes nothing, so its cut cannot be strictly better */
		if (bin[b].g == 0 && bin[b].h == 0)
			continue;
		left = gh_sum_add(left, bin[b]);
		if (b < n_bins - 1 || last_cut_usable)
			consider(s, feature, b, false, left, gh_sum_subtract(s->node->total, left));
	}
	return left;
}

/* Missing values to the left. */
static void
scan_backward(const search *s, int feature, const gh_sum *bin, int n_bins)
{
	gh_sum		right = {0, 0};

	for (int b = n_bins - 1; b >= 0; b--)
	{
		if (bin[b].g == 0 && bin[b].h == 0)
			continue;
		right = gh_sum_add(right, bin[b]);
		consider(s, feature, b - 1, true, gh_sum_subtract(s->node->total, right), right);
	}
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
	search		s = {rates, node, least_hessian(rates)};

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
