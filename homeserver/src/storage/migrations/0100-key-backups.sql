-- Keys of encrypted rooms that clients back up for their user's other devices, encrypted by them.
CREATE TABLE key_backups (
  user_id text NOT NULL,                -- full user id
  version bigint NOT NULL,              -- counted by user, from 1; a number is not given out again
  algorithm text NOT NULL,              -- how the keys are encrypted
  auth_data text NOT NULL,              -- JSON object text: what the algorithm needs
  etag bigint NOT NULL DEFAULT 0,       -- rises with each change of the keys
  count bigint NOT NULL DEFAULT 0,      -- how many keys there are
  bytes bigint NOT NULL DEFAULT 0,      -- what they come to
  deleted boolean NOT NULL DEFAULT false, -- there is nothing any more; kept so that its number is known
  PRIMARY KEY (user_id, version)
);

CREATE TABLE backed_up_keys (
  user_id text NOT NULL,                -- full user id
  version bigint NOT NULL,              -- of the backup
  room_id text NOT NULL,                -- need not be known here
  session_id text NOT NULL,             -- of the room's encryption
  first_message_index bigint NOT NULL,  -- first message that the key reads
  forwarded_count bigint NOT NULL,      -- how often the key was forwarded
  is_verified boolean NOT NULL,         -- the device that it is from was verified
  session_data text NOT NULL,           -- JSON object text: the encrypted key
  PRIMARY KEY (user_id, version, room_id, session_id)
);
