-- Single sign-on: whose accounts those are that people have at other providers. What is under way is kept nowhere: it travels
-- with the browser, sealed (decision 0043).

-- A link of a closed account stays, so that whoever has it cannot open another one by it.
CREATE TABLE sso_links (
  provider text NOT NULL,           -- the provider's id in the settings
  subject text NOT NULL,            -- who it is there: the provider's own identifier, which it gives nobody else
  user_id text NOT NULL, -- the local account
  linked_ts bigint NOT NULL,        -- ms since 1970
  PRIMARY KEY (provider, subject)
);
CREATE INDEX sso_links_by_user ON sso_links (user_id);
