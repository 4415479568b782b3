-- What end-to-end encryption puts into the log: changes of device lists with their history, signatures that a user made on
-- others' keys, one-time keys that were taken, and messages for devices, here and on other servers.
ALTER TABLE device_list_changes RENAME TO newest_device_list_changes;
DROP INDEX device_list_changes_log;

-- Changes of users' device lists: the newest of each device, and of the others the newest of each user.
CREATE TABLE device_list_changes (
  user_id text NOT NULL,            -- full user id, also of other servers' users
  position bigint NOT NULL,         -- log position; for this server's users the stream_id that other servers are told
  device_id text NOT NULL,          -- '': cross-signing keys, or anything of another server's user; only the newest is kept
  removed boolean NOT NULL,         -- the device is gone; otherwise it came, or its keys, signatures or name changed
  PRIMARY KEY (user_id, position)
);
CREATE INDEX device_list_changes_log ON device_list_changes (position);
INSERT INTO device_list_changes (user_id, position, device_id, removed)
  SELECT user_id, position, device_id, removed FROM newest_device_list_changes;
DROP TABLE newest_device_list_changes;

-- When a user last signed another's keys with their user-signing key. Nobody else is told.
CREATE TABLE user_signature_changes (
  user_id text NOT NULL,            -- who signed: a local user
  target_id text NOT NULL,          -- whose keys
  position bigint NOT NULL,         -- log position
  PRIMARY KEY (user_id, target_id)
);
CREATE INDEX user_signature_changes_log ON user_signature_changes (position);

-- When the one-time or fallback keys of a device changed last: added, or given out.
CREATE TABLE one_time_key_changes (
  user_id text NOT NULL,            -- a local user
  device_id text NOT NULL,
  position bigint NOT NULL,         -- log position
  PRIMARY KEY (user_id, device_id)
);
CREATE INDEX one_time_key_changes_log ON one_time_key_changes (position);

-- Messages that wait for a device of this server, until its next sync says that it has them.
CREATE TABLE to_device_messages (
  position bigint PRIMARY KEY,      -- log position
  user_id text NOT NULL,            -- a local user
  device_id text NOT NULL,
  message text NOT NULL             -- JSON object text: sender, type and content, as the device gets it
);
CREATE INDEX to_device_messages_device ON to_device_messages (user_id, device_id, position);

-- Messages for devices of another server, until that server has taken them.
CREATE TABLE to_device_outbound (
  position bigint PRIMARY KEY,      -- log position
  server text NOT NULL,             -- destination
  content text NOT NULL             -- JSON object text: content of the m.direct_to_device EDU
);
CREATE INDEX to_device_outbound_server ON to_device_outbound (server, position);
