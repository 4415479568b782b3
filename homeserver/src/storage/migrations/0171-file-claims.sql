-- Files that nothing may use: those of uploads under way, and those whose last use is gone.
CREATE TABLE file_claims (
  sha256 bytea NOT NULL,            -- names the file
  claim_id text NOT NULL,           -- of an upload that is under way; empty: nothing may use the file any more
  until_ts bigint NOT NULL,         -- until when the upload counts, ms since 1970; 0 for no upload
  PRIMARY KEY (sha256, claim_id)
);
CREATE INDEX file_claims_until ON file_claims (until_ts);

ALTER TABLE media ADD COLUMN accessed_ts bigint;        -- last download, about, ms since 1970; null: none since 0171
COMMENT ON COLUMN media.accessed_ts IS 'last download, to some hours, ms since 1970; null: none was noted';
CREATE INDEX media_copies_by_use ON media (coalesce(accessed_ts, created_ts)) INCLUDE (size) WHERE user_id IS NULL;
DROP INDEX media_copies;
