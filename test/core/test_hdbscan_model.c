/*
 * test_hdbscan_model.c
 *		A clustering that is kept: its tree, its clusters, predictions by their
 *		definition, and bytes that are not to be trusted.
 */
#include "cluster_testing.h"

#include "base/gh_container.h"
#include "base/gh_isa.h"
#include "cluster/gh_hdbscan_model.h"

#include <stdio.h>

static char **
make_ids(size_t n)
{
	char	  **ids = malloc((n + 1) * sizeof(char *));

	for (size_t i = 0; i < n; i++)
	{
		ids[i] = malloc(32);
		snprintf(ids[i], 32, "n\xc3\xba%zu", i * 7);
	}
	return ids;
}

static void
free_ids(char **ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(ids[i]);
	free(ids);
}

static gh_hdbscan_model
fit(gh_ctx *ctx, const double *x, size_t n, int d, const gh_hdbscan_params *params)
{
	char	  **ids = make_ids(n);
	gh_hdbscan_model model;

	assert_int_equal(gh_hdbscan_fit(ctx, x, n, d, (const char *const *) ids, params, &model), GH_OK);
	free_ids(ids, n);
	return model;
}

/* ---- the tree and the clusters -------------------------------------------- */

/* Stability by its definition: over the rows of the tree that leave the cluster. */
static double
literal_stability(const gh_hdbscan_model *model, size_t node)
{
	double		birth = 0,
				sum = 0;

	for (size_t i = 0; i < gh_hdbscan_tree_rows(model); i++)
	{
		gh_tree_row row = gh_hdbscan_tree_row(model, i);

		if (row.child == node)
			birth = row.lambda;
	}
	for (size_t i = 0; i < gh_hdbscan_tree_rows(model); i++)
	{
		gh_tree_row row = gh_hdbscan_tree_row(model, i);

		if (row.parent == node)
			sum += (row.lambda - birth) * (double) row.size;
	}
	return sum;
}

/* The selected node that a point is under, or SIZE_MAX. */
static size_t
selected_above(const gh_hdbscan_model *model, const gh_cluster *clusters, int n_clusters, size_t point)
{
	size_t		node = gh_hdbscan_tree_row(model, model->tree->n_clusters - 1 + point).parent;

	for (;;)
	{
		for (int c = 0; c < n_clusters; c++)
			if (clusters[c].node == node)
				return (size_t) c;
		if (node == model->n)
			return SIZE_MAX;
		node = gh_hdbscan_tree_row(model, node - model->n - 1).parent;
	}
}

static void
check_tree(const double *x, size_t n, int d, const gh_hdbscan_params *params)
{
	gh_ctx	   *ctx = open_threads(2);
	gh_hdbscan_model model = fit(ctx, x, n, d, params);
	int32_t    *labels = malloc(n * sizeof(int32_t));
	size_t	   *below = calloc(2 * n + 2, sizeof(size_t));
	gh_cluster *clusters;
	int			n_clusters,
				n_labels;
	double		highest = 0;

	assert_int_equal(gh_hdbscan(ctx, x, n, d, params, labels, NULL, NULL, &n_labels), GH_OK);
	assert_int_equal(gh_hdbscan_clusters(ctx, &model, &clusters, &n_clusters), GH_OK);
	assert_int_equal(n_clusters, n_labels);
	assert_int_equal(gh_hdbscan_count(&model), n_labels);
	for (size_t i = 0; i < gh_hdbscan_tree_rows(&model); i++)
	{
		gh_tree_row row = gh_hdbscan_tree_row(&model, i);

		assert_true(row.parent >= n && (row.child < n || row.child > row.parent));
		assert_true(row.child >= n || row.size == 1);
		below[row.parent] += row.size;
		highest = row.lambda > highest ? row.lambda : highest;
	}
	assert_int_equal(below[n], n);
	for (size_t i = 0; i + n < gh_hdbscan_tree_rows(&model); i++)
	{
		gh_tree_row row = gh_hdbscan_tree_row(&model, i);

		assert_int_equal(below[row.child], row.size);
		assert_true(row.size >= (size_t) params->min_cluster_size);
	}
	for (int c = 0; c < n_clusters; c++)
	{
		size_t		members = 0;
		double		stability = literal_stability(&model, clusters[c].node);

		for (size_t i = 0; i < n; i++)
		{
			members += labels[i] == c;
			if (labels[i] == c)
				assert_int_equal(selected_above(&model, clusters, n_clusters, i), c);
		}
		assert_int_equal(clusters[c].size, members);
		if (isinf(highest) || highest == 0)
			assert_true(clusters[c].persistence == 1);
		else
		{
			assert_true(fabs(clusters[c].stability - stability) <= 1e-9 * stability);
			assert_true(clusters[c].death >= clusters[c].birth);
			/* one that epsilon chose may have been beaten by its children, whose sum it then carries */
			if (params->epsilon == 0)
				assert_true(fabs(clusters[c].persistence - stability / ((double) members * highest)) < 1e-9);
		}
	}
	for (size_t i = 0; i < n; i++)
	{
		char		id[32];

		snprintf(id, sizeof(id), "n\xc3\xba%zu", i * 7);
		assert_string_equal(model.ids + model.id_begin[i], id);
	}
	gh_free(ctx, clusters);
	gh_hdbscan_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(labels);
	free(below);
}

