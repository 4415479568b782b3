import type { Unread, UnreadCounts } from "../../notifications/unread.ts";
import { parseFilter, type SyncFilter } from "../../protocol/filter.ts";
import type { Room, RoomView, StateRoot, StoredEvent } from "../../rooms/api/index.ts";
import { formatBefore, formatPlace } from "../../rooms/visibility/tokens.ts";
import type { RecentEvents } from "../recent/recent-events.ts";
import { JsonText } from "../sections/json-text.ts";
import type { Present } from "../sections/present.ts";
import type { Scope } from "../sections/scope.ts";
import type { Timeline, Timelines } from "../sections/timeline.ts";
import type { SentRoom } from "./connection-state.ts";
import { goesBeyond, requiredStateOf } from "./required-state.ts";
import { aboutRoom, type RequiredStates, type StateQuestion } from "./room-parts.ts";
import type { WantedRoom } from "./windows.ts";

export interface RoomNewsDeps {
  readonly view: RoomView;
  readonly recentEvents: RecentEvents;
  readonly timelines: Timelines;
  readonly requiredStates: RequiredStates;
  readonly present: Present;
  readonly unread: UnreadCounts;
}

/** A room of which there may be something to tell. */
export interface RoomTask extends WantedRoom {
  readonly room: Room;
  /** What the client was sent of it, if anything. */
  readonly sent: SentRoom | undefined;
  /** Up to where it was told of it; undefined with `sent`. */
  readonly told: number | undefined;
  readonly isDm: boolean;
  readonly ownReceiptAt: number;
  /** Position of the last thing that people did in the room, if it is known. */
  readonly bumpedAt: number | undefined;
}

export interface RoomNews {
  /** JSON text; undefined: there is nothing to tell. */
  readonly text: string | undefined;
  /** What the client then has of the room; undefined: nothing more is to be told of it. */
  readonly sent: SentRoom | undefined;
  /** Ids of the events in it. */
  readonly events?: readonly string[];
  /** They are more than what came since the last answer. */
  readonly isAnew?: boolean;
}

