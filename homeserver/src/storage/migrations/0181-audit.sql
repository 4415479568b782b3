-- What administrators did.
CREATE TABLE audit_log (
  entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ts bigint NOT NULL,            -- when it began, ms since 1970
  user_id text NOT NULL,         -- the administrator
  device_id text NOT NULL,       -- the device; '': an application service without one
  operation text NOT NULL,       -- the operation's name in the contract
  parameters text NOT NULL,      -- JSON: what it was done to, and how
  targets text[] NOT NULL,       -- the texts in it, to find them by
  ip text NOT NULL,              -- from which address
  status integer,                -- of the answer; null: it is under way, or the server stopped amid it
  errcode text,                  -- of the answer; null: it has none
  ended_ts bigint                -- when it was answered, ms since 1970; null: as status
);
CREATE INDEX audit_log_by_time ON audit_log (ts);
CREATE INDEX audit_log_by_user ON audit_log (user_id, entry_id);
CREATE INDEX audit_log_by_target ON audit_log USING gin (targets);
