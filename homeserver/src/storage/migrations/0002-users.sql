-- Accounts of this server, how they sign in, and what belongs to one user outside of any room's history.
-- Secrets that a client presents are kept as SHA-256 only.

CREATE TABLE accounts (
  user_id text PRIMARY KEY,         -- full user id
  password_hash text,               -- argon2id in PHC form; null: no password sign-in
  is_admin boolean NOT NULL DEFAULT false, -- may use the admin API
  created_ts bigint NOT NULL,       -- ms since 1970
  deactivated_ts bigint,            -- when it was closed for good; the name is never given again
  erased boolean NOT NULL DEFAULT false -- its owner asked for erasure on closing
);

CREATE TABLE devices (
  user_id text NOT NULL,            -- accounts.user_id, or a user of an application service
  device_id text NOT NULL,          -- chosen by the client or by us
  display_name text,                -- as its owner sees it
  created_ts bigint NOT NULL,       -- ms since 1970
  last_seen_ts bigint,              -- last request, ms since 1970, written lazily
  last_seen_ip text,                -- address of that request
  last_seen_user_agent text,        -- its User-Agent
  PRIMARY KEY (user_id, device_id)
);

CREATE TABLE refresh_tokens (
  token_hash bytea PRIMARY KEY,     -- SHA-256 of the token
  user_id text NOT NULL,            -- whose
  device_id text NOT NULL,          -- of which device
  replaced_by bytea,                -- hash of the refresh token given out for it; it stays valid until that pair is used
  created_ts bigint NOT NULL        -- ms since 1970
);
CREATE INDEX refresh_tokens_by_device ON refresh_tokens (user_id, device_id);
CREATE INDEX refresh_tokens_by_successor ON refresh_tokens (replaced_by) WHERE replaced_by IS NOT NULL;

CREATE TABLE access_tokens (
  token_hash bytea PRIMARY KEY,     -- SHA-256 of the token
  user_id text NOT NULL,            -- whose
  device_id text NOT NULL,          -- of which device
  refresh_hash bytea,               -- hash of the refresh token given out with it
  created_ts bigint NOT NULL,       -- ms since 1970
  expires_ts bigint,                -- ms since 1970; null: never
  used boolean NOT NULL DEFAULT false -- seen in a request: what it replaced is gone
);
CREATE INDEX access_tokens_by_device ON access_tokens (user_id, device_id);
CREATE INDEX access_tokens_by_refresh ON access_tokens (refresh_hash) WHERE refresh_hash IS NOT NULL;

-- One-time tokens for m.login.token.
CREATE TABLE login_tokens (
  token_hash bytea PRIMARY KEY,     -- SHA-256 of the token
  user_id text NOT NULL,            -- who may sign in with it
  expires_ts bigint NOT NULL        -- ms since 1970
);

CREATE TABLE registration_tokens (
  token text PRIMARY KEY,           -- 1 to 64 characters of A-Za-z0-9._~-
  uses_allowed integer,             -- null: without limit
  uses integer NOT NULL DEFAULT 0,  -- accounts made with it
  expires_ts bigint,                -- ms since 1970; null: never
  created_ts bigint NOT NULL,       -- ms since 1970
  bootstrap boolean NOT NULL DEFAULT false -- made at first start; the account that uses it is an administrator
);
CREATE UNIQUE INDEX registration_tokens_bootstrap ON registration_tokens (bootstrap) WHERE bootstrap;

CREATE TABLE uia_sessions (
  session_hash bytea PRIMARY KEY,   -- SHA-256 of the session id
  operation text NOT NULL,          -- operationId that is being authorised
  user_id text,                     -- who asks; null: nobody is signed in
  request_digest bytea NOT NULL,    -- HMAC of the request without auth, keyed by the session id
  completed text[] NOT NULL DEFAULT '{}', -- stages done
  facts text NOT NULL DEFAULT '{}', -- JSON: what the stages established, such as the registration token
  expires_ts bigint NOT NULL        -- ms since 1970
);
CREATE INDEX uia_sessions_expiry ON uia_sessions (expires_ts);

CREATE TABLE profiles (
  user_id text PRIMARY KEY,         -- a local user
  displayname text,                 -- null: not set
  avatar_url text,                  -- mxc URI; null: not set
  fields text NOT NULL DEFAULT '{}' -- JSON object: every other field
);

CREATE TABLE filters (
  user_id text NOT NULL,            -- whose
  filter_id bigint GENERATED ALWAYS AS IDENTITY, -- what the client is told
  hash bytea NOT NULL,              -- SHA-256 of content: the same filter is stored once
  content text NOT NULL,            -- canonical JSON of the filter
  PRIMARY KEY (user_id, filter_id),
  UNIQUE (user_id, hash)
);

CREATE TABLE reports (
  report_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order of arrival
  kind text NOT NULL,               -- event, room or user
  reporter text NOT NULL,           -- who reports
  room_id text,                     -- the room, for an event or a room
  event_id text,                    -- the event
  user_id text,                     -- the user
  reason text,                      -- in the reporter's words
  received_ts bigint NOT NULL       -- ms since 1970
);
