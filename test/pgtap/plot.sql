-- Pictures: well-formed whatever the names, self-contained, the same for any order of the rows, small, cancelled at once
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(38);
\ir include/catalogue.sql

-- one SVG element, without scripts, links or anything from elsewhere
CREATE FUNCTION is_picture(svg text) RETURNS boolean LANGUAGE sql AS
$$ SELECT xml_is_well_formed_document(svg) AND svg LIKE '<svg xmlns="http://www.w3.org/2000/svg" %'
	AND tags !~* '<script|<image|<foreignobject|href|@import|url\(http|\son[a-z]+=|[ "]-?(nan|inf)'
	FROM regexp_replace(svg, '>[^<]*<', '><', 'g') tags $$;

CREATE TABLE names AS
SELECT i, name FROM unnest(ARRAY['', '<script>alert(1)</script>', ']]> & "double" ''single''', E'a\tb\nc\x01d\x1b[0m', '🎸👩‍👩‍👧',
	'שלום مرحبا', E'\u202egnp.exe\u2028next', repeat('é', 10000), repeat('<&>', 10000), '${x} %s {{7*7}}', 'ビジュアル系', '--><svg onload=alert(1)>'])
	WITH ORDINALITY u (name, i);
CREATE TABLE points AS
SELECT i AS id, ARRAY[(i % 5) * 3 + noise('x' || i), (i % 3) * 3 + noise('y' || i)] AS embedding,
	CASE WHEN i % 10 <> 0 THEN i % 5 END AS cluster FROM generate_series(1, 500) i;

-- projections
SELECT ok(is_picture(plot_projection('TABLE points')), 'a projection');
SELECT ok(bool_and(is_picture(plot_projection('TABLE points', name))), 'with title ' || i) FROM names GROUP BY i ORDER BY i;
SELECT ok(is_picture(plot_projection('SELECT embedding, n.name AS cluster, n.name AS label FROM points p JOIN names n ON n.i = 1 + p.id % 12')),
	'names of clusters and of points');
SELECT ok(position('alert(1)</script>' IN plot_projection('SELECT embedding, name AS label FROM points p JOIN names n ON n.i = p.id')) = 0
	AND position('&lt;script&gt;alert(1)&lt;/script&gt;' IN plot_projection('SELECT embedding, name AS label FROM points p JOIN names n ON n.i = p.id')) > 0,
	'a name is text');
SELECT ok(length(plot_projection('SELECT embedding, name AS label FROM points p JOIN names n ON n.i = p.id', repeat('long', 2500))) < 30000,
	'long names are cut');
SELECT is(md5(plot_projection('SELECT * FROM points ORDER BY md5(id::text)')), md5(plot_projection('TABLE points')), 'any order of the rows');
SELECT ok(plot_projection('TABLE points', 'a') <> plot_projection('TABLE points', 'b')
	AND substring(plot_projection('TABLE points', 'a') FROM 'id="(gh[0-9a-f]+)-t"') <> substring(plot_projection('TABLE points', 'b') FROM 'id="(gh[0-9a-f]+)-t"'),
	'two pictures have ids of their own');
SELECT is((SELECT count(*) FROM regexp_matches(plot_projection('TABLE points'), 'id="', 'g')),
	(SELECT count(DISTINCT m) FROM regexp_matches(plot_projection('TABLE points'), 'id="[^"]+"', 'g') m), 'no id twice');
SELECT ok(is_picture(plot_projection('SELECT embedding FROM points WHERE false')), 'no rows');
SELECT ok(is_picture(plot_projection('SELECT embedding, cluster FROM points LIMIT 1')), 'one row');
SELECT ok(is_picture(plot_projection($$SELECT ARRAY[x, y] AS embedding, 'c' || x AS cluster FROM unnest('{NaN,Infinity,-Infinity,1e308,-1e308,0}'::float8[]) x,
	unnest('{NaN,Infinity,0,1e-320}'::float8[]) y$$)), 'NaN, infinite and extreme places');
