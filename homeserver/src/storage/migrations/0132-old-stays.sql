-- Stays that ended long ago are forgotten. How old a log position is, and since when stays are known.

-- Where the log was, about once a day.
CREATE TABLE log_days (
  ts bigint PRIMARY KEY,            -- ms since 1970
  position bigint NOT NULL          -- log position at that time
);

-- One row.
CREATE TABLE stays_known (
  since bigint NOT NULL             -- log position; past_stays may lack stays that ended at it or before
);
INSERT INTO stays_known (since) VALUES (0);

CREATE INDEX past_stays_left ON past_stays (left_at);
