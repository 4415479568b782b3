/**
 * Filters events for a reader: those that they may see, except messages of users whom they ignore.
 */
import type { Ignores } from "../../users/data/ignores.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { VisibleEvents } from "./visible-events.ts";
import type { VisibleEvent, StoredEvent } from "../api/index.ts";

/** The users whom a user ignores. */
export type IgnoredBy = Ignores["of"];

/**
 * Keeps the order. State events of ignored users are not filtered. (Client-server API, "Ignoring
 * Users".)
 */
export type WithoutIgnored = (
  userId: UserId,
  events: readonly StoredEvent[],
) => Promise<VisibleEvent[]>;

export function createWithoutIgnored(visible: VisibleEvents, ignoredBy: IgnoredBy): WithoutIgnored {
  return async (userId, events) => {
    const [seen, ignored] = await Promise.all([visible(userId, events), ignoredBy(userId)]);
    if (ignored.size === 0) return seen;
    return seen.filter(
      ({ stored: { event } }) => event.stateKey !== undefined || !ignored.has(event.sender),
    );
  };
}
