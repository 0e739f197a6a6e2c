-- Tests of config/sql/primary.sql; `run` beside it brings up a server for them. Each failure ends psql with
-- an error.

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;

CREATE SCHEMA test;
GRANT USAGE ON SCHEMA test TO PUBLIC;

CREATE FUNCTION test.is(what text, got anyelement, wanted anyelement) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF got IS DISTINCT FROM wanted THEN
    RAISE EXCEPTION 'FAILED: %: got %, wanted %', what, got, wanted;
  END IF;
END $$;

-- Runs `command`, which must fail with this SQLSTATE and a message like this; what it did is undone.
CREATE FUNCTION test.fails(what text, command text, wanted_state text, wanted_message text DEFAULT '%')
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  state text := 'no error';
  message text := '';
BEGIN
  BEGIN
    EXECUTE command;
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
  END;
  IF state <> wanted_state OR message NOT LIKE wanted_message THEN
    RAISE EXCEPTION 'FAILED: %: got % "%", wanted % "%"', what, state, message, wanted_state, wanted_message;
  END IF;
END $$;

-- A UUID that reads as its number.
CREATE FUNCTION test.id(n integer) RETURNS uuid LANGUAGE sql AS
$$ SELECT lpad(n::text, 32, '0')::uuid $$;

CREATE FUNCTION test.cursor_at(p_lane text) RETURNS text LANGUAGE sql AS
$$ SELECT format('%s@%s', last_seq, epoch) FROM chasqui.cursor WHERE site = 'site' AND lane = p_lane $$;

CREATE FUNCTION test.id_at(p_lane text) RETURNS uuid LANGUAGE sql AS
$$ SELECT last_id FROM chasqui.cursor WHERE site = 'site' AND lane = p_lane $$;

CREATE TABLE public.private_notes (note text);
CREATE TABLE public.obs (id integer PRIMARY KEY);
GRANT SELECT, INSERT ON public.obs TO chasqui_forwarder;
CREATE TABLE public.child (obs integer REFERENCES public.obs DEFERRABLE INITIALLY DEFERRED);
GRANT INSERT ON public.child TO chasqui_forwarder;
CREATE ROLE stranger;

SET SESSION AUTHORIZATION chasqui_forwarder;

\echo a lane begins at 0 and its cursor moves by one
SELECT test.is('version', chasqui.version(), 3);
SELECT test.is('a new lane', chasqui.begin_epoch('site', 'main', 3)::text, '(0,,0)');
SELECT chasqui.advance('site', 'main', 3, 1, ARRAY[test.id(1)]);
SELECT chasqui.advance('site', 'main', 3, 2, ARRAY[test.id(2)]);
SELECT test.is('the cursor', test.cursor_at('main'), '2@3');
SELECT test.is('applied', (SELECT array_agg(seq ORDER BY seq) FROM chasqui.applied WHERE lane = 'main'),
               '{1,2}'::bigint[]);

\echo entries in one transaction move the cursor together, or not at all
SELECT chasqui.begin_epoch('site', 'joined', 1) \g /dev/null
SELECT chasqui.advance('site', 'joined', 1, 1, ARRAY[test.id(71), test.id(72), test.id(73)]);
SELECT test.is('the cursor', test.cursor_at('joined') || test.id_at('joined'), '3@1' || test.id(73));
SELECT test.is('each has its number', array_agg(format('%s %s', seq, txn_id) ORDER BY seq),
               ARRAY['1 ' || test.id(71), '2 ' || test.id(72), '3 ' || test.id(73)])
FROM chasqui.applied WHERE lane = 'joined';
SELECT test.fails('one was applied', $$SELECT chasqui.advance('site', 'joined', 1, 4, ARRAY[test.id(74), test.id(72)])$$,
                  'CQ003', 'duplicate id: %');
SELECT test.fails('one comes twice', $$SELECT chasqui.advance('site', 'joined', 1, 4, ARRAY[test.id(74), test.id(74)])$$,
                  'CQ003', 'duplicate id: %');
