-- Mails that are to be sent.
CREATE TABLE outgoing_mails (
  mail_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sealed bytea NOT NULL,            -- the mail as JSON, encrypted: it holds links that only its reader may know
  due_ts bigint NOT NULL,           -- not tried before, ms since 1970; while it is being sent: when another replica may
  expires_ts bigint NOT NULL,       -- of no use after that, ms since 1970
  failures integer NOT NULL DEFAULT 0 -- how often it was tried in vain
);
CREATE INDEX outgoing_mails_due ON outgoing_mails (due_ts);

-- How many mails strangers have had sent to an address of late.
CREATE TABLE mail_quotas (
  address_hash bytea PRIMARY KEY,   -- SHA-256 of the address
  sent integer NOT NULL,            -- since the first of them
  expires_ts bigint NOT NULL        -- counted anew after that, ms since 1970
);
CREATE INDEX mail_quotas_expiry ON mail_quotas (expires_ts);

-- Confirmations: who has begun one shows by reading a mail that the address is theirs.
CREATE TABLE address_confirmations (
  sid text PRIMARY KEY,             -- names it for its client
  purpose text NOT NULL,            -- add, register or password: it is good for nothing else
  address text NOT NULL,            -- e-mail address in its canonical form
  secret_hash bytea NOT NULL,       -- SHA-256 of the client's secret
  token_hash bytea,                 -- SHA-256 of what the link holds; null: the mail had no link
  send_attempt bigint NOT NULL,     -- number of the client's last request that had a mail sent
  next_link text,                   -- where the browser goes then
  confirmed_ts bigint,              -- ms since 1970; null: not yet
  expires_ts bigint NOT NULL,       -- ms since 1970
  UNIQUE (purpose, address, secret_hash)
);
CREATE INDEX address_confirmations_expiry ON address_confirmations (expires_ts);
CREATE INDEX address_confirmations_address ON address_confirmations (address);

-- Addresses of accounts.
CREATE TABLE account_addresses (
  medium text NOT NULL,             -- email
  address text NOT NULL,            -- in its canonical form
  user_id text NOT NULL,            -- full user id
  confirmed_ts bigint NOT NULL,     -- ms since 1970
  added_ts bigint NOT NULL,         -- ms since 1970
  PRIMARY KEY (medium, address)
);
CREATE INDEX account_addresses_by_user ON account_addresses (user_id);

-- What identity servers were told of local users on their behalf.
CREATE TABLE bound_addresses (
  user_id text NOT NULL,            -- full user id
  medium text NOT NULL,             -- email or msisdn
  address text NOT NULL,            -- as the identity server names it
  id_server text NOT NULL,          -- its name
  bound_ts bigint NOT NULL,         -- ms since 1970
  PRIMARY KEY (user_id, medium, address, id_server)
);
