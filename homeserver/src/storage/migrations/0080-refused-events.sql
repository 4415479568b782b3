-- Events of a room that were not accepted, with a place in its graph or without: what they name is behind whatever names them.
CREATE INDEX events_refused ON events (room_nid) WHERE status <> 0;
DROP INDEX events_refused_with_state;
