-- What wakes the devices of local users, and how far each pusher has been told.
CREATE TABLE pushers (
  pusher_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id text NOT NULL,            -- full user id
  app_id text NOT NULL,             -- names the app
  pushkey text NOT NULL,            -- names the device to its gateway
  device_id text NOT NULL,          -- whose session set it, and ends with it; '': an application service without a device
  kind text NOT NULL,               -- http
  app_display_name text NOT NULL,
  device_display_name text NOT NULL,
  profile_tag text,
  lang text NOT NULL,
  data text NOT NULL,               -- JSON object
  set_ts bigint NOT NULL,           -- when a client set it last, ms since 1970
  told_to bigint NOT NULL,          -- what notified up to this log position was told, or is told no more
  badge integer,                    -- how much was unread as last told; -1: an event was told without; null: never told anything
  behind boolean NOT NULL DEFAULT false, -- something after told_to may have been left out by the follower
  failures integer NOT NULL DEFAULT 0, -- how often in a row the gateway did not take it
  retry_ts bigint NOT NULL DEFAULT 0, -- where it is behind: not tried before, ms since 1970
  UNIQUE (user_id, app_id, pushkey)
);
CREATE INDEX pushers_by_key ON pushers (app_id, pushkey);
CREATE INDEX pushers_by_device ON pushers (user_id, device_id);
CREATE INDEX pushers_behind ON pushers (retry_ts) WHERE behind;

-- When the pushers of a user changed last.
CREATE TABLE pusher_changes (
  user_id text PRIMARY KEY,         -- full user id
  position bigint NOT NULL          -- log position
);
CREATE INDEX pusher_changes_log ON pusher_changes (position);