static gh_hdbscan_params
setting(int i)
{
	gh_hdbscan_params params = gh_hdbscan_defaults();

	params.min_cluster_size = i == 3 ? 12 : 5 + i;
	params.min_samples = i == 1 ? 1 : i == 2 ? 17 : 3;
	params.selection = i == 1 ? GH_SELECT_LEAF : GH_SELECT_EOM;
	params.epsilon = i == 3 ? 0.2 : 0;
	params.allow_single_cluster = i == 4;
	params.max_cluster_size = i == 5 ? 60 : 0;
	params.alpha = i == 6 ? 1.3 : 1;
	return params;
}

#define N_SETTINGS 7

static void
tree_and_clusters(void **state)
{
	(void) state;
	for (int kind = 0; kind < N_KINDS; kind++)
	{
		double	   *x = make_points((point_kind) kind, 300, 2, 4);

		for (int i = 0; i < N_SETTINGS; i++)
		{
			gh_hdbscan_params params = setting(i);

			check_tree(x, 300, 2, &params);
		}
		free(x);
	}
}

/* ---- predictions ------------------------------------------------------------ */

typedef struct seen
{
	double		distance;
	size_t		point;
} seen;

static int
compare_seen(const void *a, const void *b)
{
	const seen *x = a,
			   *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return x->point < y->point ? -1 : 1;
}

/* What approximate_predict makes of joining `neighbour` at lambda. */
static void
literal_join(const gh_hdbscan_model *model, const gh_cluster *clusters, int n_clusters, size_t neighbour, double lambda,
			 double threshold, int *label, double *probability)
{
	size_t		splits = gh_hdbscan_tree_rows(model) - model->n;
	gh_tree_row row = gh_hdbscan_tree_row(model, splits + neighbour);
	size_t		node = row.parent;

	if (row.lambda > lambda)
	{
		while (node != model->n && gh_hdbscan_tree_row(model, node - model->n - 1).lambda >= lambda)
			node = gh_hdbscan_tree_row(model, node - model->n - 1).parent;
	}
	*label = GH_NOISE;
	*probability = 0;
	for (;;)
	{
		for (int c = 0; c < n_clusters; c++)
			if (clusters[c].node == node)
				*label = c;
		if (*label != GH_NOISE || node == model->n)
			break;
		node = gh_hdbscan_tree_row(model, node - model->n - 1).parent;
	}
	if (*label == GH_NOISE)
		return;
	if (node == model->n && !(fmin(lambda, row.lambda) >= threshold))
	{
		*label = GH_NOISE;
		return;
	}
	*probability = clusters[*label].death == 0 || isinf(lambda) ? 1 :
		fmin(lambda, clusters[*label].death) / clusters[*label].death;
}

