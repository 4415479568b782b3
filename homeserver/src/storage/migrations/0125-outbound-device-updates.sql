-- Changes of local users' devices, newest first: other servers' users have no devices here.
CREATE INDEX device_list_changes_devices ON device_list_changes (position) WHERE device_id <> '';
