/*
 * transform.c
 *		One new point in an existing projection.
 */
#include "project/gh_umap_model.h"

#include "base/gh_random.h"
#include "project/gh_neighbours.h"

#include <math.h>
#include <string.h>

/* Scaled coordinates beyond are as far away as anything: squares stay finite. */
#define FARTHEST 1e30

#define BISECTION_STEPS 64
#define BISECTION_TOLERANCE 1e-5
#define SIGMA_FLOOR 1e-3

#define LEAST_EPOCHS 30
/* Steps are clipped to this on each axis. */
#define MOST_STEP 4.0
/* Squared distances below are the same place. */
#define SAME_PLACE 1e-30
/* Pushes and pulls between two polls. */
#define POLL_EVERY 4096

typedef union double_bits
{
	double		d;
	int64_t		i;
} double_bits;

typedef struct placing
{
	gh_ctx	   *ctx;
	const gh_umap_model *model;
	int			k;
	float	   *scaled;			/* d: the new point */
	double	   *query;			/* d: the same, as the tree takes it */
	uint32_t   *index;			/* k, by distance */
	double	   *distance;		/* k */
	float	   *weight;			/* k, the first is 1 */
	int			n_equal;		/* neighbours at distance 0: the first so many */
	uint64_t	key;
	uint64_t	drawn;			/* random numbers so far */
	gh_random4	block;
	size_t		work;			/* for the polls */
	double		at[GH_UMAP_MOST_COMPONENTS];
} placing;

/*
 * x^power for x > 0, to about 1e-11 of it: 2^(power log2 x), the logarithm by
 * the series of atanh on a mantissa in [sqrt 1/2, sqrt 2), the exponential by
 * Taylor's on [-1/2, 1/2].  Not pow(): its last digits differ between machines.
 */
static double
power_of(double x, double power)
{
	/* 2 / (ln 2 (2i + 1)), and (ln 2)^i / i! */
	static const double log_terms[] = {
		2.8853900817779268, 0.9617966939259757, 0.5770780163555853, 0.41219858311113244, 0.3205988979753252,
		0.2623081892525388, 0.2219530832136867, 0.19235933878519512
	};
	static const double exp_terms[] = {
		1.0, 0.6931471805599453, 0.2402265069591007, 0.055504108664821576, 0.009618129107628477,
		0.0013333558146428441, 0.00015403530393381606, 1.5252733804059838e-05, 1.3215486790144305e-06,
		1.0178086009239696e-07, 7.054911620801121e-09
	};
	double_bits in = {.d = x},
				mantissa,
				scale;
	int64_t		exponent = (in.i - INT64_C(0x3fe6a09e667f3bcd)) >> 52;
	double		s,
				logarithm = 0,
				t,
				whole,
				u,
				fraction = 0;

	mantissa.i = in.i - exponent * (INT64_C(1) << 52);
	s = (mantissa.d - 1) / (mantissa.d + 1);
	for (int i = 7; i >= 0; i--)
		logarithm = logarithm * (s * s) + log_terms[i];
	t = power * (logarithm * s + (double) exponent);
	t = t < -1000 ? -1000 : t > 1000 ? 1000 : t;
	whole = (t + 0x1.8p52) - 0x1.8p52;	/* rounds to an integer */
	u = t - whole;
	for (int i = 10; i >= 0; i--)
		fraction = fraction * u + exp_terms[i];
	scale.i = ((int64_t) whole + 1023) * (INT64_C(1) << 52);
	return scale.d * fraction;
}

static double
clip(double step)
{
	return step < -MOST_STEP ? -MOST_STEP : step > MOST_STEP ? MOST_STEP : step;
}

/* ---- neighbours and weights -------------------------------------------- */

