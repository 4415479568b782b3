-- What administrators note of accounts, and sessions by which they act as somebody else.
ALTER TABLE accounts ADD COLUMN user_type text;             -- bot or support; null: a person's
ALTER TABLE accounts ADD COLUMN shadow_banned_ts bigint;    -- since when nobody is given what it sends, ms since 1970; null: they are
ALTER TABLE accounts ADD COLUMN rate_per_second integer;    -- requests of a class that it may send in a second; 0: any number; null: as many as others
ALTER TABLE accounts ADD COLUMN rate_burst integer;         -- as many of them at once; null with the other
CREATE INDEX accounts_by_creation ON accounts (created_ts, user_id);

-- A token of no device, by which an administrator acts as the user.
ALTER TABLE access_tokens ADD COLUMN issued_to text;        -- the administrator; null: the user's own
CREATE INDEX access_tokens_issued ON access_tokens (issued_to) WHERE issued_to IS NOT NULL;

-- When users were last seen on devices that are gone.
CREATE TABLE former_sightings (
  user_id text PRIMARY KEY,         -- full user id
  last_seen_ts bigint NOT NULL      -- ms since 1970
);
