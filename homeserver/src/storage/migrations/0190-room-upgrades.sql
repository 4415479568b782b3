-- Upgrades whose new room is made, until the old room's aliases and its place in the directory are its.
CREATE TABLE room_upgrades (
  room_nid bigint NOT NULL REFERENCES rooms ON DELETE CASCADE,     -- the old room
  new_room_nid bigint NOT NULL REFERENCES rooms ON DELETE CASCADE, -- the room that was made
  PRIMARY KEY (room_nid, new_room_nid)
);
CREATE INDEX room_upgrades_new ON room_upgrades (new_room_nid);
