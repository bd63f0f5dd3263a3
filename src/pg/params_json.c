/*
 * params_json.c
 *		Parameters out of jsonb: which keys there are, and what they may hold.
 */
#include "gh_pg_model.h"

#include <math.h>

#include "utils/numeric.h"

#define TUNING_KEYS "exhaustive, metric, space"
#define CATALOGUE_KEYS "max_songs"
#define DISCOVERY_KEYS \
	"max_clusters, max_noise, min_cluster_fraction, min_cluster_size, min_clusters, min_dist, min_samples, " \
	"n_epochs, n_neighbors"

/* What is being parsed, for messages. */
typedef struct parse
{
	gh_ctx	   *ctx;
	int			accepts;
	const char *const *feature;
	int			n_features;
	gh_json_params *out;
} parse;

static const char *
type_name(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a string";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "a boolean";
		case jbvArray:
			return "an array";
		case jbvObject:
			return "an object";
		case jbvBinary:
			return JsonContainerIsObject(value->val.binary.data) ? "an object" : "an array";
		default:
			return "another type";
	}
}

static void
wrong_type(const char *key, const JsonbValue *value, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("parameter \"%s\" must be %s", key, expected),
			 errdetail("The value given is %s.", type_name(value))));
}

/* A number as a double; beyond its range it is infinite, and the range check says so. */
static double
number(const char *key, const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		wrong_type(key, value, "a number");
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
}

static double
number_between(const char *key, const JsonbValue *value, double low, double high)
{
	double		v = number(key, value);

	if (!(v >= low && v <= high))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" is out of range", key),
				 errdetail("The value is %g; it must be between %g and %g.", v, low, high)));
	return v;
}

static int
integer_between(const char *key, const JsonbValue *value, int low, int high)
{
	double		v = number_between(key, value, low, high);

	if (v != floor(v))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must be a whole number", key),
				 errdetail("The value is %g.", v)));
	return (int) v;
}

static char *
string_of(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static bool
is_array(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data);
}

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}

/* Elements of an array of numbers, palloc'd. */
static double *
numbers(const char *key, const JsonbValue *value, int *n)
{
	JsonbContainer *array = value->val.binary.data;
	double	   *values;

	*n = (int) JsonContainerSize(array);
	values = palloc(Max(*n, 1) * sizeof(double));
	for (int i = 0; i < *n; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		if (element->type != jbvNumeric)
			wrong_type(key, element, "an array of numbers");
		values[i] = number(key, element);
	}
	return values;
}

/* One whole number, or an array of up to 32. */
static int
integers(const char *key, const JsonbValue *value, int low, int *out)
{
	int			n;

	if (!is_array(value))
	{
		if (value->type != jbvNumeric)
			wrong_type(key, value, "a number or an array of numbers");
		out[0] = integer_between(key, value, low, PG_INT32_MAX);
		return 1;
	}
	n = (int) JsonContainerSize(value->val.binary.data);
	if (n < 1 || n > 32)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must list 1 to 32 values", key),
				 errdetail("It lists %d.", n)));
	for (int i = 0; i < n; i++)
		out[i] = integer_between(key, getIthJsonbValueFromContainer(value->val.binary.data, i), low, PG_INT32_MAX);
	return n;
}

/* Limits of the search for supergenres; false when the key is none of them. */
static bool
discovery_key(gh_discovery_params *d, const char *key, const JsonbValue *value)
{
	if (strcmp(key, "min_clusters") == 0)
		d->min_clusters = integer_between(key, value, 2, 1000);
	else if (strcmp(key, "max_clusters") == 0)
		d->max_clusters = integer_between(key, value, 2, 1000);
	else if (strcmp(key, "max_noise") == 0)
		d->max_noise = number_between(key, value, 0, 1);
	else if (strcmp(key, "min_cluster_fraction") == 0)
		d->min_cluster_fraction = number_between(key, value, 0, 1);
	else if (strcmp(key, "n_neighbors") == 0)
		d->umap.n_neighbors = integer_between(key, value, 2, 1000);
	else if (strcmp(key, "min_dist") == 0)
		d->umap.min_dist = number_between(key, value, 0, d->umap.spread);
	else if (strcmp(key, "n_epochs") == 0)
		d->umap.n_epochs = integer_between(key, value, 1, GH_UMAP_MOST_EPOCHS);
	else if (strcmp(key, "min_cluster_size") == 0)
		d->n_min_cluster_size = integers(key, value, 2, d->min_cluster_size);
	else if (strcmp(key, "min_samples") == 0)
		d->n_min_samples = integers(key, value, 1, d->min_samples);
	else
		return false;
	return true;
}

