-- Removing nodes of state trees that nothing needs any more (docs/decisions, "State nodes are marked and swept").

-- Of the last collection that began. Appends write it into every node that they bring, new or not.
ALTER TABLE log_head ADD COLUMN epoch integer NOT NULL DEFAULT 1;

-- Epoch of the last append that brought the node: a collection removes nodes of earlier epochs only. Nodes of a
-- program that does not know epochs count as new for ever.
ALTER TABLE state_nodes ADD COLUMN epoch integer NOT NULL DEFAULT 0;
ALTER TABLE state_nodes ALTER COLUMN epoch SET DEFAULT 2147483647;

-- Nodes that the collection under way has found to be needed.
CREATE TABLE state_marks (
  place bigint GENERATED ALWAYS AS IDENTITY, -- the order in which they are followed
  hash bytea PRIMARY KEY            -- state_nodes.hash
);
CREATE INDEX state_marks_place ON state_marks (place);

CREATE TABLE state_collection (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), -- one row, ever
  phase text NOT NULL DEFAULT 'idle',       -- idle, heads, events, follow, sweep
  epoch integer NOT NULL DEFAULT 0,         -- log_head.epoch as this collection began
  cursor bigint NOT NULL DEFAULT 0,         -- last room_nid, event_nid or place that was looked at, by phase
  swept bytea NOT NULL DEFAULT '',          -- last node that was looked at in the phase sweep
  nodes bigint NOT NULL DEFAULT 0,          -- removed so far
  bytes bigint NOT NULL DEFAULT 0,          -- their size
  wanted boolean NOT NULL DEFAULT true      -- events have gone since the collection began: another one has work to do
);
INSERT INTO state_collection DEFAULT VALUES;

-- Where events go, so may nodes. While a collection marks, what the events referred to counts as needed still:
-- another event may have been built on it, at a place that was looked at already.
CREATE FUNCTION drop_state_roots(roots bytea[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  marking boolean;
BEGIN
  UPDATE state_collection SET wanted = true
    RETURNING phase IN ('heads', 'events', 'follow') INTO marking;
  IF marking THEN
    INSERT INTO state_marks (hash) SELECT DISTINCT root FROM unnest(roots) AS root
      ON CONFLICT (hash) DO NOTHING;
  END IF;
END $$;

CREATE FUNCTION events_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM old_events) THEN
    PERFORM drop_state_roots(ARRAY(
      SELECT root FROM old_events,
        LATERAL (VALUES (state_before), (state_after), (room_state)) AS r (root)
      WHERE root IS NOT NULL));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER events_deleted AFTER DELETE ON events REFERENCING OLD TABLE AS old_events
  FOR EACH STATEMENT EXECUTE FUNCTION events_deleted();

-- An event's state is told anew.
CREATE FUNCTION events_updated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  gone bytea[];
BEGIN
  gone := ARRAY(
    SELECT r.before FROM old_events o JOIN new_events n USING (event_nid),
      LATERAL (VALUES (o.state_before, n.state_before), (o.state_after, n.state_after),
        (o.room_state, n.room_state)) AS r (before, after)
    WHERE r.before IS NOT NULL AND r.before IS DISTINCT FROM r.after);
  IF cardinality(gone) > 0 THEN
    PERFORM drop_state_roots(gone);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER events_updated AFTER UPDATE ON events
  REFERENCING OLD TABLE AS old_events NEW TABLE AS new_events
  FOR EACH STATEMENT EXECUTE FUNCTION events_updated();
