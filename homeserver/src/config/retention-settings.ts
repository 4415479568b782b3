/** Settings that say how long messages are kept. */
import type { Setting } from "./setting.ts";
import { DURATION, DURATION_MEND as MEND } from "./sizes.ts";

export const retentionSettings = {
  retention: {
    type: "string",
    description:
      "Whether messages end: on has the time that a room says (m.room.retention), and the next three. What has ended is shown to nobody and deleted for good.",
    default: "off",
    enum: ["on", "off"],
    "x-mend": "on or off",
    "x-live": true,
  },
  retention_default: {
    type: "string",
    description:
      "How long messages are kept in rooms that say nothing, such as 365d. none: for ever.",
    default: "none",
    pattern: DURATION,
    "x-mend": MEND,
    "x-live": true,
  },
  retention_shortest: {
    type: "string",
    description:
      "What a room says is taken as at least this: whoever administers a room deletes its history no sooner.",
    default: "1d",
    pattern: DURATION,
    "x-mend": MEND,
    "x-live": true,
  },
  retention_longest: {
    type: "string",
    description: "What a room says is taken as at most this, such as 2y. none: without limit.",
    default: "none",
    pattern: DURATION,
    "x-mend": MEND,
    "x-live": true,
  },
} as const satisfies Record<string, Setting>;
