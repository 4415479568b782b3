import { atom } from "nanostores";
import type { EncryptionApi } from "../api/encryption.ts";
import type { RoomApi } from "../api/rooms.ts";
import type { Session } from "../api/session.ts";
import type { Content, MatrixEvent, SyncResponse } from "../api/types.ts";
import type { Room } from "../store/room.ts";
import type { RoomStore } from "../store/room-store.ts";
import { EncryptionError } from "./errors.ts";
import type {
  Encryption,
  EncryptionAccount,
  EncryptionStatus,
  KeyFiles,
  RoomEncryption,
  Verification,
  VerificationActions,
} from "./port.ts";
import type { EngineCalls, Host, News, SyncChanges } from "./protocol.ts";
import { createFeeder } from "./feeding.ts";
import { createHealing } from "./healing.ts";
import { createReader, type Reader } from "./reader.ts";
import { createRoomEncryption } from "./room-encryption.ts";
import { unknownStatus } from "./status.ts";
import { openLine, type Line } from "./tabs.ts";
import { createTrustView, type TrustDeps } from "./trust-view.ts";
import { wipeKeys } from "./vault.ts";

export interface FrontDeps {
  session: Session;
  api: { encryption: EncryptionApi; rooms: RoomApi };
  store: RoomStore;
  /** Loads everyone who is in a room. */
  loadMembers(room: Room): Promise<void>;
  /** The direct chat with someone, made if there is none. */
  openDirect(userId: string): Promise<string>;
  /** False when the device has been signed out in this browser. */
  isSignedIn(): boolean;
  /** Events were read that could not be read before. */
  onHealed(room: Room, events: readonly MatrixEvent[]): void;
  /** A mark of this browser that the engine has missed news of devices. */
  isBehind: { get(): boolean; set(to: boolean): void };
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** What the store asks of encryption, beyond what screens do. */
export interface EncryptionFront extends Encryption {
  /** Starts the engine, once the page is drawn. */
  start(): void;
  /**
   * Gives the engine its sections of a sync. Answers whether all of it is kept: if not, the server must not be told that
   * the response was got, for it would delete the messages to this device.
   */
  feed(response: SyncResponse, isWhole: boolean): Promise<boolean>;
  /** True when events can be read without a wait for the engine. */
  readonly isReady: boolean;
  readonly reader: Reader;
  /** Does what reads events and takes them in: keys that come meanwhile count for them too. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** Looks for verifications in what sync brought to rooms, after it was read. */
  watch(roomId: string, events: readonly MatrixEvent[]): void;
}

/** How old an event of a verification may be to be taken up, in milliseconds. */
const VERIFICATION_AGE = 10 * 60_000;
/** Events of verifications that are remembered, so that the engine gets none twice. */
const MAX_WATCHED = 500;

/** True for the events with which two verify one another in a room. */
function isOfVerification(event: MatrixEvent): boolean {
  if (event.type.startsWith("m.key.verification.")) return true;
  const isMessage = event.type === "m.room.message";
  return isMessage && event.content["msgtype"] === "m.key.verification.request";
}

/** Codes are read from the camera's picture by our own means: a camera is all that it takes. */
const scans = (): boolean => navigator.mediaDevices?.getUserMedia !== undefined;

/** True where the engine can run and keep its keys. */
function canRun(): boolean {
  return (
    ["Worker", "WebAssembly", "BroadcastChannel", "indexedDB"].every(
      (name) => name in globalThis,
    ) &&
    "locks" in navigator &&
    crypto.subtle !== undefined
  );
}

/** Gives the engine what two do in rooms to verify one another, each event once. */
function createWatch(call: Line["call"], now: () => number): EncryptionFront["watch"] {
  const watched = new Set<string>();
  return (roomId, events) => {
    for (const event of events) {
      if (!isOfVerification(event) || now() - event.origin_server_ts > VERIFICATION_AGE) continue;
      if (watched.has(event.event_id)) continue;
      watched.add(event.event_id);
      if (watched.size > MAX_WATCHED) watched.delete(watched.values().next().value!);
      const json = JSON.stringify({ ...event, room_id: roomId });
      void call("roomVerification", roomId, json).catch(() => undefined);
    }
  };
}

/** A room once it has come by sync, with its state. Rejects when it does not within a minute. */
function joined(store: RoomStore, roomId: string): Promise<Room> {
  const { promise, resolve, reject } = Promise.withResolvers<Room>();
  const timer = setTimeout(() => reject(new EncryptionError("unavailable", roomId)), 60_000);
  const end = store.$list.subscribe(() => {
    const room = store.room(roomId);
    if (room?.membership === "join" && room.stateEvent("m.room.create") !== undefined)
      resolve(room);
  });
  return promise.finally(() => {
    clearTimeout(timer);
    end();
  });
}

/** What the engine has the page do. */
function hostOf({ api, store }: FrontDeps, encrypt: RoomEncryption["encrypt"]): Omit<Host, "tell"> {
  return {
    request: api.encryption.send,
    publishIdentity: api.encryption.publishIdentity,
    async sendToRoom(roomId, type, json, txnId) {
      const content = JSON.parse(json) as Content;
      // A room that is not known yet would pass for an open one.
      const sent = await encrypt(await joined(store, roomId), type, content);
      return (await api.rooms.send(roomId, sent.type, txnId, sent.content)).event_id;
    },
  };
}

function accountActions(call: Line["call"], restart: () => void): EncryptionAccount {
  return {
    setUp: (options) => call("setUp", options),
    unlock: (by) => call("unlock", by),
    reset: (options) => call("reset", options),
    restart: async () => restart(),
  };
}

function verificationActions(
  call: Line["call"],
  me: string,
  openDirect: (userId: string) => Promise<string>,
): VerificationActions {
  return {
    async request(userId, deviceId) {
      if (userId === me || deviceId !== undefined) {
        return call("requestVerification", userId, deviceId);
      }
      return call("requestVerificationIn", await openDirect(userId), userId);
    },
    accept: (id) => call("acceptVerification", id),
    startEmoji: (id) => call("startEmoji", id),
    confirm: (id) => call("confirmVerification", id),
    scanned: (id, bytes) => call("scanned", id, bytes),
    cancel: (id, why = "user") => call("cancelVerification", id, why),
    dismiss(id) {
      void call("dismissVerification", id).catch(() => undefined);
    },
  };
}

function trustCalls(call: Line["call"]): Pick<TrustDeps, "users" | "devices" | "accept"> {
  return {
    users: (users) => call("userTrust", users),
    devices: (userId) => call("devices", userId),
    accept: (userId) => call("acceptIdentity", userId),
  };
}

function keyFiles(call: Line["call"]): KeyFiles {
  return {
    async export(passphrase) {
      return new Blob([await call("exportKeys", passphrase)], { type: "text/plain" });
    },
    import: async (file, passphrase) => call("importKeys", await file.text(), passphrase),
  };
}

/** The page's side of encryption: stores for screens, and the way to the engine. */
export function createEncryption(deps: FrontDeps): EncryptionFront {
  const { session, api, store } = deps;
  const now = deps.now ?? Date.now;
  const $status = atom<EncryptionStatus>(unknownStatus(session.deviceId));
  const $verifications = atom<readonly Verification[]>([]);
  let line: Line | undefined;
  let onLine = Promise.withResolvers<Line>();
  onLine.promise.catch(() => undefined);

  /** Asks the engine; before it was started, waits for that. */
  const call: Line["call"] = (method, ...args) => {
    if (line !== undefined) return line.call(method, ...args);
    const later = async (): Promise<unknown> => (await onLine.promise).call(method, ...args);
    return later() as ReturnType<EngineCalls[typeof method]>;
  };

  const watch = createWatch(call, now);
  const reader = createReader((events) => call("read", events));

  const healing = createHealing(async (roomId, sessions) => {
    const room = store.room(roomId);
    if (room === undefined) return;
    const healed = await reader.heal(room, sessions).catch(() => []);
    if (healed.length === 0) return;
    watch(roomId, healed);
    deps.onHealed(room, healed);
  });

  function takeStatus(status: EncryptionStatus): void {
    const before = $status.get();
    $status.set(status);
    const isOpened = status.backup.canRestore && !before.backup.canRestore;
    if (before.engine === "ready" && !isOpened) return;
    for (const id of store.rooms.keys()) void healing.heal(id);
  }

  function onNews(news: News): void {
    if (news.kind === "status") takeStatus(news.status);
    else if (news.kind === "verifications") $verifications.set(news.list);
    else if (news.kind === "trust") trust.refresh(news.users);
    else healing.keysCame(news.keys);
  }

  const { rooms, readersOf } = createRoomEncryption({
    call,
    api: api.rooms,
    status: () => $status.get(),
    loadMembers: deps.loadMembers,
    heal: healing.heal,
  });

  const trust = createTrustView({ ...trustCalls(call), members: readersOf, me: session.userId });

  function fail(problem: string): void {
    $status.set({ ...$status.get(), engine: "failed", problem });
  }

  function start(): void {
    if (line !== undefined) return;
    if (!canRun()) {
      onLine.reject(new EncryptionError("unavailable"));
      fail("This browser lacks what encryption needs.");
      return;
    }
    $status.set({ ...$status.get(), engine: "starting" });
    line = openLine({
      userId: session.userId,
      deviceId: session.deviceId,
      scans: scans(),
      host: hostOf(deps, rooms.encrypt),
      isWanted: deps.isSignedIn,
      onNews,
      onFailure: fail,
      startWorker: () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
    });
    onLine.resolve(line);
  }

  function hasFailed(): boolean {
    return $status.get().engine === "failed";
  }

  function onRefusal(problem: string): void {
    if (line === undefined) fail(problem);
    else line.giveUp(problem);
  }

  const give = (changes: SyncChanges): Promise<void> => call("feed", changes);
  const feed = createFeeder({ give, hasFailed, onRefusal, isBehind: deps.isBehind });

  return {
    $status,
    $verifications,
    start,
    feed,
    reader,
    during: healing.during,
    watch,
    get isReady() {
      return $status.get().engine === "ready";
    },
    account: accountActions(call, () => {
      $status.set({ ...$status.get(), engine: "starting" });
      line?.restart();
    }),
    verification: verificationActions(call, session.userId, deps.openDirect),
    trust,
    rooms,
    keys: keyFiles(call),
    async close(forget) {
      onLine.reject(new EncryptionError("unavailable"));
      onLine = Promise.withResolvers();
      onLine.promise.catch(() => undefined);
      onLine.reject(new EncryptionError("unavailable"));
      await line?.close();
      if (!forget) return;
      deps.isBehind.set(false);
      await wipeKeys(session.userId, session.deviceId);
    },
  };
}
