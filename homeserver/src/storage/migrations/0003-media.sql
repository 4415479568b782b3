-- What users upload, and copies of what other servers hold. Bytes lie in the data folder, named by their SHA-256.

CREATE TABLE media (
  server text NOT NULL,             -- server part of the mxc URI
  media_id text NOT NULL,           -- media id part
  sha256 bytea,                     -- names the file; null: the place is reserved, and the upload awaited
  content_type text NOT NULL,       -- as its uploader said, sanitised
  file_name text,                   -- as its uploader said, sanitised
  size bigint NOT NULL,             -- bytes
  user_id text,                     -- uploader, for local media
  created_ts bigint NOT NULL,       -- upload, or first fetch from the other server, ms since 1970
  upload_until_ts bigint,           -- until when an awaited upload may begin, ms since 1970
  PRIMARY KEY (server, media_id)
);
CREATE INDEX media_by_file ON media (sha256);
CREATE INDEX media_by_user ON media (user_id) INCLUDE (size) WHERE user_id IS NOT NULL;
CREATE INDEX media_awaited ON media (user_id) WHERE sha256 IS NULL;
CREATE INDEX media_copies ON media (created_ts) INCLUDE (size) WHERE user_id IS NULL;

CREATE TABLE thumbnails (
  source bytea NOT NULL,            -- media.sha256 of the image
  width integer NOT NULL,           -- of the table of sizes, not of the result
  height integer NOT NULL,          -- of the table of sizes
  method text NOT NULL,             -- crop or scale
  animated boolean NOT NULL,        -- whether an animation was asked for
  sha256 bytea,                     -- names the file; null: the original serves, it is small enough
  content_type text NOT NULL,       -- of the thumbnail, or of the original that serves
  size bigint NOT NULL,             -- bytes; 0 when the original serves
  PRIMARY KEY (source, width, height, method, animated)
);
