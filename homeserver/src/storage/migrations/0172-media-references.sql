-- Which events name which files: of this server's uploads all events, of other servers' files messages and stickers.
CREATE TABLE media_references (
  server text NOT NULL,             -- media.server
  media_id text NOT NULL,           -- media.media_id; of another server's file there may be no row
  event_nid bigint NOT NULL,        -- events.event_nid
  room_nid bigint NOT NULL,         -- rooms.room_nid
  redacted boolean NOT NULL DEFAULT false, -- the event names it no longer, since it was redacted
  PRIMARY KEY (server, media_id, event_nid)
);
CREATE INDEX media_references_by_room ON media_references (room_nid, server, media_id);
CREATE INDEX media_references_by_event ON media_references (event_nid);

ALTER TABLE media ADD COLUMN quarantined_by text;       -- the administrator who keeps it from everybody; null: nobody does
ALTER TABLE media ADD COLUMN quarantined_ts bigint;     -- since when, ms since 1970
ALTER TABLE media ADD COLUMN is_protected boolean NOT NULL DEFAULT false; -- never quarantined with others, nor deleted by itself
ALTER TABLE media ADD COLUMN was_referenced boolean NOT NULL DEFAULT false; -- events named it that have been purged
ALTER TABLE media ADD COLUMN unreferenced_ts bigint;    -- since when it is known that nothing names it, ms since 1970; null: something does, or nobody looked
CREATE INDEX media_quarantined ON media (sha256) WHERE quarantined_by IS NOT NULL;
CREATE INDEX media_unreferenced ON media (unreferenced_ts) WHERE unreferenced_ts IS NOT NULL;