/* Scaled and rounded as the training's points were, so that equal points are equal. */
static gh_status
scale_point(placing *p, const double *features)
{
	const gh_umap_model *m = p->model;

	for (int j = 0; j < m->d; j++)
	{
		double		z;

		if (!isfinite(features[j]))
		{
			gh_fail(p->ctx, GH_EDATA, "a coordinate is not a finite number");
			gh_fail_detail(p->ctx, "Coordinate %d of the point is %f.", j + 1, features[j]);
			return gh_fail_hint(p->ctx, "Leave such points out, or replace the value.");
		}
		z = gh_scale_value(&m->column[j], features[j]);
		z = z < -FARTHEST ? -FARTHEST : z > FARTHEST ? FARTHEST : z;
		p->scaled[j] = (float) z + 0.0f;	/* -0 is 0, for the key */
		p->query[j] = p->scaled[j];
	}
	p->key = gh_random_seed(m->params.seed, gh_hash_bytes(p->scaled, (uint64_t) m->d * sizeof(float)), 0);
	return GH_OK;
}

/* The width of the neighbourhood: see gh_graph_widths; rho is 0 for a new point. */
static double
find_sigma(const double *distance, int k)
{
	double		target = log2(k),
				low = 0,
				high = INFINITY,
				middle = 1,
				mean = 0;

	for (int r = 0; r < k; r++)
		mean += distance[r] / k;
	for (int step = 0; step < BISECTION_STEPS; step++)
	{
		double		sum = 0;

		for (int r = 1; r < k; r++)
			sum += exp(-distance[r] / middle);
		if (fabs(sum - target) < BISECTION_TOLERANCE)
			break;
		if (sum > target)
		{
			high = middle;
			middle = (low + high) / 2;
		}
		else
		{
			low = middle;
			middle = high == INFINITY ? 2 * middle : (low + high) / 2;
		}
	}
	return middle > SIGMA_FLOOR * mean ? middle : SIGMA_FLOOR * mean;
}

static gh_status
find_weights(placing *p)
{
	double		sigma;

	GH_TRY(gh_neighbours_query(p->ctx, &p->model->tree, p->query, p->k, p->index, p->distance));
	GH_CHECK_STOP(p->ctx);
	sigma = find_sigma(p->distance, p->k);
	/* relative to the first, so that points far from all of them have weights, too */
	for (int r = 0; r < p->k; r++)
	{
		double		beyond = p->distance[r] - p->distance[0];

		p->weight[r] = beyond > 0 ? (float) exp(-beyond / sigma) : 1;
		p->n_equal += p->distance[r] == 0;
	}
	return GH_OK;
}

static void
find_start(placing *p)
{
	int			dim = p->model->params.n_components,
				n = p->n_equal > 0 ? 1 : p->k;
	double		total = 0;

	for (int r = 0; r < n; r++)
	{
		const float *y = p->model->embedding + (size_t) p->index[r] * dim;

		for (int c = 0; c < dim; c++)
			p->at[c] += (double) p->weight[r] * y[c];
		total += p->weight[r];
	}
	for (int c = 0; c < dim; c++)
		p->at[c] /= total;
}

/* ---- the layout of one point ------------------------------------------- */

/*
 * delta becomes the way from a resting point.  Returns d2^-b, d2 the squared
 * distance, which *distance2 gets; 0 for the same place.
 */
static double
measure(const placing *p, uint32_t other, double *delta, double *distance2)
{
	int			dim = p->model->params.n_components;
	const float *y = p->model->embedding + (size_t) other * dim;

	*distance2 = 0;
	for (int c = 0; c < dim; c++)
	{
		delta[c] = p->at[c] - y[c];
		*distance2 += delta[c] * delta[c];
	}
	return *distance2 > SAME_PLACE ? power_of(*distance2, -p->model->b) : 0;
}

static void
move(placing *p, const double *delta, double coefficient, double alpha)
{
	for (int c = 0; c < p->model->params.n_components; c++)
		p->at[c] += alpha * clip(coefficient * delta[c]);
}

/* -2ab d2^(b-1) / (1 + a d2^b), as umap-learn has it, in terms of d2^-b. */
static void
pull(placing *p, uint32_t other, double alpha)
{
	double		a = p->model->a,
				b = p->model->b,
				delta[GH_UMAP_MOST_COMPONENTS],
				distance2,
				inverse = measure(p, other, delta, &distance2);

	if (inverse > 0)
		move(p, delta, -2 * a * b / (distance2 * (inverse + a)), alpha);
}

