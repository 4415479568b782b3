-- Accounts that application services opened: they have no password, and none of them is the first user of a server.
ALTER TABLE accounts ADD COLUMN appservice text; -- id of the application service's registration; null: a person's account
