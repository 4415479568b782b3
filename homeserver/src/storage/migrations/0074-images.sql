-- What a look at the head of an image showed, so that a thumbnail's size is known without looking again.

CREATE TABLE images (
  sha256 bytea PRIMARY KEY,         -- names the file; media.sha256
  width integer NOT NULL,           -- pixels, as it is shown
  height integer NOT NULL,          -- pixels, as it is shown
  inline_type text,                 -- the type by which it may be served in place of a thumbnail; null: it may not
  is_animated boolean NOT NULL      -- whether it moves
);

COMMENT ON COLUMN thumbnails.width IS 'of the result, for crop; of the box that it fits into, for scale';
COMMENT ON COLUMN thumbnails.height IS 'of the result, for crop; of the box that it fits into, for scale';

-- Crops were made in other shapes than were asked for. The rows stay so that their files go along with the source.
UPDATE thumbnails SET method = 'crop-before-0074' WHERE method = 'crop';
