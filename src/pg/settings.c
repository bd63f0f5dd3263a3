/*
 * settings.c
 *		The extension's settings, and the one decision on how many threads run.
 */
#include "gh_pg.h"

#include <sched.h>

#include "access/parallel.h"
#include "utils/guc.h"

/* More than this never helps and would only cost stacks. */
#define MAX_THREADS 256

int			gh_setting_threads = 0;
int			gh_setting_max_threads = 0;
int			gh_setting_progress_interval = 10;

void
gh_settings_define(void)
{
	DefineCustomIntVariable("genre_hier.threads",
							"Number of threads one call of genre_hier may use.",
							"0 uses every processor the server process may run on. Inside a parallel worker it is always 1.",
							&gh_setting_threads, 0, 0, MAX_THREADS,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("genre_hier.max_threads",
							"Most threads one call of genre_hier may use, whatever genre_hier.threads says.",
							"0 sets no cap. Only superusers can change it.",
							&gh_setting_max_threads, 0, 0, MAX_THREADS,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("genre_hier.progress_interval",
							"Seconds between two progress notices of long work.",
							"0 keeps it silent.",
							&gh_setting_progress_interval, 10, 0, 86400,
							PGC_USERSET, GUC_UNIT_S, NULL, NULL, NULL);
	MarkGUCPrefixReserved("genre_hier");
}

/* Processors this process may run on: cpusets and taskset are honoured. */
static int
processors(void)
{
	cpu_set_t	set;

	/* a machine of more than CPU_SETSIZE processors makes the call fail */
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return MAX_THREADS;
	return Min(Max(CPU_COUNT(&set), 1), MAX_THREADS);
}

int
gh_setting_threads_now(void)
{
	int			threads = gh_setting_threads;

	/* the server has divided the processors among the workers already */
	if (IsParallelWorker())
		return 1;
	if (threads == 0)
		threads = processors();
	if (gh_setting_max_threads > 0)
		threads = Min(threads, gh_setting_max_threads);
	return threads;
}
