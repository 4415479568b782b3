-- How much rooms take up, counted now and then by one replica: up to the cursor "room-sizes".
CREATE TABLE room_sizes (
  room_nid bigint PRIMARY KEY,      -- rooms.room_nid
  events bigint NOT NULL DEFAULT 0, -- in the timeline
  event_bytes bigint NOT NULL DEFAULT 0, -- their texts, as they are stored
  media_bytes bigint NOT NULL DEFAULT 0, -- files that its events name and that are here, each once
  media_due boolean NOT NULL DEFAULT false, -- files have come since they were counted
  media_ts bigint NOT NULL DEFAULT 0 -- when they were counted, ms since 1970
);
CREATE INDEX room_sizes_media_due ON room_sizes (room_nid) WHERE media_due;
CREATE INDEX room_sizes_media_ts ON room_sizes (media_ts);
