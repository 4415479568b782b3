-- Redactions of what a user has sent, done in the background.
CREATE TABLE user_redactions (
  redaction_id text PRIMARY KEY,    -- what the administrator is told
  user_id text NOT NULL,            -- whose events
  requested_by text NOT NULL,       -- the administrator
  request text NOT NULL,            -- JSON: rooms, reason, bounds
  upto bigint NOT NULL,             -- log position of the request: what came later stays
  status text NOT NULL,             -- scheduled, active, complete, failed
  rooms_done integer NOT NULL DEFAULT 0, -- so many of the request's rooms
  reason text,                      -- why it failed
  created_ts bigint NOT NULL,       -- ms since 1970
  ended_ts bigint                   -- ms since 1970; null: there is something left to do
);
CREATE INDEX user_redactions_due ON user_redactions (created_ts) WHERE ended_ts IS NULL;

-- Events that could not be redacted.
CREATE TABLE failed_user_redactions (
  redaction_id text NOT NULL REFERENCES user_redactions ON DELETE CASCADE,
  event_id text NOT NULL,
  error text NOT NULL,              -- for people
  PRIMARY KEY (redaction_id, event_id)
);
