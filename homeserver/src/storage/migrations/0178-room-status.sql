-- Rooms that administrators have closed in other ways than by blocking them.

-- Nothing is sent to the room, nor taken in. It stands in the head, so that whoever is about to write notices.
ALTER TABLE room_heads ADD COLUMN archived boolean NOT NULL DEFAULT false;

CREATE TABLE room_closures (
  room_nid bigint NOT NULL,         -- rooms.room_nid
  kind text NOT NULL,               -- archived: as in room_heads; shut_down: all local users were put out
  closed_by text NOT NULL,          -- the administrator
  closed_ts bigint NOT NULL,        -- ms since 1970
  reason text,                      -- in the administrator's words
  PRIMARY KEY (room_nid, kind)
);