SELECT test.fails('a gap', $$SELECT chasqui.advance('site', 'joined', 1, 5, ARRAY[test.id(75), test.id(76)])$$, 'CQ001');
SELECT test.is('the cursor stays', test.cursor_at('joined'), '3@1');

\echo a gap is refused, ahead of the cursor and behind it
SELECT test.fails('ahead', $$SELECT chasqui.advance('site', 'main', 3, 4, ARRAY[test.id(4)])$$, 'CQ001',
                  'gap: %have 2, want 3');
SELECT test.fails('a repeat', $$SELECT chasqui.advance('site', 'main', 3, 2, ARRAY[test.id(2)])$$, 'CQ001',
                  'gap: %have 2, want 1');
SELECT test.fails('skip', $$SELECT chasqui.skip('site', 'main', 3, 4, test.id(1))$$, 'CQ001',
                  'gap: %have 2, want 3');
SELECT test.fails('reject', $$SELECT chasqui.reject('site', 'main', 3, 4, test.id(4), '23505', 'm', 'p')$$,
                  'CQ001', 'gap: %');
SELECT test.fails('a lane never begun', $$SELECT chasqui.advance('site', 'none', 3, 4, ARRAY[test.id(4)])$$, 'CQ001',
                  'gap: %have 0, want 3');
SELECT test.is('the cursor stays', test.cursor_at('main'), '2@3');

\echo lanes and sites have cursors of their own
CREATE TEMP VIEW twins AS
  SELECT string_agg(format('%s/%s %s', site, lane, last_seq), ', ' ORDER BY site, lane) AS at
  FROM chasqui.cursor WHERE site IN ('a', 'b');
SELECT chasqui.begin_epoch(site, lane, 1)
FROM (VALUES ('a', 'x'), ('a', 'y'), ('b', 'x')) AS twin (site, lane) \g /dev/null
SELECT chasqui.advance('a', 'x', 1, 1, ARRAY[test.id(101)]);
SELECT test.is('after advance', at, 'a/x 1, a/y 0, b/x 0') FROM twins;
SELECT chasqui.advance('a', 'y', 1, 1, ARRAY[test.id(102)]), chasqui.advance('b', 'x', 1, 1, ARRAY[test.id(103)]) \g /dev/null
SELECT chasqui.skip('a', 'x', 1, 2, test.id(101));
SELECT test.is('after skip', at, 'a/x 2, a/y 1, b/x 1') FROM twins;
SELECT chasqui.skip('a', 'y', 1, 2, test.id(101)), chasqui.skip('b', 'x', 1, 2, test.id(101)) \g /dev/null
SELECT chasqui.reject('a', 'x', 1, 3, test.id(104), '23505', 'm', 'p');
SELECT test.is('after reject', at, 'a/x 3, a/y 2, b/x 2') FROM twins;
SELECT chasqui.begin_epoch('a', 'x', 2) \g /dev/null
SELECT test.fails('a barrier of a twin', $$SELECT chasqui.barrier('a', 'y', 2)$$, 'CQ002');
SELECT chasqui.barrier('a', 'y', 1), chasqui.barrier('b', 'x', 1), chasqui.barrier('a', 'x', 2) \g /dev/null
SELECT test.is('epochs', array_agg(epoch ORDER BY site, lane),
               '{2,1,1}'::bigint[]) FROM chasqui.cursor WHERE site IN ('a', 'b');

\echo a newer epoch takes over, an older one is fenced
SELECT test.is('the same epoch again', chasqui.begin_epoch('site', 'main', 3)::text, format('(2,%s,0)', test.id(2)));
SELECT test.is('a newer epoch', chasqui.begin_epoch('site', 'main', 5)::text, format('(2,%s,0)', test.id(2)));
SELECT test.fails('begin', $$SELECT chasqui.begin_epoch('site', 'main', 4)$$, 'CQ002',
                  'fenced: %epoch 5, newer than 4');
SELECT test.fails('advance', $$SELECT chasqui.advance('site', 'main', 3, 3, ARRAY[test.id(3)])$$, 'CQ002',
                  'fenced: %epoch 5, not 3');
