-- Joins of rooms that this server is not in yet, from before they are sent until the room is built.
CREATE TABLE joins_under_way (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- of this try
  room_nid bigint NOT NULL,  -- rooms.room_nid
  until bigint NOT NULL      -- counts as over from then on: its process ended, ms since 1970
);
CREATE INDEX joins_under_way_by_room ON joins_under_way (room_nid);
