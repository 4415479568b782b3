-- What a user has sent about the membership of others: invites, kicks and bans are counted by sender.
CREATE INDEX events_about_members ON events (sender, origin_server_ts)
  WHERE type = 'm.room.member' AND state_key <> sender;
