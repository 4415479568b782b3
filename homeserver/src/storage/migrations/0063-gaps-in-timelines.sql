-- Live events in front of which other servers' events are missing, or have been filled in since: a timeline that was
-- read as it came has a hole there.
ALTER TABLE events ADD COLUMN after_gap boolean NOT NULL DEFAULT false; -- live: prev events were missing when it came
UPDATE events SET after_gap = true
  WHERE event_nid IN (SELECT child_nid FROM missing_events) AND position IS NOT NULL AND ordinal = 0;
UPDATE events e SET after_gap = true
  FROM (SELECT DISTINCT room_nid, position FROM events WHERE position IS NOT NULL AND ordinal < 0) AS history
  WHERE e.room_nid = history.room_nid AND e.position = history.position AND e.ordinal = 0 AND NOT e.after_gap;
CREATE INDEX events_gaps ON events (room_nid, position) WHERE after_gap;
