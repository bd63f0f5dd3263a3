/*
 * stop_testing.h
 *		A host that asks to stop after a number of polls.
 */
#ifndef STOP_TESTING_H
#define STOP_TESTING_H

#include <stdbool.h>

/* Set before the call; every poll takes one. */
static int	polls_left;

/* For gh_host.should_stop. */
static inline bool
stop_after_polls(void *arg)
{
	(void) arg;
	return polls_left-- <= 0;
}

#endif							/* STOP_TESTING_H */
