import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Api, createApi } from "../matrix/api.ts";
import { roomPath } from "../matrix/rooms.ts";
import { type User, registerUsers, serverNameOf } from "../matrix/users.ts";
import { type Peer, startPeer } from "../peer/peer.ts";
import { makeRoom } from "../peer/room.ts";
import { mebibytes } from "../report/figures.ts";
import { openTarget } from "../targets/parse.ts";
import { memoryOf } from "../targets/processes.ts";
import type { Target } from "../targets/target.ts";
import { type Context, type Result, type Workload, observe } from "./workload.ts";

const VERSION = "11";
const SAMPLE_MS = 100;
const POLL_MS = 200;
/** What was read into memory at the start is given back, or not, by then. */
const IDLE_MS = 5_000;
const WHOLE_SECONDS = 600;

/**
 * A second Weft joins a room of many members that the target hosts: how long until its user's first message is
 * answered and until it knows all members, and how much memory that takes. The members are a peer's, of
 * whom the host learns by joining the room itself.
 */
export const join: Workload = {
  name: "join",
  about: "a second Weft joins a room of 50,000 members and 5,000 state events",
  async run(context) {
    const { target, certificates } = context;
    const host = createApi(target.url);
    const peer = await startPeer(certificates);
    const settings = { certificates, profile: false, nodeArguments: [], variables: {} };
    const joiner = await openTarget("joiner=start:", settings);
    const there = createApi(joiner.url);
    try {
      const room = await fill(context, host, peer);
      return [await measure(context, { host, there, peer, joiner, room })];
    } finally {
      host.close();
      there.close();
      await Promise.all([joiner.stop(), peer.close()]);
    }
  },
};

interface Filled {
  readonly roomId: string;
  readonly owner: User;
  readonly members: number;
  readonly state: number;
}

/** The host joins a room of the peer's, whose state it is told whole, and knows all of it at the end. */
async function fill({ target, settings, say }: Context, api: Api, peer: Peer): Promise<Filled> {
  const { members, stateEvents } = settings;
  const started = performance.now();
  const room = makeRoom(peer.serverName, peer.key, { members, stateEvents });
  const { roomId, state } = room;
  say(`join: ${state.length} events signed after ${seconds(started)}`);
  peer.host(room);
  const [owner] = (await registerUsers(api, 1)) as [User];
  await enter(api, owner, roomId, peer.serverName);
  await untilWhole(peer, target, roomId);
  say(`join: the host knows them after ${seconds(started)}`);
  return { roomId, owner, members: members + 1, state: stateEvents };
}

async function enter(api: Api, { token }: User, roomId: string, via: string): Promise<void> {
  await api.call({
    method: "POST",
    path: `/_matrix/client/v3/join/${encodeURIComponent(roomId)}?via=${encodeURIComponent(via)}`,
    token,
    body: {},
  });
}

interface Scene {
  readonly host: Api;
  readonly there: Api;
  readonly peer: Peer;
  readonly joiner: Target;
  readonly room: Filled;
}

async function measure(context: Context, scene: Scene): Promise<Result> {
  const { there, joiner, room, host } = scene;
  const [user] = (await registerUsers(there, 1)) as [User];
  const { token } = user;
  await there.call({ path: "/_matrix/client/v3/sync?timeout=0", token });
  await sleep(IDLE_MS);
  const memory = sampleMemory(joiner);
  const readBefore = bytesRead(joiner);
  const end = await observe({ ...context, target: joiner, profiler: undefined });
  const started = performance.now();
  await enter(there, user, room.roomId, serverNameOf(room.owner));
  const joined = performance.now();
  const sent = await there.call({
    method: "PUT",
    path: `${roomPath(room.roomId)}/send/m.room.message/first`,
    token,
    body: { msgtype: "m.text", body: "first" },
  });
  const answered = performance.now();
  await untilWhole(scene.peer, joiner, room.roomId);
  const whole = performance.now();
  const use = await end();
  const peak = memory();
  const read = bytesRead(joiner) - readBefore;
  const note =
    `${room.members} members, ${room.state} state events: joined ${ms(started, joined)}, ` +
    `first message ${ms(started, answered)}, whole ${ms(started, whole)}, ` +
    `peak ${mebibytes(peak.server + peak.database)} above idle (server ${mebibytes(peak.server)}), read ${mebibytes(read)}`;
  context.say(`join: ${note}`);
  return {
    workload: "join",
    target: context.target.name,
    cell: `v${VERSION}`,
    unit: "join",
    units: 1,
    seconds: (whole - started) / 1000,
    latencies: undefined,
    use,
    memory: undefined,
    errors: 0,
    firstError: undefined,
    wrong: await check(scene, user, host, sent.event_id),
    note,
  };
}

