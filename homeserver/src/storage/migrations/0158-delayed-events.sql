-- Events that users have the server send later (MSC4140), and for a while what became of them.
CREATE TABLE delayed_events (
  delay_id text PRIMARY KEY,        -- secret: who knows it may cancel, restart or send it
  user_id text NOT NULL,            -- the local user whose event it is
  device_id text NOT NULL,          -- of the request; '': an application service without a device
  scope text NOT NULL,              -- operation, room and type: what the transaction id is unique within
  txn_id text,                      -- chosen by the client; null: the operation has none
  room_id text NOT NULL,            -- identifier on the wire; it need not be known here
  type text NOT NULL,               -- event type
  state_key text,                   -- null for a message event
  content text NOT NULL,            -- JSON object, as the client sent it
  sticky_ms integer,                -- how long the event is sticky (MSC4354); null: it is not
  origin_server_ts bigint,          -- as an application service asked for it, ms since 1970
  is_limited boolean NOT NULL,      -- the user's rate of messages counts; false for application services without limits
  delay_ms bigint NOT NULL,         -- how long it waits
  since_ts bigint NOT NULL,         -- when it was scheduled or last restarted, ms since 1970
  due_ts bigint NOT NULL,           -- when it is sent, ms since 1970; later than since_ts + delay_ms after a failure that passes
  claimed_until bigint,             -- while it is being sent: others leave it alone until then, ms since 1970
  failures integer NOT NULL DEFAULT 0, -- tries that failed for reasons that pass
  finalised_ts bigint,              -- when it was sent, cancelled or refused, ms since 1970; null: it still waits
  event_id text,                    -- what it was sent as
  error text                        -- why it was not sent: JSON of the error; null: sent, or cancelled by its owner
);
CREATE INDEX delayed_events_due ON delayed_events (due_ts) WHERE finalised_ts IS NULL;
CREATE INDEX delayed_events_of_user ON delayed_events (user_id, due_ts) WHERE finalised_ts IS NULL;
CREATE INDEX delayed_events_finalised ON delayed_events (user_id, finalised_ts) WHERE finalised_ts IS NOT NULL;
CREATE INDEX delayed_events_old ON delayed_events (finalised_ts) WHERE finalised_ts IS NOT NULL;
CREATE UNIQUE INDEX delayed_events_transaction ON delayed_events (user_id, device_id, scope, txn_id) WHERE txn_id IS NOT NULL;