SELECT ok(is_picture(plot_projection('SELECT ARRAY[7, 7]::float4[] AS embedding FROM generate_series(1, 50)')), 'all points in one place');

-- grids
CREATE TABLE grid AS SELECT * FROM hdbscan_grid('SELECT id, embedding AS features FROM points', '{5,10,20,40}', '{2,5,10}');
SELECT ok(is_picture(plot_grid('TABLE grid')), 'a grid');
SELECT is(md5(plot_grid('SELECT * FROM grid ORDER BY md5(grid::text)')), md5(plot_grid('TABLE grid')), 'any order of the rows of a grid');
SELECT ok(position('Best: DBCV ' || (SELECT round(dbcv::numeric, 3) || ', ' || clusters || ' clusters' FROM grid ORDER BY dbcv DESC NULLS LAST, noise_fraction LIMIT 1)
	IN plot_grid('TABLE grid')) > 0, 'its best setting');
SELECT ok(is_picture(plot_grid('SELECT * FROM grid WHERE false')), 'an empty grid');
SELECT ok(is_picture(plot_grid('SELECT * FROM grid LIMIT 1')), 'a grid of one setting');
SELECT ok(is_picture(plot_grid($$SELECT d AS dbcv, c AS clusters, n AS noise_fraction, m AS cluster_selection_method, c AS min_cluster_size
	FROM unnest('{NaN,Infinity,-Infinity,0.5,1e300}'::float8[]) d, unnest('{NaN,Infinity,-3,0,1e9,NULL}'::float8[]) c,
	unnest('{NaN,-1,0.5,7}'::float8[]) n, unnest('{"<eom>","&",NULL}'::text[]) m$$)), 'NaN, infinite and senseless numbers');

-- hierarchies
SELECT lives_ok($$SELECT * FROM train_hierarchy('m', supergenres => 'my_supergenres', iterations => 0, params => '{"n_estimators": 3}')$$, 'a model');
SELECT ok(is_picture(plot_hierarchy('m')), 'a hierarchy');
SELECT is((SELECT count(*) FROM regexp_matches(plot_hierarchy('m'), '<rect class="f', 'g')), 24::bigint, 'a bar for each of 6 supergenres and 18 genres');
SELECT ok((SELECT bool_and(position('>' || to_char(round(average_precision::numeric, 3), 'FM0.000') || '<' IN plot_hierarchy('m')) > 0)
	FROM genre_models, model_nodes(model) WHERE average_precision IS NOT NULL), 'its scores');
SELECT rename_supergenre('m', 'place 0', '<b>"rock" & ''roll''</b> 🎸 שלום');
SELECT ok(is_picture(plot_hierarchy('m')) AND position('&lt;b&gt;&quot;rock&quot;' IN plot_hierarchy('m')) > 0, 'hostile names of supergenres');

-- rights
CREATE ROLE gh_plot_reader;
GRANT USAGE ON SCHEMA public TO gh_plot_reader;
SET LOCAL ROLE gh_plot_reader;
SELECT throws_ok('SELECT plot_projection(''TABLE points'')', '42501', NULL, 'the query runs with the caller''s rights');
SELECT throws_ok('SELECT plot_hierarchy(''m'')', '42501', NULL, 'so is the model read');
RESET ROLE;

-- many points: small enough for a browser, and stopped at once
CREATE TABLE many AS SELECT ARRAY[noise('x' || i), noise('y' || i)] AS embedding, i % 11 AS cluster FROM generate_series(1, 60000) i;
SELECT ok(length(plot_projection('TABLE many')) < 1500000, '60,000 points without any structure');
SET LOCAL statement_timeout = '60ms';
SELECT is(sqlstate_of('SELECT plot_projection(''TABLE many'') FROM generate_series(1, 100)'), '57014', 'cancelled');
SET LOCAL statement_timeout = 0;

SELECT * FROM finish();
ROLLBACK;
