-- Events of ours that another server took from us, and what rooms are said to be before this server is in them.
ALTER TABLE events
  ADD COLUMN handed_over boolean NOT NULL DEFAULT false, -- an event of ours that another server took (send_join and the like): it sends it on
  ADD COLUMN version text;                    -- room version that the event is written in; null: that of its room

ALTER TABLE rooms
  ADD COLUMN version_known boolean NOT NULL DEFAULT false; -- the create event says the version; before that it is what somebody claimed
UPDATE rooms SET version_known = true WHERE room_nid IN (SELECT room_nid FROM room_heads);

ALTER TABLE stripped_rooms
  ADD COLUMN origin text;                     -- the server that sent the invite or took the knock; null: not noted down
CREATE INDEX stripped_rooms_user ON stripped_rooms (user_id);
CREATE INDEX stripped_rooms_origin ON stripped_rooms (origin);
ALTER TABLE rooms
  ADD COLUMN version_disputed boolean NOT NULL DEFAULT false; -- others claimed another version while it was not known
-- Events of rooms whose version may yet turn out to be another keep the one that they were taken in by.
UPDATE events e SET version = r.version FROM rooms r
  WHERE r.room_nid = e.room_nid AND NOT r.version_known;
