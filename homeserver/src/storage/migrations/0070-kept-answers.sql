ALTER TABLE uia_sessions ADD COLUMN answer bytea;
COMMENT ON COLUMN uia_sessions.answer IS 'What the operation answered, encrypted by the session id, for a client that lost the answer; null until it is done.';
