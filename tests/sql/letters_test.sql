-- Tests of dead letters and their families; runs after primary_test.sql, with what that has made.

SET client_min_messages = warning;
CREATE TABLE public.unit (id integer PRIMARY KEY, name text UNIQUE, status text NOT NULL DEFAULT 'new');
CREATE TABLE public.file (id uuid PRIMARY KEY, unit_id integer NOT NULL REFERENCES public.unit (id), size integer);
GRANT SELECT, INSERT, UPDATE, DELETE ON public.unit, public.file TO chasqui_forwarder;

SET SESSION AUTHORIZATION chasqui_forwarder;
SELECT chasqui.begin_epoch('site', 'fam', 1), chasqui.begin_epoch('site', 'bulk', 1) \g /dev/null

CREATE FUNCTION pg_temp.attempt(lane text, seq bigint, id uuid, sql text, payload text, depends_on uuid[] DEFAULT '{}',
                                final boolean DEFAULT false)
RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', outcome, code, reason, 'letters', letters)
  FROM chasqui.attempt('site', lane, 1, '{40,CQ001,CQ002}', seq, id, jsonb_build_array(jsonb_build_array(sql))::text,
                       payload, depends_on, final) $$;
CREATE FUNCTION pg_temp.insert_unit(id integer) RETURNS text LANGUAGE sql AS
$$ SELECT format('{"steps":[{"op":"insert","table":"unit","rows":[{"id":%s}]}]}', id) $$;
CREATE FUNCTION pg_temp.update_unit(id integer) RETURNS text LANGUAGE sql AS
$$ SELECT format('{"steps":[{"op":"update","table":"public.unit","where":{"id":%s},"set":{"status":"x"}}]}', id) $$;
CREATE FUNCTION pg_temp.insert_file(id uuid, unit integer) RETURNS text LANGUAGE sql AS
$$ SELECT format('{"steps":[{"op":"insert","table":"file","rows":[{"id":"%s","unit_id":%s}]}]}', upper(id::text), unit) $$;
CREATE FUNCTION pg_temp.resolve(lane text, seq bigint, id uuid, action text, letter uuid, family boolean DEFAULT false,
                                sql text DEFAULT NULL, payload text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', outcome, 'letters', letters) || coalesce((
    SELECT string_agg(' ' || right(s->>'id', 3) || '=' || (s->>'state') || coalesce('/' || (s->>'code'), ''), '' ORDER BY n)
    FROM jsonb_array_elements(settled) WITH ORDINALITY AS one (s, n)), '')
  FROM chasqui.resolve('site', lane, 1, '{40,CQ001,CQ002}', seq, id, action, letter, family, 'astronomer@summit', 'because',
                       jsonb_build_array(jsonb_build_array(sql))::text, payload) $$;

\echo what an entry touches
SELECT test.is('an insert writes its unique keys',
  (chasqui.touches('{"steps":[{"op":"insert","table":"unit","rows":[{"id":1,"name":"M101"},{"id":2}]}]}')).writes,
  ARRAY['unit(id)=["1"]', 'unit(id)=["2"]', 'unit(name)=["m101"]']);
SELECT test.is('the parent', (chasqui.touches(pg_temp.insert_file(test.id(1), 7))).reads, ARRAY['unit(id)=["7"]']);
SELECT test.is('ids in any case', (chasqui.touches(pg_temp.insert_file('abcdef00-0000-0000-0000-000000000000', 7))).writes,
  ARRAY['file(id)=["abcdef00-0000-0000-0000-000000000000"]']);
SELECT test.is('a where is a key, as a whole',
  (chasqui.touches('{"steps":[{"op":"delete","table":"unit","where":{"status":"old","id":null}}]}')).writes,
  ARRAY['unit(id)=[null]', 'unit(id,status)=[null, "old"]']);
SELECT test.is('what is written anew', (chasqui.touches(
  '{"steps":[{"op":"update","table":"unit","where":{"id":5},"set":{"name":"new"}}]}')).writes,
  ARRAY['unit(id)=["5"]', 'unit(name)=["new"]']);
SELECT test.is('no such table', (chasqui.touches('{"steps":[{"op":"insert","table":"nowhere","rows":[{"id":1}]}]}'))::text,
  '({},{})');
SELECT test.is('no JSON', (chasqui.touches('nonsense'))::text, '({},{})');

\echo nobody compiles what is asked for every entry
SELECT test.is('touches', proconfig, '{jit=off}'::text[]) FROM pg_proc WHERE oid = 'chasqui.touches'::regproc;

