-- What lists of rooms show and are ordered by. Numbers are kept by the triggers below, in the transaction that changes what
-- they count; what the state says is written anew when somebody asks who finds it out of date (decision 0051).

-- This server's name, noted at each start.
CREATE TABLE this_server (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), -- one row, ever
  server text NOT NULL              -- as in memberships.server
);

CREATE TABLE room_stats (
  room_nid bigint PRIMARY KEY,      -- rooms.room_nid
  joined bigint NOT NULL DEFAULT 0, -- members who are joined
  joined_local bigint NOT NULL DEFAULT 0, -- those of this server
  state_events bigint NOT NULL DEFAULT 0, -- rows of current_state
  revision bigint NOT NULL DEFAULT 0, -- rises when state changes that is told below
  described bigint NOT NULL DEFAULT -1, -- the revision that is told below
  name text,                        -- as in m.room.name, and so on; null: the state does not say
  topic text,
  avatar text,                      -- mxc URI
  canonical_alias text,
  creator text,                     -- who sent m.room.create
  room_type text,
  federatable boolean NOT NULL DEFAULT true, -- unless m.room.create says otherwise
  encryption text,                  -- the algorithm
  join_rules text,
  guest_access text,
  history_visibility text,
  tombstoned boolean NOT NULL DEFAULT false, -- it was upgraded, or ended
  replacement_room text,            -- to which room
  found_by text NOT NULL DEFAULT '' -- name and localpart of the alias in lower case, on lines of their own
);
CREATE INDEX room_stats_stale ON room_stats (room_nid) WHERE described <> revision;

CREATE FUNCTION memberships_counted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  here text := (SELECT server FROM this_server);
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO room_stats AS s (room_nid, joined, joined_local)
      SELECT room_nid, count(*), count(*) FILTER (WHERE server = here)
      FROM new_rows WHERE membership = 'join' GROUP BY room_nid ORDER BY room_nid
      ON CONFLICT (room_nid) DO UPDATE SET joined = s.joined + excluded.joined,
        joined_local = s.joined_local + excluded.joined_local;
  ELSIF TG_OP = 'UPDATE' THEN
    INSERT INTO room_stats AS s (room_nid, joined, joined_local)
      SELECT room_nid, sum(n), coalesce(sum(n) FILTER (WHERE server = here), 0)
      FROM (SELECT room_nid, server, 1 AS n FROM new_rows WHERE membership = 'join'
        UNION ALL SELECT room_nid, server, -1 FROM old_rows WHERE membership = 'join') AS m
      GROUP BY room_nid
      HAVING sum(n) <> 0 OR coalesce(sum(n) FILTER (WHERE server = here), 0) <> 0
      ORDER BY room_nid
      ON CONFLICT (room_nid) DO UPDATE SET joined = s.joined + excluded.joined,
        joined_local = s.joined_local + excluded.joined_local;
  ELSE
    UPDATE room_stats s SET joined = s.joined - m.n, joined_local = s.joined_local - m.l
      FROM (SELECT room_nid, count(*) AS n, count(*) FILTER (WHERE server = here) AS l
        FROM old_rows WHERE membership = 'join' GROUP BY room_nid) AS m
      WHERE s.room_nid = m.room_nid;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER memberships_inserted AFTER INSERT ON memberships REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION memberships_counted();
CREATE TRIGGER memberships_updated AFTER UPDATE ON memberships
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION memberships_counted();
CREATE TRIGGER memberships_deleted AFTER DELETE ON memberships REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION memberships_counted();

-- Types of state that room_stats tells of.
CREATE FUNCTION is_told_of_rooms(type text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT type IN ('m.room.create', 'm.room.name', 'm.room.topic', 'm.room.avatar',
    'm.room.canonical_alias', 'm.room.encryption', 'm.room.join_rules', 'm.room.guest_access',
    'm.room.history_visibility', 'm.room.tombstone')
$$;

CREATE FUNCTION current_state_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO room_stats AS s (room_nid, state_events, revision)
      SELECT room_nid, count(*), CASE WHEN bool_or(is_told_of_rooms(type)) THEN 1 ELSE 0 END
      FROM new_rows GROUP BY room_nid ORDER BY room_nid
      ON CONFLICT (room_nid) DO UPDATE SET state_events = s.state_events + excluded.state_events,
        revision = s.revision + excluded.revision;
  ELSIF TG_OP = 'UPDATE' THEN
    UPDATE room_stats s SET revision = s.revision + 1
      FROM (SELECT DISTINCT room_nid FROM new_rows WHERE is_told_of_rooms(type)) AS m
      WHERE s.room_nid = m.room_nid;
  ELSE
    UPDATE room_stats s SET state_events = s.state_events - m.n, revision = s.revision + m.r
      FROM (SELECT room_nid, count(*) AS n,
          CASE WHEN bool_or(is_told_of_rooms(type)) THEN 1 ELSE 0 END AS r
        FROM old_rows GROUP BY room_nid) AS m
      WHERE s.room_nid = m.room_nid;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER current_state_inserted AFTER INSERT ON current_state REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION current_state_counted();
CREATE TRIGGER current_state_updated AFTER UPDATE ON current_state
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION current_state_counted();
CREATE TRIGGER current_state_deleted AFTER DELETE ON current_state REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION current_state_counted();

-- Local members of what is there already are counted when the server's name is noted.
INSERT INTO room_stats (room_nid, joined)
  SELECT room_nid, count(*) FROM memberships WHERE membership = 'join' GROUP BY room_nid;
INSERT INTO room_stats AS s (room_nid, state_events)
  SELECT room_nid, count(*) FROM current_state GROUP BY room_nid
  ON CONFLICT (room_nid) DO UPDATE SET state_events = excluded.state_events;
