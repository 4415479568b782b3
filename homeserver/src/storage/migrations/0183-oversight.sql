-- What each process of the server has measured, a row a minute, for a week.
CREATE TABLE replica_samples (
  replica text NOT NULL,         -- random name of the process
  ts bigint NOT NULL,            -- end of the minute, ms since 1970
  version text NOT NULL,         -- of Weft
  started_ts bigint NOT NULL,    -- when the process was started, ms since 1970
  has_ended boolean NOT NULL,    -- it was the last one before the process stopped
  requests bigint NOT NULL,      -- that were answered
  failed bigint NOT NULL,        -- of these, with a status from 500 on
  p50_ms double precision NOT NULL, -- median time of an answer, without those that wait by design
  p95_ms double precision NOT NULL, -- 95 % were answered within that
  memory_bytes bigint NOT NULL,  -- of the process
  cpu double precision NOT NULL, -- cores in use, on average
  delay_ms double precision NOT NULL, -- 95 % of the turns of the event loop came within that
  log_position bigint NOT NULL,  -- at the end
  PRIMARY KEY (replica, ts)
);
CREATE INDEX replica_samples_by_time ON replica_samples (ts);

-- Work in the background that an administrator has halted; no row: it goes on.
CREATE TABLE background_halt (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  halted_by text NOT NULL,       -- the administrator
  halted_ts bigint NOT NULL      -- ms since 1970
);

-- Why an application service did not take its newest transaction.
ALTER TABLE appservice_deliveries ADD COLUMN problem text; -- for people; null: it took it, or was not asked yet
