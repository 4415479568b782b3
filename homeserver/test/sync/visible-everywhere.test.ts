/** Every value of history_visibility × what became of the reader: by no path is anything shown that they may not see. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventId, RoomId } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { createSyncWorld, type SyncUser, type SyncWorld } from "./support.ts";

let world: SyncWorld;
let alice: SyncUser;
let rooms = 0;

beforeAll(async () => {
  world = await createSyncWorld();
  alice = world.user("alice");
});
afterAll(() => world.close());

const VISIBILITIES = ["world_readable", "shared", "invited", "joined"] as const;
const STORIES = [
  "a stranger",
  "invited",
  "joined",
  "left",
  "kicked",
  "banned",
  "left, then banned",
  "left, then invited",
  "left, then invited and refused",
  "left, then back",
] as const;
type Story = (typeof STORIES)[number];
type Visibility = (typeof VISIBILITIES)[number];

/** Parts of the room's history: before the reader came, while they were invited, in, out, invited again, at the end. */
const PARTS = ["before", "asked", "in", "out", "again", "end"] as const;
type Part = (typeof PARTS)[number];

/** Whose messages the reader may see. (Client-server API, "Room History Visibility".) */
function mayBeSeen(story: Story, visibility: Visibility): readonly Part[] {
  if (visibility === "world_readable") return PARTS;
  const isShared = visibility === "shared";
  const isInvited = visibility === "invited";
  const ofStay: Part[] = isShared
    ? ["before", "asked", "in"]
    : isInvited
      ? ["asked", "in"]
      : ["in"];
  switch (story) {
    case "a stranger":
      return [];
    case "invited":
      return isInvited ? ["asked"] : [];
    case "joined":
      return isShared ? ofStay : ["in"];
    case "left, then invited":
      return isInvited ? [...ofStay, "again", "end"] : ofStay;
    case "left, then invited and refused":
      return isInvited ? [...ofStay, "again"] : ofStay;
    case "left, then back":
      return isShared ? PARTS : [...ofStay, "end"];
    default:
      return ofStay;
  }
}

/** Of which parts the reader may see the state: names and members. */
function stateMayBeSeen(story: Story, visibility: Visibility): readonly Part[] {
  const isIn = story === "joined" || story === "left, then back";
  if (isIn || visibility === "world_readable") return PARTS;
  if (story === "a stranger") return [];
  // The events of the time of an invite say what they changed.
  if (visibility === "invited" && story === "invited") return ["before", "asked"];
  if (story === "invited") return [];
  if (visibility === "invited" && story.includes("invited")) return PARTS;
  return ["before", "asked", "in"];
}

/** What was said in a part of the history, by identifier, and tokens of its end. */
interface Told {
  readonly part: Part;
  readonly ids: EventId[];
  readonly tokens: string[];
}

interface Scene {
  readonly bob: SyncUser;
  readonly roomId: RoomId;
  readonly told: Told[];
}

const word = (kind: "said" | "named" | "member", part: Part): string => `${kind}-${part}-${rooms}.`;

async function tell({ bob, roomId, told }: Scene, part: Part): Promise<void> {
  const { by } = alice;
  const ids: EventId[] = [];
  const say = async (content: JsonObject = {}) =>
    void ids.push(await alice.send(roomId, word("said", part), content));
  await say();
  const content = { name: word("named", part) };
  await world.rooms.send.state({ by, roomId, type: "m.room.name", stateKey: "", content });
  const other = world.user(word("member", part));
  await world.rooms.members.join({ by: other.by, room: roomId });
  const inside = told.find((one) => one.part === "in");
  for (const eventId of new Set([told[0]?.ids[0], inside?.ids[0]])) {
    if (eventId === undefined) continue;
    const related = (rel_type: string) => ({ "m.relates_to": { rel_type, event_id: eventId } });
    const edited = { msgtype: "m.text", body: word("said", part) };
    await say({ ...related("m.replace"), "m.new_content": edited });
    await say(related("m.thread"));
    await say(related("m.reference"));
  }
  const { start } = await world.rooms.history.messages(by, roomId, { dir: "b", limit: 1 });
  told.push({ part, ids, tokens: [(await bob.sync()).next_batch, start] });
}

