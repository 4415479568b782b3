/** Settings of the log of what administrators did. */
import type { Setting } from "./setting.ts";
import { DURATION, DURATION_MEND } from "./sizes.ts";

export const auditSettings = {
  audit_lifetime: {
    type: "string",
    description:
      "How long it is kept what administrators did, such as 2y. none: until there are a million entries.",
    default: "1y",
    pattern: DURATION,
    "x-mend": DURATION_MEND,
    "x-live": true,
  },
} as const satisfies Record<string, Setting>;
