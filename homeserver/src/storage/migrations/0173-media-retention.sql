-- Users who were in an encrypted room: what they upload may be named by messages that the server can't read.
CREATE TABLE users_of_encryption (
  user_id text PRIMARY KEY          -- a local user
);
