-- When a server last took something that was sent to it.
ALTER TABLE destinations ADD COLUMN delivered_ts bigint; -- ms since 1970; null: not since this is noted

COMMENT ON COLUMN replica_samples.failed IS 'of the requests, those that this server failed at: a status from 500 on, without 502 and 504';
