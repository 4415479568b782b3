import type { Ephemeral } from "../../cluster/ephemeral.ts";
import type { ReceiptOfRoom } from "../../storage/sync-reads.ts";
import type { AccountDataChanges } from "../recent/account-data-changes.ts";
import type { RecentEvents } from "../recent/recent-events.ts";
import { accountDataEvent, receiptContent } from "../sections/ephemeral-sections.ts";
import { JsonText } from "../sections/json-text.ts";
import type { SlidingScope } from "./sliding-scope.ts";
import type { SlidingBody } from "./request.ts";
import type { WantedRoom } from "./windows.ts";

export interface RoomExtensionDeps {
  readonly recentEvents: RecentEvents;
  readonly accountDataChanges: AccountDataChanges;
  readonly typing: Ephemeral["typing"];
  readonly receipts: (range: {
    readonly reader: string;
    readonly after: ReadonlyMap<number, number>;
    readonly upTo: number;
    readonly at: readonly string[];
  }) => Promise<readonly (ReceiptOfRoom & { readonly roomNid: number })[]>;
  readonly roomAccountData: (range: {
    readonly userId: string;
    readonly after: number;
    readonly upTo: number;
  }) => Promise<readonly { roomNid: number; position: number; type: string; content: string }[]>;
}

/** The timelines in an answer. */
export interface ToldTimelines {
  /** Ids of their events. */
  readonly eventIds: readonly string[];
  /** Rooms whose timeline is more than what came since the last answer: the room is new, or more of its past is wanted. */
  readonly anew: ReadonlySet<number>;
}

/** What an extension tells of rooms, and up to where it has then told of each. */
export interface RoomExtension {
  /** Room id → JSON. */
  readonly rooms: JsonText;
  readonly told: ReadonlyMap<number, number>;
}

type Told = ReadonlyMap<number, number>;
const NONE: ReadonlySet<number> = new Set();
const NOTHING: Told = new Map();
type Extension = NonNullable<SlidingBody["extensions"]["receipts"]>;

