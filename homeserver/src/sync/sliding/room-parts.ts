import type { Room, RoomView, StateRoot, StoredEvent } from "../../rooms/api/index.ts";
import type { SentMembers } from "../sections/lazy-members.ts";
import type { Scope } from "../sections/scope.ts";
import type { RecentEvents } from "../recent/recent-events.ts";
import type { Timeline } from "../sections/timeline.ts";
import { isLazy, readingOf, type RequiredState, wantsState } from "./required-state.ts";

/** Of which room the state is told, and of which part of it. */
export interface StateQuestion {
  readonly roomNid: number;
  /** The client knows the state at this root; undefined: it knows nothing. */
  readonly from: StateRoot | undefined;
  readonly to: StateRoot;
  readonly required: RequiredState;
  /** What was wanted when the client was told of the room last. */
  readonly wasRequired: RequiredState | undefined;
  readonly timeline: Timeline;
  /** Up to where the client has been told of the room. */
  readonly told: number | undefined;
  /** Since when the user is in the room, or has all of it: with that, the client begins anew. */
  readonly begunAt: number;
}

export interface StateAnswer {
  /** What is sent. */
  readonly events: readonly StoredEvent[];
  /** Everything that changed, wanted or not; undefined when the client knew nothing. */
  readonly changed: readonly StoredEvent[] | undefined;
  /** Types and keys of state that is gone. */
  readonly removed: readonly (readonly [type: string, stateKey: string])[];
}

const MEMBER = "m.room.member";

/** `required_state` of a room. */
export function createRequiredStates(deps: {
  readonly view: RoomView;
  readonly recentEvents: RecentEvents;
  readonly sent: SentMembers;
}) {
  const { view } = deps;

  /** All state at a root that is wanted. */
  async function whole(root: StateRoot, required: RequiredState): Promise<StoredEvent[]> {
    const { types, keys, members } = readingOf(required);
    const found = new Map<number, StoredEvent>();
    const isNeeded = types === undefined || types.length > 0;
    const byType = isNeeded
      ? await view.stateAt(root, { ...(types && { types }), ...(members && { members }) })
      : [];
    const byKey = keys.length === 0 ? [] : await view.stateEventsAt(root, keys);
    for (const stored of [...byType, ...byKey]) {
      if (wantsState(required, stored.event.type, stored.event.stateKey!)) {
        found.set(stored.nid, stored);
      }
    }
    return [...found.values()];
  }

  /** Members who are met in the timeline and whom the client is not known to have. */
  async function metMembers(
    scope: Scope,
    question: StateQuestion,
    already: readonly StoredEvent[],
  ): Promise<StoredEvent[]> {
    const met = new Set<string>();
    for (const { stored } of question.timeline.events) {
      met.add(stored.event.sender);
      if (stored.event.type === MEMBER) met.add(stored.event.stateKey!);
    }
    const members = already.filter(({ event }) => event.type === MEMBER);
    for (const { event } of members) met.delete(event.stateKey!);
    const { roomNid, told, to, begunAt } = question;
    const delivery = {
      ...{ device: scope.device, roomNid, begunAt },
      ...{ since: told, upTo: scope.upTo.position },
    };
    if (told === undefined) deps.sent.reset(delivery);
    const keys = [...met].map((userId) => [MEMBER, userId] as const);
    const present = keys.length === 0 ? [] : await view.stateEventsAt(to, keys);
    deps.sent.takeUnsent(delivery, members);
    return deps.sent.takeUnsent(delivery, present);
  }

  return async function requiredState(scope: Scope, question: StateQuestion): Promise<StateAnswer> {
    const { from, to, required, wasRequired, timeline } = question;
    const lazy = isLazy(required);
    const delta =
      from === undefined || from === to
        ? { changed: [], removed: [] }
        : await view.stateDelta(from, to);
    let events: StoredEvent[];
    if (from === undefined) events = await whole(to, required);
    else {
      events = delta.changed.filter(
        ({ event: { type, stateKey } }) =>
          wantsState(required, type, stateKey!) || (lazy && type === MEMBER && !timeline.limited),
      );
      if (wasRequired !== undefined) {
        const had = new Set(events.map(({ nid }) => nid));
        const more = (await whole(to, required)).filter(
          ({ nid, event: { type, stateKey } }) =>
            !had.has(nid) && !wantsState(wasRequired, type, stateKey!),
        );
        events.push(...more);
      }
    }
    if (lazy) events.push(...(await metMembers(scope, question, events)));
    const changed = from === undefined ? undefined : delta.changed;
    return { events, changed, removed: delta.removed };
  };
}

export type RequiredStates = ReturnType<typeof createRequiredStates>;

const ABOUT = [
  ["m.room.name", ""],
  ["m.room.avatar", ""],
] as const;

interface Hero {
  readonly user_id: string;
  readonly displayname?: string;
  readonly avatar_url?: string;
}

interface AboutRoom {
  name?: string | null;
  avatar?: string | null;
  heroes?: readonly Hero[];
  joined_count?: number;
  invited_count?: number;
}

/** The members of a room's news that say what it is: its name, picture, and who is in it. */
export async function aboutRoom(
  view: RoomView,
  room: Room,
  userId: Scope["userId"],
  { to }: Pick<StateQuestion, "to">,
  { changed, removed }: StateAnswer,
): Promise<AboutRoom> {
  const keys = changed && [
    ...changed.map(({ event }) => [event.type, event.stateKey] as const),
    ...removed,
  ];
  const isNew = (wanted: string) => keys?.some(([type]) => type === wanted) ?? true;
  const out: AboutRoom = {};
  if (!["m.room.name", "m.room.avatar", MEMBER].some(isNew)) return out;
  const state = await view.stateEventsAt(to, ABOUT);
  const textOf = (wanted: string, key: string): string | undefined => {
    const value = state.find(({ event }) => event.type === wanted)?.event.content[key];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const [name, avatar] = [textOf("m.room.name", "name"), textOf("m.room.avatar", "url")];
  const isInitial = keys === undefined;
  if (isNew("m.room.name") && !(isInitial && name === undefined)) out.name = name ?? null;
  if (isNew("m.room.avatar") && !(isInitial && avatar === undefined)) out.avatar = avatar ?? null;
  if (!isNew(MEMBER) && !(isNew("m.room.name") && name === undefined)) return out;
  const { joined, invited, heroes } = await view.summary(room.nid, userId);
  if (name === undefined) {
    const members = await view.stateEventsAt(
      to,
      heroes.map((hero) => [MEMBER, hero] as const),
    );
    out.heroes = heroes.map((hero) => heroOf(hero, members));
  }
  return { ...out, joined_count: joined, invited_count: invited };
}

function heroOf(userId: string, members: readonly StoredEvent[]): Hero {
  const content = members.find(({ event }) => event.stateKey === userId)?.event.content ?? {};
  const { displayname, avatar_url: avatar } = content;
  return {
    user_id: userId,
    ...(typeof displayname === "string" ? { displayname } : {}),
    ...(typeof avatar === "string" ? { avatar_url: avatar } : {}),
  };
}
