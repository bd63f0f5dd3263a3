/*
 * pages.c
 *		Memory of large blocks: pages of their own, straight from the system.
 *
 * They go back when the block is freed, whatever lies around it, and a block
 * that grows keeps its pages under another address: no byte is copied, and
 * there are never two blocks.  Pages are large where the system has such:
 * training reads its records in no order.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* mremap */
#endif

#include "context_private.h"

#include <sys/mman.h>

void *
gh_pages_take(size_t size)
{
	void	   *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		return NULL;
#ifdef MADV_HUGEPAGE
	(void) madvise(pages, size, MADV_HUGEPAGE);
#endif
	return pages;
}

void
gh_pages_give(void *pages, size_t size)
{
	(void) munmap(pages, size);
}

#ifdef MREMAP_MAYMOVE
void *
gh_pages_resize(void *pages, size_t size, size_t wanted)
{
	void	   *moved = mremap(pages, size, wanted, MREMAP_MAYMOVE);

	return moved != MAP_FAILED ? moved : NULL;
}
#else
void *
gh_pages_resize(void *pages, size_t size, size_t wanted)
{
	(void) pages;
	(void) size;
	(void) wanted;
	return NULL;
}
#endif
