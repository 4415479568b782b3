import type { Filterable } from "../../src/protocol/filter.ts";

/** A message that filters are tried on. */
export const EVENT: Filterable = {
  type: "m.room.message",
  sender: "@alice:example.org",
  roomId: "!room:example.org",
  content: { body: "hi" },
};
