-- What Chasqui needs on the primary: schema `chasqui`, its functions, and the role of the forwarder.
--
-- Run it as a superuser in the database that the sites write to, as often as you like:
--   psql -v ON_ERROR_STOP=1 -f primary.sql "dbname=ops"
-- It is one transaction, keeps all data, and leaves everything as this version wants it. Afterwards grant the
-- forwarder what it may write:
--   GRANT SELECT, INSERT, UPDATE, DELETE ON executed_obs_unit TO chasqui_forwarder;
--
-- SQLSTATEs: CQ001 gap, CQ002 fenced, CQ003 duplicate id, CQ004 wrong row count, CQ005 not applied.

BEGIN;

SET LOCAL client_min_messages = warning;
SET LOCAL search_path = pg_catalog;

-- Two installations at once would trip over each other's CREATEs.
SELECT pg_advisory_xact_lock(hashtext('chasqui.install'));

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'chasqui_forwarder') THEN
    CREATE ROLE chasqui_forwarder LOGIN;
  END IF;
END $$;

CREATE SCHEMA IF NOT EXISTS chasqui;

-- Tables
-- ---------------------------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS chasqui.schema_version (
  version      integer PRIMARY KEY,
  installed_at timestamptz NOT NULL DEFAULT now()
);

-- One row per lane, updated by every entry: the free space keeps updates HOT and on their page.
CREATE TABLE IF NOT EXISTS chasqui.cursor (
  site       text NOT NULL,
  lane       text NOT NULL,
  epoch      bigint NOT NULL,
  last_seq   bigint NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
  last_id    uuid,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (site, lane)
) WITH (fillfactor = 10);

-- Since version 2: which entry stands at last_seq; NULL if that is not known, or if none does.
ALTER TABLE chasqui.cursor ADD COLUMN IF NOT EXISTS last_id uuid;

