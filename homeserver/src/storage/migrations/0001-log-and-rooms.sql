-- The one ordered log, and what the room engine commits with it.
-- "nid" is an internal integer id. Positions come from log_head only.

CREATE TABLE log_head (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), -- one row, ever
  position bigint NOT NULL                                    -- everything up to here is committed and visible
);
INSERT INTO log_head (position) VALUES (0);

-- Blocks of ids are taken in advance, so that a room can build on events that are not committed yet.
CREATE SEQUENCE event_nids INCREMENT BY 1000;
CREATE SEQUENCE room_nids;
CREATE SEQUENCE state_tuple_nids;

CREATE TABLE rooms (
  room_nid bigint PRIMARY KEY,      -- from room_nids
  room_id text NOT NULL UNIQUE,     -- the room's identifier on the wire
  version text NOT NULL,            -- room version, "1" to "12"
  created_ts bigint NOT NULL        -- when this server first knew of it, ms since 1970
);

CREATE TABLE state_tuples (
  tuple_nid bigint PRIMARY KEY,     -- from state_tuple_nids
  type text NOT NULL,               -- event type
  state_key text NOT NULL,          -- state key
  UNIQUE (type, state_key)
);

CREATE TABLE state_nodes (
  hash bytea PRIMARY KEY,           -- first 16 bytes of the SHA-256 of data
  data bytea NOT NULL               -- packed node of a state tree: leaf or branch
);

CREATE TABLE events (
  event_nid bigint PRIMARY KEY,     -- from event_nids
  room_nid bigint NOT NULL,         -- rooms.room_nid
  event_id text NOT NULL UNIQUE,    -- identifier on the wire
  type text NOT NULL,               -- event type
  state_key text,                   -- null for a message event
  sender text NOT NULL,             -- full user id
  depth bigint NOT NULL,            -- as the event says
  origin_server_ts bigint NOT NULL, -- as the event says, ms since 1970
  json text NOT NULL,               -- canonical PDU without unsigned; replaced by its redacted form on redaction
  position bigint,                  -- log position; for history: of the event it was filled in front of; null for an outlier
  ordinal integer NOT NULL DEFAULT 0, -- 0 live, negative history: (position, ordinal) is the order of the timeline
  status smallint NOT NULL DEFAULT 0, -- 0 accepted, 1 soft-failed, 2 rejected
  reason text,                      -- why it was soft-failed or rejected
  state_before bytea,               -- state tree root before the event (null: unknown, or the empty state of a create event)
  state_after bytea,                -- root after it; equal to state_before for message events
  room_state bytea,                 -- root of the room's current state right after this event was appended (live events)
  prev_event_ids text[] NOT NULL,   -- its prev_events
  auth_nids bigint[] NOT NULL,      -- its auth_events, those known
  relates_to text,                  -- m.relates_to.event_id
  rel_type text,                    -- m.relates_to.rel_type
  redacted_by bigint                -- event_nid of the redaction that was applied
);
CREATE INDEX events_timeline ON events (room_nid, position, ordinal) WHERE position IS NOT NULL AND status = 0;
CREATE INDEX events_log ON events (position) WHERE position IS NOT NULL AND ordinal = 0;
CREATE INDEX events_relations ON events (relates_to, rel_type) WHERE relates_to IS NOT NULL;

-- Prev events that are referred to and not known: where history has gaps.
CREATE TABLE missing_events (
  room_nid bigint NOT NULL,         -- rooms.room_nid
  event_id text NOT NULL,           -- the event that is not known
  child_nid bigint NOT NULL,        -- an event that names it in prev_events
  PRIMARY KEY (room_nid, event_id, child_nid)
);

-- Redactions by target, kept also when the target has not arrived yet.
CREATE TABLE redactions (
  target_event_id text NOT NULL,    -- what is redacted
  redaction_nid bigint NOT NULL,    -- by which event
  PRIMARY KEY (target_event_id, redaction_nid)
);

CREATE TABLE room_heads (
  room_nid bigint PRIMARY KEY,      -- rooms.room_nid
  version bigint NOT NULL,          -- moves by one per command: the fence against a stale writer
  extremities bigint[] NOT NULL,    -- event nids of the forward extremities
  state_root bytea,                 -- current (resolved) state
  depth bigint NOT NULL,            -- greatest depth among the extremities
  position bigint NOT NULL          -- last log position of the room
);

CREATE TABLE current_state (
  room_nid bigint NOT NULL,         -- rooms.room_nid
  type text NOT NULL,               -- event type
  state_key text NOT NULL,          -- state key
  event_nid bigint NOT NULL,        -- the event that holds
  PRIMARY KEY (room_nid, type, state_key)
);
CREATE INDEX current_state_by_type ON current_state (type, room_nid) WHERE type NOT IN ('m.room.member');

CREATE TABLE memberships (
  room_nid bigint NOT NULL,         -- rooms.room_nid
  user_id text NOT NULL,            -- full user id
  server text NOT NULL,             -- the server part of user_id
  membership text NOT NULL,         -- join, invite, leave, ban, knock
  event_nid bigint NOT NULL,        -- the member event
  position bigint NOT NULL,         -- log position at which it became so
  forgotten boolean NOT NULL DEFAULT false, -- a local user forgot the room
  PRIMARY KEY (room_nid, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id, membership);
CREATE INDEX memberships_by_server ON memberships (server, room_nid) WHERE membership = 'join';
CREATE INDEX memberships_log ON memberships (position);
CREATE INDEX memberships_joined ON memberships (room_nid) WHERE membership = 'join';

-- Invites and knocks to rooms of which this server knows only stripped state.
CREATE TABLE stripped_rooms (
  room_nid bigint NOT NULL,         -- rooms.room_nid
  user_id text NOT NULL,            -- the local user
  stripped_state text NOT NULL,     -- JSON array of stripped state events, the member event included
  PRIMARY KEY (room_nid, user_id)
);

CREATE TABLE client_transactions (
  user_id text NOT NULL,            -- who sent
  device_id text NOT NULL,          -- from which device
  scope text NOT NULL,              -- operation, room and type: what the transaction id is unique within
  txn_id text NOT NULL,             -- chosen by the client
  event_id text NOT NULL,           -- what was answered
  created_ts bigint NOT NULL,       -- ms since 1970
  PRIMARY KEY (user_id, device_id, scope, txn_id)
);
CREATE INDEX client_transactions_by_event ON client_transactions (event_id);

CREATE TABLE receipts (
  room_nid bigint NOT NULL,         -- rooms.room_nid
  user_id text NOT NULL,            -- whose receipt
  receipt_type text NOT NULL,       -- m.read, m.read.private
  thread_id text NOT NULL,          -- '' unthreaded, 'main', or the thread's root
  event_id text NOT NULL,           -- read up to here
  event_position bigint,            -- log position of that event, if known here
  ts bigint NOT NULL,               -- ms since 1970
  position bigint NOT NULL,         -- log position of the receipt
  PRIMARY KEY (room_nid, user_id, receipt_type, thread_id)
);
CREATE INDEX receipts_log ON receipts (position);

CREATE TABLE account_data (
  user_id text NOT NULL,            -- whose
  room_nid bigint NOT NULL,         -- 0: global
  type text NOT NULL,               -- event type
  content text NOT NULL,            -- JSON object
  position bigint NOT NULL,         -- log position of the last change
  PRIMARY KEY (user_id, room_nid, type)
);
CREATE INDEX account_data_log ON account_data (position);

CREATE TABLE cursors (
  name text PRIMARY KEY,            -- a follower of the log
  position bigint NOT NULL          -- all up to here is done
);
