-- Previews of addresses that people share: fetched once for all replicas, kept for a while.
CREATE TABLE url_previews (
  url_hash bytea PRIMARY KEY,       -- SHA-256 of the address
  claimed_until_ts bigint NOT NULL, -- until when a replica may be fetching it, ms since 1970
  expires_ts bigint NOT NULL,       -- until when what is here counts, ms since 1970; 0: nothing is here yet
  preview text,                     -- JSON; null: it could not be had
  image_id text                     -- media.media_id of the image in it, on this server; null: it has none
);
CREATE INDEX url_previews_expiry ON url_previews (expires_ts);
