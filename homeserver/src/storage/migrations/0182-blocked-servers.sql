-- Servers with which this one does not federate.
CREATE TABLE blocked_servers (
  pattern text PRIMARY KEY,      -- a server's name; * and ? stand for any characters
  reason text,                   -- why, for administrators; null: none was given
  blocked_by text NOT NULL,      -- the administrator
  blocked_ts bigint NOT NULL     -- ms since 1970
);

-- When a server that does not answer was last tried.
ALTER TABLE failing_servers ADD COLUMN tried_ts bigint; -- ms since 1970; null: it was noted by an earlier version
