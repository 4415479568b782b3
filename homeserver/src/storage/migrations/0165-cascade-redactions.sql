-- Redactions that are to take events along which relate to the redacted one.
CREATE TABLE cascade_redactions (
  id bigint GENERATED ALWAYS AS IDENTITY UNIQUE, -- what cascade_queue names it by
  room_nid bigint NOT NULL,      -- rooms.room_nid
  target text NOT NULL,          -- id of the redacted event
  sender text NOT NULL,          -- the local user who redacts, and in whose name the others are redacted
  rel_types text[] NOT NULL,     -- how they relate to it; '*' stands for any way
  reason text,                   -- of the redaction, for theirs
  own_only boolean NOT NULL,     -- only the sender's own events go along
  asked_ts bigint NOT NULL,      -- when it was asked for, ms since 1970
  late integer NOT NULL DEFAULT 0, -- how many events went along that arrived afterwards
  redaction_nid bigint,          -- events.event_nid of the redaction; null: it was not sent yet
  PRIMARY KEY (room_nid, target, sender)
);
CREATE INDEX cascade_redactions_by_target ON cascade_redactions (target);
CREATE INDEX cascade_redactions_by_sender ON cascade_redactions (sender, id);
-- Events that are still to be redacted.
CREATE TABLE cascade_queue (
  cascade_id bigint NOT NULL,    -- cascade_redactions.id
  event_nid bigint NOT NULL,     -- events.event_nid
  room_nid bigint NOT NULL,      -- rooms.room_nid
  PRIMARY KEY (cascade_id, event_nid)
);
CREATE INDEX cascade_queue_by_room ON cascade_queue (room_nid);
