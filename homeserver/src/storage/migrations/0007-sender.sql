-- What is still to be sent to other servers. Events stay in `events`; here is how far each server has them.

CREATE TABLE destinations (
  server text PRIMARY KEY,          -- who is sent to
  sent_position bigint NOT NULL,    -- our events up to this log position have been delivered
  wanted_position bigint NOT NULL   -- the last of our events that is meant for it; more than sent_position: behind
);
CREATE INDEX destinations_behind ON destinations (server) WHERE wanted_position > sent_position;