SELECT test.fails('skip', $$SELECT chasqui.skip('site', 'main', 3, 3, test.id(1))$$, 'CQ002', 'fenced: %');
SELECT test.fails('reject', $$SELECT chasqui.reject('site', 'main', 3, 3, test.id(3), '23505', 'm', 'p')$$,
                  'CQ002', 'fenced: %');
SELECT test.fails('barrier', $$SELECT chasqui.barrier('site', 'main', 3)$$, 'CQ002',
                  'fenced: %epoch 5, not 3');
SELECT test.fails('barrier of no lane', $$SELECT chasqui.barrier('site', 'none', 3)$$, 'CQ002', 'fenced: %');
SELECT test.is('the cursor', test.cursor_at('main'), '2@5');

\echo an id is applied once, whatever its seq; skip passes it by
SELECT test.fails('duplicate', $$SELECT chasqui.advance('site', 'main', 5, 3, ARRAY[test.id(1)])$$, 'CQ003',
                  'duplicate id: %');
SELECT test.fails('skip of an unknown id', $$SELECT chasqui.skip('site', 'main', 5, 3, test.id(3))$$, 'CQ005',
                  'not applied: %');
SELECT test.is('the cursor stays', test.cursor_at('main'), '2@5');
SELECT chasqui.skip('site', 'main', 5, 3, test.id(1));
SELECT test.is('the cursor moves', test.cursor_at('main'), '3@5');
SELECT test.is('to the id', test.id_at('main'), test.id(1));

\echo a refused entry becomes a dead letter and the cursor moves on
SELECT chasqui.reject('site', 'main', 5, 4, test.id(4), '23505', 'duplicate key', '{"steps": []}');
SELECT test.is('the dead letter',
               (SELECT format('%s %s %s %s %s', seq, txn_id, sqlstate, message, payload)
                FROM chasqui.dead_letter WHERE site = 'site'),
               '4 ' || test.id(4) || ' 23505 duplicate key {"steps": []}');
SELECT test.is('the cursor', test.cursor_at('main'), '4@5');
SELECT test.is('its id', test.id_at('main'), test.id(4));
SELECT test.is('not applied', (SELECT count(*) FROM chasqui.applied WHERE txn_id = test.id(4)), 0::bigint);
SELECT test.fails('among dead letters', $$SELECT chasqui.advance('site', 'main', 5, 5, ARRAY[test.id(5)])$$, 'CQ006',
                  'dead letters: lane site/main has 1%');
SELECT chasqui.advance('site', 'main', 5, 5, ARRAY[test.id(5)], true);
SELECT test.is('who has looked may', test.cursor_at('main'), '5@5');
SELECT test.is('counted at the opening', (chasqui.begin_epoch('site', 'main', 5)).letters, 1::bigint);

\echo a cursor jumps over what the log has lost, once, and names what never came
SELECT chasqui.begin_epoch('site', 'torn', 2), chasqui.advance('site', 'torn', 2, 1, ARRAY[test.id(201)]),
       chasqui.reject('site', 'torn', 2, 2, test.id(202), '23505', 'm', 'p') \g /dev/null
SELECT test.fails('from elsewhere', $$SELECT chasqui.realign('site', 'torn', 2, 1, 9, '{}')$$, 'CQ001', 'gap: %');
SELECT test.fails('backwards', $$SELECT chasqui.realign('site', 'torn', 2, 2, 2, '{}')$$, '23514');
SELECT test.fails('an older epoch', $$SELECT chasqui.realign('site', 'torn', 1, 2, 9, '{}')$$, 'CQ002');
SELECT test.is('nothing happened', test.cursor_at('torn') || test.id_at('torn'), '2@2' || test.id(202));
SELECT test.is('what never came',
               chasqui.realign('site', 'torn', 2, 2, 9, array[test.id(201), test.id(202), test.id(203), test.id(203)]),
               array[test.id(203)]);