async function live(story: Story, visibility: Visibility): Promise<Scene> {
  rooms += 1;
  const bob = world.user(`bob${rooms}`);
  const { by } = alice;
  const { create, members } = world.rooms;
  const roomId = await create.room(by, {
    preset: "public_chat",
    initial_state: [
      { type: "m.room.history_visibility", content: { history_visibility: visibility } },
    ],
  });
  const scene: Scene = { bob, roomId, told: [] };
  const about = { by, roomId, userId: bob.userId };
  const leave = () => members.leave({ by: bob.by, roomId });
  const join = () => members.join({ by: bob.by, room: roomId });
  await tell(scene, "before");
  if (story !== "a stranger" && story !== "joined") await members.invite(about);
  await tell(scene, "asked");
  if (story === "a stranger" || story === "invited") return scene;
  await join();
  await tell(scene, "in");
  if (story === "joined") return scene;
  if (story === "kicked") await members.kick(about);
  else if (story === "banned") await members.ban(about);
  else await leave();
  await tell(scene, "out");
  if (story === "left, then banned") await members.ban(about);
  if (story.includes("invited")) {
    await members.invite(about);
    await tell(scene, "again");
  }
  if (story.includes("refused")) await leave();
  if (story === "left, then back") await join();
  await tell(scene, "end");
  return scene;
}

/** Whatever the reader may ask, with whatever token: name → answer as text. Refusals are left out. */
async function everything({ bob, roomId, told }: Scene): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  const { by, userId } = bob;
  const { history } = world.rooms;
  const ask = async (name: string, asked: Promise<unknown>): Promise<void> => {
    try {
      answers.set(name, JSON.stringify(await asked));
    } catch (error) {
      expect(error).toMatchObject({ status: expect.toSatisfy((status) => status < 500) });
    }
  };
  const pdus = async (state: ReturnType<typeof history.state>) =>
    (await state).map(({ event }) => event.pdu);
  const tokens = told.flatMap((one) => one.tokens);
  for (const from of [undefined, ...tokens]) {
    for (const dir of ["b", "f"] as const) {
      await ask(`messages ${dir} ${from}`, history.messages(by, roomId, { dir, from, limit: 100 }));
    }
    await ask(`members ${from}`, pdus(history.members(userId, roomId, { at: from })));
  }
  for (const { part, ids } of told) {
    for (const [i, id] of ids.entries()) {
      const more = { recurse: true, limit: 100 };
      await ask(`event ${part} ${i}`, history.event(by, roomId, id));
      await ask(`context ${part} ${i}`, history.context(by, roomId, id, { limit: 40 }));
      await ask(`relations ${part} ${i}`, history.relations(by, roomId, id, more));
    }
  }
  await ask("threads", history.threads(by, roomId, { limit: 100 }));
  await ask("state", pdus(history.state(userId, roomId)));
  for (const since of [undefined, ...told.map((one) => one.tokens[0])]) {
    for (const limit of [1, 100]) {
      const filter = { room: { include_leave: true, timeline: { limit } } };
      for (const options of [{}, { stateAfter: true }, { fullState: true }]) {
        const body = await bob.sync(since, { filter, ...options });
        // Invites show the room as it is.
        if (body.rooms) delete body.rooms.invite;
        answers.set(`sync ${since} ${limit} ${JSON.stringify(options)}`, JSON.stringify(body));
      }
    }
  }
  return answers;
}

const cases = STORIES.flatMap((story) =>
  VISIBILITIES.map((visibility) => [story, visibility] as const),
);

test.each(cases)("of who is %s, in a room that is %s", async (story, visibility) => {
  const scene = await live(story, visibility);
  const answers = await everything(scene);
  const seen = mayBeSeen(story, visibility);
  const state = stateMayBeSeen(story, visibility);
  const hidden = PARTS.flatMap((part) => [
    ...(seen.includes(part) ? [] : [word("said", part)]),
    ...(state.includes(part) ? [] : [word("named", part), word("member", part)]),
  ]);
  const leaks = [...answers].flatMap(([name, answer]) =>
    hidden.filter((one) => answer.includes(one)).map((one) => `${name}: ${one}`),
  );
  expect(leaks).toEqual([]);
  // What may be seen is there, for who may read pages at all.
  const page = answers.get("messages b undefined");
  const isOutside = story === "a stranger" || story === "invited";
  expect(page === undefined).toBe(isOutside && visibility !== "world_readable");
  const isIn = story === "left, then back" || visibility === "world_readable";
  const pages = scene.told.map(({ part }) => part).filter((part) => seen.includes(part));
  const expected = pages.filter((part) => isIn || (part !== "again" && part !== "end"));
  for (const part of expected) {
    if (page === undefined) break;
    expect({ part, isThere: page.includes(word("said", part)) }).toEqual({ part, isThere: true });
  }
});
