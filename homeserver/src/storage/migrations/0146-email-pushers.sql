-- Pushers that write e-mail: not each time something happens, but once in a while.
ALTER TABLE pushers ADD COLUMN mailed_ts bigint NOT NULL DEFAULT 0; -- when the last mail was written, ms since 1970
ALTER TABLE pushers ADD COLUMN mail_pause bigint NOT NULL DEFAULT 0; -- how long after it the next one may be, ms; 0: its user has read since