SELECT test.is('the cursor', test.cursor_at('torn'), '9@2');
SELECT test.is('nobody stands there', test.id_at('torn'), NULL);
SELECT test.is('again', chasqui.realign('site', 'torn', 2, 9, 12, array[test.id(203), test.id(1)]), array[test.id(203)]);
SELECT test.is('without suspects', chasqui.realign('site', 'torn', 2, 12, 13, '{}'), '{}'::uuid[]);
SELECT test.is('the jumps', array_agg(format('%s-%s', from_seq, to_seq) ORDER BY from_seq), '{2-9,9-12,12-13}'::text[])
FROM chasqui.realignment WHERE site = 'site' AND lane = 'torn';
SELECT test.is('the missing', array_agg(format('%s %s %s', txn_id, lane, seq)),
               array[format('%s torn ', test.id(203))]) FROM chasqui.missing WHERE site = 'site';
SELECT chasqui.advance('site', 'torn', 2, 14, ARRAY[test.id(204)], true);
SELECT test.is('it goes on', test.cursor_at('torn') || test.id_at('torn'), '14@2' || test.id(204));

\echo an error in a step takes the cursor back with it
SELECT test.fails('a bad step',
                  $$SELECT chasqui.advance('site', 'main', 5, 6, ARRAY[test.id(6)], true); INSERT INTO obs VALUES (NULL)$$,
                  '23502');
SELECT test.is('the cursor', test.cursor_at('main'), '5@5');
SELECT test.is('the id is free', (SELECT count(*) FROM chasqui.applied WHERE txn_id = test.id(6)), 0::bigint);

\echo an attempt decides what becomes of an entry, and the cursor moves in any case
SELECT chasqui.begin_epoch('site', 'care', 1) \g /dev/null
CREATE FUNCTION pg_temp.attempt(seq bigint, id uuid, steps text) RETURNS text LANGUAGE sql AS
$$ SELECT concat_ws(' ', outcome, code, reason)
   FROM chasqui.attempt('site', 'care', 1, '{08,40,57014,CQ001,CQ002}', seq, id, steps, '{"of":"' || seq || '"}') $$;