/** The news of one room. (MSC4186, "Room results".) */
export function createRoomNews(deps: RoomNewsDeps) {
  const { view, recentEvents } = deps;

  async function wasJoined(roomNid: number, scope: Scope, position: number): Promise<boolean> {
    const root = await recentEvents.rootAt(roomNid, position);
    const [member] = await view.stateEventsAt(root, [["m.room.member", scope.userId]]);
    return member?.event.content.membership === "join";
  }

  /** The client has the room as a member of it. */
  async function knows(scope: Scope, { userRoom, told }: RoomTask): Promise<boolean> {
    if (told === undefined || userRoom.completeSince > told) return false;
    if (userRoom.membership === "join" && userRoom.heldSince <= told) return true;
    return wasJoined(userRoom.roomNid, scope, told);
  }

  /** The members about the timeline, and what of the room the client then has. */
  async function timelineParts(
    scope: Scope,
    { nid }: Room,
    timeline: Timeline,
    upTo: number,
  ): Promise<JsonText> {
    const texts = await deps.present.timeline(scope, timeline.events);
    const first = timeline.events[0]?.stored;
    const before =
      first === undefined || first.position === null
        ? formatPlace(nid, { position: upTo, ordinal: 0 })
        : formatBefore(nid, { position: first.position, ordinal: first.ordinal });
    const { since } = scope;
    const isLive = ({ position, ordinal }: StoredEvent) =>
      since !== undefined && ordinal === 0 && (position ?? 0) > since.position;
    const live = timeline.events.filter(({ stored }) => isLive(stored)).length;
    return new JsonText()
      .member("timeline", `[${texts.join(",")}]`)
      .member("prev_batch", JSON.stringify(before))
      .member("limited", String(timeline.limited))
      .member("num_live", String(live));
  }

  async function joined(given: Scope, task: RoomTask): Promise<RoomNews> {
    const { room, userRoom, config, sent, told, isDm } = task;
    const upTo = given.upTo.position;
    const isKnown = await knows(given, task);
    const had = isKnown ? sent : undefined;
    const scope = withLimit(given, config.limit);
    const isExpanded = had !== undefined && config.limit > had.limit;
    const timeline = await deps.timelines(scope, {
      roomNid: room.nid,
      after: isKnown && !isExpanded ? told! : 0,
      upTo,
      joinedThroughout: isKnown && !isExpanded && userRoom.heldSince <= told!,
    });
    const question: StateQuestion = {
      roomNid: room.nid,
      from: isKnown ? await recentEvents.rootAt(room.nid, told!) : undefined,
      to: await recentEvents.rootAt(room.nid, upTo),
      required: config.required,
      wasRequired:
        had && goesBeyond(config.required, had.required)
          ? requiredStateOf(had.required)
          : undefined,
      timeline,
      told: isKnown ? told : undefined,
      begunAt: Math.max(userRoom.heldSince, userRoom.completeSince),
    };
    const state = await deps.requiredStates(scope, question);
    const about = await aboutRoom(view, room, scope.userId, question, state);
    for (const { user_id: hero } of about.heroes ?? []) scope.met.add(hero);
    const isNew = timeline.events.length > 0 || (timeline.limited && !isExpanded);
    const hasRead = isKnown && task.ownReceiptAt > told!;
    const dmChanged = had !== undefined && had.isDm !== isDm;
    const isQuiet = !isNew && state.events.length === 0 && Object.keys(about).length === 0;
    const after = sentAfter(task, had, timeline, isExpanded);
    if (isKnown && isQuiet && !hasRead && !dmChanged) return { text: undefined, sent: after };
    const unread = await deps.unread.of(scope, room, userRoom, upTo);
    const out =
      isNew || !isKnown ? await timelineParts(scope, room, timeline, upTo) : new JsonText();
    if (!isKnown) out.member("initial", "true");
    if (isExpanded && isNew) out.member("unstable_expanded_timeline", "true");
    if (isDm || dmChanged) out.member("is_dm", String(isDm));
    if (task.bumpedAt !== undefined) out.member("bump_stamp", String(task.bumpedAt));
    common(out, task);
    for (const [key, value] of Object.entries(about)) out.member(key, JSON.stringify(value));
    const events = await deps.present.state(scope, state.events);
    if (events.length > 0) out.member("required_state", `[${events.join(",")}]`);
    const counts = [unread.main, ...unread.threads.values()];
    const sum = (of: "notify" | "highlight") =>
      String(counts.reduce((total, count) => total + count[of], 0));
    out.member("notification_count", sum("notify")).member("highlight_count", sum("highlight"));
    const threads = byThread(unread);
    if (!threads.empty) out.member("unread_thread_notifications", threads.toString());
    const ids = timeline.events.map(({ stored }) => stored.event.eventId);
    return { text: out.toString(), sent: after, events: ids, isAnew: isExpanded || !isKnown };
  }

  /** An invite or a knock. */
  async function pending(scope: Scope, task: RoomTask): Promise<RoomNews> {
    const { userRoom, told, isDm } = task;
    const sent = sentAfter(task, task.sent, undefined, false);
    if (told !== undefined && userRoom.position <= told && task.sent?.isDm === isDm) {
      return { text: undefined, sent };
    }
    const events = await view.strippedState(userRoom.roomNid, scope.userId);
    const out = new JsonText()
      .member("initial", "true")
      .member("invite_state", JSON.stringify(events))
      .member("bump_stamp", String(userRoom.position));
    if (isDm) out.member("is_dm", "true");
    common(out, task);
    return { text: out.toString(), sent };
  }

  /** A room that the user left, or was put out of, or to which an invite came to nothing. */
  async function out(given: Scope, task: RoomTask): Promise<RoomNews> {
    const { room, userRoom, config, told } = task;
    if (told !== undefined && userRoom.position <= told)
      return { text: undefined, sent: task.sent };
    const { roomNid, membership, eventNid, position, isForgotten: forgotten } = userRoom;
    const scope = withLimit(given, config.limit);
    const own = (await view.events([eventNid])).get(eventNid);
    const isKnown = told !== undefined && (await wasJoined(roomNid, scope, told));
    const row = { roomNid, userId: scope.userId, membership, eventNid, position, forgotten };
    const end = forgotten ? undefined : await view.endOfMembership(row);
    const text = new JsonText();
    if (told === undefined) text.member("initial", "true");
    const state: StoredEvent[] = [];
    if (end !== undefined) {
      const upTo = end.position ?? position;
      const range = { roomNid, after: isKnown ? told : 0, upTo, joinedThroughout: false };
      const timeline = await deps.timelines(scope, range);
      const question: StateQuestion = {
        roomNid,
        from: isKnown ? await recentEvents.rootAt(roomNid, told) : undefined,
        to: await recentEvents.rootAt(roomNid, upTo),
        ...{ required: config.required, wasRequired: undefined },
        ...{ timeline, told: isKnown ? told : undefined, begunAt: position },
      };
      state.push(...(await deps.requiredStates(scope, question)).events);
      const parts = await timelineParts(scope, room, timeline, upTo);
      const about = isKnown ? {} : await nameAt(question.to);
      for (const [key, value] of Object.entries(about)) text.member(key, JSON.stringify(value));
      text.append(parts);
    }
    if (own !== undefined && !state.some(({ nid }) => nid === own.nid)) {
      const key = own.event.stateKey;
      const others = state.filter(
        ({ event }) => event.type !== "m.room.member" || event.stateKey !== key,
      );
      state.splice(0, state.length, ...others, own);
    }
    const events = await deps.present.state(scope, state);
    if (events.length > 0) text.member("required_state", `[${events.join(",")}]`);
    text.member("bump_stamp", String(position));
    common(text, task);
    const isListed = own !== undefined && own.event.sender !== scope.userId && end !== undefined;
    const sent = sentAfter(task, undefined, undefined, false);
    return { text: text.toString(), sent: isListed ? sent : undefined };
  }

  async function nameAt(root: StateRoot): Promise<Record<string, unknown>> {
    const [event] = await view.stateEventsAt(root, [["m.room.name", ""]]);
    const name = event?.event.content.name;
    return typeof name === "string" && name !== "" ? { name } : {};
  }

  return function roomNews(scope: Scope, task: RoomTask): Promise<RoomNews> {
    switch (task.userRoom.membership) {
      case "join":
        return joined(scope, task);
      case "invite":
      case "knock":
        return pending(scope, task);
      case "leave":
      case "ban":
        return out(scope, task);
    }
  };
}

