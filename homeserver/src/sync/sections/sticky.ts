/** Sticky events that a sync's timeline lacks. (MSC4354.) */
import type { RoomView, StoredEvent, VisibleEvent } from "../../rooms/api/index.ts";
import type { StickyRange } from "../../storage/sticky-events.ts";
import type { StickyChanges } from "../recent/sticky-changes.ts";
import type { Present } from "./present.ts";
import type { Scope } from "./scope.ts";

export interface StickyDeps {
  readonly view: RoomView;
  readonly present: Present;
  readonly stickyChanges: StickyChanges;
  /** nids of events that are still sticky, oldest first. */
  readonly stickyBetween: (range: StickyRange) => Promise<readonly number[]>;
}

/**
 * Members may see them whatever the room's history visibility, and whenever they came: the events
 * to show of these.
 */
export async function stickyEvents(
  view: RoomView,
  { ignored }: Pick<Scope, "ignored">,
  nids: readonly number[],
  isShown: (event: StoredEvent) => boolean,
): Promise<VisibleEvent[]> {
  const found = await view.events(nids);
  return nids.flatMap((nid): VisibleEvent[] => {
    const stored = found.get(nid);
    if (stored === undefined || stored.redactedBy !== null || isShown(stored)) return [];
    if (stored.event.stateKey === undefined && ignored.has(stored.event.sender)) return [];
    return [{ stored, membership: "join" }];
  });
}

/** JSON texts of those of a room after a position that the timeline does not show. */
export function createStickySection({ view, present, stickyChanges, stickyBetween }: StickyDeps) {
  return async function sticky(
    scope: Scope,
    roomNid: number,
    after: number,
    timeline: readonly VisibleEvent[],
  ): Promise<string[]> {
    if (after > 0 && stickyChanges.changed(roomNid, after) === false) return [];
    const nids = await stickyBetween({ roomNid, after, upTo: scope.upTo.position });
    if (nids.length === 0) return [];
    const shown = new Set(timeline.map(({ stored }) => stored.nid));
    const events = await stickyEvents(view, scope, nids, ({ nid }) => shown.has(nid));
    return events.length === 0 ? [] : present.timeline(scope, events);
  };
}

export type StickySection = ReturnType<typeof createStickySection>;
