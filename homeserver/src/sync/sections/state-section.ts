import { stateTuple } from "../../protocol/state-map.ts";
import type { RoomView, StateRoot, StoredEvent } from "../../rooms/api/index.ts";
import type { Delivery, SentMembers } from "./lazy-members.ts";
import type { RecentEvents } from "../recent/recent-events.ts";

/** The input for the state section of one room. */
export interface StateRequest {
  readonly roomNid: number;
  readonly userId: string;
  /** User and device: whose lazy-loading memory is used. */
  readonly device: string;
  /** The timeline sent with it, oldest first. */
  readonly timeline: readonly StoredEvent[];
  /** A gap precedes the timeline's first event: the state there is the one known for that event. */
  readonly afterGap: boolean;
  /** The client knows the room's state as of this position; undefined: it knows nothing. */
  readonly known: number | undefined;
  /** End of what this sync covers. */
  readonly upTo: number;
  /** State as of the end of the timeline (`state_after`) instead of its start. */
  readonly after: boolean;
  readonly lazy: boolean;
  readonly repeatMembers: boolean;
  /** Members whose events are always included (heroes). */
  readonly alsoMembers: readonly string[];
}

const isMember = (event: StoredEvent): boolean => event.event.type === "m.room.member";

/**
 * The state section of a joined or left room: everything when the room is new to the client,
 * otherwise the changes between its token and the start (or end) of the timeline.
 */
export function createStateSection(deps: {
  readonly view: RoomView;
  readonly recentEvents: RecentEvents;
  readonly sent: SentMembers;
}) {
  const { view, recentEvents, sent } = deps;

  /** State right before the first event of the timeline. */
  async function rootAtStart(request: StateRequest): Promise<StateRoot> {
    const first = request.timeline[0];
    if (!first) return recentEvents.rootAt(request.roomNid, request.upTo);
    if (request.afterGap && first.stateBefore !== null) return first.stateBefore;
    const before = await recentEvents.rootAt(request.roomNid, first.position! - 1);
    return before ?? first.stateBefore;
  }

  function wantedMembers(request: StateRequest): Set<string> {
    const wanted = new Set<string>(request.timeline.map((e) => e.event.sender));
    for (const event of request.timeline) {
      if (isMember(event)) wanted.add(event.event.stateKey!);
    }
    for (const userId of request.alsoMembers) wanted.add(userId);
    return wanted;
  }

  /**
   * State at the timeline's end that is neither in the state before it nor in the timeline: its
   * event was filtered or invisible, or a fork was resolved.
   */
  async function hidden(request: StateRequest, target: StateRoot): Promise<StoredEvent[]> {
    if (request.after) return [];
    const now = await recentEvents.rootAt(request.roomNid, request.upTo);
    if (now === target) return [];
    const shown = new Set(request.timeline.map((stored) => stored.nid));
    const { changed } = await view.stateDelta(target, now);
    return changed.filter((stored) => !shown.has(stored.nid));
  }

  async function whole(request: StateRequest, target: StateRoot): Promise<StoredEvent[]> {
    if (!request.lazy) return merged(await view.stateAt(target), await hidden(request, target));
    sent.reset(delivery(request));
    const wanted = wantedMembers(request).add(request.userId);
    const state = await view.stateAt(target, { members: [...wanted] });
    const more = (await hidden(request, target)).filter(
      (stored) => !isMember(stored) || wanted.has(stored.event.stateKey!),
    );
    const all = merged(state, more);
    sent.takeUnsent(delivery(request), all.filter(isMember));
    return all;
  }

  async function changes(request: StateRequest, target: StateRoot): Promise<StoredEvent[]> {
    const from = await recentEvents.rootAt(request.roomNid, request.known!);
    const changed = from === target ? [] : (await view.stateDelta(from, target)).changed;
    return merged(changed, await hidden(request, target));
  }

  async function lazily(
    request: StateRequest,
    target: StateRoot,
    state: StoredEvent[],
  ): Promise<StoredEvent[]> {
    const wanted = wantedMembers(request);
    for (const stored of state) if (isMember(stored)) wanted.delete(stored.event.stateKey!);
    const keys = [...wanted].map((userId) => ["m.room.member", userId] as const);
    const present = keys.length === 0 ? [] : await view.stateEventsAt(target, keys);
    const unsent = sent.takeUnsent(delivery(request), present);
    sent.takeUnsent(delivery(request), state.filter(isMember));
    return [...state, ...(request.repeatMembers ? present : unsent)];
  }

  return async function stateSection(request: StateRequest): Promise<StoredEvent[]> {
    const target = request.after
      ? await recentEvents.rootAt(request.roomNid, request.upTo)
      : await rootAtStart(request);
    if (request.known === undefined) return whole(request, target);
    const state = await changes(request, target);
    return request.lazy ? lazily(request, target, state) : state;
  };
}

/** Events of the later list replace earlier ones with the same key. */
function merged(state: StoredEvent[], later: readonly StoredEvent[]): StoredEvent[] {
  if (later.length === 0) return state;
  const keyOf = ({ event }: StoredEvent): string => stateTuple(event.type, event.stateKey!);
  const replaced = new Set(later.map(keyOf));
  return [...state.filter((stored) => !replaced.has(keyOf(stored))), ...later];
}

function delivery({ device, roomNid, known, upTo }: StateRequest): Delivery {
  return { device, roomNid, since: known, upTo };
}

export type StateSection = ReturnType<typeof createStateSection>;
