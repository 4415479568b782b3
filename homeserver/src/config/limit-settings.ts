/** Settings that bound what one user may keep on this server. */
import type { Setting } from "./setting.ts";
import { SIZE } from "./sizes.ts";

export const limitSettings = {
  file_size_limit: {
    type: "string",
    description:
      "How long one file may be, such as 100MiB: one that a user uploads, or that is fetched from another server. Clients are told.",
    default: "100MiB",
    pattern: "^[1-9]\\d{0,8} ?[KMGT]iB$",
    "x-mend": "a size such as 500KiB, 100MiB or 2GiB",
    "x-live": true,
  },
  user_upload_limit: {
    type: "string",
    description:
      "How much one user may upload in all, such as 10GiB. A further upload is refused. none: without limit.",
    default: "10GiB",
    pattern: SIZE,
    "x-mend": "a size such as 500MiB or 10GiB, or none",
    "x-live": true,
  },
  user_account_data_limit: {
    type: "string",
    description:
      "How much account data (what clients store with the account and its rooms) one user may have in all.",
    default: "32MiB",
    pattern: SIZE,
    "x-mend": "a size such as 500KiB or 32MiB, or none",
    "x-live": true,
  },
  user_key_backup_limit: {
    type: "string",
    description:
      "How much one user may have in all of backed-up keys of encrypted rooms, which their clients encrypt.",
    default: "256MiB",
    pattern: SIZE,
    "x-mend": "a size such as 64MiB or 1GiB, or none",
    "x-live": true,
  },
  device_inbox_limit: {
    type: "string",
    description:
      "How much may wait for one device of what other devices send to it, above all keys of encrypted messages. Beyond that the least useful is deleted.",
    default: "64MiB",
    pattern: SIZE,
    "x-mend": "a size such as 16MiB or 1GiB, or none",
  },
  user_device_limit: {
    type: "integer",
    description:
      "How many devices of one user may be signed in. A further one signs out the one that was not seen for the longest time. 0: without limit.",
    default: 200,
    minimum: 0,
    "x-mend": "a whole number, 0 for no limit",
    "x-live": true,
  },
  user_alias_limit: {
    type: "integer",
    description: "How many room aliases one user may make. 0: without limit.",
    default: 1000,
    minimum: 0,
    "x-mend": "a whole number, 0 for no limit",
    "x-live": true,
  },
  user_published_room_limit: {
    type: "integer",
    description: "How many rooms one user may put into the room directory. 0: without limit.",
    default: 500,
    minimum: 0,
    "x-mend": "a whole number, 0 for no limit",
    "x-live": true,
  },
  user_delayed_event_limit: {
    type: "integer",
    description:
      "How many events of one user may wait to be sent later: apps in calls have one each, which says that they have left. 0: nothing is sent later.",
    default: 100,
    minimum: 0,
    maximum: 10_000,
    "x-mend": "a whole number from 0 to 10000",
    "x-live": true,
  },
  max_event_delay_hours: {
    type: "integer",
    description: "For how many hours an event may wait before it is sent.",
    default: 720,
    minimum: 1,
    maximum: 87_600,
    "x-mend": "a number of hours from 1 to 87600",
    "x-live": true,
  },
} as const satisfies Record<string, Setting>;
