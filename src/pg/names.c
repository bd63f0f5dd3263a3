/*
 * names.c
 *		Strings (ids, genres, groups) as dense numbers.
 */
#include "gh_pg_model.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define BLOCK_SIZE (Size) (64 * 1024)

typedef struct names_entry
{
	const char *name;
	uint32		number;
	char		status;			/* of the hash table */
} names_entry;

#define SH_PREFIX names
#define SH_ELEMENT_TYPE names_entry
#define SH_KEY_TYPE const char *
#define SH_KEY name
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key), (int) strlen(key))
#define SH_EQUAL(table, a, b) (strcmp(a, b) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
/* The header's own code hides a variable by another. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include "lib/simplehash.h"
#pragma GCC diagnostic pop

struct gh_names_table
{
	names_hash *hash;
};

gh_names *
gh_names_make(void)
{
	gh_names   *names = palloc0(sizeof(gh_names));

	names->context = CurrentMemoryContext;
	names->table = palloc(sizeof(struct gh_names_table));
	names->table->hash = names_create(names->context, 256, NULL);
	return names;
}

/* The string, NUL-terminated, where the next one would be stored. */
static char *
candidate(gh_names *names, const char *string, Size length)
{
	if (names->left < length + 1)
	{
		names->left = Max(BLOCK_SIZE, length + 1);
		names->block = MemoryContextAlloc(names->context, names->left);
	}
	memcpy(names->block, string, length);
	names->block[length] = '\0';
	return names->block;
}

uint32
gh_names_add(gh_names *names, const char *string, Size length)
{
	char	   *name = candidate(names, string, length);
	bool		found;
	names_entry *entry = names_insert(names->table->hash, name, &found);

	if (found)
		return entry->number;
	if (names->n == PG_UINT32_MAX - 1)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %u different names", PG_UINT32_MAX - 1)));
	names->block += length + 1;
	names->left -= length + 1;
	if (names->n == names->capacity)
	{
		names->capacity = names->capacity == 0 ? 256 : names->capacity * 2;
		if (names->name == NULL)
			names->name = MemoryContextAllocHuge(names->context, names->capacity * sizeof(char *));
		else
			names->name = repalloc_huge(names->name, names->capacity * sizeof(char *));
	}
	names->name[names->n] = name;
	entry->number = names->n;
	return names->n++;
}

uint32
gh_names_find(gh_names *names, const char *string, Size length)
{
	names_entry *entry = names_lookup(names->table->hash, candidate(names, string, length));

	return entry == NULL ? PG_UINT32_MAX : entry->number;
}

/* The server's sort cannot be interrupted, so the comparison is. */
static int
compare_names(const void *a, const void *b, void *arg)
{
	const gh_names *names = arg;

	CHECK_FOR_INTERRUPTS();
	return strcmp(names->name[*(const uint32 *) a], names->name[*(const uint32 *) b]);
}

uint32 *
gh_names_rank(const gh_names *names)
{
	Size		size = Max(names->n, 1) * sizeof(uint32);
	uint32	   *order = MemoryContextAllocHuge(CurrentMemoryContext, size);
	uint32	   *rank = MemoryContextAllocHuge(CurrentMemoryContext, size);

	for (uint32 i = 0; i < names->n; i++)
		order[i] = i;
	qsort_arg(order, names->n, sizeof(uint32), compare_names, (void *) names);
	for (uint32 i = 0; i < names->n; i++)
		rank[order[i]] = i;
	pfree(order);
	return rank;
}

char **
gh_names_sorted(const gh_names *names, const uint32 *rank)
{
	char	  **sorted = MemoryContextAllocHuge(CurrentMemoryContext, Max(names->n, 1) * sizeof(char *));

	for (uint32 i = 0; i < names->n; i++)
		sorted[rank[i]] = names->name[i];
	return sorted;
}

void
gh_texts_each(Datum array, gh_text_callback callback, void *arg)
{
	ArrayType  *texts = DatumGetArrayTypeP(array);
	Datum	   *element;
	bool	   *null;
	int			n;

	deconstruct_array(texts, TEXTOID, -1, false, TYPALIGN_INT, &element, &null, &n);
	for (int i = 0; i < n; i++)
		if (!null[i])
		{
			text	   *string = DatumGetTextPP(element[i]);

			callback(arg, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
		}
	pfree(element);
	pfree(null);
}
