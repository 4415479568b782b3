-- Since when users are in rooms, and when they were: who shares a room with whom at any position of the log. What a sync
-- tells of device lists is computed from it.

-- Log position since which the user has been joined without interruption; 0: since before this was recorded. Means nothing
-- while the membership is another.
ALTER TABLE memberships ADD COLUMN joined_at bigint NOT NULL DEFAULT 0;
CREATE INDEX memberships_joined_at ON memberships (room_nid, joined_at) WHERE membership = 'join';
DROP INDEX memberships_joined;

-- Stays that have ended. They outlive a deleted room for as long as its purge is remembered.
CREATE TABLE past_stays (
  user_id text NOT NULL,            -- full user id
  room_nid bigint NOT NULL,         -- rooms.room_nid
  joined_at bigint NOT NULL,        -- log position at which the user came
  left_at bigint NOT NULL,          -- log position at which the user was joined no longer
  PRIMARY KEY (user_id, room_nid, left_at),
  CHECK (joined_at < left_at)
);
CREATE INDEX past_stays_room ON past_stays (room_nid, left_at);

-- When users are or were joined to rooms: from joined_at on, and before left_at.
CREATE VIEW stays AS
  SELECT room_nid, user_id, joined_at, NULL::bigint AS left_at FROM memberships WHERE membership = 'join'
  UNION ALL
  SELECT room_nid, user_id, joined_at, left_at FROM past_stays;

-- When rooms' members are or were not all known, after this server joined them with partial state.
CREATE TABLE partial_times (
  join_nid bigint PRIMARY KEY,      -- the join with which this server entered the room
  room_nid bigint NOT NULL,         -- rooms.room_nid
  began bigint NOT NULL,            -- log position
  ended bigint                      -- log position at which they were known, or were given up; null: not yet
);
CREATE INDEX partial_times_room ON partial_times (room_nid);
INSERT INTO partial_times (join_nid, room_nid, began)
  SELECT join_nid, room_nid, position FROM partial_rooms WHERE NOT complete;