/* The highest lambda at which something leaves the root. */
static double
root_death(const gh_hdbscan_model *model)
{
	double		death = 0;

	for (size_t i = 0; i < gh_hdbscan_tree_rows(model); i++)
	{
		gh_tree_row row = gh_hdbscan_tree_row(model, i);

		if (row.parent == model->n && row.lambda > death)
			death = row.lambda;
	}
	return death;
}

/*
 * One prediction from the distances to all points.  Equal distances leave open
 * which neighbours are seen and which of them is joined: then every choice that
 * there is must lead to the same, or nothing is checked.  Returns whether it was.
 */
static bool
check_prediction(gh_ctx *ctx, gh_hdbscan_model *model, const gh_cluster *clusters, int n_clusters, const double *x,
				 const double *q)
{
	size_t		n = model->n;
	int			d = model->d,
				m = model->params.min_samples,
				label,
				expected = GH_NOISE - 1;
	size_t		k = (size_t) (2 * m) < n ? (size_t) (2 * m) : n;
	seen	   *all = malloc(n * sizeof(seen));
	double		core,
				best = INFINITY,
				probability,
				expected_probability = 0;
	double		threshold = model->params.epsilon > 0 ? 1 / model->params.epsilon : root_death(model);
	bool		clear = true;

	for (size_t i = 0; i < n; i++)
	{
		double		sum = 0;

		for (int j = 0; j < d; j++)
			sum += (x[i * d + j] - q[j]) * (x[i * d + j] - q[j]);
		all[i] = (seen) {sqrt(sum), i};
	}
	qsort(all, n, sizeof(seen), compare_seen);
	core = all[(size_t) m < k ? (size_t) m : k - 1].distance;
	clear = k == n || all[k].distance > all[k - 1].distance;
	for (int pass = 0; pass < 2; pass++)
	{
		for (size_t r = 0; r < k; r++)
		{
			double		mutual = fmax(fmax(core, model->near_core[all[r].point]), all[r].distance / model->params.alpha);
			int			choice;
			double		choice_probability;

			if (pass == 0)
				best = fmin(best, mutual);
			if (pass == 0 || mutual != best)
				continue;
			/* of equal ones the first: only equal distances leave a choice */
			if (expected >= GH_NOISE && all[r].distance > all[r - 1].distance)
				break;
			literal_join(model, clusters, n_clusters, all[r].point, best > 0 ? 1 / best : INFINITY, threshold, &choice,
						 &choice_probability);
			if (expected >= GH_NOISE && (choice != expected || choice_probability != expected_probability))
				clear = false;
			expected = choice;
			expected_probability = choice_probability;
			if (r + 1 < k && all[r + 1].distance > all[r].distance)
				break;
		}
	}
	free(all);
	assert_int_equal(gh_hdbscan_predict(ctx, model, q, &label, &probability), GH_OK);
	if (clear)
	{
		assert_int_equal(label, expected);
		assert_true(probability == expected_probability);
	}
	return clear;
}

static void
check_predictions(point_kind kind, size_t n, int d, const gh_hdbscan_params *params)
{
	gh_ctx	   *ctx = open_threads(1);
	double	   *x = make_points(kind, n, d, 21),
			   *q = make_points(kind, 80, d, 22);
	gh_hdbscan_model model = fit(ctx, x, n, d, params);
	gh_cluster *clusters;
	int			n_clusters,
				checked = 0;

	assert_int_equal(gh_hdbscan_clusters(ctx, &model, &clusters, &n_clusters), GH_OK);
	assert_int_equal(gh_hdbscan_model_prepare(ctx, &model), GH_OK);
	for (size_t i = 0; i < 80; i++)
		checked += check_prediction(ctx, &model, clusters, n_clusters, x, q + i * d);
	/* and the training's own points */
	for (size_t i = 0; i < n; i += 7)
		checked += check_prediction(ctx, &model, clusters, n_clusters, x, x + i * d);
	if (kind == UNIFORM || kind == BLOBS)
		assert_true(checked >= 80);
	gh_free(ctx, clusters);
	gh_hdbscan_model_free(ctx, &model);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(x);
	free(q);
}

