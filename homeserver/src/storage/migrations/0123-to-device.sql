-- Requests and EDUs with messages for devices are told from their repetitions by the same rows as events, for a while.
COMMENT ON COLUMN client_transactions.user_id IS 'who sent: a local user, or the other server of an EDU';
CREATE INDEX client_transactions_of_messages ON client_transactions (created_ts) WHERE event_id = '';
