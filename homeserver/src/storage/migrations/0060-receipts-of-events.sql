-- Receipts that name what is no event, which other servers could send, are gone.
DELETE FROM receipts
WHERE event_id !~ '^\$.' OR (thread_id NOT IN ('', 'main') AND thread_id !~ '^\$.');
