-- Accounts that administrators have locked or suspended; both can be undone.
ALTER TABLE accounts ADD COLUMN locked_ts bigint;    -- since when nothing but signing out is allowed, ms since 1970; null: it is not locked
ALTER TABLE accounts ADD COLUMN suspended_ts bigint; -- since when only reading and leaving are allowed, ms since 1970; null: it is not suspended
