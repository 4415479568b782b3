-- Notices of the server to many users, sent in the background.
CREATE TABLE notice_sendings (
  notice_id text PRIMARY KEY,       -- chosen by the administrator: nobody gets one number twice
  requested_by text NOT NULL,       -- the administrator
  event_type text NOT NULL,
  content text NOT NULL,            -- of the event, as JSON
  to_all boolean NOT NULL,          -- to everybody there was; false: to users who were named
  total integer NOT NULL,           -- so many users
  told integer NOT NULL DEFAULT 0,  -- so many have it
  failed integer NOT NULL DEFAULT 0, -- so many could not be told
  stopped boolean NOT NULL DEFAULT false, -- an administrator has stopped it
  created_ts bigint NOT NULL,       -- ms since 1970
  ended_ts bigint                   -- ms since 1970; null: there is somebody left to tell
);
CREATE INDEX notice_sendings_due ON notice_sendings (created_ts) WHERE ended_ts IS NULL;
CREATE INDEX notice_sendings_newest ON notice_sendings (created_ts DESC, notice_id);

CREATE TABLE notice_recipients (
  notice_id text NOT NULL REFERENCES notice_sendings ON DELETE CASCADE,
  user_id text NOT NULL,
  told_ts bigint,                   -- ms since 1970; null: not yet
  error text,                       -- why they could not be told, for people; null: nothing failed
  PRIMARY KEY (notice_id, user_id)
);
CREATE INDEX notice_recipients_due ON notice_recipients (notice_id, user_id)
  WHERE told_ts IS NULL AND error IS NULL;
CREATE INDEX notice_recipients_failed ON notice_recipients (notice_id, user_id)
  WHERE error IS NOT NULL;
