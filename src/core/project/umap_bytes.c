/*
 * umap_bytes.c
 *		Bytes of a projection.
 */
#include "project/gh_umap_model.h"

#include "base/gh_container.h"

#include <math.h>
#include <string.h>

#define TAG_PARAMS GH_TAG('P', 'A', 'R', 'M')
#define TAG_SCALE GH_TAG('S', 'C', 'A', 'L')
#define TAG_POINTS GH_TAG('P', 'O', 'I', 'N')
#define TAG_EMBEDDING GH_TAG('E', 'M', 'B', 'E')
#define N_SECTIONS 4

#define PARAMS_SIZE 74
#define COLUMN_SIZE 24
/* Of the container around the sections. */
#define ENVELOPE_SIZE (32 + 24 * N_SECTIONS)

/* Values between two polls. */
#define POLL_EVERY 65536

/* The curve's fit stays within; above, its arithmetic would overflow. */
#define MOST_A 1e300
#define MOST_B 100.0

size_t
gh_umap_model_length(size_t n, int d, int n_components)
{
	size_t		values,
				fixed = ENVELOPE_SIZE + PARAMS_SIZE + (size_t) d * COLUMN_SIZE;

	if (gh_mul_overflow(n, ((size_t) d + (size_t) n_components) * sizeof(float), &values) ||
		gh_add_overflow(values, fixed, &values))
		return SIZE_MAX;
	return values;
}

/* ---- writing ----------------------------------------------------------- */

static void
write_params(gh_writer *w, const gh_umap_model *model)
{
	const gh_umap_params *p = &model->params;

	gh_write_u32(w, (uint32_t) model->n);
	gh_write_u32(w, (uint32_t) model->d);
	gh_write_u32(w, (uint32_t) p->n_neighbors);
	gh_write_u32(w, (uint32_t) p->n_components);
	gh_write_u32(w, (uint32_t) p->n_epochs);
	gh_write_u32(w, (uint32_t) p->negative_sample_rate);
	gh_write_u8(w, (uint8_t) p->init);
	gh_write_u8(w, p->standardize);
	gh_write_u64(w, p->seed);
	gh_write_f64(w, p->min_dist);
	gh_write_f64(w, p->spread);
	gh_write_f64(w, p->learning_rate);
	gh_write_f64(w, model->a);
	gh_write_f64(w, model->b);
}

static gh_status
write_floats(gh_ctx *ctx, gh_writer *w, const float *values, size_t n)
{
	for (size_t begin = 0; begin < n; begin += POLL_EVERY)
	{
		GH_CHECK_STOP(ctx);
		gh_write_f32_array(w, values + begin, n - begin < POLL_EVERY ? n - begin : POLL_EVERY);
	}
	return GH_OK;
}

gh_status
gh_umap_model_write(gh_ctx *ctx, const gh_umap_model *model, uint8_t **bytes, size_t *length)
{
	gh_container_writer writer;
	gh_writer  *w;
	gh_status	status;

	gh_container_begin(&writer, ctx, GH_MODEL_UMAP);
	write_params(gh_container_add(&writer, TAG_PARAMS), model);
	w = gh_container_add(&writer, TAG_SCALE);
	for (int j = 0; j < model->d; j++)
	{
		gh_write_f64(w, model->column[j].factor);
		gh_write_f64(w, model->column[j].mean);
		gh_write_f64(w, model->column[j].sd);
	}
	w = gh_container_add(&writer, TAG_POINTS);
	status = write_floats(ctx, w, model->point, model->n * model->d);
	if (status == GH_OK)
	{
		w = gh_container_add(&writer, TAG_EMBEDDING);
		status = write_floats(ctx, w, model->embedding, model->n * model->params.n_components);
	}
	if (status != GH_OK)
	{
		gh_free(ctx, writer.body.bytes);
		return status;
	}
	return gh_container_finish(&writer, bytes, length);
}

/* ---- reading ----------------------------------------------------------- */

/* A number between least and most; else the reader goes bad. */
static double
read_double(gh_reader *r, double least, double most)
{
	double		value = gh_read_f64(r);

	if (value >= least && value <= most)
		return value;
	gh_reader_reject(r);
	return least;
}

