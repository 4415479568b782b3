import { formatSyncToken } from "../../log/token.ts";
import { inParallel } from "../../platform/pacing/in-parallel.ts";
import type { Room, RoomView } from "../../rooms/api/index.ts";
import { JsonText } from "../sections/json-text.ts";
import type { Scope } from "../sections/scope.ts";
import type { Activity } from "../recent/activity.ts";
import type { ConnectionState, SentRoom } from "./connection-state.ts";
import type { Extensions, ToldExtensions } from "./extensions.ts";
import { goesBeyond } from "./required-state.ts";
import type { RoomNewsOf, RoomTask } from "./room-news.ts";
import type { SlidingScope } from "./sliding-scope.ts";
import type { WantedRoom, WindowsOf } from "./windows.ts";

export interface SlidingComputeDeps {
  readonly view: RoomView;
  readonly activity: Activity;
  readonly windows: WindowsOf;
  readonly roomNews: RoomNewsOf;
  readonly extensions: Extensions;
  /** Room nid → position of the last thing that people did there, up to a position. */
  readonly bumps: (
    roomNids: readonly number[],
    upTo: number,
  ) => Promise<ReadonlyMap<number, number>>;
}

export interface SlidingComputed {
  /** The members of the answer except `pos`. */
  readonly body: JsonText;
  /** It contains nothing new. */
  readonly empty: boolean;
  /** What the client has with it. The same object as before where that is the same. */
  readonly state: ConnectionState;
}

/** Our own: from lists that hold all rooms to `/sync`. (spec/socket.md.) */
const SYNC_EXTENSION = "weft.sync";
/** Rooms rendered concurrently: they share their queries, so the more, the fewer. */
const MAX_CONCURRENT_ROOMS = 300;
/** Events of rooms that are rendered concurrently, at most. */
const MAX_CONCURRENT_EVENTS = 1_000;
/** After so many characters of rooms, the others are left to the next answer. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

/** One answer of sliding sync: which rooms, and what of each. */
export function createSlidingCompute(deps: SlidingComputeDeps) {
  function toldOf(scope: Scope, sent: SentRoom | undefined): number | undefined {
    return sent && (sent.behind || (scope.since?.position ?? 0));
  }

  /** Whether there may be something to tell of a room that was sent before. */
  function mayHaveNews(
    { scope, grounds, ownReceiptAt }: SlidingScope,
    { userRoom, config, lastAt }: WantedRoom,
    sent: SentRoom,
  ): boolean {
    const told = toldOf(scope, sent)!;
    if (lastAt > told || userRoom.completeSince > told) return true;
    if (sent.isDm !== grounds.labels.direct.has(userRoom.roomId)) return true;
    if (userRoom.membership !== "join") return false;
    if (ownReceiptAt(userRoom) > told || config.limit > sent.limit) return true;
    return goesBeyond(config.required, sent.required);
  }

  /** Without a promise, so that the user's rooms are those of the scope. */
  function wantedTasks(
    sliding: SlidingScope,
    wanted: ReadonlyMap<number, WantedRoom>,
  ): Omit<RoomTask, "room" | "bumpedAt">[] {
    const { scope, grounds, state } = sliding;
    const tasks: Omit<RoomTask, "room" | "bumpedAt">[] = [];
    for (const [roomNid, one] of wanted) {
      const sent = state.rooms.get(roomNid);
      if (sent && !mayHaveNews(sliding, one, sent)) continue;
      const isDm = grounds.labels.direct.has(one.userRoom.roomId);
      const ownReceiptAt = sliding.ownReceiptAt(one.userRoom);
      tasks.push({ ...one, sent, told: toldOf(scope, sent), isDm, ownReceiptAt });
    }
    return tasks;
  }

  /** What changes in the state for rooms that are not told of: they fall behind, or are gone. */
  function fallBehind(
    { scope, state, ownReceiptAt }: SlidingScope,
    wanted: ReadonlyMap<number, WantedRoom>,
  ): Map<number, SentRoom | undefined> {
    const changes = new Map<number, SentRoom | undefined>();
    const since = scope.since?.position ?? 0;
    for (const [roomNid, sent] of state.rooms) {
      const userRoom = scope.user.rooms.get(roomNid);
      if (userRoom === undefined) changes.set(roomNid, undefined);
      else if (!wanted.has(roomNid) && sent.behind === 0) {
        const { completeSince } = userRoom;
        const lastAt = deps.activity.lastOf(userRoom);
        if (Math.max(lastAt, completeSince, ownReceiptAt(userRoom)) > since) {
          changes.set(roomNid, { ...sent, behind: since });
        }
      }
    }
    return changes;
  }

  async function withRooms(
    tasks: readonly Omit<RoomTask, "room" | "bumpedAt">[],
    scope: Scope,
  ): Promise<RoomTask[]> {
    if (tasks.length === 0) return [];
    const nids = tasks.map(({ userRoom }) => userRoom.roomNid);
    const joined = tasks.filter(({ userRoom }) => userRoom.membership === "join");
    const [known, bumps] = await Promise.all([
      deps.view.rooms(nids),
      deps.bumps(
        joined.map(({ userRoom }) => userRoom.roomNid),
        scope.upTo.position,
      ),
    ]);
    return tasks.flatMap((task) => {
      const { roomNid } = task.userRoom;
      const room: Room | undefined = known.get(roomNid);
      return room ? [{ ...task, room, bumpedAt: bumps.get(roomNid) }] : [];
    });
  }

  /** Nothing is awaited before the user's rooms were read. */
  return async function compute(sliding: SlidingScope): Promise<SlidingComputed> {
    const { scope, body, grounds, state } = sliding;
    const { counts, wanted, isAll, listed } = deps.windows.of(scope.user, body, grounds, state);
    const changes = fallBehind(sliding, wanted);
    const pendingTasks = wantedTasks(sliding, wanted);
    const rooms = new JsonText();
    const texts = new Map<number, string>();
    const eventIds: string[] = [];
    const anew = new Set<number>();
    const tasks = await withRooms(pendingTasks, scope);
    let characters = 0;
    const later = new Set<number>();
    await inParallel(tasks, widthFor(tasks), async (task) => {
      const { roomNid } = task.userRoom;
      if (characters > MAX_CHARACTERS) {
        later.add(roomNid);
        if (task.sent !== undefined) changes.set(roomNid, { ...task.sent, behind: task.told! });
        return;
      }
      const { text, sent, events, isAnew } = await deps.roomNews(scope, task);
      if (text !== undefined) texts.set(roomNid, text);
      characters += text?.length ?? 0;
      if (events !== undefined) eventIds.push(...events);
      if (isAnew === true) anew.add(roomNid);
      if (!isSame(sent, state.rooms.get(roomNid))) changes.set(roomNid, sent);
    });
    for (const { userRoom, room } of tasks) {
      const text = texts.get(userRoom.roomNid);
      if (text !== undefined) rooms.member(room.roomId, text);
    }
    const lists = new JsonText();
    for (const [name, count] of counts) lists.member(name, `{"count":${count}}`);
    for (const roomNid of later) if (!state.rooms.has(roomNid)) wanted.delete(roomNid);
    const told = await deps.extensions(sliding, wanted, { eventIds, anew }, listed);
    const next = after(state, changes, told.state);
    if (body.extensions[SYNC_EXTENSION]?.enabled === true) {
      const token = isAll && later.size === 0 ? syncPosition(scope, next, told) : undefined;
      const text = token === undefined ? "{}" : JSON.stringify({ next_batch: token });
      told.body.member(SYNC_EXTENSION, text);
    }
    const out = new JsonText()
      .member("lists", lists.toString())
      .member("rooms", rooms.toString())
      .member("extensions", told.body.toString());
    return {
      body: out,
      empty: rooms.empty && told.empty,
      state: next,
    };
  };
}

