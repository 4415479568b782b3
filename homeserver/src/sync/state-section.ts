import type { RoomView, StateRoot, StoredEvent } from "../rooms/types.ts";
import type { SentMembers } from "./lazy-members.ts";
import type { Tails } from "./tails.ts";

/** What the state section of one room is made from. */
export interface StateRequest {
  readonly roomNid: number;
  readonly userId: string;
  /** user and device: whose lazy-loading memory is used. */
  readonly device: string;
  /** Timeline that is sent with it, oldest first. */
  readonly timeline: readonly StoredEvent[];
  /** The client knows the room's state as of this position; undefined: it knows nothing. */
  readonly known: number | undefined;
  /** End of what this sync covers. */
  readonly upTo: number;
  readonly limited: boolean;
  /** State as of the end of the timeline (`state_after`) instead of its start. */
  readonly after: boolean;
  readonly lazy: boolean;
  readonly repeatMembers: boolean;
  /** Members whose events are wanted whatever happened (heroes). */
  readonly alsoMembers: readonly string[];
}

const isMember = (event: StoredEvent): boolean => event.event.type === "m.room.member";

/**
 * The state section of a joined or left room: everything for a room that is new to the client, otherwise
 * what changed between its token and the start (or end) of the timeline.
 */
export function createStateSection(deps: {
  readonly view: RoomView;
  readonly tails: Tails;
  readonly sent: SentMembers;
}) {
  const { view, tails, sent } = deps;

  /** State right before the first event of the timeline. */
  async function rootAtStart(request: StateRequest): Promise<StateRoot> {
    const first = request.timeline[0];
    if (!first) return tails.rootAt(request.roomNid, request.upTo);
    const before = await tails.rootAt(request.roomNid, first.position! - 1);
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

  async function whole(request: StateRequest, target: StateRoot): Promise<StoredEvent[]> {
    if (!request.lazy) return view.stateAt(target);
    sent.reset(request.device, request.roomNid);
    const members = [...wantedMembers(request).add(request.userId)];
    const state = await view.stateAt(target, { members });
    sent.fresh(request.device, request.roomNid, state.filter(isMember));
    return state;
  }

  async function changes(request: StateRequest, target: StateRoot): Promise<StoredEvent[]> {
    const from = await tails.rootAt(request.roomNid, request.known!);
    const changed = from === target ? [] : (await view.stateDelta(from, target)).changed;
    if (request.after || request.limited) return changed;
    // A fork that was resolved can change state without an event in the timeline saying so.
    const now = await tails.rootAt(request.roomNid, request.upTo);
    if (now === target) return changed;
    const shown = new Set(request.timeline.map((e) => e.nid));
    const resolved = (await view.stateDelta(target, now)).changed.filter((e) => !shown.has(e.nid));
    return [...changed, ...resolved];
  }

  async function lazily(
    request: StateRequest,
    target: StateRoot,
    state: StoredEvent[],
  ): Promise<StoredEvent[]> {
    const wanted = wantedMembers(request);
    for (const event of state) if (isMember(event)) wanted.delete(event.event.stateKey!);
    const keys = [...wanted].map((userId) => ["m.room.member", userId] as const);
    const present = keys.length === 0 ? [] : await view.stateEventsAt(target, keys);
    const extra = request.repeatMembers
      ? present
      : sent.fresh(request.device, request.roomNid, present);
    sent.fresh(request.device, request.roomNid, state.filter(isMember));
    return [...state, ...extra];
  }

  return async function stateSection(request: StateRequest): Promise<StoredEvent[]> {
    const target = request.after
      ? await tails.rootAt(request.roomNid, request.upTo)
      : await rootAtStart(request);
    if (request.known === undefined) return whole(request, target);
    const state = await changes(request, target);
    return request.lazy ? lazily(request, target, state) : state;
  };
}

export type StateSection = ReturnType<typeof createStateSection>;
