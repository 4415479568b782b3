/**
 * Whatever happens in rooms and to devices on three servers, and whatever becomes of what these tell
 * one another, their clients track those who share rooms, and know their devices in the end. The
 * servers are whole ones, which are killed, forget and do not hear; everything goes over HTTP.
 */
import { afterAll, beforeAll, expect } from "vitest";
import { askAs } from "../../support/signed-requests.ts";
import type { TestServer } from "../../support/server.ts";
import { eventually } from "../../support/wait.ts";
import { type Account, createAccount } from "./account.ts";
import { type Client, createClient } from "./client.ts";
import { type Fault, startWired, type Wires } from "./federation-wire.ts";
import { type Action, MAX_CHANCE, type Story, testStories } from "./stories.ts";

const ROOMS = 2;
/** Two of them are of one server. */
const HOMES = [0, 0, 1, 2];
/** So many stories are of the same users. */
const PER_CAST = 10;
/** Turns of the event loop after which a server is killed amid what is done, at most. */
const MAX_TURNS = 60;

const DOES = {
  ...{ join: 60, leave: 16, again: 8, kick: 10, invite: 8, rename: 8, say: 8 },
  ...{ addDevice: 12, removeDevice: 8, renameDevice: 16, crossSign: 6, signDevice: 8, signUser: 4 },
  ...{ sync: 60, goBack: 6, changes: 12 },
  ...{ cut: 12, deaf: 6, forgets: 8, heal: 20, kill: 4, away: 2, restart: 1 },
} as const;
type Does = keyof typeof DOES;

interface Room {
  readonly roomId: string;
  readonly maker: Account;
}

let wires: Wires;
let clients: Client[] = [];
let told = 0;
/** Servers that are stopped. */
const away = new Set<TestServer>();

beforeAll(async () => {
  wires = await startWired(3);
}, 180_000);
afterAll(() => wires.close());

testStories<Does>(
  "clients of three servers track those who share their rooms, and know their devices, whatever the servers hear",
  {
    does: DOES,
    ...{ users: HOMES.length, rooms: ROOMS, length: [8, 24], runs: 8, msPerRun: 120_000, begin },
    told: () => told + clients.reduce((sum, client) => sum + client.told, 0),
  },
);

async function begin(run: number): Promise<Story<Does>> {
  if ((run - 1) % PER_CAST === 0) await changeCast(run);
  const rooms: Room[] = [];
  for (let index = 0; index < ROOMS; index += 1) {
    const maker = clients[index * 2]!.account;
    const { room_id: roomId } = await maker.call("POST", "/createRoom", { preset: "public_chat" });
    rooms.push({ roomId, maker });
  }
  let kill: { readonly server: TestServer; readonly turns: number } | undefined;

  return {
    async act(one) {
      const actor = clients[one.who]!;
      if (one.does === "kill") {
        const turns = Math.floor((one.chance / MAX_CHANCE) * MAX_TURNS);
        kill = { server: clients[one.whom]!.account.server, turns };
        return;
      }
      if (NETWORK.has(one.does)) return onNetwork(one);
      for (const { account } of [actor, clients[one.whom]!]) await back(account.server);
      const doing = perform(one, rooms);
      if (kill !== undefined) {
        let { turns } = kill;
        await eventually("the moment of the kill", () => turns-- <= 0, { every: 0 });
        await end(kill.server, "kill");
        await back(kill.server);
        kill = undefined;
      }
      await doing;
    },

    async end() {
      await heal();
      await findWhatWasLost();
      await settle();
      for (const client of clients) {
        await client.compareMoments(run);
      }
      for (const client of clients) {
        for (const roomId of client.rooms().keys()) await leave(client.account, roomId);
      }
    },
  };
}

async function changeCast(run: number): Promise<void> {
  told += clients.reduce((sum, client) => sum + client.told, 0);
  const cast = await Promise.all(
    HOMES.map((home, index) => createAccount(wires.servers[home]!, `u${index}r${run}`)),
  );
  clients = cast.map((account) => createClient(account, () => cast));
}

const NETWORK: ReadonlySet<Does> = new Set(["cut", "deaf", "forgets", "heal", "away", "restart"]);

/** What becomes of servers and of what they tell one another. */
async function onNetwork({ does, who, whom }: Action<Does>): Promise<void> {
  const from = clients[who]!.account.server;
  const other = clients[whom]!.account.server;
  const to = other === from ? wires.servers.find((server) => server !== from)! : other;
  if (does === "heal") return heal();
  if (does === "away") return end(from, "kill");
  if (does === "restart") {
    await end(from, "stop");
    return back(from);
  }
  wires.breaks(from, to, does as Fault);
  if (does === "cut") wires.breaks(to, from, does);
}

