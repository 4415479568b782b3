/**
 * A client that keeps device lists as the specification has it: it learns from syncs whose devices
 * it has to ask for, and asks for nothing else. (Client-server API, "Tracking the device list for a
 * user".)
 */
import { expect } from "vitest";
import type { Body } from "../../support/user.ts";
import { type Account, seenOf } from "./account.ts";

/** What was so at a token. */
interface Moment {
  readonly token: string;
  readonly shared: ReadonlySet<string>;
  /** Users of whom the sync told, since the moment before. */
  readonly told: ReadonlySet<string>;
  /** Of users of the same server: how often their devices had changed. */
  readonly versions: ReadonlyMap<string, number>;
  readonly state: State;
  /** What it knew once it had asked. */
  asked: State;
}

/** What a client keeps between two syncs. */
interface State {
  readonly rooms: ReadonlyMap<string, ReadonlySet<string>>;
  /** User → what is known of their devices. */
  readonly known: ReadonlyMap<string, string>;
  /** Users whose devices have to be asked for. */
  readonly outdated: ReadonlySet<string>;
}

const FILTER = JSON.stringify({
  ...{ presence: { limit: 0 }, account_data: { limit: 0 } },
  room: { timeline: { limit: 3 }, ephemeral: { limit: 0 } },
});
/** Moments that are remembered. */
const MAX_MOMENTS = 40;

export type Client = ReturnType<typeof createClient>;

