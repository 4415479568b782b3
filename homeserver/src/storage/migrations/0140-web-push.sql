-- Pushers that are sent messages straight to a push server, encrypted for the app (MSC4174).
ALTER TABLE pushers ADD COLUMN ack_token text;   -- it is told nothing but this, until its client has sent it back; null: it has
ALTER TABLE pushers ADD COLUMN ack_expires bigint NOT NULL DEFAULT 0; -- the token is good until then, ms since 1970

-- By which push servers know this server.
CREATE TABLE web_push_key (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), -- one row, ever
  private_key text NOT NULL,        -- base64url
  public_key text NOT NULL          -- base64url
);