async function end(server: TestServer, how: "kill" | "stop"): Promise<void> {
  if (away.has(server)) return;
  away.add(server);
  if (how === "stop") await server.stop();
  else await wires.silence(server, server.kill());
}

async function back(server: TestServer): Promise<void> {
  if (!away.has(server)) return;
  await server.restart();
  away.delete(server);
  for (const other of wires.servers) if (other !== server) await greet(server, other);
}

async function heal(): Promise<void> {
  for (const server of away) await back(server);
  for (const [from, to] of wires.mend()) {
    await greet(from, to);
    await greet(to, from);
  }
}

/** Whoever hears from a server knows that it can be reached again. */
async function greet(from: TestServer, to: TestServer): Promise<void> {
  if (away.has(to)) return;
  const path = `/_matrix/federation/v1/query/profile?user_id=@nobody:${to.name}`;
  await askAs(from, to, "GET", path);
}

async function perform(one: Action<Does>, rooms: readonly Room[]): Promise<unknown> {
  const [client, target, room] = [clients[one.who]!, clients[one.whom]!, rooms[one.where]!];
  const { account } = client;
  switch (one.does) {
    case "sync":
      return client.sync();
    case "goBack":
      return client.goBack(one.chance % 4);
    case "changes":
      return client.compareMoments(one.chance);
    case "addDevice":
      return account.addDevice();
    case "removeDevice":
      return account.removeDevice(one.chance);
    case "renameDevice":
      return account.renameDevice(one.chance);
    case "crossSign":
      return account.crossSign();
    case "signDevice":
      return account.signDevice(one.chance);
    case "signUser":
      return account.signUser(target.account);
    case "again":
      for (const { roomId } of rooms) await leave(account, roomId);
      if (one.chance % 3 > 0) await account.renameDevice(one.chance);
      if (one.chance % 3 > 1) await account.removeDevice(one.chance);
      return join(account, room);
    case "join":
      return join(account, room);
    default:
      return inRoom(one, room, account, target.account);
  }
}

// What a server refuses, or another one that nobody reaches, is refused.

function join(account: Account, { roomId }: Room) {
  const query = new URLSearchParams();
  for (const server of wires.servers) {
    if (server !== account.server) query.append("via", server.name);
  }
  return account.ask("POST", `/join/${encodeURIComponent(roomId)}?${query.toString()}`, {});
}

const leave = (account: Account, roomId: string) =>
  account.ask("POST", `/rooms/${encodeURIComponent(roomId)}/leave`, {});

let lines = 0;

async function inRoom(
  { does }: Action<Does>,
  { roomId, maker }: Room,
  account: Account,
  target: Account,
): Promise<void> {
  const path = (rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
  if (does === "leave") await leave(account, roomId);
  if (does === "kick" || does === "invite") {
    await back(maker.server);
    await maker.ask("POST", path(`/${does}`), { user_id: target.userId });
  }
  lines += 1;
  if (does === "say") {
    const body = { msgtype: "m.text", body: `line ${lines}` };
    await account.ask("PUT", path(`/send/m.room.message/t${lines}`), body);
  }
  if (does === "rename") {
    const content = { membership: "join", displayname: `name ${lines}` };
    await account.ask("PUT", path(`/state/m.room.member/${account.userId}`), content);
  }
}

/**
 * An update that a server forgot to tell can be found with the user's next one: the device's by its
 * number, cross-signing keys by being new.
 */
async function findWhatWasLost(): Promise<void> {
  const { users, ofSigning } = wires.lost();
  for (const { account } of clients) {
    if (!users.has(account.userId)) continue;
    if (ofSigning) await account.crossSign();
    await account.renameDevice(0);
  }
}

/** Everybody syncs until all know the devices of those who share rooms with them as they are. */
async function settle(): Promise<void> {
  let wrong: string[] = [];
  await eventually(
    () => `devices are known as they are:\n${wrong.join("\n")}`,
    async () => {
      for (const client of clients) await client.sync();
      wrong = clients.flatMap((client) => {
        // A server that does not know that it shares a room tells nothing.
        const sees = (other: Account) =>
          clients
            .find(({ account }) => account === other)!
            .shared()
            .has(client.account.userId);
        return client.wrongAbout(sees);
      });
      return wrong.length === 0;
    },
    { within: 45_000, every: 5 },
  );
  expect(wrong).toEqual([]);
}
