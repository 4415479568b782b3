-- What administrators make of reports.

ALTER TABLE reports ADD COLUMN sender text;     -- who sent the event
ALTER TABLE reports ADD COLUMN copy text;       -- PDU of the event as it was, while the report is open; null: too large, or decided
ALTER TABLE reports ADD COLUMN score bigint;    -- what older clients say, -100 (worst) to 0
ALTER TABLE reports ADD COLUMN decided_ts bigint; -- since when there is nothing left to do, ms since 1970; null: it is open
CREATE INDEX reports_open ON reports (report_id) WHERE decided_ts IS NULL;
CREATE INDEX reports_by_event ON reports (event_id) WHERE event_id IS NOT NULL;

CREATE TABLE report_decisions (
  decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order of decisions
  report_id bigint NOT NULL REFERENCES reports ON DELETE CASCADE,
  decision text NOT NULL,           -- dismiss, remove_message, warn, suspend, remove_from_room
  decided_by text NOT NULL,         -- the administrator
  decided_ts bigint NOT NULL,       -- ms since 1970
  user_id text,                     -- whom it concerns; null: nobody
  reason text,                      -- in the administrator's words
  state text NOT NULL,              -- doing, done or failed; one that is doing was interrupted if it is old
  error text                        -- why it failed
);
CREATE INDEX report_decisions_by_report ON report_decisions (report_id, decision_id);