/* {"tempo": 1, "valence": -1} with the features' names at hand. */
static void
monotone_object(parse *p, const char *key, const JsonbValue *value)
{
	JsonbContainer *object = value->val.binary.data;
	double	   *values;
	int			matched = 0;

	if (p->n_features == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" as an object needs the names of the features", key),
				 errhint("Give feature_names, or an array with one number per feature.")));
	values = palloc0(p->n_features * sizeof(double));
	for (int i = 0; i < p->n_features; i++)
	{
		JsonbValue	name,
				   *found;

		name.type = jbvString;
		name.val.string.val = (char *) p->feature[i];
		name.val.string.len = (int) strlen(p->feature[i]);
		found = findJsonbValueFromContainer(object, JB_FOBJECT, &name);
		if (found == NULL)
			continue;
		values[i] = number(key, found);
		matched++;
	}
	if (matched != (int) JsonContainerSize(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" names a feature that there is not", key)));
	gh_pg_check(p->ctx, gh_boost_set_array(p->ctx, &p->out->boost, key, values, p->n_features));
}

static bool
is_known(const char *keys, const char *key)
{
	Size		length = strlen(key);
	const char *at = keys;

	while (length > 0 && (at = strstr(at, key)) != NULL)
	{
		if ((at == keys || at[-1] == ' ') && (at[length] == '\0' || at[length] == ','))
			return true;
		at += length;
	}
	return false;
}

static void
unknown_key(const parse *p, const char *key)
{
	const char *boost = gh_boost_known_keys();

	if (is_known(DISCOVERY_KEYS ", " CATALOGUE_KEYS ", " TUNING_KEYS, key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" has no meaning here", key),
				 is_known(CATALOGUE_KEYS, key) ? errdetail("It belongs to train_hierarchy.") :
				 (p->accepts & GH_PARAMS_TUNING) ?
				 errdetail("It steers the search of train_hierarchy for supergenres, which runs when none are given.") :
				 errdetail("It belongs to train_hierarchy and hierarchy_fit."),
				 errhint("Known parameters are: %s%s%s.", boost, (p->accepts & GH_PARAMS_TUNING) ? ", " TUNING_KEYS : "",
						 (p->accepts & GH_PARAMS_CATALOGUE) ? ", " CATALOGUE_KEYS : "")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown parameter \"%s\"", key),
			 errhint("Known parameters are: %s%s%s%s.", boost,
					 (p->accepts & GH_PARAMS_TUNING) ? ", " TUNING_KEYS : "",
					 (p->accepts & GH_PARAMS_CATALOGUE) ? ", " CATALOGUE_KEYS : "",
					 (p->accepts & GH_PARAMS_DISCOVERY) ? ", " DISCOVERY_KEYS : "")));
}

/* A parameter of boosting itself.  The core knows the keys and their ranges. */
static void
boost_key(parse *p, const char *key, const JsonbValue *value)
{
	gh_boost_params *boost = &p->out->boost;

	if (value->type == jbvNumeric)
		gh_pg_check(p->ctx, gh_boost_set_number(p->ctx, boost, key, number(key, value)));
	else if (value->type == jbvString)
		gh_pg_check(p->ctx, gh_boost_set_string(p->ctx, boost, key, string_of(value)));
	else if (is_array(value))
	{
		int			n;
		double	   *values = numbers(key, value, &n);

		gh_pg_check(p->ctx, gh_boost_set_array(p->ctx, boost, key, values, n));
	}
	else if (is_object(value) && strcmp(key, "monotone_constraints") == 0)
		monotone_object(p, key, value);
	else
		wrong_type(key, value, strcmp(key, "monotone_constraints") == 0 ? "an array or an object" :
				   strcmp(key, "grow_policy") == 0 ? "a string" : "a number");
}

static void
tuning_key(parse *p, const char *key, const JsonbValue *value)
{
	if (strcmp(key, "metric") == 0)
	{
		if (value->type != jbvString)
			wrong_type(key, value, "a string");
		p->out->metric = gh_metric_parse(string_of(value));
	}
	else if (strcmp(key, "exhaustive") == 0)
	{
		if (value->type != jbvBool)
			wrong_type(key, value, "a boolean");
		p->out->exhaustive = value->val.boolean;
	}
	else
	{
		if (!is_object(value))
			wrong_type(key, value, "an object");
		gh_space_parse(p->ctx, JsonbValueToJsonb((JsonbValue *) value), &p->out->space, &p->out->boost);
	}
}

static void
require_object(Jsonb *json, const char *argument)
{
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a JSON object", argument),
				 errhint("Write for example '{\"max_depth\": 4}'.")));
}

