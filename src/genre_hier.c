/*
 * genre_hier.c
 *		Module magic and start: nothing else.
 */
#include "gh_pg.h"

GH_PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	gh_settings_define();
}