/* 2b / ((0.001 + d2) (1 + a d2^b)), likewise. */
static void
push(placing *p, uint32_t other, double alpha)
{
	double		a = p->model->a,
				b = p->model->b,
				delta[GH_UMAP_MOST_COMPONENTS],
				distance2,
				inverse = measure(p, other, delta, &distance2);

	if (inverse > 0)
		move(p, delta, 2 * b * inverse / ((0.001 + distance2) * (inverse + a)), alpha);
}

/* A random point of the training. */
static uint32_t
draw(placing *p)
{
	uint64_t	n = p->model->n;
	int			part = (int) (p->drawn % 4);

	if (part == 0)
		p->block = gh_random_block(p->key, GH_STREAM_UMAP_TRANSFORM, p->drawn / 4);
	p->drawn++;
	return (uint32_t) (p->block.v[part] * n >> 32);
}

/*
 * A point equal to the new one is not its neighbour but itself: it pushes
 * nothing away.  Those found stand first, by index.
 */
static bool
is_itself(const placing *p, uint32_t other)
{
	int			low = 0,
				high = p->n_equal;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (p->index[middle] < other)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->n_equal && p->index[low] == other;
}

/* An edge acts when the number of times that it was due so far becomes one more. */
static bool
acts(float weight, int epoch)
{
	return (int32_t) ((float) epoch * weight) != (int32_t) ((float) (epoch - 1) * weight);
}

static gh_status
run_epoch(placing *p, int epoch, double alpha)
{
	for (int r = 0; r < p->k; r++)
	{
		if (p->work++ % POLL_EVERY == 0)
			GH_CHECK_STOP(p->ctx);
		if (!acts(p->weight[r], epoch))
			continue;
		pull(p, p->index[r], alpha);
		for (int s = 0; s < p->model->params.negative_sample_rate; s++)
		{
			uint32_t	other = draw(p);

			if (p->work++ % POLL_EVERY == 0)
				GH_CHECK_STOP(p->ctx);
			if (!is_itself(p, other))
				push(p, other, alpha);
		}
	}
	return GH_OK;
}

static gh_status
place(placing *p, const double *features, double *out)
{
	const gh_umap_params *params = &p->model->params;
	int			epochs = params->n_epochs / 3 > LEAST_EPOCHS ? params->n_epochs / 3 : LEAST_EPOCHS;

	GH_TRY(scale_point(p, features));
	GH_TRY(find_weights(p));
	find_start(p);
	for (int epoch = 1; epoch <= epochs; epoch++)
		GH_TRY(run_epoch(p, epoch, params->learning_rate / 4 * (1 - (epoch - 1) / (double) epochs)));
	/* single precision, as the training's points have it */
	for (int c = 0; c < params->n_components; c++)
		out[c] = (float) p->at[c];
	return GH_OK;
}

gh_status
gh_umap_transform(gh_ctx *ctx, const gh_umap_model *model, const double *features, double *out)
{
	int			neighbours = model->params.n_neighbors;
	placing		p = {.ctx = ctx,.model = model};
	gh_status	status;

	p.k = (size_t) neighbours < model->n ? neighbours : (int) model->n;
	if ((p.scaled = GH_NEW(ctx, model->d, float)) == NULL ||
		(p.query = GH_NEW(ctx, model->d, double)) == NULL ||
		(p.index = GH_NEW(ctx, p.k, uint32_t)) == NULL ||
		(p.distance = GH_NEW(ctx, p.k, double)) == NULL ||
		(p.weight = GH_NEW(ctx, p.k, float)) == NULL)
		status = gh_ctx_status(ctx);
	else
		status = place(&p, features, out);
	gh_free(ctx, p.scaled);
	gh_free(ctx, p.query);
	gh_free(ctx, p.index);
	gh_free(ctx, p.distance);
	gh_free(ctx, p.weight);
	return status;
}