void
gh_params_parse(gh_ctx *ctx, Jsonb *json, int accepts, const char *const *feature, int n_features,
				gh_json_params *out)
{
	parse		p = {ctx, accepts, feature, n_features, out};
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	out->boost = gh_boost_defaults();
	out->space = gh_space_default();
	out->metric = GH_METRIC_AVERAGE_PRECISION;
	out->exhaustive = false;
	out->max_songs = 0;
	out->discovery = gh_discovery_defaults();
	if (json == NULL)
		return;
	require_object(json, "params");
	iterator = JsonbIteratorInit(&json->root);
	token = JsonbIteratorNext(&iterator, &value, true);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) == WJB_KEY)
	{
		char	   *key = string_of(&value);

		JsonbIteratorNext(&iterator, &value, true);
		if (gh_boost_canonical_key(key) != NULL)
			boost_key(&p, key, &value);
		else if ((accepts & GH_PARAMS_TUNING) && is_known(TUNING_KEYS, key))
			tuning_key(&p, key, &value);
		else if ((accepts & GH_PARAMS_CATALOGUE) && is_known(CATALOGUE_KEYS, key))
			out->max_songs = integer_between(key, &value, 1, PG_INT32_MAX);
		else if (!(accepts & GH_PARAMS_DISCOVERY) || !discovery_key(&out->discovery, key, &value))
			unknown_key(&p, key);
	}
	if (out->discovery.min_clusters > out->discovery.max_clusters)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"min_clusters\" is above \"max_clusters\""),
				 errdetail("The values are %d and %d.", out->discovery.min_clusters, out->discovery.max_clusters)));
}

/* One searched parameter as an object: low, high, [log]. */
static void
dimension_object(gh_ctx *ctx, const char *name, const JsonbValue *value, gh_space *space)
{
	JsonbIterator *iterator = JsonbIteratorInit(value->val.binary.data);
	JsonbValue	v;
	double		low = NAN,
				high = NAN;
	int			log_scale = -1;

	JsonbIteratorNext(&iterator, &v, true);
	while (JsonbIteratorNext(&iterator, &v, true) == WJB_KEY)
	{
		char	   *key = string_of(&v);

		JsonbIteratorNext(&iterator, &v, true);
		if (strcmp(key, "low") == 0)
			low = number(key, &v);
		else if (strcmp(key, "high") == 0)
			high = number(key, &v);
		else if (strcmp(key, "log") == 0 && v.type == jbvBool)
			log_scale = v.val.boolean ? 1 : 0;
		else if (strcmp(key, "log") == 0)
			wrong_type(key, &v, "a boolean");
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown key \"%s\" in the space of \"%s\"", key, name),
					 errhint("Known keys are: low, high, log.")));
	}
	if (isnan(low) || isnan(high))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the space of \"%s\" needs \"low\" and \"high\"", name)));
	gh_pg_check(ctx, gh_space_set(ctx, space, name, low, high));
	if (log_scale >= 0)
		gh_pg_check(ctx, gh_space_set_log(ctx, space, name, log_scale == 1));
}

/* Take a parameter out of the search. */
static void
dimension_fix(gh_ctx *ctx, const char *name, const JsonbValue *value, gh_space *space, gh_boost_params *base)
{
	gh_pg_check(ctx, gh_boost_set_number(ctx, base, name, number(name, value)));
	for (int i = 0; i < space->n; i++)
		if (strcmp(space->dimension[i].name, name) == 0)
		{
			memmove(&space->dimension[i], &space->dimension[i + 1], (space->n - i - 1) * sizeof(gh_dimension));
			space->n--;
			return;
		}
}

void
gh_space_parse(gh_ctx *ctx, Jsonb *json, gh_space *space, gh_boost_params *base)
{
	JsonbIterator *iterator;
	JsonbValue	value;

	if (json == NULL)
		return;
	require_object(json, "space");
	iterator = JsonbIteratorInit(&json->root);
	JsonbIteratorNext(&iterator, &value, true);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_KEY)
	{
		char	   *name = string_of(&value);

		JsonbIteratorNext(&iterator, &value, true);
		if (value.type == jbvNumeric)
			dimension_fix(ctx, name, &value, space, base);
		else if (is_array(&value))
		{
			int			n;
			double	   *range = numbers(name, &value, &n);

			if (n != 2)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("the space of \"%s\" must be two numbers, the lowest and the highest", name),
						 errdetail("There are %d.", n)));
			gh_pg_check(ctx, gh_space_set(ctx, space, name, range[0], range[1]));
		}
		else if (is_object(&value))
			dimension_object(ctx, name, &value, space);
		else
			wrong_type(name, &value, "two numbers, an object or a number");
	}
}

gh_metric
gh_metric_parse(const char *name)
{
	if (strcmp(name, "average_precision") == 0)
		return GH_METRIC_AVERAGE_PRECISION;
	if (strcmp(name, "logloss") == 0)
		return GH_METRIC_LOGLOSS;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown metric \"%s\"", name),
			 errhint("Known metrics are: average_precision, logloss.")));
}
