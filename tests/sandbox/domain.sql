-- The domain tables of an observatory: what was planned, what was executed, and the files that came of it.

BEGIN;

CREATE TABLE obs_unit (
  id          integer PRIMARY KEY,
  program     text NOT NULL,
  observation text NOT NULL,
  target      text NOT NULL,
  ra_deg      double precision CHECK (ra_deg >= 0 AND ra_deg < 360),
  dec_deg     double precision CHECK (dec_deg BETWEEN -90 AND 90)
);

CREATE TABLE executed_obs_unit (
  id          uuid PRIMARY KEY,
  obs_unit_id integer NOT NULL REFERENCES obs_unit,
  status      text NOT NULL CHECK (status IN ('running', 'completed', 'aborted', 'failed')),
  start_time  timestamptz NOT NULL,
  end_time    timestamptz,
  program     text,
  observation text,
  CHECK (end_time >= start_time)
);

CREATE TABLE raw_data_package (
  id                   uuid PRIMARY KEY,
  executed_obs_unit_id uuid NOT NULL REFERENCES executed_obs_unit,
  name                 text NOT NULL,
  size                 bigint NOT NULL DEFAULT 0 CHECK (size >= 0),
  state                text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'finalized', 'archived'))
);

CREATE TABLE raw_data_file (
  id                   uuid PRIMARY KEY,
  executed_obs_unit_id uuid NOT NULL REFERENCES executed_obs_unit,
  raw_data_package_id  uuid REFERENCES raw_data_package,
  name                 text NOT NULL,
  size                 bigint CHECK (size >= 0),
  checksum             text,
  object               text,
  ra_deg               double precision CHECK (ra_deg >= 0 AND ra_deg < 360),
  dec_deg              double precision CHECK (dec_deg BETWEEN -90 AND 90),
  exposure_time_s      double precision CHECK (exposure_time_s >= 0),
  filter               text,
  instrument           text,
  observed_at          timestamptz
);

CREATE INDEX ON executed_obs_unit (obs_unit_id);
CREATE INDEX ON raw_data_package (executed_obs_unit_id);
CREATE INDEX ON raw_data_file (executed_obs_unit_id);
CREATE INDEX ON raw_data_file (raw_data_package_id);

INSERT INTO obs_unit (id, program, observation, target, ra_deg, dec_deg) VALUES
  (4711, 'CMB-2026',   'deep field',      'BICEP/SPT deep field', 352.5,     -55.0),
  (4712, 'GEVO-2026',  '[CII] mapping',   '30 Doradus',            84.6767,  -69.1009),
  (4713, 'GEVO-2026',  'CO(4-3) mapping', 'NGC 3603',             168.7792,  -61.2611),
  (4714, 'EOR-2026',   'intensity map',   'COSMOS',               150.1163,    2.2009),
  (4715, 'CAL',        'pointing',        'Uranus',                NULL,      NULL);

GRANT SELECT, INSERT, UPDATE, DELETE
  ON obs_unit, executed_obs_unit, raw_data_package, raw_data_file TO chasqui_forwarder;

COMMIT;
