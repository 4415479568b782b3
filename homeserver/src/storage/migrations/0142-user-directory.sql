-- Who can be found by name; kept by a follower of the log.
CREATE TABLE user_directory (
  user_id text PRIMARY KEY,         -- full user id, of this server or another
  display_name text,                -- null: none is known
  avatar_url text,                  -- mxc URI; null: none is known
  words tsvector NOT NULL           -- folded words of name and localpart; #open: in an open room
);
CREATE INDEX user_directory_words ON user_directory USING gin (words) WITH (fastupdate = off);

-- Rooms that anybody may join or read: their members are found by everybody.
CREATE TABLE open_rooms (
  room_nid bigint PRIMARY KEY       -- rooms.room_nid
);
