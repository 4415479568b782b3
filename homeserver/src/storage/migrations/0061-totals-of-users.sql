-- What one user may keep is counted: by whom a room was published, an alias made, something reported.

ALTER TABLE published_rooms ADD publisher text; -- who put it there; null: before this was kept
CREATE INDEX published_rooms_by_publisher ON published_rooms (publisher) WHERE publisher IS NOT NULL;
CREATE INDEX room_aliases_by_creator ON room_aliases (creator);
CREATE INDEX reports_by_reporter ON reports (reporter, report_id);
CREATE INDEX uia_sessions_by_user ON uia_sessions (user_id, expires_ts) WHERE user_id IS NOT NULL;
CREATE INDEX login_tokens_by_user ON login_tokens (user_id, expires_ts);
