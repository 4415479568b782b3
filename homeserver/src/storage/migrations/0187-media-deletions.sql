-- Deletions of old uploads, done in the background.
CREATE TABLE media_deletions (
  deletion_id text PRIMARY KEY,     -- what the administrator is told
  requested_by text NOT NULL,       -- the administrator
  before_ts bigint NOT NULL,        -- that nobody has asked for since then, ms since 1970
  larger_than bigint NOT NULL,      -- that have more bytes
  keep_pictures boolean NOT NULL,   -- what profiles and the state of rooms name stays
  deleted bigint NOT NULL DEFAULT 0, -- so many are gone
  total bigint,                     -- so many there were at first; null: it has not begun
  reason text,                      -- why it failed; null: it did not
  created_ts bigint NOT NULL,       -- ms since 1970
  ended_ts bigint                   -- ms since 1970; null: there may be something left to do
);
CREATE INDEX media_deletions_due ON media_deletions (created_ts) WHERE ended_ts IS NULL;
