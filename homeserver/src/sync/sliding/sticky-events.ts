/** Sticky events, as clients of sliding sync are told of them. (MSC4480.) */
import { errors } from "../../protocol/errors.ts";
import type { RoomView } from "../../rooms/api/index.ts";
import type { StickyInRoom, StickyRange } from "../../storage/sticky-events.ts";
import { JsonText } from "../sections/json-text.ts";
import { stickyEvents } from "../sections/sticky.ts";
import type { SlidingScope } from "./sliding-scope.ts";

export const STICKY_EXTENSION = "org.matrix.msc4354.sticky_events";

/** Events in one answer, at most, but for those of rooms that the user has just come into. */
const MAX_EVENTS = 100;

export interface StickyExtensionDeps {
  readonly view: RoomView;
  readonly stickyBetween: (range: StickyRange) => Promise<readonly number[]>;
  readonly stickyAcross: (range: {
    readonly roomNids: readonly number[];
    readonly after: number;
    readonly upTo: number;
    readonly limit: number;
  }) => Promise<readonly StickyInRoom[]>;
}

/**
 * The extension: its text, and whether there is nothing new. `rooms` are those that any list or
 * subscription is about; `events` are ids of events in the answer's timelines.
 */
export function createStickyExtension({ view, stickyBetween, stickyAcross }: StickyExtensionDeps) {
  return async function sticky(
    { scope, body }: SlidingScope,
    rooms: () => Iterable<number>,
    events: readonly string[],
  ): Promise<[JsonText, boolean] | undefined> {
    const { user, upTo } = scope;
    const { since, limit = MAX_EVENTS } = body.extensions[STICKY_EXTENSION] ?? {};
    const after = Math.min(readSince(since), upTo.position);
    if (after > 0 && user.nonMessageAt <= after) return undefined;
    const joined = [...rooms()].filter((nid) => user.rooms.get(nid)?.membership === "join");
    const entered = joined.filter((nid) => after > 0 && user.rooms.get(nid)!.heldSince > after);
    if (after > 0 && user.stickyAt <= after && entered.length === 0) return undefined;
    const most = Math.max(1, Math.min(limit, MAX_EVENTS));
    const range = { roomNids: joined, after, upTo: upTo.position, limit: most + 1 };
    const [found, older] = await Promise.all([
      joined.length === 0 ? [] : stickyAcross(range),
      Promise.all(entered.map((roomNid) => stickyBetween({ roomNid, after: 0, upTo: after }))),
    ]);
    const told = found.slice(0, most);
    if (told.length === 0 && older.every((nids) => nids.length === 0)) return undefined;
    const next = found.length > told.length ? told.at(-1)!.position : upTo.position;
    const nids = [...older.flat(), ...told.map(({ nid }) => nid)];
    const inTimeline = new Set(events);
    const isShown = ({ event }: { event: { eventId: string } }) => inTimeline.has(event.eventId);
    const shown = await stickyEvents(view, scope, nids, isShown);
    const texts = await view.present(shown, scope);
    const byRoom = Map.groupBy(shown.keys(), (at) => shown[at]!.stored.roomNid);
    const out = new JsonText();
    for (const [nid, ofRoom] of byRoom) {
      const list = ofRoom.map((at) => texts[at]!).join(",");
      out.member(user.rooms.get(nid)!.roomId, `{"events":[${list}]}`);
    }
    const text = new JsonText()
      .member("next_batch", JSON.stringify(`y${next}`))
      .member("rooms", out.toString());
    return [text, shown.length === 0 && found.length <= most];
  };
}

/**
 * Up to which log position the client has them.
 * @throws MatrixError 400 M_INVALID_PARAM when it is not a `next_batch` of ours
 */
function readSince(since: string | undefined): number {
  if (since === undefined) return 0;
  const position = /^y(\d{1,15})$/.exec(since)?.[1];
  if (position === undefined) {
    throw errors.invalidParam(`extensions.${STICKY_EXTENSION}.since is not one that we gave out`);
  }
  return Number(position);
}
