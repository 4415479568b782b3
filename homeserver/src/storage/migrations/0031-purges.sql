-- Purges of rooms and of their history, at an administrator's wish.

CREATE TABLE purges (
  purge_id text PRIMARY KEY,        -- what the administrator is told
  room_id text NOT NULL,            -- the room's identifier on the wire
  room_nid bigint,                  -- rooms.room_nid; null: the room is not known
  kind text NOT NULL,               -- history or room
  request text NOT NULL,            -- JSON: what was asked for
  status text NOT NULL,             -- shutting_down, purging, complete, failed
  report text NOT NULL DEFAULT '{}', -- JSON: whom it put out, and the like
  reason text,                      -- why it failed
  created_ts bigint NOT NULL,       -- ms since 1970
  ended_ts bigint                   -- ms since 1970; null: there is something left to do
);
CREATE INDEX purges_by_room ON purges (room_id);
CREATE UNIQUE INDEX purges_one_at_a_time ON purges (room_id) WHERE ended_ts IS NULL;

-- What the log tells of purges: memory of the rooms is let go of.
CREATE TABLE purged_rooms (
  position bigint PRIMARY KEY,      -- log position
  room_nid bigint NOT NULL,         -- as it was
  room_id text NOT NULL,            -- the room's identifier on the wire
  whole boolean NOT NULL            -- the room is gone; otherwise a part of its history
);

CREATE TABLE blocked_rooms (
  room_id text PRIMARY KEY,         -- nobody of this server enters it
  blocked_by text NOT NULL,         -- the administrator
  blocked_ts bigint NOT NULL        -- ms since 1970
);

-- Events up to there that come again are old, not news.
ALTER TABLE rooms ADD COLUMN purged_depth bigint; -- history up to this depth was purged

-- Also finds the events of a room that have no place in its timeline.
DROP INDEX events_by_time;
CREATE INDEX events_by_time ON events (room_nid, origin_server_ts);