\echo descendants of a dead letter are parked behind it, and nothing else is
SELECT test.is('the dead letter', pg_temp.attempt('fam', 1, test.id(601), 'SELECT 1/0', pg_temp.insert_unit(1)),
  'rejected 22012 division by zero letters 1');
SELECT test.is('what changes its row', pg_temp.attempt('fam', 2, test.id(602), 'UPDATE unit SET status = ''x'' WHERE id = 1',
  pg_temp.update_unit(1)), 'parked CQ008 parked behind ' || test.id(601) || ' letters 2');
SELECT test.is('what refers to its row', pg_temp.attempt('fam', 3, test.id(603),
  format('INSERT INTO file VALUES (%L, 1)', test.id(1)), pg_temp.insert_file(test.id(1), 1)) LIKE 'parked %', true);
SELECT test.is('a grandchild', pg_temp.attempt('fam', 4, test.id(604),
  format('UPDATE file SET size = 4 WHERE id = %L', test.id(1)),
  format('{"steps":[{"op":"update","table":"file","where":{"id":"%s"},"set":{"size":4}}]}', test.id(1))),
  'parked CQ008 parked behind ' || test.id(603) || ' letters 4');
SELECT test.is('what only says so', pg_temp.attempt('fam', 5, test.id(605), 'INSERT INTO unit VALUES (5)', pg_temp.insert_unit(5),
  ARRAY[test.id(601)]), 'parked CQ008 parked behind ' || test.id(601) || ' letters 5');
SELECT test.is('a stranger', pg_temp.attempt('fam', 6, test.id(606), 'INSERT INTO unit VALUES (6)', pg_temp.insert_unit(6)),
  'applied letters 5');
SELECT test.is('the same row in another lane', pg_temp.attempt('bulk', 1, test.id(611), 'SELECT 1', pg_temp.update_unit(1)),
  'applied letters 0');
SELECT test.is('another lane that says so', pg_temp.attempt('bulk', 2, test.id(612), 'INSERT INTO unit VALUES (12)',
  pg_temp.insert_unit(12), ARRAY[test.id(601)]), 'parked CQ008 parked behind ' || test.id(601) || ' letters 1');
SELECT test.is('the cursors', test.cursor_at('fam') || ' ' || test.cursor_at('bulk'), '6@1 2@1');
SELECT test.is('none of it is applied', (SELECT count(*) FROM chasqui.applied WHERE txn_id IN (test.id(601), test.id(602),
  test.id(603), test.id(604), test.id(605), test.id(612))), 0::bigint);
SELECT test.is('it comes again', pg_temp.attempt('fam', 7, test.id(602), 'SELECT 1', pg_temp.update_unit(1)),
  'parked CQ008 parked behind ' || test.id(601) || ' letters 5');

\echo nothing waits for ever, and nothing overtakes what it depends on
SELECT test.is('not there yet', pg_temp.attempt('fam', 8, test.id(608), 'SELECT 1', pg_temp.insert_unit(8), ARRAY[test.id(606), test.id(699)]),
  'waits ' || test.id(699) || ' letters 5');
SELECT test.is('the cursor', test.cursor_at('fam'), '7@1');
SELECT test.is('never there', pg_temp.attempt('fam', 8, test.id(608), 'SELECT 1', pg_temp.insert_unit(8), ARRAY[test.id(699)], true),
  'rejected CQ007 depends on ' || test.id(699) || ', which never came letters 6');
SELECT test.is('there', pg_temp.attempt('fam', 9, test.id(609), 'SELECT 1', '{}', ARRAY[test.id(606)]), 'applied letters 6');

\echo a retry that fails leaves its family where it is
SELECT test.is('it fails', pg_temp.resolve('fam', 10, test.id(620), 'retry', test.id(601)),
  'applied letters 6 601=rejected/22012');
SELECT test.is('the decision is on record', format('%s %s %s %s', action, made_by, reason, letter),
  'retry astronomer@summit because ' || test.id(601)) FROM chasqui.decision WHERE decision_id = test.id(620);
SELECT test.is('again', pg_temp.resolve('fam', 11, test.id(620), 'retry', test.id(601)), 'skipped letters 6');
SELECT test.is('a parked one is not tried in front of what it depends on',
  pg_temp.resolve('fam', 12, test.id(621), 'retry', test.id(602)), 'applied letters 6');

\echo an edit that works releases the family in the order in which it came, in every lane
SELECT test.is('edit', pg_temp.resolve('fam', 13, test.id(622), 'edit', test.id(601), false, 'INSERT INTO unit VALUES (1)',
  pg_temp.insert_unit(1)),
  'applied letters 1 601=applied 602=applied 603=applied 604=applied 605=applied 612=applied');
