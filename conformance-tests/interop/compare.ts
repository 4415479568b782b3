import { isDeepStrictEqual } from "node:util";
import { eventually, must, show } from "../harness/must.ts";
import type { JsonObject } from "../harness/json.ts";
import type { ClientEvent } from "../harness/shapes.ts";
import type { User } from "../harness/users.ts";

/** What of an event must be the same wherever it is read. */
type Essence = Readonly<Record<string, unknown>>;

function essenceOf(event: ClientEvent): Essence {
  const { type, event_id, sender, state_key, origin_server_ts, content } = event;
  return { type, event_id, sender, state_key, origin_server_ts, content };
}

/** What differs between two lists of events by their ids, in words; nothing when they are the same set. */
export function differences(
  one: readonly ClientEvent[],
  two: readonly ClientEvent[],
  names: readonly [string, string],
): string[] {
  const [left, right] = [one, two].map(
    (events) => new Map(events.map((event) => [event.event_id, essenceOf(event)])),
  ) as [Map<string, Essence>, Map<string, Essence>];
  const lines: string[] = [];
  for (const [id, event] of left) {
    const other = right.get(id);
    if (other === undefined) lines.push(`${names[1]} lacks ${show(event)}`);
    else if (!isDeepStrictEqual(event, other))
      lines.push(`${id}: ${names[0]} has ${show(event)}, ${names[1]} has ${show(other)}`);
  }
  for (const [id, event] of right)
    if (!left.has(id)) lines.push(`${names[0]} lacks ${show(event)}`);
  return lines;
}

export async function fullState(user: User, roomId: string): Promise<ClientEvent[]> {
  return await user.call("getRoomState", { path: { roomId } });
}

const PAGE = 100;
const PAGES = 50;

/** Every event that the user may read in a room, the newest first: pages back to the beginning. */
export async function wholeHistory(user: User, roomId: string): Promise<ClientEvent[]> {
  const events: ClientEvent[] = [];
  let from: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const query = { dir: "b" as const, limit: PAGE, from };
    const body = await user.call("getRoomEvents", { path: { roomId }, query });
    events.push(...(body.chunk as unknown as ClientEvent[]));
    if (body.end === undefined || body.end === null) return events;
    from = body.end;
  }
  throw new Error(`${user.userId} does not come to the beginning of ${roomId}`);
}

const sidesOf = (users: readonly [User, User]) =>
  users.map((user) => user.userId) as [string, string];

/** Both have the same state: every entry the same event with the same content. */
export async function sameState(users: readonly [User, User], roomId: string): Promise<void> {
  await agree("state", async () => {
    const [one, two] = await Promise.all([
      fullState(users[0], roomId),
      fullState(users[1], roomId),
    ]);
    return differences(one, two, sidesOf(users));
  });
}

/** Both read the same events, from the room's beginning to its end. */
export async function sameHistory(users: readonly [User, User], roomId: string): Promise<void> {
  await agree("history", async () => {
    const [one, two] = await Promise.all([
      wholeHistory(users[0], roomId),
      wholeHistory(users[1], roomId),
    ]);
    must(
      one.some((event) => event.type === "m.room.create"),
      "the history has no beginning",
    );
    return differences(one, two, sidesOf(users));
  });
}

const PATIENCE_MS = 20_000;

/** Asks again until nothing differs. */
export async function agree(
  what: string,
  compare: () => Promise<readonly string[]>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  await eventually(
    what,
    async () => {
      const wrong = await compare();
      if (wrong.length === 0) return true;
      throw new Error(wrong.slice(0, 6).join("\n"));
    },
    patienceMs,
  );
}

export async function oneEvent(user: User, roomId: string, eventId: string) {
  return (await user.call("getOneRoomEvent", {
    path: { roomId, eventId },
  })) as unknown as ClientEvent;
}

/** Waits until the event can be read there, and that it is the same on both sides. */
export async function arrives(to: User, from: User, roomId: string, eventId: string) {
  const there = await eventually(
    `${eventId} at ${to.userId}`,
    () => oneEvent(to, roomId, eventId),
    PATIENCE_MS,
  );
  const wrong = differences(
    [await oneEvent(from, roomId, eventId)],
    [there],
    [from.userId, to.userId],
  );
  must(wrong.length === 0, wrong.join("\n"));
  return there;
}

/** Waits until an entry of the state is so at that user's server. */
export async function stateBecomes(
  user: User,
  roomId: string,
  type: string,
  stateKey: string,
  fits: (content: JsonObject) => boolean,
): Promise<void> {
  await eventually(
    `${type} "${stateKey}" at ${user.userId}`,
    async () => {
      const content = await user.getState(roomId, type, stateKey);
      if (fits(content)) return true;
      throw new Error(`it is ${show(content)}`);
    },
    PATIENCE_MS,
  );
}

export const memberBecomes = (user: User, roomId: string, whom: User, membership: string) =>
  stateBecomes(
    user,
    roomId,
    "m.room.member",
    whom.userId,
    (content) => content["membership"] === membership,
  );