/** From where `/sync` goes on, when the client has everything up to there. */
function syncPosition(
  { upTo }: Scope,
  { rooms }: ConnectionState,
  { messages }: ToldExtensions,
): string | undefined {
  if (messages === undefined) return undefined;
  for (const { behind } of rooms.values()) if (behind !== 0) return undefined;
  // Who is there, sliding sync does not tell: all of it comes by what goes on from here.
  const { position } = upTo;
  return formatSyncToken({ position, ephemeral: 0, toDevice: messages.waitingAfter });
}

function widthFor(tasks: readonly RoomTask[]): number {
  const most = Math.max(0, ...tasks.map(({ config }) => config.limit));
  return Math.min(MAX_CONCURRENT_ROOMS, Math.ceil(MAX_CONCURRENT_EVENTS / (most + 1)));
}

export type SlidingCompute = ReturnType<typeof createSlidingCompute>;

function isSame(one: SentRoom | undefined, other: SentRoom | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.behind === other.behind &&
    one.limit === other.limit &&
    one.required === other.required &&
    one.isDm === other.isDm
  );
}

function after(
  state: ConnectionState,
  changes: ReadonlyMap<number, SentRoom | undefined>,
  told: ToldExtensions["state"],
): ConnectionState {
  const isSame =
    told.extensions === state.extensions &&
    told.receipts === state.receipts &&
    told.accountData === state.accountData &&
    told.typing === state.typing;
  if (changes.size === 0 && isSame) return state;
  const rooms = new Map(state.rooms);
  for (const [roomNid, sent] of changes) {
    if (sent === undefined) rooms.delete(roomNid);
    else rooms.set(roomNid, sent);
  }
  return { ...state, ...told, rooms: withFewWishes(rooms) };
}

/** Different wishes that are remembered for the rooms of one connection, and their characters. */
const MAX_WISHES = 64;
const MAX_WISHES_TEXT = 512 * 1024;
/** Wishes for nothing: whatever is wanted next goes beyond them, and is sent. */
const NO_WISHES = "[]";

/** A client that wants something else of each room is sent it again, rather than remembered with all of it. */
function withFewWishes(rooms: Map<number, SentRoom>): Map<number, SentRoom> {
  const known = new Set([NO_WISHES]);
  let left = MAX_WISHES_TEXT;
  for (const [roomNid, sent] of rooms) {
    if (known.has(sent.required)) continue;
    if (known.size > MAX_WISHES || left < sent.required.length) {
      rooms.set(roomNid, { ...sent, required: NO_WISHES });
    } else {
      known.add(sent.required);
      left -= sent.required.length;
    }
  }
  return rooms;
}
