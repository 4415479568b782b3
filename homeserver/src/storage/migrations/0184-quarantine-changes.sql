-- Files that administrators kept from everybody, or gave to everybody again, in the order in which that happened.
CREATE TABLE quarantine_changes (
  change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- rises with the time of the commit
  server text NOT NULL,          -- media.server
  media_id text NOT NULL,        -- media.media_id
  quarantined boolean NOT NULL   -- false: it is given to everybody again
);
INSERT INTO quarantine_changes (server, media_id, quarantined)
SELECT server, media_id, true FROM media WHERE quarantined_by IS NOT NULL ORDER BY quarantined_ts;
