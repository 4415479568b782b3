/** What a reader is shown of events: what they may see, without what those say whom they ignore. */
import type { UserId } from "../../protocol/identifiers.ts";
import type { VisibleEvents } from "./visible-events.ts";
import type { VisibleEvent, StoredEvent } from "../api/index.ts";

/** Whom a user ignores. */
export type IgnoredBy = (userId: UserId) => Promise<ReadonlySet<string>>;

/** In the given order. State is shown whoever sent it. (Client-server API, "Ignoring Users".) */
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
