-- Rooms that application services list in directories of their networks, beside the server's own directory.
CREATE TABLE network_rooms (
  service text NOT NULL,            -- id of the registration
  network_id text NOT NULL,         -- of an instance of one of its protocols
  room_nid bigint NOT NULL,         -- rooms.room_nid
  PRIMARY KEY (service, network_id, room_nid)
);
CREATE INDEX network_rooms_room ON network_rooms (room_nid);
