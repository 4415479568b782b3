-- Connections of sliding sync: what devices were sent, as far as their positions do not say it.
CREATE TABLE sliding_connections (
  user_id text NOT NULL,            -- full user id
  device_id text NOT NULL,          -- devices.device_id
  conn_id text NOT NULL,            -- the client's name for the connection; empty when it gave none
  latest bigint NOT NULL,           -- version of the state that was sent last, from sliding_versions
  latest_state bytea NOT NULL,      -- that state (sync/sliding/connection-state.ts)
  previous bigint,                  -- version that the client had when the last was sent: it may never have got that
  previous_state bytea,             -- that state
  used_ts bigint NOT NULL,          -- when it was last used, to the day: ms since 1970
  PRIMARY KEY (user_id, device_id, conn_id)
);
CREATE SEQUENCE sliding_versions;
CREATE INDEX sliding_connections_used ON sliding_connections (used_ts);