CREATE TABLE IF NOT EXISTS chasqui.applied (
  txn_id     uuid PRIMARY KEY,
  site       text NOT NULL,
  lane       text NOT NULL,
  seq        bigint NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS chasqui.dead_letter (
  site        text NOT NULL,
  lane        text NOT NULL,
  seq         bigint NOT NULL,
  txn_id      uuid NOT NULL,
  sqlstate    text NOT NULL,
  message     text NOT NULL,
  payload     text,
  rejected_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (site, lane, seq)
);

-- Where a cursor jumped because the site's log had lost what stood between.
CREATE TABLE IF NOT EXISTS chasqui.realignment (
  site     text NOT NULL,
  lane     text NOT NULL,
  from_seq bigint NOT NULL,
  to_seq   bigint NOT NULL CHECK (to_seq > from_seq),
  at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (site, lane, from_seq)
);

-- Entries that were acknowledged at the site, are lost there, and had not been applied when that was noticed.
CREATE TABLE IF NOT EXISTS chasqui.missing (
  txn_id     uuid PRIMARY KEY,
  site       text NOT NULL,
  lane       text NOT NULL,
  seq        bigint,
  noticed_at timestamptz NOT NULL DEFAULT now()
);

DO $$
DECLARE
  installed constant integer := max(version) FROM chasqui.schema_version;
  mine constant integer := 2;
BEGIN
  IF installed > mine THEN
    RAISE EXCEPTION 'schema chasqui is at version %, this file installs version %', installed, mine
      USING HINT = 'Install the primary.sql of the newest chasquid that writes to this database.';
  END IF;
  INSERT INTO chasqui.schema_version (version) VALUES (mine) ON CONFLICT DO NOTHING;
END $$;

-- Functions
-- ------------------------------------------------------------------------------------------------------------
-- All run with the rights of their owner, so that the forwarder needs none on the tables. Their search_path
-- is fixed, so that no caller can slip them an operator of his own.

CREATE OR REPLACE FUNCTION chasqui.version() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT max(version) FROM chasqui.schema_version $$;

-- Says why a cursor did not move; never returns.
CREATE OR REPLACE FUNCTION chasqui.explain_standstill(p_site text, p_lane text, p_epoch bigint, p_seq bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  stored chasqui.cursor;
BEGIN
  SELECT * INTO stored FROM chasqui.cursor AS c WHERE c.site = p_site AND c.lane = p_lane;
  IF FOUND AND stored.epoch <> p_epoch THEN
    RAISE EXCEPTION 'fenced: lane %/% belongs to epoch %, not %', p_site, p_lane, stored.epoch, p_epoch
      USING ERRCODE = 'CQ002';
  END IF;
  RAISE EXCEPTION 'gap: seq % of lane %/%: have %, want %',
    p_seq, p_site, p_lane, coalesce(stored.last_seq, 0), p_seq - 1
    USING ERRCODE = 'CQ001';
END $$;

-- Ends the sessions that keep a lane's cursor locked. They belong to a runtime that lost its link in the
-- middle of a segment: the server waits for the rest of it, for hours if nobody tells it otherwise.
CREATE OR REPLACE FUNCTION chasqui.end_stale_sessions(p_site text, p_lane text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM pg_terminate_backend(l.pid)
  FROM pg_locks AS l, chasqui.cursor AS c
  WHERE c.site = p_site AND c.lane = p_lane AND l.locktype = 'transactionid' AND l.transactionid = c.xmax
    AND l.granted AND l.pid <> pg_backend_pid();
END $$;

-- Version 1 answered with a number alone.
DROP FUNCTION IF EXISTS chasqui.begin_epoch(text, text, bigint);

CREATE FUNCTION chasqui.begin_epoch(p_site text, p_lane text, p_epoch bigint, OUT last_seq bigint, OUT last_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  stored chasqui.cursor;
  patience constant interval := '1 second';
  give_up constant interval := '10 seconds';
BEGIN
  SELECT * INTO stored FROM chasqui.cursor AS c WHERE c.site = p_site AND c.lane = p_lane;
  IF NOT FOUND THEN
    INSERT INTO chasqui.cursor (site, lane, epoch) VALUES (p_site, p_lane, p_epoch) ON CONFLICT DO NOTHING;
  ELSIF stored.epoch > p_epoch THEN
    RAISE EXCEPTION 'fenced: lane %/% belongs to epoch %, newer than %', p_site, p_lane, stored.epoch, p_epoch
      USING ERRCODE = 'CQ002';
  END IF;

  LOOP
    SELECT * INTO stored FROM chasqui.cursor AS c WHERE c.site = p_site AND c.lane = p_lane FOR UPDATE SKIP LOCKED;
    EXIT WHEN FOUND;
    IF clock_timestamp() > statement_timestamp() + give_up THEN
      RAISE EXCEPTION 'the cursor of lane %/% stays locked by another session', p_site, p_lane
        USING ERRCODE = 'lock_not_available';
    ELSIF clock_timestamp() > statement_timestamp() + patience THEN
      PERFORM chasqui.end_stale_sessions(p_site, p_lane);
    END IF;
    PERFORM pg_sleep(0.02);
  END LOOP;

  IF stored.epoch > p_epoch THEN
    RAISE EXCEPTION 'fenced: lane %/% belongs to epoch %, newer than %', p_site, p_lane, stored.epoch, p_epoch
      USING ERRCODE = 'CQ002';
  ELSIF stored.epoch < p_epoch THEN
    UPDATE chasqui.cursor AS c SET epoch = p_epoch, updated_at = now() WHERE c.site = p_site AND c.lane = p_lane;
  END IF;
  last_seq := stored.last_seq;
  last_id := stored.last_id;
END $$;

CREATE OR REPLACE FUNCTION chasqui.advance(p_site text, p_lane text, p_epoch bigint, p_seq bigint, p_id uuid)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE chasqui.cursor AS c SET last_seq = p_seq, last_id = p_id, updated_at = now()
  WHERE c.site = p_site AND c.lane = p_lane AND c.epoch = p_epoch AND c.last_seq = p_seq - 1;
  IF NOT FOUND THEN
    PERFORM chasqui.explain_standstill(p_site, p_lane, p_epoch, p_seq);
  END IF;
  INSERT INTO chasqui.applied (txn_id, site, lane, seq) VALUES (p_id, p_site, p_lane, p_seq) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'duplicate id: % of seq % in lane %/% is applied already', p_id, p_seq, p_site, p_lane
      USING ERRCODE = 'CQ003';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION chasqui.skip(p_site text, p_lane text, p_epoch bigint, p_seq bigint, p_id uuid)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE chasqui.cursor AS c SET last_seq = p_seq, last_id = p_id, updated_at = now()
  WHERE c.site = p_site AND c.lane = p_lane AND c.epoch = p_epoch AND c.last_seq = p_seq - 1;
  IF NOT FOUND THEN
    PERFORM chasqui.explain_standstill(p_site, p_lane, p_epoch, p_seq);
  END IF;
  PERFORM FROM chasqui.applied AS a WHERE a.txn_id = p_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'not applied: % of seq % in lane %/% cannot be skipped', p_id, p_seq, p_site, p_lane
      USING ERRCODE = 'CQ005';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION chasqui.reject(p_site text, p_lane text, p_epoch bigint, p_seq bigint, p_id uuid,
                                          p_sqlstate text, p_message text, p_payload text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE chasqui.cursor AS c SET last_seq = p_seq, last_id = p_id, updated_at = now()
  WHERE c.site = p_site AND c.lane = p_lane AND c.epoch = p_epoch AND c.last_seq = p_seq - 1;
  IF NOT FOUND THEN
    PERFORM chasqui.explain_standstill(p_site, p_lane, p_epoch, p_seq);
  END IF;
  INSERT INTO chasqui.dead_letter (site, lane, seq, txn_id, sqlstate, message, payload)
  VALUES (p_site, p_lane, p_seq, p_id, p_sqlstate, p_message, p_payload);
END $$;

-- Applies one entry and decides itself what becomes of it, so that those behind it in the pipeline need not
-- fail: it is applied; or skipped, as its id was applied before; or rejected, with `code` and `reason`. Errors
-- that begin like one of `p_passing`, which are not the entry's, are raised as ever. `p_steps` is JSON: an
-- array of arrays of an SQL text and its parameters.
--
-- The steps run with the caller's rights and search_path, so this must never be SECURITY DEFINER.
CREATE OR REPLACE FUNCTION chasqui.attempt(p_site text, p_lane text, p_epoch bigint, p_passing text[], p_seq bigint,
                                           p_id uuid, p_steps text, p_payload text,
                                           OUT outcome text, OUT code text, OUT reason text)
LANGUAGE plpgsql SECURITY INVOKER
AS $$
DECLARE
  step jsonb;
  detail text;
BEGIN
  BEGIN
    PERFORM chasqui.advance(p_site, p_lane, p_epoch, p_seq, p_id);
    FOR step IN SELECT pg_catalog.jsonb_array_elements(p_steps::jsonb) LOOP
      EXECUTE step->>0 USING step->1, step->2, step->3;
    END LOOP;
    -- What is deferred to the commit would fail there, where nobody can decide any more.
    SET CONSTRAINTS ALL IMMEDIATE;
    outcome := 'applied';
    RETURN;
  -- OTHERS leaves failed assertions out.
  EXCEPTION WHEN OTHERS OR assert_failure THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, reason = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    IF EXISTS (SELECT FROM pg_catalog.unnest(p_passing) AS p WHERE pg_catalog.starts_with(code, p)) THEN
      RAISE;
    END IF;
  END;
  IF code = 'CQ003' THEN
    PERFORM chasqui.skip(p_site, p_lane, p_epoch, p_seq, p_id);
    outcome := 'skipped';
  ELSE
    reason := reason || CASE WHEN detail <> '' THEN ': ' || detail ELSE '' END;
    PERFORM chasqui.reject(p_site, p_lane, p_epoch, p_seq, p_id, code, reason, p_payload);
    outcome := 'rejected';
  END IF;
END $$;

-- Moves the cursor over numbers that the site's log has nothing for any more, and says which of the entries
-- that may have stood there never came.
CREATE OR REPLACE FUNCTION chasqui.realign(p_site text, p_lane text, p_epoch bigint, p_from bigint, p_to bigint,
                                           p_suspects uuid[])
RETURNS uuid[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  never_came constant uuid[] := ARRAY(
    SELECT DISTINCT s FROM unnest(p_suspects) AS s
    WHERE NOT EXISTS (SELECT FROM chasqui.applied AS a WHERE a.txn_id = s)
      AND NOT EXISTS (SELECT FROM chasqui.dead_letter AS d WHERE d.txn_id = s));
BEGIN
  UPDATE chasqui.cursor AS c SET last_seq = p_to, last_id = NULL, updated_at = now()
  WHERE c.site = p_site AND c.lane = p_lane AND c.epoch = p_epoch AND c.last_seq = p_from;
  IF NOT FOUND THEN
    PERFORM chasqui.explain_standstill(p_site, p_lane, p_epoch, p_from + 1);
  END IF;
  INSERT INTO chasqui.realignment (site, lane, from_seq, to_seq) VALUES (p_site, p_lane, p_from, p_to);
  INSERT INTO chasqui.missing (txn_id, site, lane) SELECT s, p_site, p_lane FROM unnest(never_came) AS s
  ON CONFLICT DO NOTHING;
  RETURN never_came;
END $$;

CREATE OR REPLACE FUNCTION chasqui.expect_rows(p_actual bigint, p_expected bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF p_actual IS DISTINCT FROM p_expected THEN
    RAISE EXCEPTION 'expected % rows, found %', p_expected, p_actual USING ERRCODE = 'CQ004';
  END IF;
END $$;

-- Its commit puts itself and all WAL before it on disk: without a record of its own there would be nothing to
-- flush.
CREATE OR REPLACE FUNCTION chasqui.barrier(p_site text, p_lane text, p_epoch bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  stored_epoch bigint;
BEGIN
  SELECT c.epoch INTO stored_epoch FROM chasqui.cursor AS c WHERE c.site = p_site AND c.lane = p_lane;
  IF stored_epoch IS DISTINCT FROM p_epoch THEN
    RAISE EXCEPTION 'fenced: lane %/% belongs to epoch %, not %', p_site, p_lane, stored_epoch, p_epoch
      USING ERRCODE = 'CQ002';
  END IF;
  PERFORM pg_logical_emit_message(true, 'chasqui', '');
END $$;

-- Rights
-- ---------------------------------------------------------------------------------------------------------------

REVOKE ALL ON SCHEMA chasqui FROM PUBLIC, chasqui_forwarder;
REVOKE ALL ON ALL TABLES IN SCHEMA chasqui FROM PUBLIC, chasqui_forwarder;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA chasqui FROM PUBLIC, chasqui_forwarder;

GRANT USAGE ON SCHEMA chasqui TO chasqui_forwarder;
GRANT SELECT ON chasqui.cursor, chasqui.applied, chasqui.dead_letter, chasqui.realignment, chasqui.missing
TO chasqui_forwarder;
GRANT EXECUTE ON FUNCTION
  chasqui.version(),
  chasqui.begin_epoch(text, text, bigint),
  chasqui.advance(text, text, bigint, bigint, uuid),
  chasqui.skip(text, text, bigint, bigint, uuid),
  chasqui.reject(text, text, bigint, bigint, uuid, text, text, text),
  chasqui.attempt(text, text, bigint, text[], bigint, uuid, text, text),
  chasqui.realign(text, text, bigint, bigint, bigint, uuid[]),
  chasqui.expect_rows(bigint, bigint),
  chasqui.barrier(text, text, bigint)
TO chasqui_forwarder;

-- The replica's pg_stat_wal_receiver and the primary's pg_stat_replication show others nothing.
GRANT pg_read_all_stats TO chasqui_forwarder;

-- A refused entry in a full window makes all behind it fail on the gap: thousands of errors that are no news.
-- What is refused for good stands in chasqui.dead_letter with its reason.
ALTER ROLE chasqui_forwarder SET log_min_messages = 'fatal';
ALTER ROLE chasqui_forwarder SET log_min_error_statement = 'panic';

COMMIT;
