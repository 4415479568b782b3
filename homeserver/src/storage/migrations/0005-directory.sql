-- What the room directory holds: aliases of this server, and the rooms it publishes.

CREATE TABLE room_aliases (
  alias text PRIMARY KEY,           -- full alias, #local:server
  room_id text NOT NULL,            -- the room it leads to; the alias is taken before the room is made
  creator text NOT NULL,            -- user who made the alias
  created_ts bigint NOT NULL        -- ms since 1970
);
CREATE INDEX room_aliases_by_room ON room_aliases (room_id);

CREATE TABLE published_rooms (
  room_nid bigint PRIMARY KEY,      -- rooms.room_nid
  published_ts bigint NOT NULL      -- since when, ms since 1970
);
