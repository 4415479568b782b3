-- Events of other servers' users that came by send_join, send_leave or send_knock: this server sends them on.
ALTER TABLE events ADD COLUMN forwarded boolean NOT NULL DEFAULT false; -- sent on to the room's other servers by this one
