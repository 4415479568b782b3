-- What was rejected because of another event has to be judged again when that one is not rejected any more, even if the
-- server is killed in between.

CREATE TABLE events_to_rejudge (
  room_nid bigint NOT NULL,         -- rooms.room_nid
  accepted_nid bigint NOT NULL,     -- events.event_nid, not rejected any more: those that name it in auth_events are meant;
                                    -- 0: all that are rejected, since the room's state has become whole
  PRIMARY KEY (room_nid, accepted_nid)
);
