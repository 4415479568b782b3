import { eventsJson } from "../sections/json-text.ts";
import type { Scope } from "../sections/scope.ts";
import type { Unread } from "../../notifications/unread.ts";

/** The parts of one room in `rooms.join`, as JSON texts. */
export interface JoinedRoomParts {
  readonly summary: string | undefined;
  readonly state: readonly string[];
  readonly timeline: string;
  readonly ephemeral: readonly string[];
  readonly accountData: readonly string[];
  readonly sticky: readonly string[];
  readonly unread: Unread;
}

/** One room of `rooms.join`. (Client-server API, GET /sync, "Joined Room".) */
export function joinedRoomText(scope: Scope, parts: JoinedRoomParts): string {
  const summary = parts.summary === undefined ? "" : `"summary":${parts.summary},`;
  const sticky = parts.sticky.length === 0 ? "" : `"msc4354_sticky":${eventsJson(parts.sticky)},`;
  return (
    `{${summary}${sticky}"${scope.stateAfter ?? "state"}":${eventsJson(parts.state)}` +
    `,"timeline":${parts.timeline},"ephemeral":${eventsJson(parts.ephemeral)}` +
    `,"account_data":${eventsJson(parts.accountData)},${unreadText(scope, parts.unread)}}`
  );
}

/**
 * The keys with the counts: those of threads are separate if the client asks for it, otherwise
 * added up.
 */
function unreadText(scope: Scope, { main, threads }: Unread): string {
  let { notify, highlight } = main;
  if (scope.filter.room.timeline.unreadThreadNotifications) {
    const byThread = [...threads].map(
      ([root, counts]) => `${JSON.stringify(root)}:${both(counts)}`,
    );
    const apart = `"unread_thread_notifications":{${byThread.join(",")}}`;
    return `"unread_notifications":${both(main)},${apart}`;
  }
  for (const counts of threads.values()) {
    notify += counts.notify;
    highlight += counts.highlight;
  }
  return `"unread_notifications":${both({ notify, highlight })}`;
}

function both({ notify, highlight }: { notify: number; highlight: number }): string {
  return `{"notification_count":${notify},"highlight_count":${highlight}}`;
}
