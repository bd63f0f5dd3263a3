/*
 * plot_hierarchy.c
 *		A stored model's supergenres and genres as a picture.
 */
#include "gh_pg_plot.h"

#include "executor/spi.h"
#include "utils/memutils.h"

#include "draw/gh_hierarchy_chart.h"
#include "gh_pg_model.h"

#define WHAT "plot_hierarchy"

PG_FUNCTION_INFO_V1(genre_hier_plot_hierarchy);

static gh_parsed *
read_model(FunctionCallInfo fcinfo, const char *model, MemoryContext work)
{
	char	   *registry = gh_registry(fcinfo, ACL_SELECT);
	gh_cache	cache = {NULL, 0};
	SPIPlanPtr	plan = NULL;
	gh_registered newest;
	gh_parsed  *parsed;

	SPI_connect();
	gh_registry_newest(registry, model, true, &plan, &newest);
	parsed = gh_cache_get(&cache, work, newest.model, GH_MODEL_HIERARCHY);
	SPI_freeplan(plan);
	SPI_finish();
	return parsed;
}

/* "Supergenres and genres of model NAME" */
static char *
title_of(const char *model)
{
	return psprintf("Supergenres and genres of model \"%s\"", gh_plot_utf8(model));
}

Datum
genre_hier_plot_hierarchy(PG_FUNCTION_ARGS)
{
	gh_args		args = {WHAT, fcinfo, NULL};
	char	   *model = gh_arg_text(&args, 0, "model");
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier plot", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	gh_parsed  *parsed = read_model(fcinfo, model, work);
	gh_ctx	   *ctx = gh_pg_open(work);
	char	   *markup;
	size_t		length;
	text	   *result;

	gh_pg_check(ctx, gh_draw_hierarchy(ctx, &parsed->hierarchy, title_of(model), NULL, &markup, &length));
	MemoryContextSwitchTo(old);
	result = gh_plot_text(ctx, markup, length);
	gh_pg_close(ctx);
	MemoryContextDelete(work);
	PG_RETURN_TEXT_P(result);
}
