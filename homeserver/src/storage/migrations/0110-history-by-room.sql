-- Of the history that arrived in a room the newest records are kept: they are found by their positions.
DROP INDEX arrived_history_room;
CREATE INDEX arrived_history_room ON arrived_history (room_nid, position);

-- Erasures that the version before noted with the account, and was stopped before it told the log of them.
INSERT INTO erased_users (user_id, position)
  SELECT a.user_id, h.position FROM accounts a, log_head h WHERE a.erased
  ON CONFLICT (user_id) DO NOTHING;
