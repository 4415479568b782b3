-- The OAuth 2.0 API: clients, grants that are under way, sessions that came of one, and who is signed in with a browser.
-- Secrets are kept as SHA-256 only.

CREATE TABLE oauth_clients (
  client_id text PRIMARY KEY,       -- a hash of the metadata: who says the same of themselves has the same id
  metadata text NOT NULL,           -- JSON object text: what was registered
  created_ts bigint NOT NULL,       -- ms since 1970
  used_ts bigint NOT NULL           -- when it last registered or asked for something, ms since 1970
);
CREATE INDEX oauth_clients_by_use ON oauth_clients (used_ts);

-- Codes of authorisations. Used ones are kept until they expire: one that is used twice ends what came of it.
CREATE TABLE oauth_codes (
  code_hash bytea PRIMARY KEY,      -- SHA-256 of the code
  client_id text NOT NULL,          -- for which client
  user_id text NOT NULL,            -- who granted it
  device_id text NOT NULL,          -- the device that is signed in with it
  scope text NOT NULL,              -- what was granted, in the client's words
  redirect_uri text NOT NULL,       -- where the code was sent
  code_challenge text NOT NULL,     -- of PKCE: SHA-256 of the verifier, in base64url
  used boolean NOT NULL DEFAULT false, -- tokens were given for it
  expires_ts bigint NOT NULL        -- ms since 1970
);
CREATE INDEX oauth_codes_by_user ON oauth_codes (user_id, expires_ts);
CREATE INDEX oauth_codes_by_client ON oauth_codes (client_id);
CREATE INDEX oauth_codes_expiry ON oauth_codes (expires_ts);

-- Devices that wait for somebody to let them in elsewhere.
CREATE TABLE oauth_device_grants (
  code_hash bytea PRIMARY KEY,      -- SHA-256 of the device's code
  user_code text NOT NULL UNIQUE,   -- what people type: eight letters
  client_id text NOT NULL,          -- which client asks
  device_id text NOT NULL,          -- the device that is to be signed in
  scope text NOT NULL,              -- what is asked for, in the client's words
  user_id text,                     -- who let it in; null: nobody yet
  denied boolean NOT NULL DEFAULT false, -- somebody said no
  polled_ts bigint NOT NULL DEFAULT 0, -- when the device last asked, ms since 1970
  expires_ts bigint NOT NULL        -- ms since 1970
);
CREATE INDEX oauth_device_grants_expiry ON oauth_device_grants (expires_ts);

-- Devices that were signed in by OAuth.
CREATE TABLE oauth_sessions (
  user_id text NOT NULL,            -- devices.user_id
  device_id text NOT NULL,          -- devices.device_id
  client_id text NOT NULL,          -- oauth_clients.client_id
  scope text NOT NULL,              -- what was granted, in the client's words
  grant_hash bytea NOT NULL,        -- SHA-256 of the code that it came of
  PRIMARY KEY (user_id, device_id)
);
CREATE INDEX oauth_sessions_by_grant ON oauth_sessions (grant_hash);
CREATE INDEX oauth_sessions_by_client ON oauth_sessions (client_id);

-- People who are signed in on the server's own pages.
CREATE TABLE browser_sessions (
  token_hash bytea PRIMARY KEY,     -- SHA-256 of the cookie
  user_id text NOT NULL,            -- who
  expires_ts bigint NOT NULL        -- ms since 1970
);
CREATE INDEX browser_sessions_by_user ON browser_sessions (user_id, expires_ts);
CREATE INDEX browser_sessions_expiry ON browser_sessions (expires_ts);

-- People who have just allowed, on the account's page, that an app replaces their cross-signing keys. Good once.
CREATE TABLE cross_signing_resets (
  user_id text PRIMARY KEY,         -- who
  expires_ts bigint NOT NULL        -- ms since 1970
);
