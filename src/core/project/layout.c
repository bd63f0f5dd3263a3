/*
 * layout.c
 *		UMAP's layout: the epochs, the rounds of chunks, and the baseline build.
 */
#include "base/gh_isa.h"
#include "base/gh_random.h"
#include "base/gh_threads.h"
#include "project/layout_cells.h"

#define GH_LAYOUT_BUILD gh_layout_baseline
#include "project/layout_body.h"

/* Points up to which every lane of the blocks has every vertex, so that all are drawn equally often. */
#define SMALL 1024
#define BLOCKS_PER_POLL 4096

typedef struct job
{
	gh_layout_epoch epoch;
	const gh_layout_build *build;
	gh_layout_cells cells;
	float	   *before;		/* what the epoch calls so */
	uint64_t	key;			/* of the epoch's random numbers */
	int			round;			/* which chunks meet */
} job;

static const gh_layout_build *
choose_build(void)
{
#if defined(__x86_64__)
	switch (gh_isa_current())
	{
		case GH_ISA_AVX512:
			return &gh_layout_avx512;
		case GH_ISA_AVX2:
			return &gh_layout_avx2;
		case GH_ISA_SCALAR:
			break;
	}
#endif
	return &gh_layout_baseline;
}

static void
list_sets(uint8_t sets[][GH_LAYOUT_LANES])
{
	memset(sets, 0, (1 << GH_LAYOUT_LANES) * GH_LAYOUT_LANES);
	for (int set = 0; set < 1 << GH_LAYOUT_LANES; set++)
	{
		int			n = 0;

		for (int l = 0; l < GH_LAYOUT_LANES; l++)
		{
			if (set & 1 << l)
				sets[set][n++] = (uint8_t) l;
		}
	}
}

/* Above SMALL every vertex is in one lane, and up to 7 are in two. */
static size_t
count_blocks(size_t n)
{
	return n <= SMALL ? n : (n + GH_LAYOUT_LANES - 1) / GH_LAYOUT_LANES;
}

static gh_status
run_cell_of(gh_ctx *ctx, const job *j, int one, int two)
{
	int			cell = gh_layout_cell(one, two);

	return j->build->cell(ctx, &j->epoch, j->cells.offsets[cell], j->cells.offsets[cell + 1],
						  gh_random_seed(j->key, cell, j->epoch.reverse));
}

static gh_status
chunk_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	(void) worker;
	return run_cell_of(ctx, arg, (int) task, (int) task);
}

/*
 * A tournament: in each of n_chunks - 1 rounds everyone meets someone, and after
 * all of them everyone has met everyone.  The last chunk stays, the others turn.
 */
static gh_status
pair_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	const job  *j = arg;
	int			turning = j->cells.n_chunks - 1;

	(void) worker;
	return run_cell_of(ctx, j, (j->round + (int) task) % turning,
					   task == 0 ? turning : (j->round + turning - (int) task) % turning);
}

/* Every edge that acts, or the reverse of every one. */
static gh_status
run_tournament(gh_ctx *ctx, job *j, bool reverse)
{
	j->epoch.reverse = reverse;
	GH_TRY(gh_parallel(ctx, j->cells.n_chunks, chunk_task, j));
	for (j->round = 0; j->round < j->cells.n_chunks - 1; j->round++)
		GH_TRY(gh_parallel(ctx, j->cells.n_chunks / 2, pair_task, j));
	return GH_OK;
}

/* The part of `before` that belongs to one lane. */
static gh_status
copy_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	const job  *j = arg;
	const gh_layout_epoch *e = &j->epoch;
	size_t		dim = e->dim,
				v = task * ((e->n + GH_LAYOUT_LANES - 1) / GH_LAYOUT_LANES) % e->n;

	(void) worker;
	for (size_t b = 0; b < e->n_blocks; b++)
	{
		if (b % BLOCKS_PER_POLL == 0)
			GH_CHECK_STOP(ctx);
		for (size_t c = 0; c < dim; c++)
			j->before[(b * dim + c) * GH_LAYOUT_LANES + task] = e->now[v * dim + c];
		v = v + 1 < e->n ? v + 1 : 0;
	}
	return GH_OK;
}

/* umap-learn lowers the step after each epoch, and nothing moves in its first. */
static gh_status
run_epochs(gh_ctx *ctx, job *j, const gh_layout *layout)
{
	for (int n = 1; n < layout->epochs; n++)
	{
		GH_TRY(gh_parallel(ctx, GH_LAYOUT_LANES, copy_task, j));
		j->epoch.time = (float) n;
		j->epoch.time_before = (float) (n - 1);
		j->epoch.alpha = (float) (layout->learning_rate * (1 - (n - 1) / (double) layout->epochs));
		j->key = gh_random_seed(layout->seed, GH_STREAM_UMAP_NEGATIVE, n);
		GH_TRY(run_tournament(ctx, j, false));
		GH_TRY(run_tournament(ctx, j, true));
		gh_tick(ctx, "umap: layout", n, layout->epochs - 1);
	}
	return GH_OK;
}

gh_status
gh_layout_run(gh_ctx *ctx, const gh_graph *graph, const gh_layout *layout, double *y)
{
	job			j = {.build = choose_build()};
	size_t		n_values = graph->n * layout->dim;
	size_t		n_blocks = count_blocks(graph->n);
	uint8_t		chosen[1 << GH_LAYOUT_LANES][GH_LAYOUT_LANES];
	float	   *now = GH_NEW(ctx, n_values, float),
			   *before = gh_alloc(ctx, n_blocks, sizeof(float) * GH_LAYOUT_LANES * layout->dim);
	gh_status	status = now != NULL && before != NULL ? GH_OK : gh_ctx_status(ctx);

	if (status == GH_OK)
	{
		for (size_t i = 0; i < n_values; i++)
			now[i] = (float) y[i];
		status = gh_layout_cells_build(ctx, graph, gh_random_seed(layout->seed, GH_STREAM_UMAP_NEGATIVE, 0), &j.cells);
	}
	if (status == GH_OK)
	{
		j.before = before;
		j.epoch = (gh_layout_epoch) {.n = (uint32_t) graph->n,.heads = j.cells.heads,.tails = j.cells.tails,
			.weights = j.cells.weights,.now = now,.before = before,.n_blocks = (uint32_t) n_blocks,
			.dim = layout->dim,.a = (float) layout->a,.b = (float) layout->b,
		.negative_sample_rate = layout->negative_sample_rate,.chosen = (const uint8_t (*)[GH_LAYOUT_LANES]) chosen};
		list_sets(chosen);
		status = run_epochs(ctx, &j, layout);
	}
	if (status == GH_OK)
	{
		for (size_t i = 0; i < n_values; i++)
			y[i] = now[i];
	}
	gh_layout_cells_free(ctx, &j.cells);
	gh_free(ctx, now);
	gh_free(ctx, before);
	return status;
}

size_t
gh_layout_memory(size_t n, size_t n_edges, int dim)
{
	return (n + count_blocks(n) * GH_LAYOUT_LANES) * dim * sizeof(float) + gh_layout_cells_memory(n_edges);
}
