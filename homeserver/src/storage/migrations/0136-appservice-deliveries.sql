-- How far each application service has been told what happens.
CREATE TABLE appservice_deliveries (
  service text PRIMARY KEY,         -- id of its registration
  txn_prefix text NOT NULL,         -- random; its transactions are named after it and their number
  txn_number bigint NOT NULL,       -- of its newest transaction; 0: there was none
  up_to bigint NOT NULL,            -- what the log holds up to this position is in transactions up to the newest; 0: from its cursor on
  unanswered text,                  -- JSON object text: the newest transaction, until the service has taken it
  acknowledges text,                -- JSON list of [user, device, position]: messages that are deleted with it; null: none
  failures integer NOT NULL DEFAULT 0, -- how often in a row it was not taken
  retry_ts bigint NOT NULL DEFAULT 0 -- it is not tried again before, ms since 1970
);
