-- Other servers: their keys, and which of them do not answer.

-- Verify keys of other servers, also those that they have retired.
CREATE TABLE server_keys (
  server text NOT NULL,             -- whose key
  key_id text NOT NULL,             -- such as ed25519:abc
  public_key text NOT NULL,         -- unpadded base64
  valid_until_ts bigint NOT NULL,   -- signatures up to then hold, ms since 1970; of a retired key: when it expired
  fetched_ts bigint NOT NULL,       -- when we were told, ms since 1970
  PRIMARY KEY (server, key_id)
);

-- The newest self-signed key object of each server, for those who ask us as a notary.
CREATE TABLE server_key_objects (
  server text PRIMARY KEY,          -- whose
  object text NOT NULL,             -- JSON with the server's own signatures
  valid_until_ts bigint NOT NULL,   -- as the object says, at most 7 days after fetched_ts
  fetched_ts bigint NOT NULL        -- ms since 1970
);

-- Servers that do not answer; there is no row for those that do.
CREATE TABLE failing_servers (
  server text PRIMARY KEY,          -- server name
  failing_since bigint NOT NULL,    -- ms since 1970
  retry_after bigint NOT NULL,      -- not asked before, ms since 1970
  interval_ms bigint NOT NULL       -- the pause that led to retry_after, without jitter
);