export type RoomNewsOf = ReturnType<typeof createRoomNews>;

/** What is unread in threads, as `/sync` says it. */
function byThread({ threads }: Unread): JsonText {
  const text = new JsonText();
  for (const [root, { notify, highlight }] of threads) {
    if (notify + highlight === 0) continue;
    text.member(root, `{"notification_count":${notify},"highlight_count":${highlight}}`);
  }
  return text;
}

function common(out: JsonText, { userRoom, lists }: RoomTask): void {
  out.member("membership", JSON.stringify(userRoom.membership));
  if (lists.length > 0) out.member("lists", JSON.stringify(lists));
}

/** What the client has of a room after it was told everything that is wanted of it. */
function sentAfter(
  { config, isDm }: RoomTask,
  had: SentRoom | undefined,
  timeline: Timeline | undefined,
  isExpanded: boolean,
): SentRoom {
  // What came before stays in the client's hands where nothing was left out since.
  const goesOn = had !== undefined && !isExpanded && timeline?.limited !== true;
  return {
    behind: 0,
    limit: goesOn ? Math.max(had.limit, config.limit) : config.limit,
    required: config.required.key,
    isDm,
  };
}

const filters = new Map<number, SyncFilter>();

/** The scope with a limit on the timeline; there are few different ones. */
function withLimit(scope: Scope, limit: number): Scope {
  let filter = filters.get(limit);
  if (filter === undefined) {
    filter = parseFilter({ room: { timeline: { limit } } });
    filters.set(limit, filter);
  }
  return { ...scope, filter };
}
