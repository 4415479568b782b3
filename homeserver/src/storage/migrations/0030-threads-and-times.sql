-- Threads of a room by their newest reply, and a room's events by their time.
CREATE INDEX events_threads ON events (room_nid, position, ordinal)
  WHERE rel_type = 'm.thread' AND position IS NOT NULL AND status = 0;
CREATE INDEX events_thread_replies ON events (relates_to, position, ordinal)
  WHERE rel_type = 'm.thread' AND position IS NOT NULL AND status = 0;
CREATE INDEX events_by_time ON events (room_nid, origin_server_ts)
  WHERE position IS NOT NULL AND status = 0;
