-- Users of this server who had their account erased: who comes into a room later is given redacted copies of their events.
CREATE TABLE erased_users (
  user_id text PRIMARY KEY,         -- full user id
  position bigint NOT NULL          -- log position of the erasure
);
CREATE INDEX erased_users_log ON erased_users (position);
INSERT INTO erased_users (user_id, position)
  SELECT a.user_id, h.position FROM accounts a, log_head h WHERE a.erased;
