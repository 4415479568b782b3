-- Changes of profiles, devices and sessions, and history that came late, have positions in the log: its readers learn of
-- them on every replica, and after a crash.
ALTER TABLE profiles ADD COLUMN position bigint; -- log position of the last change of display name or avatar; null: none yet
CREATE INDEX profiles_log ON profiles (position) WHERE position IS NOT NULL;

-- The last change of each device of this server's users, and of the newest that were removed.
CREATE TABLE device_list_changes (
  user_id text NOT NULL,            -- full user id
  device_id text NOT NULL,
  removed boolean NOT NULL,         -- the device is gone; otherwise it came, or was renamed
  position bigint NOT NULL,         -- log position of the change
  PRIMARY KEY (user_id, device_id)
);
CREATE INDEX device_list_changes_log ON device_list_changes (position);

-- When tokens of a user ended last.
CREATE TABLE ended_sessions (
  user_id text PRIMARY KEY,         -- full user id
  position bigint NOT NULL          -- log position
);
CREATE INDEX ended_sessions_log ON ended_sessions (position);

-- Events that other servers sent later than what comes after them.
CREATE TABLE arrived_history (
  position bigint PRIMARY KEY,      -- log position
  room_nid bigint NOT NULL,         -- room
  event_nids bigint[] NOT NULL      -- the events, as they came together
);
CREATE INDEX arrived_history_room ON arrived_history (room_nid);