export function createClient(account: Account, everybody: () => readonly Account[]) {
  const { userId, server } = account;
  let moments: Moment[] = [];
  let state: State = { rooms: new Map(), known: new Map(), outdated: new Set() };
  let told = 0;

  const sharedIn = (rooms: State["rooms"]): Set<string> => {
    const shared = new Set([...rooms.values()].flatMap((users) => [...users]));
    shared.delete(userId);
    return shared;
  };
  const neighbours = () => everybody().filter((other) => other.server === server);

  /** Takes the answer to a sync, and compares what it tells of device lists with its rooms. */
  function take(body: Body, since: string | undefined): void {
    const before = sharedIn(state.rooms);
    const rooms = roomsAfter(state.rooms, body, userId);
    const shared = sharedIn(rooms);
    const { changed = [], left = [] } = (body.device_lists ?? {}) as Record<string, string[]>;
    if (body.device_lists) told += 1;
    const known = new Map(state.known);
    const outdated = new Set(state.outdated);
    if (since === undefined) {
      expect(body).not.toHaveProperty("device_lists");
      for (const other of [userId, ...shared]) outdated.add(other);
    }
    for (const other of changed) outdated.add(other);
    for (const other of left) {
      known.delete(other);
      outdated.delete(other);
    }
    const gone = [...before].filter((other) => !shared.has(other));
    const what = `${userId} since ${since}\nin ${textOf(state.rooms)}\nthen ${textOf(rooms)}`;
    expect(left, `who left for ${what}`).toEqual(gone.toSorted());
    const tracked = new Set([...known.keys(), ...outdated]);
    expect(tracked, `whom ${what} tracks`).toEqual(new Set([userId, ...shared]));
    state = { rooms, known, outdated };
    moments.push({
      ...{ token: body.next_batch, shared, told: new Set(changed), state, asked: state },
      versions: new Map(neighbours().map((other) => [other.userId, other.version])),
    });
    moments = moments.slice(-MAX_MOMENTS);
  }

  /** Asks for whom it has to; those of servers that do not answer stay to be asked for. */
  async function query(): Promise<void> {
    if (state.outdated.size === 0) return;
    const wanted = [...state.outdated];
    const device_keys = Object.fromEntries(wanted.map((other) => [other, []]));
    const answer = await account.call("POST", "/keys/query", { device_keys, timeout: 10_000 });
    const known = new Map(state.known);
    const outdated = new Set<string>();
    for (const other of wanted) {
      known.set(other, seenOf(other, answer));
      if (serverOf(other) in answer.failures) outdated.add(other);
    }
    state = { ...state, known, outdated };
  }

  return {
    account,
    get told(): number {
      return told;
    },
    async sync(): Promise<void> {
      const since = moments.at(-1)?.token;
      const parameters = new URLSearchParams({ filter: FILTER, use_state_after: "true" });
      if (since !== undefined) parameters.set("since", since);
      take(await account.call("GET", `/sync?${parameters.toString()}`), since);
      await query();
      moments.at(-1)!.asked = state;
      for (const { userId: other, expected } of neighbours()) {
        if (!state.known.has(other)) continue;
        expect(state.known.get(other), `${other} for ${userId}`).toEqual(expected());
      }
    },

    /** Goes on from what it had stored some syncs ago, as after a crash. */
    goBack(by: number): void {
      if (moments.length < 2) return;
      const at = Math.max(0, moments.length - 2 - by);
      const { state: then } = moments[at]!;
      // Its own past is not what somebody else is compared with.
      moments = moments.slice(0, at + 1);
      state = then;
    },

    /** Whose devices, of those whom it tracks and `which` names, it does not know as they are. */
    wrongAbout(which: (other: Account) => boolean): string[] {
      return everybody().flatMap((other) => {
        const seen = state.known.get(other.userId);
        if (!sharedIn(state.rooms).has(other.userId) || !which(other)) return [];
        if (seen === other.expected() && !state.outdated.has(other.userId)) return [];
        return `${userId} of ${other.userId}: ${seen}\nnot ${other.expected()}`;
      });
    },

    /** The users with whom it shares a room. */
    shared: () => sharedIn(state.rooms),
    membersIn: (roomId: string): ReadonlySet<string> => state.rooms.get(roomId) ?? new Set(),
    rooms: () => state.rooms,

    /** GET /keys/changes between two tokens of its own. */
    async compareMoments(chance: number): Promise<void> {
      if (moments.length < 2) return;
      const from = chance % (moments.length - 1);
      const to = from + 1 + ((chance >> 3) % (moments.length - 1 - from));
      const [one, other] = [moments[from]!, moments[to]!];
      const range = new URLSearchParams({ from: one.token, to: other.token });
      const { changed, left } = await account.call("GET", `/keys/changes?${range.toString()}`);
      const differs = (id: string) => one.versions.get(id) !== other.versions.get(id);
      // What it asked after a token may have come after it: then the next sync told of it.
      const next = moments[to + 1]?.told;
      const isOther = (id: string) =>
        next?.has(id) === false &&
        ![one.asked, other.asked].some(({ outdated }) => outdated.has(id)) &&
        one.asked.known.get(id) !== other.asked.known.get(id);
      const must = [...other.shared].filter(
        (id) => !one.shared.has(id) || differs(id) || isOther(id),
      );
      if (differs(userId)) must.push(userId);
      const what = `changes for ${userId} from ${one.token} to ${other.token}`;
      expect(changed, what).toEqual(expect.arrayContaining(must));
      expect([...other.shared, userId], what).toEqual(expect.arrayContaining(changed));
      const gone = [...one.shared].filter((id) => !other.shared.has(id));
      expect(left, what).toEqual(gone.toSorted());
    },
  };
}

const textOf = (rooms: State["rooms"]) =>
  JSON.stringify([...rooms].map(([roomId, users]) => [roomId, ...users]));
const serverOf = (userId: string) => userId.slice(userId.indexOf(":") + 1);

/** The rooms of a user with their joined members, after a sync. */
function roomsAfter(before: State["rooms"], { rooms }: Body, userId: string): State["rooms"] {
  const after = new Map(before);
  for (const [roomId, room] of Object.entries<Body>(rooms?.join ?? {})) {
    const members = new Set(after.get(roomId));
    for (const { type, state_key: id, content } of room.state_after.events as Body[]) {
      if (type !== "m.room.member") continue;
      if (content.membership === "join") members.add(id);
      else members.delete(id);
    }
    expect(members, `members of ${roomId}`).toContain(userId);
    after.set(roomId, members);
  }
  // Whoever is invited again is not told that they left before.
  const others = [rooms?.leave, rooms?.invite, rooms?.knock];
  for (const section of others) for (const id of Object.keys(section ?? {})) after.delete(id);
  return after;
}
