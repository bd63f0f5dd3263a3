/*
 * hierarchy_predict.c
 *		A hierarchy in use: memory, names, probabilities, ranking.
 */
#include "learn/gh_hierarchy.h"

#include "base/gh_sort.h"
#include "learn/logistic.h"
#include "learn/shown.h"

#include <string.h>

void
gh_model_free(gh_ctx *ctx, gh_model *model)
{
	for (uint32_t g = 0; model->flat != NULL && g < model->n_genres; g++)
		gh_booster_free(ctx, &model->flat[g]);
	gh_free(ctx, model->flat);
	for (int j = 0; model->feature != NULL && j < model->n_features; j++)
		gh_free(ctx, model->feature[j]);
	for (uint32_t i = 0; model->node != NULL && i < model->n_nodes; i++)
	{
		gh_free(ctx, model->node[i].name);
		gh_free(ctx, model->node[i].params);
		gh_free(ctx, model->node[i].vanilla_params);
		gh_booster_free(ctx, &model->node[i].booster);
	}
	gh_free(ctx, model->feature);
	gh_free(ctx, model->node);
	gh_free(ctx, model->genre);
	gh_free(ctx, model->info);
	memset(model, 0, sizeof(*model));
}

/* Nodes called `name`, of one kind or (-1) any: how many, and the first. */
static uint32_t
count_named(const gh_model *model, const char *name, int is_genre, uint32_t *node)
{
	uint32_t	count = 0;

	for (uint32_t i = 0; i < model->n_nodes; i++)
	{
		if ((is_genre >= 0 && model->node[i].is_genre != is_genre) || strcmp(model->node[i].name, name) != 0)
			continue;
		if (count++ == 0)
			*node = i;
	}
	return count;
}

gh_status
gh_model_find(gh_ctx *ctx, const gh_model *model, const char *name, uint32_t *node)
{
	static const char genre[] = "genre:",
				supergenre[] = "supergenre:";
	uint32_t	count = count_named(model, name, -1, node);

	/* the prefix is only a prefix when no node bears the whole as its name */
	if (count == 0 && strncmp(name, genre, sizeof(genre) - 1) == 0)
		count = count_named(model, name + sizeof(genre) - 1, 1, node);
	else if (count == 0 && strncmp(name, supergenre, sizeof(supergenre) - 1) == 0)
		count = count_named(model, name + sizeof(supergenre) - 1, 0, node);
	if (count == 1)
		return GH_OK;
	if (count == 0)
	{
		gh_fail(ctx, GH_EINVAL, "the model has no genre or supergenre \"%.*s\"", GH_SHOWN(name));
		return gh_fail_hint(ctx, "model_nodes(model) lists what it has.");
	}
	gh_fail(ctx, GH_EINVAL, "\"%.*s\" is the name of %u nodes of the model", GH_SHOWN(name), count);
	return gh_fail_hint(ctx, "Say genre:NAME or supergenre:NAME; model_nodes(model) lists what there is.");
}

gh_status
gh_model_rename(gh_ctx *ctx, gh_model *model, uint32_t node, const char *name)
{
	size_t		length = strlen(name);
	gh_node    *renamed = &model->node[node];
	char	   *copy;

	if (length == 0 || length > GH_MAX_NAME)
	{
		gh_fail(ctx, GH_EINVAL, "name of a node is %s", length == 0 ? "empty" : "too long");
		return gh_fail_detail(ctx, "It has %zu bytes; 1 to %d are allowed.", length, GH_MAX_NAME);
	}
	for (uint32_t i = 0; i < model->n_nodes; i++)
	{
		const gh_node *other = &model->node[i];

		if (i == node || (other->is_genre != renamed->is_genre && other->parent != renamed->parent)
			|| strcmp(other->name, name) != 0)
			continue;
		gh_fail(ctx, GH_EDATA, "the model has a %s \"%.*s\" already", other->is_genre ? "genre" : "supergenre",
				GH_SHOWN(name));
		return gh_fail_hint(ctx, "model_nodes(model) lists the names in use.");
	}
	copy = GH_NEW(ctx, length + 1, char);
	if (copy == NULL)
		return gh_ctx_status(ctx);
	memcpy(copy, name, length + 1);
	gh_free(ctx, renamed->name);
	renamed->name = copy;
	return GH_OK;
}

double
gh_blend(double a, double b)
{
	const double least = 1e-7;

	a = a < least ? least : a > 1 - least ? 1 - least : a;
	b = b < least ? least : b > 1 - least ? 1 - least : b;
	return gh_sigmoid((gh_logit(a) + gh_logit(b)) / 2);
}

void
gh_model_predict(const gh_model *model, const float *x, double *conditional, double *joint)
{
	for (uint32_t i = 0; i < model->n_nodes; i++)
	{
		int32_t		parent = model->node[i].parent;

		conditional[i] = gh_booster_probability(&model->node[i].booster, x);
		joint[i] = parent < 0 ? conditional[i] : joint[parent] * conditional[i];
	}
	for (uint32_t g = 0; model->flat != NULL && g < model->n_genres; g++)
	{
		uint32_t	at = model->genre[g];

		if (model->node[at].parent >= 0)
			joint[at] = gh_blend(joint[at], gh_booster_probability(&model->flat[g], x));
	}
}

gh_status
gh_model_rank(gh_ctx *ctx, const gh_model *model, const double *joint, uint32_t *order)
{
	double	   *score = GH_NEW(ctx, model->n_genres, double);
	gh_status	status;

	if (score == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t g = 0; g < model->n_genres; g++)
		score[g] = joint[model->genre[g]];
	status = gh_argsort_descending(ctx, score, model->n_genres, order);
	gh_free(ctx, score);
	return status;
}

const char *
gh_classifier_name(int classifier)
{
	static const char *const name[GH_N_CLASSIFIERS] = {"vanilla", "hierarchical", "hierarchical_hint", "blend"};

	return classifier >= 0 && classifier < GH_N_CLASSIFIERS ? name[classifier] : "unknown";
}
