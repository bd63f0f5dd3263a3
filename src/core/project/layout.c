/*
 * layout.c
 *		UMAP's layout: the epochs, the chunks, and the baseline build.
 */
#include "base/gh_isa.h"
#include "base/gh_random.h"
#include "base/gh_threads.h"

#define GH_LAYOUT_CHUNK gh_layout_chunk_baseline
#include "project/layout_body.h"

/* Vertices per chunk at least, and chunks at most: fixed, whatever the threads. */
#define VERTICES_PER_CHUNK 1024
#define MOST_CHUNKS 64

typedef struct job
{
	gh_layout_epoch epoch;
	gh_layout_chunk chunk;
	size_t		bounds[MOST_CHUNKS + 1];
	size_t		n_chunks;
} job;

static gh_layout_chunk
choose_build(void)
{
#if defined(__x86_64__)
	switch (gh_isa_current())
	{
		case GH_ISA_AVX512:
			return gh_layout_chunk_avx512;
		case GH_ISA_AVX2:
			return gh_layout_chunk_avx2;
		case GH_ISA_SCALAR:
			break;
	}
#endif
	return gh_layout_chunk_baseline;
}

/* Chunks of about equally many edges. */
static void
cut_chunks(job *j, const gh_graph *g)
{
	size_t		n_edges = g->offsets[g->n],
				v = 0;

	j->n_chunks = g->n / VERTICES_PER_CHUNK;
	j->n_chunks = j->n_chunks < 1 ? 1 : j->n_chunks > MOST_CHUNKS ? MOST_CHUNKS : j->n_chunks;
	j->bounds[0] = 0;
	for (size_t c = 1; c < j->n_chunks; c++)
	{
		while (v < g->n && g->offsets[v] < n_edges / j->n_chunks * c)
			v++;
		j->bounds[c] = v;
	}
	j->bounds[j->n_chunks] = g->n;
}

static gh_status
chunk_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	const job  *j = arg;

	(void) worker;
	return j->chunk(ctx, &j->epoch, j->bounds[task], j->bounds[task + 1]);
}

/* umap-learn lowers the step after each epoch, and nothing moves in its first. */
static gh_status
run_epochs(gh_ctx *ctx, job *j, const gh_layout *layout, float *before)
{
	size_t		size = sizeof(float) * j->epoch.graph->n * layout->dim;

	for (int n = 1; n < layout->epochs; n++)
	{
		memcpy(before, j->epoch.now, size);
		j->epoch.time = (float) n;
		j->epoch.time_before = (float) (n - 1);
		j->epoch.alpha = (float) (layout->learning_rate * (1 - (n - 1) / (double) layout->epochs));
		j->epoch.key = gh_random_seed(layout->seed, GH_STREAM_UMAP_NEGATIVE, n);
		GH_TRY(gh_parallel(ctx, j->n_chunks, chunk_task, j));
		gh_tick(ctx, "umap: layout", n, layout->epochs - 1);
	}
	return GH_OK;
}

gh_status
gh_layout_run(gh_ctx *ctx, const gh_graph *graph, const gh_layout *layout, double *y)
{
	job			j = {.chunk = choose_build()};
	size_t		n_values = graph->n * layout->dim;
	float	   *now = GH_NEW(ctx, n_values, float),
			   *before = GH_NEW(ctx, n_values, float);
	gh_status	status = now != NULL && before != NULL ? GH_OK : gh_ctx_status(ctx);

	if (status == GH_OK)
	{
		for (size_t i = 0; i < n_values; i++)
			now[i] = (float) y[i];
		j.epoch = (gh_layout_epoch) {.graph = graph,.before = before,.now = now,.dim = layout->dim,
			.a = (float) layout->a,.b = (float) layout->b,
		.negative_sample_rate = layout->negative_sample_rate};
		cut_chunks(&j, graph);
		status = run_epochs(ctx, &j, layout, before);
	}
	if (status == GH_OK)
	{
		for (size_t i = 0; i < n_values; i++)
			y[i] = now[i];
	}
	gh_free(ctx, now);
	gh_free(ctx, before);
	return status;
}

size_t
gh_layout_memory(size_t n, int dim)
{
	return 2 * n * dim * sizeof(float);
}
