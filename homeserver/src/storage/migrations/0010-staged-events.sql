-- Verified events of other servers that could not be placed yet: what they build on is still to be fetched.
CREATE TABLE staged_events (
  event_id text PRIMARY KEY,        -- identifier on the wire
  room_nid bigint NOT NULL,         -- rooms.room_nid
  origin text NOT NULL,             -- the server that sent it
  json text NOT NULL,               -- canonical PDU without unsigned; signatures and hash have been checked
  received_ts bigint NOT NULL,      -- when it came, ms since 1970
  attempts integer NOT NULL DEFAULT 0, -- how often placing it has failed
  next_try bigint NOT NULL          -- not tried again before, ms since 1970
);
CREATE INDEX staged_events_due ON staged_events (next_try);
CREATE INDEX staged_events_by_room ON staged_events (room_nid, next_try);
CREATE INDEX staged_events_by_origin ON staged_events (origin);
