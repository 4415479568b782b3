-- That a room was forgotten is told by the log, so that every replica and the user's other devices learn of it.
ALTER TABLE memberships ADD COLUMN forgotten_position bigint; -- log position at which the user forgot the room last
CREATE INDEX memberships_forgotten ON memberships (forgotten_position) WHERE forgotten_position IS NOT NULL;
