import type { Content } from "../../../src/api/types.ts";
import { openEngine, type Engine } from "../../../src/encryption/engine/engine.ts";
import type { EncryptionStatus, Verification } from "../../../src/encryption/port.ts";
import type { News, RoomTarget } from "../../../src/encryption/protocol.ts";
import { eventually } from "../eventually.ts";
import { createPlayedServer } from "./played-server.ts";

/** A played server on which devices sign in, each with a real engine. */
export function createKeyServer() {
  const server = createPlayedServer();

  /** A device that signs in: its engine, and what it was told. */
  async function signIn(userId: string, deviceId: string, scans = true) {
    const told: News[] = [];
    const rooms: { roomId: string; event: Content }[] = [];
    const engine: Engine = await openEngine(
      { userId, deviceId, scans },
      {
        ...server.host(userId, deviceId, rooms),
        tell: (news) => void told.push(news),
      },
    );
    const newest = <Kind extends News["kind"]>(kind: Kind) =>
      told.findLast((news): news is News & { kind: Kind } => news.kind === kind);
    const me = {
      userId,
      deviceId,
      told,
      rooms,
      calls: engine.calls,
      close: engine.close,
      get status(): EncryptionStatus | undefined {
        return newest("status")?.status;
      },
      get verification(): Verification | undefined {
        return newest("verifications")?.list.at(-1);
      },
      /** Fetches what waits for this device, as a sync does. */
      async sync(): Promise<number> {
        const { count, changes } = server.changesFor(userId, deviceId);
        await engine.calls.feed(changes);
        return count;
      },
    };
    await eventually(() => {
      if (server.device(userId, deviceId).oneTime.length === 0)
        throw new Error("no keys uploaded yet");
      if (me.status?.next === undefined) throw new Error("nothing known yet");
    });
    return me;
  }

  return { ...server, signIn };
}

export type SignedIn = Awaited<ReturnType<ReturnType<typeof createKeyServer>["signIn"]>>;

/** Syncs these devices till none has anything left. */
export async function settle(...devices: SignedIn[]): Promise<void> {
  for (let quiet = 0; quiet < 3;) {
    let count = 0;
    for (const one of devices) count += await one.sync();
    // What an engine does in consequence, it does behind the sync.
    await new Promise((resolve) => setTimeout(resolve, 20));
    quiet = count === 0 ? quiet + 1 : 0;
  }
}

export const roomOf = (roomId: string, ...readers: SignedIn[]): RoomTarget => ({
  roomId,
  readers: [...new Set(readers.map(({ userId }) => userId))],
  rotation: { ms: undefined, messages: undefined },
  visibility: "shared",
});

let sent = 0;

/** An event that `from` encrypted, as all receive it. */
export async function write(from: SignedIn, room: RoomTarget, body: string) {
  const json = await from.calls.encrypt(
    room,
    "m.room.message",
    JSON.stringify({ msgtype: "m.text", body }),
  );
  const content = JSON.parse(json) as Content;
  const eventId = `$event${++sent}`;
  const event = {
    event_id: eventId,
    type: "m.room.encrypted",
    sender: from.userId,
    origin_server_ts: Date.now(),
    content,
  };
  return {
    roomId: room.roomId,
    eventId,
    sessionId: content["session_id"] as string,
    json: JSON.stringify(event),
    ts: event.origin_server_ts,
    isBeforeJoin: false,
  };
}

export async function readBy(who: SignedIn, event: Awaited<ReturnType<typeof write>>) {
  const [result] = await who.calls.read([event]);
  return result?.state === "readable" ? result.content["body"] : result?.why;
}