SELECT test.is('the rows', array_agg(format('%s %s', id, status) ORDER BY id), '{"1 x","5 new","6 new","12 new"}'::text[]) FROM unit;
SELECT test.is('its file', format('%s %s', unit_id, size), '1 4') FROM file;
SELECT test.is('under their own numbers', array_agg(format('%s/%s', lane, seq) ORDER BY lane, seq),
  '{bulk/2,fam/1,fam/2,fam/3,fam/4,fam/5}'::text[])
FROM chasqui.applied WHERE txn_id IN (test.id(601), test.id(602), test.id(603), test.id(604), test.id(605), test.id(612));
SELECT test.is('nothing is held', (SELECT count(*) FROM chasqui.held AS h JOIN chasqui.dead_letter AS d USING (txn_id)
  WHERE d.state = 'applied'), 0::bigint);
SELECT test.is('letters left', array_agg(format('%s %s', lane, letters) ORDER BY lane), '{"bulk 0","fam 1"}'::text[])
FROM chasqui.cursor WHERE site = 'site' AND lane IN ('bulk', 'fam');

\echo what is discarded never comes back, and its family is tried or goes with it
SELECT test.is('alone', pg_temp.resolve('fam', 14, test.id(623), 'discard', test.id(608)), 'applied letters 0 608=discarded');
SELECT test.is('it is not called applied', array_agg(discarded ORDER BY txn_id), '{f,t}'::boolean[])
FROM chasqui.applied WHERE txn_id IN (test.id(601), test.id(608));
SELECT test.is('it comes again', pg_temp.attempt('fam', 15, test.id(608), 'SELECT 1', '{}') LIKE 'skipped %', true);
SELECT pg_temp.attempt('fam', 16, test.id(631), 'SELECT 1/0', pg_temp.insert_unit(31)),
       pg_temp.attempt('fam', 17, test.id(632), 'INSERT INTO unit VALUES (32)', pg_temp.insert_unit(32), ARRAY[test.id(631)]),
       pg_temp.attempt('fam', 18, test.id(633), 'SELECT 1', '{}', ARRAY[test.id(632)]) \g /dev/null
SELECT test.is('its family is tried', pg_temp.resolve('fam', 19, test.id(624), 'discard', test.id(631)),
  'applied letters 0 631=discarded 632=applied 633=applied');
SELECT pg_temp.attempt('fam', 20, test.id(641), 'SELECT 1/0', pg_temp.insert_unit(41)),
       pg_temp.attempt('fam', 21, test.id(642), 'SELECT 1', '{}', ARRAY[test.id(641)]),
       pg_temp.attempt('fam', 22, test.id(643), 'SELECT 1', '{}', ARRAY[test.id(642)]) \g /dev/null
SELECT test.is('its family goes with it', pg_temp.resolve('fam', 23, test.id(625), 'discard', test.id(641), true),
  'applied letters 0 641=discarded 642=discarded 643=discarded');
SELECT chasqui.advance('site', 'fam', 1, 24, ARRAY[test.id(650)]);
SELECT test.is('all is quick again', test.cursor_at('fam'), '24@1');

\echo a large family goes in pieces that each stand by themselves
SELECT pg_temp.attempt('fam', 25, test.id(1000), 'SELECT 1/0', pg_temp.insert_unit(1000)) \g /dev/null
SELECT pg_temp.attempt('fam', 25 + n, test.id(1000 + n), 'INSERT INTO unit VALUES (' || 1000 + n || ')', pg_temp.insert_unit(1000 + n),
                       ARRAY[test.id(1000)]) FROM generate_series(1, 250) AS n \g /dev/null
SELECT test.is('a piece', substr(pg_temp.resolve('fam', 276, test.id(660), 'edit', test.id(1000), false,
  'INSERT INTO unit VALUES (1000)', pg_temp.insert_unit(1000)), 1, 24), 'more letters 251 000=app');
SELECT test.is('the cursor waits', test.cursor_at('fam'), '275@1');
SELECT test.is('the rest', left(pg_temp.resolve('fam', 276, test.id(660), 'edit', test.id(1000), false,
  'INSERT INTO unit VALUES (1000)', pg_temp.insert_unit(1000)), 17), 'applied letters 0');
SELECT test.is('all are there', (SELECT count(*) FROM unit WHERE id BETWEEN 1000 AND 1250), 251::bigint);
SELECT test.is('the cursor', test.cursor_at('fam'), '276@1');
RESET SESSION AUTHORIZATION;
