-- Keys of this server's users for end-to-end encryption, all public, and what they signed. Each signature was verified
-- before it was stored. JSON is canonical, so that equal objects are equal texts.

-- Identity keys of devices. The row is locked by whoever changes or gives out keys of the device.
CREATE TABLE device_keys (
  user_id text NOT NULL,                -- full user id
  device_id text NOT NULL,
  keys text NOT NULL,                   -- JSON object: what the device signed, with its own signature and no other
  PRIMARY KEY (user_id, device_id)
);

-- One-time keys, in the order of upload, and the newest of those that were given out.
CREATE TABLE one_time_keys (
  ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- keys are given out in this order
  user_id text NOT NULL,                -- full user id
  device_id text NOT NULL,
  algorithm text NOT NULL,              -- such as signed_curve25519
  key_id text NOT NULL,                 -- chosen by the device
  digest bytea NOT NULL,                -- SHA-256 of the key without signatures
  key text,                             -- JSON; null: given out, and remembered so that it is not stored again
  UNIQUE (user_id, device_id, algorithm, key_id)
);
CREATE INDEX one_time_keys_unclaimed ON one_time_keys (user_id, device_id, algorithm, ordinal) WHERE key IS NOT NULL;

-- Keys that are given out when there are no one-time keys of the algorithm any more.
CREATE TABLE fallback_keys (
  user_id text NOT NULL,                -- full user id
  device_id text NOT NULL,
  algorithm text NOT NULL,
  key_id text NOT NULL,                 -- chosen by the device
  key text NOT NULL,                    -- JSON
  used boolean NOT NULL DEFAULT false,  -- given out at least once
  PRIMARY KEY (user_id, device_id, algorithm)
);

-- Cross-signing keys.
CREATE TABLE cross_signing_keys (
  user_id text NOT NULL,                -- full user id
  usage text NOT NULL,                  -- master, self_signing or user_signing
  public_key text NOT NULL,             -- Ed25519, unpadded base64
  key text NOT NULL,                    -- JSON object: the key as uploaded, with the master key's signature or none
  PRIMARY KEY (user_id, usage)
);

-- Signatures on keys besides those in the rows above: by self-signing keys on devices, by devices on master keys, and by
-- user-signing keys on master keys of other users.
CREATE TABLE key_signatures (
  target_id text NOT NULL,              -- full user id, also of another server, whose key is signed
  target_key text NOT NULL,             -- device id, or public key of the master key
  signer_id text NOT NULL,              -- full user id of this server
  signer_key text NOT NULL,             -- name of the key that signed, such as ed25519:DEVICE
  signature text NOT NULL,              -- base64
  PRIMARY KEY (target_id, target_key, signer_id, signer_key)
);
CREATE INDEX key_signatures_signer ON key_signatures (signer_id, target_id);
