-- Devices and cross-signing keys of other servers' users, as those servers told them. A list is used as long as updates of
-- it come: while its user shares a room with a user of this server.
CREATE TABLE remote_device_lists (
  user_id text PRIMARY KEY,             -- full user id, of another server
  server text NOT NULL,                 -- that server
  position bigint NOT NULL,             -- log position at which it was right: updates come for as long as a room has been shared since
  stream_ids bigint[] NOT NULL,         -- the server's ids of the snapshot and of the newest updates in it, oldest first; empty: not told
  master_key text,                      -- JSON object text; null: there is none
  self_signing_key text,                -- JSON object text, signed by the master key; null: there is none
  is_stale boolean NOT NULL,            -- something changed that is not in it
  changes bigint NOT NULL,              -- rises with each update that arrives, and each time that the list is read anew
  newest_missed bigint NOT NULL,        -- the highest id of the updates that came while it was stale; 0: none
  read_at bigint NOT NULL,              -- ms since 1970 at which it was read whole; 0: never
  resync_at bigint,                     -- ms since 1970 from when on it may be read anew; null: nobody asked since it is stale
  failures integer NOT NULL             -- attempts to read it that failed in a row
);
CREATE INDEX remote_device_lists_stale ON remote_device_lists (resync_at) WHERE is_stale AND resync_at IS NOT NULL;

CREATE TABLE remote_devices (
  user_id text NOT NULL REFERENCES remote_device_lists ON DELETE CASCADE,
  device_id text NOT NULL,
  keys text NOT NULL,                   -- JSON object text without unsigned, signed by the device
  display_name text,                    -- null: it has none
  PRIMARY KEY (user_id, device_id)
);
