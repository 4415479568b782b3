-- Devices that users keep at the server, so that they receive keys while nobody is signed in. Each has a row in devices, too.
CREATE TABLE dehydrated_devices (
  user_id text PRIMARY KEY,         -- full user id
  device_id text NOT NULL,          -- devices.device_id
  device_data text NOT NULL         -- JSON object text: what a client needs to use it, encrypted by the client
);
