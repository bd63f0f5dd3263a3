/*
 * layout.c
 *		UMAP's layout: the epochs, the chunks, and the baseline build.
 */
#include "base/gh_isa.h"
#include "base/gh_random.h"
#include "base/gh_threads.h"

#define GH_LAYOUT_BUILD gh_layout_baseline
#include "project/layout_body.h"

/* Vertices per chunk at least, and chunks at most: fixed, whatever the threads. */
#define VERTICES_PER_CHUNK 1024
#define MOST_CHUNKS 32
#define MOST_PAIRS (MOST_CHUNKS * (MOST_CHUNKS - 1) / 2)
#define EDGES_PER_POLL 65536

typedef struct job
{
	gh_layout_epoch epoch;
	const gh_layout_build *build;
	int			n_chunks;		/* 1, or even */
	gh_layout_range ranges[MOST_CHUNKS];
	gh_layout_bridge *bridges;	/* by pair of chunks */
	size_t		pair_offsets[MOST_PAIRS + 1];
	int			round;			/* which pairs meet */
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

/* Chunks of about equally many edges. */
static void
cut_chunks(job *j, const gh_graph *g)
{
	size_t		n_chunks = g->n / VERTICES_PER_CHUNK / 2 * 2,
				v = 0;

	j->n_chunks = n_chunks < 2 ? 1 : n_chunks > MOST_CHUNKS ? MOST_CHUNKS : (int) n_chunks;
	for (int c = 0; c < j->n_chunks; c++)
	{
		size_t		goal = g->offsets[g->n] / j->n_chunks * (c + 1);

		j->ranges[c].begin = v;
		while (v < g->n && (c == j->n_chunks - 1 || g->offsets[v] < goal))
			v++;
		j->ranges[c].end = v;
	}
}

/* The place of the pair (low, high) in pair_offsets. */
static int
pair_of(int low, int high)
{
	return high * (high - 1) / 2 + low;
}

/* Counts the edges of each pair of chunks, or puts them where the counts say. */
static gh_status
sort_bridges(gh_ctx *ctx, job *j, size_t *counts)
{
	const gh_graph *g = j->epoch.graph;

	for (int low = 0; low < j->n_chunks; low++)
	{
		for (size_t v = j->ranges[low].begin; v < j->ranges[low].end; v++)
		{
			int			high = low;

			if (v % (EDGES_PER_POLL / 64) == 0)
				GH_CHECK_STOP(ctx);
			/* columns ascend, so the chunk only moves up */
			for (size_t e = g->offsets[v]; e < g->offsets[v + 1]; e++)
			{
				size_t		at;

				if (g->columns[e] < j->ranges[low].end)
					continue;
				while (g->columns[e] >= j->ranges[high].end)
					high++;
				at = counts[pair_of(low, high)]++;
				if (j->bridges != NULL)
					j->bridges[at] = (gh_layout_bridge) {(uint32_t) v, g->columns[e], g->weights[e]};
			}
		}
	}
	return GH_OK;
}

static gh_status
collect_bridges(gh_ctx *ctx, job *j)
{
	int			n_pairs = j->n_chunks * (j->n_chunks - 1) / 2;
	size_t		counts[MOST_PAIRS + 1] = {0};

	GH_TRY(sort_bridges(ctx, j, counts));
	for (int pair = 0; pair < n_pairs; pair++)
	{
		j->pair_offsets[pair + 1] = j->pair_offsets[pair] + counts[pair];
		counts[pair] = j->pair_offsets[pair];
	}
	j->bridges = GH_NEW(ctx, j->pair_offsets[n_pairs], gh_layout_bridge);
	if (j->bridges == NULL)
		return gh_ctx_status(ctx);
	return sort_bridges(ctx, j, counts);
}

static gh_status
chunk_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	const job  *j = arg;

	(void) worker;
	return j->build->chunk(ctx, &j->epoch, &j->ranges[task]);
}

/*
 * A tournament: in each of n_chunks - 1 rounds everyone meets someone, and after
 * all of them everyone has met everyone.  The last chunk stays, the others turn.
 */
static gh_status
pair_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	const job  *j = arg;
	int			turning = j->n_chunks - 1,
				one = (j->round + (int) task) % turning,
				two = task == 0 ? turning : (j->round + turning - (int) task) % turning;
	int			pair = one < two ? pair_of(one, two) : pair_of(two, one);

	(void) worker;
	return j->build->bridges(ctx, &j->epoch, j->bridges + j->pair_offsets[pair],
							 j->pair_offsets[pair + 1] - j->pair_offsets[pair]);
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
		for (j->round = 0; j->round < j->n_chunks - 1; j->round++)
			GH_TRY(gh_parallel(ctx, j->n_chunks / 2, pair_task, j));
		gh_tick(ctx, "umap: layout", n, layout->epochs - 1);
	}
	return GH_OK;
}

gh_status
gh_layout_run(gh_ctx *ctx, const gh_graph *graph, const gh_layout *layout, double *y)
{
	job			j = {.build = choose_build()};
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
		status = collect_bridges(ctx, &j);
	}
	if (status == GH_OK)
		status = run_epochs(ctx, &j, layout, before);
	if (status == GH_OK)
	{
		for (size_t i = 0; i < n_values; i++)
			y[i] = now[i];
	}
	gh_free(ctx, now);
	gh_free(ctx, before);
	gh_free(ctx, j.bridges);
	return status;
}

size_t
gh_layout_memory(size_t n, size_t n_edges, int dim)
{
	return 2 * n * dim * sizeof(float) + n_edges / 2 * sizeof(gh_layout_bridge);
}