SELECT test.is('good', pg_temp.attempt(1, test.id(301), '[["INSERT INTO obs SELECT ($1->>''id'')::int", {"id": 501}],
  ["INSERT INTO obs SELECT $1::int + $2::int + $3::int", 500, 1, 1], ["INSERT INTO obs VALUES (503)"]]'), 'applied');
SELECT test.is('its rows', array_agg(id), '{501,502,503}'::integer[]) FROM obs WHERE id > 500;
SELECT test.is('bad in its second step',
               pg_temp.attempt(2, test.id(302), '[["INSERT INTO obs VALUES (504)"], ["INSERT INTO obs VALUES (501)"]]'),
               'rejected 23505 duplicate key value violates unique constraint "obs_pkey": Key (id)=(501) already exists.');
SELECT test.is('its rows', (SELECT count(*) FROM obs WHERE id = 504), 0::bigint);
SELECT test.is('its dead letter', format('%s %s %s', txn_id, sqlstate, payload), test.id(302) || ' 23505 {"of":"2"}')
FROM chasqui.dead_letter WHERE lane = 'care';
SELECT test.is('not applied', (SELECT count(*) FROM chasqui.applied WHERE txn_id = test.id(302)), 0::bigint);
SELECT test.is('applied before', pg_temp.attempt(3, test.id(301), '[["INSERT INTO obs VALUES (505)"]]') LIKE 'skipped %',
               true);
SELECT test.is('its rows', (SELECT count(*) FROM obs WHERE id = 505), 0::bigint);
SELECT test.is('no JSON', pg_temp.attempt(4, test.id(304), '[["SELECT 1", "\u0000"]]') LIKE 'rejected 22P05 %', true);
SELECT test.is('no right', pg_temp.attempt(5, test.id(305), '[["INSERT INTO private_notes VALUES (1)"]]'),
               'rejected 42501 permission denied for table private_notes');
SELECT test.is('the cursor', test.cursor_at('care') || test.id_at('care'), '5@1' || test.id(305));

\echo an attempt rejects nothing for an error that passes
SELECT test.fails(state, format('SELECT pg_temp.attempt(6, test.id(306), %L)',
                                format('[["DO $x$ BEGIN RAISE SQLSTATE ''%s''; END $x$"]]', state)), state)
FROM unnest('{40001,40P01,08006,CQ002}'::text[]) AS state \g /dev/null
SELECT test.fails('a gap', $$SELECT pg_temp.attempt(7, test.id(307), '[]')$$, 'CQ001', 'gap: %have 5, want 6');
SELECT test.is('a failed assertion', pg_temp.attempt(6, test.id(306), '[["DO $x$ BEGIN ASSERT false; END $x$"]]'),
               'rejected P0004 assertion failed');
SELECT test.is('the dead letters', array_agg(seq ORDER BY seq), '{2,4,5,6}'::bigint[])
FROM chasqui.dead_letter WHERE lane = 'care';

\echo what is deferred to the commit is decided in the attempt
SELECT test.is('no parent', pg_temp.attempt(7, test.id(307), '[["INSERT INTO child VALUES (999)"]]') LIKE 'rejected 23503 %',
               true);
SELECT test.is('a parent that comes later',
               pg_temp.attempt(8, test.id(308), '[["INSERT INTO child VALUES (998)"], ["INSERT INTO obs VALUES (998)"]]'),
               'applied');
SELECT test.is('the cursor', test.cursor_at('care'), '8@1');

\echo a wrong number of rows is refused
SELECT chasqui.expect_rows(0, 0), chasqui.expect_rows(7, 7) \g /dev/null
SELECT test.fails('too few', 'SELECT chasqui.expect_rows(0, 1)', 'CQ004', 'expected 1 rows, found 0');
SELECT test.fails('too many', 'SELECT chasqui.expect_rows(2, 1)', 'CQ004', 'expected 1 rows, found 2');
SELECT test.fails('unknown', 'SELECT chasqui.expect_rows(NULL, 1)', 'CQ004');

\echo a barrier has a commit of its own to flush
BEGIN;
SELECT chasqui.barrier('site', 'main', 5);
SELECT test.is('an xid', pg_current_xact_id_if_assigned() IS NOT NULL, true);
COMMIT;
SET synchronous_commit = off;
SELECT chasqui.advance('site', 'main', 5, 6, ARRAY[test.id(6)], true);
SELECT pg_current_wal_insert_lsn() AS before \gset
BEGIN;
SET LOCAL synchronous_commit = on;
SELECT chasqui.barrier('site', 'main', 5);
COMMIT;
SELECT test.is('flushed', pg_current_wal_flush_lsn() >= :'before'::pg_lsn, true);
RESET synchronous_commit;

\echo the forwarder reads the tables but writes them only through the functions
SELECT count(*) >= 0 FROM chasqui.cursor, chasqui.applied, chasqui.dead_letter, chasqui.held, chasqui.decision, chasqui.realignment,
  chasqui.missing \g /dev/null
SELECT test.fails(t || ': ' || c, format(c, t), '42501')
FROM unnest('{cursor,applied,dead_letter,held,decision,realignment,missing,schema_version}'::text[]) AS t,
     unnest(ARRAY['INSERT INTO chasqui.%s SELECT * FROM chasqui.%1$s', 'DELETE FROM chasqui.%s',
                  'TRUNCATE chasqui.%s',
                  'DROP TABLE chasqui.%s']) AS c \g /dev/null
SELECT test.fails('cursor', 'UPDATE chasqui.cursor SET last_seq = 0', '42501');
SELECT test.fails('applied', 'UPDATE chasqui.applied SET seq = 0', '42501');
SELECT test.fails('dead_letter', 'UPDATE chasqui.dead_letter SET seq = 0', '42501');
SELECT test.fails('the schema', 'CREATE TABLE chasqui.mine ()', '42501');
SELECT test.fails('replacing a function', $$ALTER FUNCTION chasqui.version() SECURITY INVOKER$$, '42501');

\echo the forwarder touches no table that it was not given
SELECT test.fails('read', 'SELECT * FROM private_notes', '42501');
SELECT test.fails('write', $$INSERT INTO private_notes VALUES ('x')$$, '42501');
INSERT INTO obs VALUES (1);
SELECT test.fails('more than it was given', 'DELETE FROM obs', '42501');
SELECT test.fails('helpers', $$SELECT chasqui.explain_standstill('site', 'main', 5, 1)$$, '42501');
SELECT test.fails('helpers', $$SELECT chasqui.end_stale_sessions('site', 'main')$$, '42501');
SELECT test.fails('files', $$SELECT pg_read_file('postgresql.conf')$$, '42501');

\echo the forwarder sees how replication goes
SELECT test.is('the WAL receiver', pg_has_role('pg_read_all_stats', 'usage'), true);
SELECT pg_control_system(), pg_control_checkpoint(), pg_control_recovery(), pg_last_wal_replay_lsn() \g /dev/null

RESET SESSION AUTHORIZATION;

\echo the role has no attribute beyond its login
SELECT test.is('the role',
               (SELECT array[rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin]
                            FROM pg_roles WHERE rolname = 'chasqui_forwarder'), '{f,f,f,f,f,t}'::boolean[]);
SELECT test.is('its memberships', (SELECT array_agg(roleid::regrole::text) FROM pg_auth_members
                                   WHERE member = 'chasqui_forwarder'::regrole), '{pg_read_all_stats}'::text[]);

\echo nobody else may call the functions
SELECT test.is(proname || ' for others', has_function_privilege('stranger', oid, 'execute'), false)
FROM pg_proc WHERE pronamespace = 'chasqui'::regnamespace \g /dev/null
SELECT test.is('the schema for others', has_schema_privilege('stranger', 'chasqui', 'usage'), false);

\echo no function trusts the search_path of its caller
SELECT test.is(proname::text, proconfig, '{"search_path=pg_catalog, pg_temp"}'::text[])
FROM pg_proc WHERE pronamespace = 'chasqui'::regnamespace AND proname NOT IN ('attempt', 'resolve', 'carry_out', 'touches')
\g /dev/null

\echo the functions that run what they are given do so with the rights of their caller
SELECT test.is(proname::text, prosecdef, false) FROM pg_proc
WHERE pronamespace = 'chasqui'::regnamespace AND proname IN ('attempt', 'resolve', 'carry_out', 'touches') \g /dev/null

\echo another installation keeps the data and mends the rights
CREATE TEMP TABLE before AS
  SELECT (SELECT array_agg(c ORDER BY c) FROM chasqui.cursor AS c)::text AS cursors,
         (SELECT array_agg(a ORDER BY a) FROM chasqui.applied AS a)::text AS applied,
         (SELECT array_agg(d ORDER BY d) FROM chasqui.dead_letter AS d)::text AS dead_letters,
         (SELECT array_agg(v ORDER BY v) FROM chasqui.schema_version AS v)::text AS versions;
GRANT DELETE ON chasqui.cursor TO chasqui_forwarder;
GRANT EXECUTE ON FUNCTION chasqui.version() TO PUBLIC;
\i :primary_sql
\i :primary_sql
SELECT test.is('cursors', (SELECT array_agg(c ORDER BY c) FROM chasqui.cursor AS c)::text,
               cursors) FROM before;
SELECT test.is('applied', (SELECT array_agg(a ORDER BY a) FROM chasqui.applied AS a)::text,
               applied) FROM before;
SELECT test.is('dead letters', (SELECT array_agg(d ORDER BY d) FROM chasqui.dead_letter AS d)::text,
               dead_letters) FROM before;
SELECT test.is('versions', (SELECT array_agg(v ORDER BY v) FROM chasqui.schema_version AS v)::text,
               versions) FROM before;
SELECT test.is('rights on tables', has_table_privilege('chasqui_forwarder', 'chasqui.cursor', 'delete'),
               false);
SELECT test.is('rights on functions', has_function_privilege('stranger', 'chasqui.version()', 'execute'),
               false);
SET SESSION AUTHORIZATION chasqui_forwarder;
SELECT chasqui.advance('site', 'main', 5, 7, ARRAY[test.id(7)], true);
SELECT test.is('it goes on', test.cursor_at('main'), '7@5');
RESET SESSION AUTHORIZATION;
