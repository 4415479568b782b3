ALTER TABLE refresh_tokens ADD COLUMN spent boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN refresh_tokens.spent IS 'What it was exchanged for has been used: shown once more, it ends all tokens of the device.';
