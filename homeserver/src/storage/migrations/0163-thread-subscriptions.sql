-- Threads that users follow, or ceased to follow.
CREATE TABLE thread_subscriptions (
  user_id text NOT NULL,      -- full user id, of this server
  room_nid bigint NOT NULL,   -- rooms.room_nid
  root text NOT NULL,         -- event id of what the thread began with
  state text NOT NULL,        -- 'manual' or 'automatic': follows it, made so; 'none': ceased to
  position bigint NOT NULL,   -- log position of the last change
  PRIMARY KEY (user_id, room_nid, root)
);
CREATE UNIQUE INDEX thread_subscriptions_by_position ON thread_subscriptions (position);
CREATE INDEX thread_subscriptions_by_user ON thread_subscriptions (user_id, position);
CREATE INDEX thread_subscriptions_by_thread ON thread_subscriptions (room_nid, root);
