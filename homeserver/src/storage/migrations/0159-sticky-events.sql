-- Events that reach everybody in their room for a while, however much is said (MSC4354).
CREATE TABLE sticky_events (
  event_nid bigint PRIMARY KEY,     -- events.event_nid
  room_nid bigint NOT NULL,         -- rooms.room_nid
  sender text NOT NULL,             -- full user id
  server text NOT NULL,             -- the server part of sender
  expires_ts bigint NOT NULL,       -- until when it is sticky, ms since 1970
  has_failed boolean NOT NULL,      -- soft-failed: nobody is told of it, unless it passes when its sender's membership changes
  position bigint NOT NULL          -- log position at which clients are told of it
);
CREATE INDEX sticky_events_of_room ON sticky_events (room_nid, position);
CREATE INDEX sticky_events_of_sender ON sticky_events (room_nid, sender, position);
CREATE INDEX sticky_events_of_server ON sticky_events (room_nid, server, position);
CREATE INDEX sticky_events_expiry ON sticky_events (expires_ts);
CREATE INDEX sticky_events_log ON sticky_events (position);

-- Sticky events of this server's users that a server is sent since it has come into the room.
CREATE TABLE sticky_owed (
  server text NOT NULL,             -- who is sent it
  event_nid bigint NOT NULL,        -- events.event_nid
  room_nid bigint NOT NULL,         -- rooms.room_nid
  expires_ts bigint NOT NULL,       -- of no use after that, ms since 1970
  position bigint NOT NULL,         -- log position
  PRIMARY KEY (server, event_nid)
);
CREATE INDEX sticky_owed_log ON sticky_owed (position);
CREATE INDEX sticky_owed_of_server ON sticky_owed (server, position);
CREATE INDEX sticky_owed_of_room ON sticky_owed (room_nid);
CREATE INDEX sticky_owed_expiry ON sticky_owed (expires_ts);