/** Receipts, account data and typing of the rooms that are wanted. (MSC3959, 3960, 3961.) */
export function createRoomExtensions(deps: RoomExtensionDeps) {
  /** Of which rooms it is to be told, and from where on: 0 for everything. */
  function follow(
    { scope }: SlidingScope,
    told: Told,
    wanted: ReadonlyMap<number, WantedRoom>,
    mayHave: (roomNid: number, after: number) => boolean,
    anew: ReadonlySet<number> = NONE,
  ): { readonly after: Map<number, number>; readonly told: Told } {
    const since = scope.since?.position ?? 0;
    const after = new Map<number, number>();
    const changes = new Map<number, number | undefined>();
    let others = told.size;
    for (const roomNid of wanted.keys()) {
      const behind = told.get(roomNid);
      if (behind !== undefined) others -= 1;
      const isNew = behind === undefined || anew.has(roomNid);
      const from = isNew ? 0 : behind || since;
      if (!isNew && !mayHave(roomNid, from)) continue;
      after.set(roomNid, from);
      if (behind !== 0) changes.set(roomNid, 0);
    }
    for (const [roomNid, behind] of others === 0 ? NOTHING : told) {
      const isIn = scope.user.rooms.get(roomNid)?.membership === "join";
      if (!isIn) changes.set(roomNid, undefined);
      else if (behind === 0 && !wanted.has(roomNid) && mayHave(roomNid, since)) {
        changes.set(roomNid, since);
      }
    }
    return { after, told: changed(told, changes) };
  }

  /** Rooms whose typing the client has, and in which it changes while they are not wanted. */
  function missedTyping(
    { scope, state, body }: SlidingScope,
    some: ReadonlyMap<number, WantedRoom>,
  ): ReadonlySet<number> {
    const { since, upTo, user } = scope;
    if (body.extensions.typing?.enabled !== true) {
      return state.typing.size === 0 ? state.typing : NONE;
    }
    const missed = new Set(state.typing);
    for (const roomNid of missed) {
      const isIn = user.rooms.get(roomNid)?.membership === "join";
      if (some.has(roomNid) || !isIn) missed.delete(roomNid);
    }
    if (
      since !== undefined &&
      upTo.ephemeral > since.ephemeral &&
      user.ephemeralAt > since.ephemeral
    ) {
      for (const roomNid of state.rooms.keys()) {
        const userRoom = user.rooms.get(roomNid);
        if (userRoom?.membership !== "join" || some.has(roomNid)) continue;
        if (deps.typing(userRoom.roomId).serial > since.ephemeral) missed.add(roomNid);
      }
    }
    const isSame = missed.size === state.typing.size && missed.isSubsetOf(state.typing);
    return isSame ? state.typing : missed;
  }

  return {
    /** The receipts at the events in the answer come with a room's first, and when more of its past is told. */
    async receipts(
      sliding: SlidingScope,
      wanted: ReadonlyMap<number, WantedRoom>,
      { eventIds, anew }: ToldTimelines,
    ): Promise<RoomExtension> {
      const { scope, state, body } = sliding;
      const some = relevant(body.extensions.receipts, wanted);
      const { after, told } = follow(
        ...[sliding, state.receipts, some],
        (roomNid, from) => deps.recentEvents.mayHaveReceipts(roomNid, from),
        anew,
      );
      const rooms = new JsonText();
      if (after.size === 0) return { rooms, told };
      const upTo = scope.upTo.position;
      const found = await deps.receipts({ reader: scope.userId, after, upTo, at: eventIds });
      const shown = found.filter(({ userId }) => !scope.ignored.has(userId));
      for (const [roomNid, receipts] of Map.groupBy(shown, (receipt) => receipt.roomNid)) {
        const event = { type: "m.receipt", content: receiptContent(receipts) };
        rooms.member(some.get(roomNid)!.userRoom.roomId, JSON.stringify(event));
      }
      return { rooms, told };
    },

    async accountData(
      sliding: SlidingScope,
      wanted: ReadonlyMap<number, WantedRoom>,
    ): Promise<RoomExtension> {
      const { scope, state, body } = sliding;
      const { userId } = scope;
      const some = relevant(body.extensions.account_data, wanted);
      const { after, told } = follow(
        ...[sliding, state.accountData, some],
        (roomNid, from) => deps.accountDataChanges.changed(userId, roomNid, from) !== false,
      );
      const rooms = new JsonText();
      if (after.size === 0) return { rooms, told };
      const first = Math.min(...after.values());
      const all = await deps.roomAccountData({
        ...{ userId, after: first },
        upTo: scope.upTo.position,
      });
      const news = all.filter(
        ({ roomNid, position }) => position > (after.get(roomNid) ?? Infinity),
      );
      for (const [roomNid, data] of Map.groupBy(news, (one) => one.roomNid)) {
        const { roomId } = some.get(roomNid)!.userRoom;
        rooms.member(roomId, `[${data.map(accountDataEvent).join(",")}]`);
      }
      return { rooms, told };
    },

    /** Who is typing, where that changed, and in rooms that are new in the answer. */
    typing(
      sliding: SlidingScope,
      wanted: ReadonlyMap<number, WantedRoom>,
    ): { readonly rooms: JsonText; readonly missed: ReadonlySet<number> } {
      const { scope, state, body } = sliding;
      const rooms = new JsonText();
      const wasTold = state.extensions.includes("typing");
      const some = relevant(body.extensions.typing, wanted);
      for (const [roomNid, { userRoom }] of some) {
        const { users, serial } = deps.typing(userRoom.roomId);
        const isKnown = wasTold && state.rooms.has(roomNid) && scope.since !== undefined;
        const hasChanged = isKnown ? serial > scope.since.ephemeral : users.length > 0;
        if (!hasChanged && !state.typing.has(roomNid)) continue;
        const shown = users.filter((user) => !scope.ignored.has(user));
        const event = { type: "m.typing", content: { user_ids: shown } };
        rooms.member(userRoom.roomId, JSON.stringify(event));
      }
      return { rooms, missed: missedTyping(sliding, some) };
    },
  };
}

/** What extensions have found relevant, which mostly is the same for all of an answer. */
const found = new WeakMap<ReadonlyMap<number, WantedRoom>, Map<string, Map<number, WantedRoom>>>();

/** The joined rooms of which an extension is wanted. */
export function relevant(
  extension: Extension | undefined,
  wanted: ReadonlyMap<number, WantedRoom>,
): ReadonlyMap<number, WantedRoom> {
  if (extension?.enabled !== true) return new Map();
  const { lists = ["*"], rooms = ["*"] } = extension;
  let ofAnswer = found.get(wanted);
  if (ofAnswer === undefined) found.set(wanted, (ofAnswer = new Map()));
  const key = JSON.stringify([lists, rooms]);
  let some = ofAnswer.get(key);
  if (some === undefined) ofAnswer.set(key, (some = among(lists, rooms, wanted)));
  return some;
}

function among(
  lists: readonly string[],
  rooms: readonly string[],
  wanted: ReadonlyMap<number, WantedRoom>,
): Map<number, WantedRoom> {
  const some = new Map<number, WantedRoom>();
  const [allLists, allRooms] = [lists.includes("*"), rooms.includes("*")];
  const [named, ids] = [new Set(lists), new Set(rooms)];
  for (const [roomNid, one] of wanted) {
    const { userRoom, isSubscribed } = one;
    if (userRoom.membership !== "join") continue;
    const byList = one.lists.some((list) => allLists || named.has(list));
    if (byList || (isSubscribed && (allRooms || ids.has(userRoom.roomId)))) some.set(roomNid, one);
  }
  return some;
}

function changed(told: Told, changes: ReadonlyMap<number, number | undefined>): Told {
  if (changes.size === 0) return told;
  const next = new Map(told);
  for (const [roomNid, behind] of changes) {
    if (behind === undefined) next.delete(roomNid);
    else next.set(roomNid, behind);
  }
  return next;
}