static void
predictions_by_definition(void **state)
{
	(void) state;
	for (int kind = 0; kind < N_KINDS; kind++)
	{
		for (int i = 0; i < N_SETTINGS; i++)
		{
			gh_hdbscan_params params = setting(i);

			check_predictions((point_kind) kind, 400, 2, &params);
			check_predictions((point_kind) kind, 90, 1 + 4 * i, &params);
		}
	}
}

/* Far from everything is noise; on a point of the training that has a cluster, that cluster. */
static void
near_and_far(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	gh_hdbscan_params params = gh_hdbscan_defaults();
	double	   *x = make_points(BLOBS, 1500, 2, 9),
				far[2] = {1e6, -1e6},
				bad[2] = {0, NAN};
	int32_t    *labels = malloc(1500 * sizeof(int32_t)),
				label;
	int			n_clusters,
				members = 0;
	double		probability;
	gh_hdbscan_model model;

	(void) state;
	params.min_cluster_size = 40;
	params.min_samples = 8;
	model = fit(ctx, x, 1500, 2, &params);
	assert_int_equal(gh_hdbscan(ctx, x, 1500, 2, &params, labels, NULL, NULL, &n_clusters), GH_OK);
	assert_true(n_clusters >= 3);
	assert_int_equal(gh_hdbscan_model_prepare(ctx, &model), GH_OK);
	assert_int_equal(gh_hdbscan_predict(ctx, &model, far, &label, &probability), GH_OK);
	assert_int_equal(label, GH_NOISE);
	assert_true(probability == 0);
	for (size_t i = 0; i < 1500; i++)
	{
		assert_int_equal(gh_hdbscan_predict(ctx, &model, x + 2 * i, &label, &probability), GH_OK);
		assert_true(probability >= 0 && probability <= 1);
		if (labels[i] == GH_NOISE)
			continue;
		members++;
		assert_int_equal(label, labels[i]);
	}
	assert_true(members > 700);
	assert_int_equal(gh_hdbscan_predict(ctx, &model, bad, &label, &probability), GH_EDATA);
	gh_hdbscan_model_free(ctx, &model);
	gh_ctx_close(ctx);
	free(x);
	free(labels);
}

static void
few_points(void **state)
{
	double		x[6] = {0, 0, 3, 4, 3, 4};
	gh_hdbscan_params params = gh_hdbscan_defaults();

	(void) state;
	params.min_cluster_size = 2;
	for (size_t n = 1; n <= 3; n++)
	{
		gh_ctx	   *ctx = open_threads(1);
		gh_hdbscan_model model = fit(ctx, x, n, 2, &params);
		int32_t		label;
		double		probability;

		assert_int_equal(gh_hdbscan_tree_rows(&model), n);
		assert_int_equal(gh_hdbscan_model_prepare(ctx, &model), GH_OK);
		for (size_t i = 0; i < n; i++)
		{
			assert_int_equal(gh_hdbscan_predict(ctx, &model, x + 2 * i, &label, &probability), GH_OK);
			assert_int_equal(label, GH_NOISE);
		}
		gh_hdbscan_model_free(ctx, &model);
		gh_ctx_close(ctx);
	}
}

/* ---- bytes -------------------------------------------------------------------- */

static gh_hdbscan_params
small_params(void)
{
	gh_hdbscan_params params = gh_hdbscan_defaults();

	params.min_samples = 3;
	params.epsilon = 0.05;
	params.alpha = 1.1;
	params.max_cluster_size = 80;
	return params;
}

static void
small_model(gh_ctx *ctx, int threads, uint8_t **bytes, size_t *length)
{
	double	   *x = make_points(BLOBS, 120, 2, 3);
	gh_hdbscan_params params = small_params();
	gh_ctx	   *fitting = open_threads(threads);
	gh_hdbscan_model model = fit(fitting, x, 120, 2, &params);
	uint8_t    *written;

	assert_int_equal(gh_hdbscan_model_write(fitting, &model, &written, length), GH_OK);
	*bytes = gh_alloc(ctx, *length, 1);
	memcpy(*bytes, written, *length);
	gh_ctx_close(fitting);
	free(x);
}

