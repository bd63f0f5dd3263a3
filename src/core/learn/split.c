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
#include <string.h>

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

int64_t
gh_split_least_hessian(double min_child_weight, double unit)
{
	double		least = ceil(min_child_weight / unit);

	if (least < 1.0)
		return 1;
	return least > 0x1p61 ? INT64_MAX / 2 : (int64_t) least;
}

bool
gh_split_possible(const gh_rates *rates, const gh_grown *node)
{
	return node->total.h / 2 >= rates->least_hessian;
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

/* One feature of a node at a time. */
typedef struct search
{
	const gh_rates *rates;
	gh_grown   *node;
	gh_whole	whole;
	gh_gain_kernel kernel;
	gh_candidates up;			/* what is added up from the lowest code; missing values go right */
	gh_candidates down;			/* from the highest; missing values go left */
	float		gain[GH_MOST_CANDIDATES];
} search;

static void
begin_search(search *s, const gh_rates *rates, gh_grown *node)
{
	s->rates = rates;
	s->node = node;
	s->whole = (gh_whole) {node->total, rates->unit, rates->alpha, rates->lambda, node->score};
	s->kernel = gh_gain_kernel_get();
	node->split = (gh_split) {0};
}

static float
bounded_gains(const search *s, int feature, const gh_candidates *c, int begin, int n, bool left, float *gain)
{
	const gh_whole *w = &s->whole;
	float		most = -INFINITY;

	for (int i = 0; i < n; i++)
	{
		double		g = (double) c->g[begin + i] * w->unit,
					h = (double) c->h[begin + i] * w->unit,
					other_g = (double) (w->total.g - c->g[begin + i]) * w->unit,
					other_h = (double) (w->total.h - c->h[begin + i]) * w->unit,
					both = left ? bounded_gain(s->rates, s->node, feature, g, h, other_g, other_h) :
			bounded_gain(s->rates, s->node, feature, other_g, other_h, g, h);

		gain[i] = isfinite(both) ? (float) both : -INFINITY;
		most = gain[i] > most ? gain[i] : most;
	}
	return most;
}

/* The first of the best candidates, when it is better than what there is. */
static void
choose(search *s, int feature, const gh_candidates *c, bool default_left)
{
	gh_split   *best = &s->node->split;
	int			begin = 0,
				end = c->n;
	float		most;
	gh_sum		side;

	/* hessians are not negative, so those with enough on both sides stand together */
	while (begin < end && c->h[begin] < s->rates->least_hessian)
		begin++;
	while (end > begin && s->whole.total.h - c->h[end - 1] < s->rates->least_hessian)
		end--;
	most = is_bounded(s->rates) ? bounded_gains(s, feature, c, begin, end - begin, !default_left, s->gain) :
		s->kernel(c, begin, end - begin, &s->whole, s->gain);
	if (!(most > best->gain))
		return;
	for (int i = begin;; i++)
		if (s->gain[i - begin] == most)
		{
			side = (gh_sum) {c->g[i], c->h[i]};
			*best = (gh_split) {most, feature, c->bin[i], default_left,
				default_left ? gh_sum_subtract(s->whole.total, side) : side};
			return;
		}
}

/* The sums of the values that are there, from s->up; an empty bin has no candidate, as its cut cannot be strictly better. */
static gh_sum
present(const search *s)
{
	int			n = s->up.n;

	return n > 0 ? (gh_sum) {s->up.g[n - 1], s->up.h[n - 1]} : (gh_sum) {0, 0};
}

/* The best split of the feature whose bins are added up in s->up. */
static void
search_feature(search *s, const gh_bins *bins, int feature)
{
	gh_sum		all = present(s);
	int			n = s->up.n,
				last = (int) (bins->cut_begin[feature + 1] - bins->cut_begin[feature]) - 1;

	/* nothing is above a last cut that could not be put above the largest float */
	if (n > 0 && s->up.bin[n - 1] == last && !(bins->cuts[bins->cut_begin[feature + 1] - 1] < 0x1.fffffep127f))
		s->up.n--;
	choose(s, feature, &s->up, false);
	if (all.g == s->whole.total.g && all.h == s->whole.total.h)
		return;
	for (int i = 0; i < n; i++)
	{
		int			from = n - 1 - i;

		s->down.bin[i] = s->up.bin[from] - 1;
		s->down.g[i] = all.g - (from > 0 ? s->up.g[from - 1] : 0);
		s->down.h[i] = all.h - (from > 0 ? s->up.h[from - 1] : 0);
	}
	s->down.n = n;
	choose(s, feature, &s->down, true);
}

/* ---- from a histogram -------------------------------------------------- */

static void
add_up_bins(gh_candidates *up, const gh_sum *bin, int n_bins)
{
	gh_sum		left = {0, 0};
	int			n = 0;

	for (int b = 0; b < n_bins; b++)
	{
		left = gh_sum_add(left, bin[b]);
		up->bin[n] = (int16_t) b;
		up->g[n] = left.g;
		up->h[n] = left.h;
		n += (bin[b].g | bin[b].h) != 0;
	}
	up->n = n;
}

void
gh_split_find(const gh_rates *rates, const gh_bins *bins, const gh_sum *histogram, const uint32_t *offset,
			  const uint16_t *features, int n, gh_grown *node)
{
	search		s;

	begin_search(&s, rates, node);
	for (int i = 0; i < n; i++)
	{
		int			f = features[i];

		add_up_bins(&s.up, histogram + offset[f], (int) (bins->cut_begin[f + 1] - bins->cut_begin[f]));
		search_feature(&s, bins, f);
	}
}

/* ---- from a few rows --------------------------------------------------- */

/* Sums of the rows by code of one feature; a row without a value goes to a place behind all codes. */
static void
add_rows(gh_few *few, const gh_bins *bins, int feature)
{
	const uint8_t *code = few->record + feature,
			   *missing = few->record + bins->miss_column[feature];
	const size_t size = few->size;
	bool		apart = bins->miss_column[feature] != feature;

	for (size_t i = 0; i < few->n; i++)
	{
		int			at = apart && missing[i * size] == 1 ? 256 : code[i * size];

		few->sum[at] = gh_sum_add(few->sum[at], few->gradient[i]);
		few->seen[at] = 1;
	}
}

/* Which of eight codes were seen, a bit each; none is any more. */
static inline uint32_t
take_seen(uint8_t *seen)
{
	uint64_t	bytes;

	memcpy(&bytes, seen, sizeof(bytes));
	memset(seen, 0, sizeof(bytes));
	/* every byte is 0 or 1, and the product brings byte i to bit 56 + i */
	return (uint32_t) ((bytes * UINT64_C(0x0102040810204080)) >> 56);
}

/* As add_up_bins(); leaves the sums empty for the next feature. */
static void
add_up_rows(gh_candidates *up, gh_few *few, int n_bins)
{
	gh_sum		left = {0, 0};
	int			n = 0;

	for (int first = 0; first < n_bins; first += 8)
		for (uint32_t bits = take_seen(few->seen + first); bits != 0; bits &= bits - 1)
		{
			int			b = first + __builtin_ctz(bits);
			gh_sum		sum = few->sum[b];

			few->sum[b] = (gh_sum) {0, 0};
			left = gh_sum_add(left, sum);
			up->bin[n] = (int16_t) b;
			up->g[n] = left.g;
			up->h[n] = left.h;
			n += b < n_bins && (sum.g | sum.h) != 0;
		}
	/* behind the bins: missing values */
	few->sum[255] = few->sum[256] = (gh_sum) {0, 0};
	few->seen[255] = 0;
	up->n = n;
}

void
gh_split_find_few(const gh_rates *rates, const gh_bins *bins, gh_few *few, const uint16_t *features, int n,
				  gh_grown *node)
{
	search		s;

	begin_search(&s, rates, node);
	for (int i = 0; i < n; i++)
	{
		int			f = features[i];

		add_rows(few, bins, f);
		add_up_rows(&s.up, few, (int) (bins->cut_begin[f + 1] - bins->cut_begin[f]));
		search_feature(&s, bins, f);
	}
}
