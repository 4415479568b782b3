-- What people have agreed to when they registered.
CREATE TABLE agreed_terms (
  user_id text NOT NULL,            -- who
  policy text NOT NULL,             -- the document's id in the settings
  version text NOT NULL,            -- its version at that time
  agreed_ts bigint NOT NULL,        -- ms since 1970
  PRIMARY KEY (user_id, policy)
);