static void
bytes_there_and_back(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	uint8_t    *bytes,
			   *other,
			   *again;
	size_t		length,
				other_length,
				again_length;
	gh_hdbscan_model model;
	gh_hdbscan_params params = small_params();

	(void) state;
	small_model(ctx, 1, &bytes, &length);
	small_model(ctx, 7, &other, &other_length);
	assert_int_equal(length, other_length);
	assert_memory_equal(bytes, other, length);
	gh_isa_limit(GH_ISA_SCALAR);
	small_model(ctx, 1, &again, &again_length);
	gh_isa_limit(GH_ISA_AVX512);
	assert_memory_equal(bytes, again, length);
	gh_free(ctx, again);

	assert_int_equal(gh_hdbscan_model_read(ctx, bytes, length, &model), GH_OK);
	assert_int_equal(model.n, 120);
	assert_int_equal(model.d, 2);
	assert_int_equal(model.params.min_samples, params.min_samples);
	assert_true(model.params.alpha == params.alpha && model.params.epsilon == params.epsilon);
	assert_int_equal(model.params.max_cluster_size, params.max_cluster_size);
	assert_string_equal(model.ids + model.id_begin[119], "n\xc3\xba" "833");
	assert_int_equal(gh_hdbscan_model_write(ctx, &model, &again, &again_length), GH_OK);
	assert_int_equal(length, again_length);
	assert_memory_equal(bytes, again, length);
	assert_true(length <= gh_hdbscan_model_length(120, 2, model.id_begin[120] - 120, params.min_cluster_size));
	gh_hdbscan_model_free(ctx, &model);
	gh_free(ctx, bytes);
	gh_free(ctx, other);
	gh_free(ctx, again);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

/* Reads, and uses what could be read; nothing may crash, and nothing may be left. */
static gh_status
try_bytes(const uint8_t *bytes, size_t length)
{
	/* a copy of exactly that length, so that a sanitizer sees every read behind it */
	uint8_t    *copy = malloc(length > 0 ? length : 1);
	gh_ctx	   *ctx = open_threads(1);
	gh_hdbscan_model model;
	gh_status	status;

	memcpy(copy, bytes, length);
	status = gh_hdbscan_model_read(ctx, copy, length, &model);
	if (status == GH_OK)
	{
		double		q[2] = {0.1, 0.2};
		int32_t		label;
		double		probability;
		gh_cluster *clusters;
		int			n_clusters;

		assert_int_equal(gh_hdbscan_clusters(ctx, &model, &clusters, &n_clusters), GH_OK);
		gh_free(ctx, clusters);
		for (size_t i = 0; i < gh_hdbscan_tree_rows(&model); i++)
			(void) gh_hdbscan_tree_row(&model, i);
		assert_int_equal(gh_hdbscan_model_prepare(ctx, &model), GH_OK);
		if (model.d == 2)
		{
			assert_int_equal(gh_hdbscan_predict(ctx, &model, q, &label, &probability), GH_OK);
			assert_true(label >= GH_NOISE && label < n_clusters);
		}
		gh_hdbscan_model_free(ctx, &model);
	}
	else
		assert_int_equal(status, GH_ECORRUPT);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	free(copy);
	return status;
}

static void
sign(uint8_t *bytes, size_t length)
{
	uint32_t	crc = gh_crc32c(bytes + 16, length - 16);

	for (int i = 0; i < 4; i++)
		bytes[12 + i] = (uint8_t) (crc >> (8 * i));
}

static void
damaged_bytes(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	uint8_t    *bytes,
			   *changed;
	size_t		length,
				accepted = 0;

	(void) state;
	small_model(ctx, 1, &bytes, &length);
	changed = gh_alloc(ctx, length, 1);
	for (size_t cut = 0; cut < length; cut += cut < 300 ? 1 : 37)
		assert_int_equal(try_bytes(bytes, cut), GH_ECORRUPT);
	/* a flipped bit is found by the checksum, or, when that is made good, by the parser or by nobody */
	for (size_t at = 0; at < length; at += at < 300 ? 1 : 5)
	{
		memcpy(changed, bytes, length);
		changed[at] ^= (uint8_t) (1 << (at % 8));
		assert_int_equal(try_bytes(changed, length), GH_ECORRUPT);
		sign(changed, length);
		accepted += try_bytes(changed, length) == GH_OK;
		changed[at] = 0xFF;
		sign(changed, length);
		(void) try_bytes(changed, length);
	}
	assert_true(accepted > 0);
	gh_ctx_close(ctx);
}

/* ---- manners -------------------------------------------------------------------- */

typedef struct call
{
	double	   *x;
	size_t		n;
	char	  **ids;
	gh_hdbscan_params params;
} call;

static gh_status
run_call(gh_ctx *ctx, void *arg)
{
	call	   *c = arg;
	gh_hdbscan_model model,
				read;
	uint8_t    *bytes;
	size_t		length;
	int32_t		label;
	double		probability;
	gh_status	status;

	GH_TRY(gh_hdbscan_fit(ctx, c->x, c->n, 2, (const char *const *) c->ids, &c->params, &model));
	status = gh_hdbscan_model_write(ctx, &model, &bytes, &length);
	gh_hdbscan_model_free(ctx, &model);
	GH_TRY(status);
	status = gh_hdbscan_model_read(ctx, bytes, length, &read);
	gh_free(ctx, bytes);
	GH_TRY(status);
	status = gh_hdbscan_model_prepare(ctx, &read);
	if (status == GH_OK)
		status = gh_hdbscan_predict(ctx, &read, c->x, &label, &probability);
	gh_hdbscan_model_free(ctx, &read);
	return status;
}

static call
open_call(size_t n)
{
	call		c = {make_points(BLOBS, n, 2, 5), n, make_ids(n), gh_hdbscan_defaults()};

	return c;
}

static void
close_call(call *c)
{
	free(c->x);
	free_ids(c->ids, c->n);
}

static void
cancel_anywhere(void **state)
{
	call		c = open_call(3000);

	(void) state;
	check_cancel(run_call, &c, 1);
	check_cancel(run_call, &c, 3);
	close_call(&c);
}

static void
allocation_failures(void **state)
{
	call		c = open_call(200);

	(void) state;
	check_allocations(run_call, &c);
	close_call(&c);
}

static void
memory_is_estimated(void **state)
{
	call		c = open_call(20000);
	size_t		id_bytes = 0;

	(void) state;
	for (size_t i = 0; i < c.n; i++)
		id_bytes += strlen(c.ids[i]);
	check_memory(run_call, &c, gh_hdbscan_fit_memory(c.n, 2, id_bytes, &c.params));
	close_call(&c);
}

static void
bad_points(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	gh_hdbscan_params params = gh_hdbscan_defaults();
	gh_hdbscan_model model;
	double		x[2] = {0, INFINITY};
	const char *const ids[] = {"a", "b"};

	(void) state;
	assert_int_equal(gh_hdbscan_fit(ctx, x, 0, 1, ids, &params, &model), GH_EDATA);
	gh_ctx_close(ctx);
	ctx = open_threads(1);
	assert_int_equal(gh_hdbscan_fit(ctx, x, 2, 1, ids, &params, &model), GH_EDATA);
	gh_ctx_close(ctx);
	ctx = open_threads(1);
	params.min_cluster_size = 1;
	assert_int_equal(gh_hdbscan_fit(ctx, x, 1, 1, ids, &params, &model), GH_EINVAL);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_and_clusters),
		cmocka_unit_test(predictions_by_definition),
		cmocka_unit_test(near_and_far),
		cmocka_unit_test(few_points),
		cmocka_unit_test(bytes_there_and_back),
		cmocka_unit_test(damaged_bytes),
		cmocka_unit_test(cancel_anywhere),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(memory_is_estimated),
		cmocka_unit_test(bad_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
