-- Rooms that were joined with a part of their state only: the members are fetched while the room is in use.
CREATE TABLE partial_rooms (
  room_nid bigint PRIMARY KEY,      -- rooms.room_nid
  join_nid bigint NOT NULL,         -- the join by which this server came in; its state_before is told by others
  servers text[] NOT NULL,          -- servers in the room, as who let this server in told
  fetched boolean NOT NULL,         -- the join's state is whole; the states of what came after it are not
  complete boolean NOT NULL,        -- nothing is missing any more
  position bigint NOT NULL,         -- log position of the beginning, or of the completion
  next_try bigint NOT NULL DEFAULT 0 -- fetching is not tried again before, ms since 1970
);
CREATE INDEX partial_rooms_log ON partial_rooms (position);
CREATE INDEX partial_rooms_open ON partial_rooms (next_try) WHERE NOT complete;

-- Events of a room that have a state but no place in the timeline's index: rejected and soft-failed ones.
CREATE INDEX events_refused_with_state ON events (room_nid) WHERE status <> 0 AND state_after IS NOT NULL;
