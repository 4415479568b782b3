-- When fields of users' profiles last changed: clients of those who share a room with them are told.
CREATE TABLE profile_changes (
  user_id text NOT NULL,      -- whose profile
  field text NOT NULL,        -- its key; what it is now stands in the profile, or nothing if it was removed
  position bigint NOT NULL,   -- log position of the last change
  PRIMARY KEY (user_id, field)
);
CREATE UNIQUE INDEX profile_changes_by_position ON profile_changes (position);
CREATE INDEX profile_changes_by_user ON profile_changes (user_id, position);
