-- What version 1 of config/sql/primary.sql left in a database that was used: its tables, and the function that
-- version 2 declares otherwise.

CREATE SCHEMA chasqui;
CREATE TABLE chasqui.schema_version (version integer PRIMARY KEY, installed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE chasqui.cursor (
  site       text NOT NULL,
  lane       text NOT NULL,
  epoch      bigint NOT NULL,
  last_seq   bigint NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (site, lane)
) WITH (fillfactor = 10);
CREATE TABLE chasqui.applied (
  txn_id     uuid PRIMARY KEY,
  site       text NOT NULL,
  lane       text NOT NULL,
  seq        bigint NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE chasqui.dead_letter (
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
CREATE FUNCTION chasqui.begin_epoch(p_site text, p_lane text, p_epoch bigint) RETURNS bigint
LANGUAGE sql AS 'SELECT 0::bigint';

INSERT INTO chasqui.schema_version (version) VALUES (1);
INSERT INTO chasqui.cursor (site, lane, epoch, last_seq) VALUES ('old', 'main', 4, 2);
INSERT INTO chasqui.applied (txn_id, site, lane, seq) VALUES (lpad('1', 32, '0')::uuid, 'old', 'main', 1);
INSERT INTO chasqui.dead_letter (site, lane, seq, txn_id, sqlstate, message)
VALUES ('old', 'main', 2, lpad('2', 32, '0')::uuid, '23505', 'duplicate key');
