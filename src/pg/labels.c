/*
 * labels.c
 *		Sparse labels of rows, collected row by row.
 */
#include "gh_pg_model.h"

void
gh_label_list_init(gh_label_list *list, gh_ctx *ctx)
{
	memset(list, 0, sizeof(*list));
	list->ctx = ctx;
	list->row_capacity = 1024;
	list->begin = gh_pg_alloc(ctx, list->row_capacity + 1, sizeof(uint64_t));
	list->begin[0] = 0;
	list->capacity = 1024;
	list->label = gh_pg_alloc(ctx, list->capacity, sizeof(uint32_t));
}

void
gh_label_list_row(gh_label_list *list)
{
	if (list->n == list->row_capacity)
	{
		list->row_capacity = gh_pg_grow(list->row_capacity);
		list->begin = gh_pg_realloc(list->ctx, list->begin, list->row_capacity + 1, sizeof(uint64_t));
	}
	list->n++;
	list->begin[list->n] = list->begin[list->n - 1];
}

void
gh_label_list_add(gh_label_list *list, uint32 label)
{
	uint64_t   *end = &list->begin[list->n];

	for (uint64_t i = list->begin[list->n - 1]; i < *end; i++)
		if (list->label[i] == label)
			return;
	if (*end == list->capacity)
	{
		list->capacity = gh_pg_grow(list->capacity);
		list->label = gh_pg_realloc(list->ctx, list->label, list->capacity, sizeof(uint32_t));
	}
	list->label[(*end)++] = label;
}

void
gh_label_list_trim(gh_label_list *list)
{
	list->row_capacity = list->n;
	list->begin = gh_pg_realloc(list->ctx, list->begin, list->n + 1, sizeof(uint64_t));
	list->capacity = Max(list->begin[list->n], 1);
	list->label = gh_pg_realloc(list->ctx, list->label, list->capacity, sizeof(uint32_t));
}

void
gh_label_list_free(gh_label_list *list)
{
	gh_free(list->ctx, list->begin);
	gh_free(list->ctx, list->label);
	memset(list, 0, sizeof(*list));
}

gh_labels
gh_label_list_view(const gh_label_list *list, uint32 n_labels)
{
	gh_labels	view = {list->n, n_labels, list->begin, list->label};

	return view;
}
