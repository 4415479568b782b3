import { type Body, type Served, type TestUser, userOf } from "../../support/user.ts";
import { eventually } from "../../support/wait.ts";
import { untilAnswered } from "../support/talk.ts";
import { createCryptoDevice, type CryptoDevice, type HandedOut } from "./device.ts";

/** A device that follows one encrypted room through every restart of its server, and reads what it can. */
export interface Bot {
  readonly user: TestUser;
  /** "@alice:one DEVICE" */
  readonly name: string;
  readonly crypto: CryptoDevice;
  /** Who is in the room, as far as it was told. */
  readonly members: ReadonlySet<string>;
  /** Event id → what it says, of what could be decrypted. */
  readonly read: ReadonlyMap<string, string>;
  /** Event id → why not. */
  readonly unread: ReadonlyMap<string, string>;
  /** Messages for the device that came twice, after it had said that it has them. */
  readonly twice: readonly string[];
  /** Syncs on and on from where it was. */
  start(): void;
  /** Is gone for a while: neither syncs nor answers. */
  stop(): Promise<void>;
  /** Encrypts for whom it knows, and sends; the event's id. */
  say(text: string): Promise<string>;
}

const FILTER = JSON.stringify({
  presence: { not_types: ["*"] },
  account_data: { not_types: ["*"] },
  room: {
    timeline: { limit: 500 },
    ephemeral: { not_types: ["*"] },
    account_data: { not_types: ["*"] },
  },
});

const PAGES = 20;

/** What bots of one test have in common. */
export interface BotSettings {
  readonly roomId: string;
  readonly handedOut: HandedOut;
  /** So many messages have a room key in common. */
  readonly rotateAfter: number;
  /** What ended a bot before its time. */
  failed(error: unknown): void;
}

/** Signs in on a new device, and uploads its keys. */
export async function startBot(
  server: Served,
  username: string,
  { roomId, handedOut, rotateAfter, failed }: BotSettings,
): Promise<Bot> {
  const user = userOf(server, await signIn(server, username));
  const crypto = await createCryptoDevice(user, handedOut, rotateAfter);
  const room = readRoom(roomId, user, crypto);
  const messages = countMessages();
  let stop: AbortController | undefined;
  let running: Promise<void> = Promise.resolve();
  let settled: Promise<unknown> = Promise.resolve();
  let since: string | undefined;
  let said = 0;

  async function take(sync: Body): Promise<void> {
    messages.count(sync.to_device?.events ?? []);
    await crypto.receive(sync);
    await room.take(sync);
    // It may have to wait for a server that is away, and goes on reading meanwhile.
    settled = Promise.all([settled, crypto.track([...room.members]).then(crypto.settle)]);
    settled.catch(failed);
    since = sync.next_batch;
  }

  async function follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const query = new URLSearchParams({ filter: FILTER, timeout: "1000" });
      if (since !== undefined) query.set("since", since);
      await take(await untilAnswered(user, "GET", `/sync?${query.toString()}`));
    }
  }

  const bot: Bot = {
    user,
    name: `${user.userId} ${user.deviceId}`,
    crypto,
    members: room.members,
    read: room.read,
    unread: room.unread,
    twice: messages.twice,
    start() {
      stop = new AbortController();
      running = follow(stop.signal);
      running.catch(failed);
    },
    async stop() {
      stop?.abort();
      await running;
      await settled;
    },
    async say(text) {
      const content = await crypto.encrypt(roomId, [...room.members], { body: text });
      const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.encrypted/${said++}`;
      return (await untilAnswered(user, "PUT", path, content)).event_id;
    },
  };
  await take(await untilAnswered(user, "GET", "/sync?timeout=0"));
  await settled;
  return bot;
}

async function signIn(server: Served, username: string) {
  const url = `${server.baseUrl}/_matrix/client/v3/login`;
  const identifier = { type: "m.id.user", user: username };
  const password = `${username}-Secret-1`;
  const body = JSON.stringify({ type: "m.login.password", identifier, password });
  const login = async () => {
    const answer = await fetch(url, { method: "POST", body }).catch(() => undefined);
    return answer?.ok === true ? ((await answer.json()) as Body) : undefined;
  };
  return eventually(`${username} signs in`, login, { within: 120_000, every: 100 });
}

/** Tells which messages for the device come again. */
function countMessages() {
  const seen = new Set<string>();
  const twice: string[] = [];
  return {
    twice,
    count(events: readonly Body[]) {
      for (const event of events) {
        const text = JSON.stringify(event);
        if (seen.has(text)) twice.push(text);
        seen.add(text);
      }
    },
  };
}

function readRoom(roomId: string, user: TestUser, crypto: CryptoDevice) {
  const members = new Set<string>();
  const read = new Map<string, string>();
  const unread = new Map<string, string>();
  const waiting = new Map<string, Body>();

  async function tryReading(event: Body): Promise<void> {
    try {
      const { content } = await crypto.decrypt({ ...event, room_id: roomId });
      read.set(event.event_id, content.body);
      waiting.delete(event.event_id);
      unread.delete(event.event_id);
    } catch (error) {
      const { description, withheldCode } = error as Record<string, string | undefined>;
      unread.set(event.event_id, `${description} ${withheldCode ?? ""}`);
      waiting.set(event.event_id, event);
    }
  }

  /** What lies between what it had and a timeline that was cut short. */
  async function missing(from: string): Promise<Body[]> {
    const has = ({ event_id: id }: Body) => read.has(id) || waiting.has(id);
    const found: Body[] = [];
    let token: string | undefined = from;
    for (let page = 0; page < PAGES && token !== undefined; page += 1) {
      const path = `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=1000&from=${token}`;
      const body: Body = await untilAnswered(user, "GET", path);
      const known = body.chunk.findIndex(has);
      found.push(...(known < 0 ? body.chunk : body.chunk.slice(0, known)));
      token = known < 0 && body.end !== body.start ? body.end : undefined;
    }
    return found.reverse();
  }

  function note({ type, state_key: key, content }: Body): void {
    if (type !== "m.room.member") return;
    if (content.membership === "join") members.add(key);
    else members.delete(key);
  }

  return {
    members: members as ReadonlySet<string>,
    read: read as ReadonlyMap<string, string>,
    unread: unread as ReadonlyMap<string, string>,
    async take(sync: Body) {
      if (sync.to_device?.events.length > 0)
        for (const event of waiting.values()) await tryReading(event);
      const room = sync.rooms?.join?.[roomId] ?? sync.rooms?.leave?.[roomId];
      if (!room) return;
      const isNew = members.size === 0;
      const { events, limited, prev_batch: before } = room.timeline;
      for (const event of [...(room.state?.events ?? []), ...events]) note(event);
      // What was said before it came is not for it.
      if (isNew) return;
      const older: Body[] = limited ? await missing(before) : [];
      for (const event of [...older, ...events])
        if (event.type === "m.room.encrypted" && !read.has(event.event_id)) await tryReading(event);
    },
  };
}
