import {
  CollectStrategy,
  EncryptionAlgorithm,
  EncryptionSettings,
  HistoryVisibility,
  RoomId,
  RoomSettings,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Content } from "../../api/types.ts";
import { EncryptionError } from "../errors.ts";
import type { RoomTarget } from "../protocol.ts";
import { createQueue, createQueues } from "../queue.ts";
import { userIds, type Core } from "./core.ts";

const VISIBILITY = {
  invited: HistoryVisibility.Invited,
  joined: HistoryVisibility.Joined,
  shared: HistoryVisibility.Shared,
  world_readable: HistoryVisibility.WorldReadable,
};

/** Bounds on what a room may ask: a key for a single message is the least, a year the most. */
const MIN_ROTATION = { ms: 60_000, messages: 1 };
const MAX_ROTATION = { ms: 365 * 86_400_000, messages: 10_000 };

function within(kind: "ms" | "messages", value: number): number {
  return Math.min(Math.max(Math.trunc(value), MIN_ROTATION[kind]), MAX_ROTATION[kind]);
}

function settingsOf(room: RoomTarget, strategy: CollectStrategy): EncryptionSettings {
  const settings = new EncryptionSettings();
  const { ms, messages } = room.rotation;
  settings.algorithm = EncryptionAlgorithm.MegolmV1AesSha2;
  settings.historyVisibility = VISIBILITY[room.visibility];
  // The machine counts in microseconds.
  if (ms !== undefined) settings.rotationPeriod = BigInt(within("ms", ms)) * 1000n;
  if (messages !== undefined) {
    settings.rotationPeriodMessages = BigInt(within("messages", messages));
  }
  settings.sharingStrategy = strategy;
  return settings;
}

/** Encrypts for rooms, and hands the keys to their members' devices first. `onKey` is told of each new key. */
export function createWriting({ machine, requests }: Core, onKey: () => void) {
  const sessions = new Map<string, unknown>();
  const inTurn = createQueues();
  const claims = createQueue();
  const tracked = new Set<string>();
  /** Users whose devices are asked for the first time. */
  const learning = new Map<string, Promise<void>>();
  const noted = new Set<string>();

  /** Follows the devices of these users from now on, and knows them once this resolves. */
  async function track(users: readonly string[]): Promise<void> {
    if (tracked.size === 0) {
      for (const user of await machine.trackedUsers()) tracked.add(user.toString());
    }
    const fresh = users.filter((user) => !tracked.has(user));
    if (fresh.length > 0) {
      await machine.updateTrackedUsers(userIds(fresh));
      const done = requests.flush();
      for (const user of fresh) {
        tracked.add(user);
        learning.set(user, done);
      }
      await done.finally(() => {
        for (const user of fresh) if (learning.get(user) === done) learning.delete(user);
      });
    }
    // Somebody else may have begun to follow the others a moment ago: what failed there is tried again by itself.
    await Promise.allSettled(users.flatMap((user) => learning.get(user) ?? []));
  }

  /** Claims one-time keys of devices that we have no session with. The machine wants one claim at a time. */
  function meet(users: readonly string[]): Promise<void> {
    return claims(async () => {
      const claim = await machine.getMissingSessions(userIds(users));
      if (!claim) return;
      await requests.send(claim);
      // What waited for a session (a secret that another device asked for) can go now.
      void requests.flush();
    });
  }

  async function violated(users: readonly string[]): Promise<string | undefined> {
    for (const user of userIds(users)) {
      const id = user.toString();
      const identity = await machine.getIdentity(user);
      if (identity?.hasVerificationViolation() === true) return id;
    }
    return undefined;
  }

  async function share(room: RoomTarget, strategy: CollectStrategy): Promise<void> {
    const messages = await machine.shareRoomKey(
      new RoomId(room.roomId),
      userIds(room.readers),
      settingsOf(room, strategy),
    );
    await requests.sendAll(messages);
  }

  /** The engine remembers for good that a room is encrypted, and how. */
  async function note(room: RoomTarget): Promise<void> {
    if (noted.has(room.roomId)) return;
    const settings = new RoomSettings();
    settings.algorithm = EncryptionAlgorithm.MegolmV1AesSha2;
    await machine.setRoomSettings(new RoomId(room.roomId), settings);
    noted.add(room.roomId);
  }

  async function handOut(room: RoomTarget, forVerifying = false): Promise<void> {
    await note(room);
    await track(room.readers);
    await meet(room.readers);
    if (forVerifying) return share(room, CollectStrategy.allDevices());
    try {
      await share(room, CollectStrategy.errorOnUnverifiedUserProblem());
    } catch (error) {
      const user = await violated(room.readers);
      if (user !== undefined) throw new EncryptionError("identity-changed", user);
      if (!isAboutDevices(error)) throw error;
      // Somebody who is verified has a device that they have not signed (yet): it is no reason to be silent.
      await share(room, CollectStrategy.allDevices());
    }
  }

  return {
    track,
    prepare: (room: RoomTarget): Promise<void> => inTurn(room.roomId, () => handOut(room)),
    encrypt: (room: RoomTarget, type: string, content: string): Promise<string> =>
      inTurn(room.roomId, async () => {
        // Before each message: a machine that is to encrypt with a worn-out key ends the worker.
        await handOut(room, isForVerifying(type, content));
        const json = await machine.encryptRoomEvent(new RoomId(room.roomId), type, content);
        const session = (JSON.parse(json) as Content)["session_id"];
        if (sessions.get(room.roomId) !== session) onKey();
        sessions.set(room.roomId, session);
        return json;
      }),
  };
}

/**
 * What verifies reaches also those whose identity changed, to whom nothing else is sent: verifying them anew is one way of
 * deciding about it ("Key verification framework": encryption must not hinder it).
 */
function isForVerifying(type: string, content: string): boolean {
  if (type.startsWith("m.key.verification.")) return true;
  if (type !== "m.room.message") return false;
  return (JSON.parse(content) as Content)["msgtype"] === "m.key.verification.request";
}

/** The machine refuses to share with the devices of verified users by an error of its own, no request's. */
function isAboutDevices(error: unknown): boolean {
  return error instanceof Error && !/^(ApiError|NetworkError)$/.test(error.name);
}

export type Writing = ReturnType<typeof createWriting>;
