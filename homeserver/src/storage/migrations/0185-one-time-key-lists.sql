-- A claim of one-time keys moves a cursor, and touches no key. So it costs a narrow row for each device instead of three.

-- The one-time keys of a device and an algorithm, and its fallback key. Log positions change these rows and end them,
-- under the log's lock; whoever uploads keys makes them. There is room on each page for newer versions of its rows,
-- and no index but one by ranges of pages has what a claim changes, so that PostgreSQL writes none for it.
CREATE TABLE one_time_key_lists (
  user_id text NOT NULL,                -- full user id of this server
  device_id text NOT NULL,
  algorithm text NOT NULL,              -- such as signed_curve25519
  next int NOT NULL,                    -- the key of this number is given out next; all below were
  last int NOT NULL,                    -- number of the newest key: if it is below next, there are none left
  unused_fallback boolean NOT NULL,     -- there is a fallback key, which nobody was given yet
  position bigint NOT NULL,             -- log position of the last change
  PRIMARY KEY (user_id, device_id, algorithm)
) WITH (fillfactor = 70);

INSERT INTO one_time_key_lists (user_id, device_id, algorithm, next, last, unused_fallback, position)
SELECT user_id, device_id, algorithm, 1 + coalesce(k.given, 0), coalesce(k.keys, 0),
  NOT coalesce(f.used, true), coalesce(c.position, 0)
FROM (
  SELECT user_id, device_id, algorithm, count(*) AS keys, count(*) FILTER (WHERE key IS NULL) AS given
  FROM one_time_keys GROUP BY user_id, device_id, algorithm
) AS k
FULL JOIN fallback_keys f USING (user_id, device_id, algorithm)
LEFT JOIN one_time_key_changes c USING (user_id, device_id)
ORDER BY user_id, device_id, algorithm;

CREATE INDEX one_time_key_lists_log ON one_time_key_lists
  USING brin (position) WITH (pages_per_range = 16, autosummarize = on);
DROP TABLE one_time_key_changes;
ALTER TABLE fallback_keys DROP COLUMN used;

-- One-time keys, and those that were given out last: they are remembered, so that they are not stored again.
CREATE TABLE one_time_keys_by_number (
  user_id text NOT NULL,                -- full user id
  device_id text NOT NULL,
  algorithm text NOT NULL,              -- such as signed_curve25519
  seq int NOT NULL,                     -- within its list, in the order of upload
  key_id text NOT NULL,                 -- chosen by the device
  digest bytea NOT NULL,                -- SHA-256 of the key without signatures
  key text,                             -- JSON; null: given out before keys had numbers
  PRIMARY KEY (user_id, device_id, algorithm, seq),
  UNIQUE (user_id, device_id, algorithm, key_id)
);

INSERT INTO one_time_keys_by_number (user_id, device_id, algorithm, seq, key_id, digest, key)
SELECT user_id, device_id, algorithm,
  row_number() OVER (
    PARTITION BY user_id, device_id, algorithm ORDER BY key IS NOT NULL, ordinal),
  key_id, digest, key
FROM one_time_keys;

DROP TABLE one_time_keys;
ALTER TABLE one_time_keys_by_number RENAME TO one_time_keys;
ALTER INDEX one_time_keys_by_number_pkey RENAME TO one_time_keys_pkey;
ALTER TABLE one_time_keys RENAME CONSTRAINT one_time_keys_by_number_user_id_device_id_algorithm_key_id_key
  TO one_time_keys_key_id;