/** While its state is not whole, a server lets nobody in. */
async function untilWhole(peer: Peer, server: Target, roomId: string): Promise<void> {
  const api = createApi(server.federationUrl, server.ca);
  const destination = `localhost:${server.federationUrl.port}`;
  const place = `${encodeURIComponent(roomId)}/${encodeURIComponent(`@asks:${peer.serverName}`)}`;
  const uri = `/_matrix/federation/v1/make_join/${place}?ver=${VERSION}`;
  const authorization = peer.authorization({ method: "GET", uri, destination });
  const deadline = Date.now() + WHOLE_SECONDS * 1000;
  try {
    for (;;) {
      const isWhole = await api.call({ path: uri, authorization }).then(
        () => true,
        (error: Error) => {
          if (Date.now() > deadline)
            throw new Error("the room did not become whole", { cause: error });
          return false;
        },
      );
      if (isWhole) return;
      await sleep(POLL_MS);
    }
  } finally {
    api.close();
  }
}

/** Members and state at the joiner, and the message at the host. */
async function check(
  { there, room }: Scene,
  { token }: User,
  host: Api,
  eventId: string,
): Promise<string | undefined> {
  const path = roomPath(room.roomId);
  const { joined } = await there.call({ path: `${path}/joined_members`, token });
  const count = Object.keys(joined).length;
  if (count !== room.members + 1) return `${count} members instead of ${room.members + 1}`;
  const last = `${path}/state/org.example.bench/${room.state - 1}`;
  const state = room.state === 0 ? undefined : await there.call({ path: last, token });
  if (state !== undefined && state.number !== room.state - 1) return "a state event is another";
  const message = { path: `${path}/event/${encodeURIComponent(eventId)}`, token: room.owner.token };
  for (let tries = 0; ; tries++) {
    const found = await host.call(message).catch(() => undefined);
    if (found !== undefined) return undefined;
    if (tries > 50) return "the first message did not reach the host";
    await sleep(POLL_MS);
  }
}

interface Peak {
  readonly server: number;
  readonly database: number;
}

/** The most PSS from now on, above what it is now; the returned function ends it. Bytes. */
function sampleMemory(target: Target): () => Peak {
  const idle = memoryOf(target.pids);
  let peak = { server: 0, database: 0 };
  const timer = setInterval(() => {
    const now = memoryOf(target.pids);
    const above = {
      server: now.server.pss - idle.server.pss,
      database: now.database.pss - idle.database.pss,
    };
    if (above.server + above.database > peak.server + peak.database) peak = above;
  }, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    return peak;
  };
}

/** What the server's process has read, from files, sockets and the database. */
function bytesRead({ pids }: Target): number {
  const text = readFileSync(`/proc/${pids[0]}/io`, "utf8");
  return Number(/^rchar: (\d+)/m.exec(text)?.[1] ?? 0);
}

function seconds(started: number): string {
  return `${((performance.now() - started) / 1000).toFixed(0)} s`;
}

function ms(from: number, to: number): string {
  return `${((to - from) / 1000).toFixed(2)} s`;
}