static gh_status
read_params(gh_ctx *ctx, const gh_container *c, gh_umap_model *model)
{
	gh_umap_params *p = &model->params;
	gh_reader	r;
	uint8_t		init,
				standardize;

	GH_TRY(gh_container_section(ctx, c, TAG_PARAMS, &r));
	model->n = (size_t) gh_read_int(&r, 1, INT32_MAX);
	model->d = gh_read_int(&r, 1, INT32_MAX);
	p->n_neighbors = gh_read_int(&r, 2, GH_UMAP_MOST_NEIGHBORS);
	p->n_components = gh_read_int(&r, 1, GH_UMAP_MOST_COMPONENTS);
	p->n_epochs = gh_read_int(&r, 1, GH_UMAP_MOST_EPOCHS);
	p->negative_sample_rate = gh_read_int(&r, 0, GH_UMAP_MOST_NEGATIVE);
	init = gh_read_u8(&r);
	standardize = gh_read_u8(&r);
	if (init > GH_UMAP_RANDOM || standardize > 1)
		gh_reader_reject(&r);
	p->init = (gh_umap_init) init;
	p->standardize = standardize == 1;
	p->seed = gh_read_u64(&r);
	p->min_dist = read_double(&r, 0, GH_UMAP_MOST_SPREAD);
	p->spread = read_double(&r, 0, GH_UMAP_MOST_SPREAD);
	p->learning_rate = read_double(&r, 0, GH_UMAP_MOST_LEARNING_RATE);
	model->a = read_double(&r, 0, MOST_A);
	model->b = read_double(&r, 0, MOST_B);
	if (!gh_reader_at_end(&r))
		return gh_container_reject(ctx, TAG_PARAMS, &r, "a parameter makes no sense");
	return GH_OK;
}

static gh_status
read_scale(gh_ctx *ctx, const gh_container *c, gh_umap_model *model)
{
	gh_reader	r;

	GH_TRY(gh_container_section(ctx, c, TAG_SCALE, &r));
	if (gh_reader_left(&r) != (size_t) model->d * COLUMN_SIZE)
		return gh_container_reject(ctx, TAG_SCALE, &r, "the number of features is not that of the parameters");
	if ((model->column = GH_NEW(ctx, model->d, gh_scale_column)) == NULL)
		return gh_ctx_status(ctx);
	for (int j = 0; j < model->d; j++)
	{
		double		factor = gh_read_f64(&r),
					mean = gh_read_f64(&r),
					sd = gh_read_f64(&r);

		if (!(factor > 0 && isfinite(factor) && isfinite(mean) && sd >= 0 && isfinite(sd)))
			return gh_container_reject(ctx, TAG_SCALE, &r, "the scale of a feature makes no sense");
		model->column[j] = (gh_scale_column) {factor, mean, sd};
	}
	return GH_OK;
}

/* n x width finite numbers, and nothing else, in a new array. */
static gh_status
read_floats(gh_ctx *ctx, const gh_container *c, uint32_t tag, size_t n, size_t width, float **values)
{
	gh_reader	r;
	size_t		size;

	GH_TRY(gh_container_section(ctx, c, tag, &r));
	if (gh_mul_overflow(n, width * sizeof(float), &size) || gh_reader_left(&r) != size)
		return gh_container_reject(ctx, tag, &r, "the number of values is not that of the parameters");
	if ((*values = gh_alloc(ctx, n, width * sizeof(float))) == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < n * width; i++)
	{
		if (i % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		(*values)[i] = gh_read_f32(&r);
		if (!isfinite((*values)[i]))
			return gh_container_reject(ctx, tag, &r, "a value is not a finite number");
	}
	return GH_OK;
}

static gh_status
read_sections(gh_ctx *ctx, const gh_container *c, gh_umap_model *model)
{
	GH_TRY(read_params(ctx, c, model));
	GH_TRY(read_scale(ctx, c, model));
	GH_TRY(read_floats(ctx, c, TAG_POINTS, model->n, (size_t) model->d, &model->point));
	GH_TRY(read_floats(ctx, c, TAG_EMBEDDING, model->n, (size_t) model->params.n_components, &model->embedding));
	if (c->n_sections != N_SECTIONS)
	{
		gh_reader	extra;

		gh_reader_init(&extra, c->section[N_SECTIONS].bytes, c->section[N_SECTIONS].length);
		return gh_container_reject(ctx, c->section[N_SECTIONS].tag, &extra, "the section is unknown");
	}
	return GH_OK;
}

gh_status
gh_umap_model_read(gh_ctx *ctx, const void *bytes, size_t length, gh_umap_model *model)
{
	gh_container c;
	gh_status	status;

	memset(model, 0, sizeof(*model));
	GH_TRY(gh_container_open(ctx, bytes, length, GH_MODEL_UMAP, &c));
	status = read_sections(ctx, &c, model);
	if (status != GH_OK)
		gh_umap_model_free(ctx, model);
	return status;
}
