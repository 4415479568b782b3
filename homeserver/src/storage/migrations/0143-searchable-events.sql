-- What is found by words: messages, names and topics of rooms; kept by a follower of the log.
CREATE TABLE searchable_events (
  event_nid bigint PRIMARY KEY,     -- the event that is shown
  source_nid bigint NOT NULL,       -- the event whose text it is: itself, or its newest edit
  room_nid bigint NOT NULL,         -- rooms.room_nid
  sender text NOT NULL,             -- full user id
  key smallint NOT NULL,            -- 0 content.body, 1 content.name, 2 content.topic
  ts bigint NOT NULL,               -- origin_server_ts, not later than when it was indexed, ms since 1970
  words tsvector NOT NULL           -- folded words of the text, and #<room_nid>
);
CREATE INDEX searchable_events_words ON searchable_events USING gin (words) WITH (fastupdate = off);
CREATE INDEX searchable_events_by_room ON searchable_events (room_nid, ts, event_nid);
CREATE INDEX searchable_events_by_time ON searchable_events (ts, event_nid);
CREATE INDEX searchable_events_edited ON searchable_events (source_nid) WHERE source_nid <> event_nid;
