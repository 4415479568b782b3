import {
  DeviceId,
  initAsync,
  OlmMachine,
  StoreHandle,
  UserId,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { object, text, type Content } from "../../api/types.ts";
import { EncryptionError } from "../errors.ts";
import type { EncryptionStatus } from "../port.ts";
import type { EngineCalls, Host, SyncChanges } from "../protocol.ts";
import { createBackup, type Backup } from "./backup.ts";
import type { Core } from "./core.ts";
import { createIdentity } from "./identity.ts";
import { createReading } from "./reading.ts";
import { receive } from "./receiving.ts";
import { createRequests } from "./requests.ts";
import { createSecretStorage } from "./secret-storage.ts";
import { createTrust, grouped } from "./trust.ts";
import { createVerifications } from "./verification.ts";
import { createWriting, type Writing } from "./writing.ts";

export interface EngineOptions {
  userId: string;
  deviceId: string;
  /** Where keys are kept: a database's name and the 32 bytes that seal it. Absent: in memory only. */
  store?: { name: string; key: Uint8Array };
  /** True when the page can read QR codes. */
  scans: boolean;
}

/** Rounds of PBKDF2 for exports of keys. */
const EXPORT_ROUNDS = 500_000;

async function openMachine({ userId, deviceId, store }: EngineOptions): Promise<OlmMachine> {
  await initAsync();
  const handle =
    store === undefined
      ? await StoreHandle.open(undefined, undefined)
      : await StoreHandle.openWithKey(store.name, store.key);
  try {
    return await OlmMachine.initFromStore(new UserId(userId), new DeviceId(deviceId), handle);
  } finally {
    handle.free();
  }
}

/** Who asks to verify, in a message to this device; undefined for all other messages. */
function requestIn(event: Content): { sender: string; flowId: string; from: string } | undefined {
  if (text(event, "type") !== "m.key.verification.request") return undefined;
  const content = object(event, "content");
  const sender = text(event, "sender");
  const [flowId, from] = [text(content, "transaction_id"), text(content, "from_device")];
  return sender === undefined || flowId === undefined || from === undefined
    ? undefined
    : { sender, flowId, from };
}

/** Follows a request to verify. One that cannot be shown must not have all that came with it given once more. */
function notice(verifications: Parts["verifications"], rawEvent: string): void {
  try {
    const asked = requestIn(JSON.parse(rawEvent) as Content);
    if (asked !== undefined) verifications.incoming(asked.sender, asked.flowId);
  } catch (error) {
    // A dead machine is more than one request's matter.
    if (error instanceof WebAssembly.RuntimeError) throw error;
  }
}

/** The parts of an engine. */
interface Parts {
  core: Core;
  backup: Backup;
  writing: Writing;
  reading: ReturnType<typeof createReading>;
  trust: ReturnType<typeof createTrust>;
  identity: ReturnType<typeof createIdentity>;
  verifications: ReturnType<typeof createVerifications>;
  feed(changes: SyncChanges): Promise<void>;
  /** Does what changes the account, and tells how it stands afterwards. */
  safely<T>(work: () => Promise<T>): Promise<T>;
}

/** What a page can ask, and which part answers. */
function callsOf(parts: Parts): EngineCalls {
  const { core, backup, writing, reading, trust, identity, verifications, feed, safely } = parts;
  return {
    feed,
    read: reading.read,
    shield: reading.shield,
    async retry(keys) {
      backup.retry(keys);
      await core.requests.flush();
    },
    prepare: writing.prepare,
    encrypt: writing.encrypt,

    setUp: (how) => safely(() => identity.setUp(how)),
    unlock: (by) => safely(() => identity.unlock(by)),
    reset: (how) => safely(() => identity.reset(how)),

    requestVerification: verifications.request,
    requestVerificationIn: verifications.requestIn,
    acceptVerification: verifications.accept,
    startEmoji: verifications.startEmoji,
    confirmVerification: verifications.confirm,
    scanned: verifications.scanned,
    cancelVerification: verifications.cancel,
    dismissVerification: async (id) => verifications.dismiss(id),
    roomVerification: (roomId, event) => verifications.inRoom(roomId, event),

    userTrust: trust.users,
    devices: trust.devices,
    acceptIdentity: trust.accept,

    async exportKeys(passphrase) {
      const keys = await core.machine.exportRoomKeys(() => true);
      return OlmMachine.encryptExportedRoomKeys(keys, passphrase, EXPORT_ROUNDS);
    },
    async importKeys(file, passphrase) {
      let keys: string;
      try {
        keys = OlmMachine.decryptExportedRoomKeys(file, passphrase);
      } catch (error) {
        throw new EncryptionError("bad-key-file", String(error));
      }
      const { importedCount, totalCount } = await core.machine.importExportedRoomKeys(
        keys,
        () => undefined,
      );
      return { imported: importedCount, total: totalCount };
    },
  };
}

/** Takes in a secret that another device of ours has sent. */
async function takeSecret(
  { machine }: Core,
  backup: Backup,
  name: string,
  value: string,
): Promise<void> {
  if (name === "m.megolm_backup.v1") await backup.adopt(value);
  await machine.deleteSecretsFromInbox(name);
}

/** Follows what the machine tells by itself. */
function listen(core: Core, backup: Backup, tellStatus: () => Promise<void>): void {
  const { machine, host, userId } = core;
  const later = (work: () => Promise<unknown>): Promise<void> => {
    // The machine waits for its callbacks: what they lead to goes on behind it.
    setTimeout(() => void work().catch(() => undefined), 0);
    return Promise.resolve();
  };
  machine.registerRoomKeyUpdatedCallback((keys) => {
    const told = keys.map(({ roomId, sessionId }) => ({ roomId: roomId.toString(), sessionId }));
    host.tell({ kind: "room-keys", keys: told });
    return later(() => backup.upload());
  });
  machine.registerRoomKeysWithheldCallback((keys) => {
    const told = keys.map(({ roomId, sessionId }) => ({ roomId: roomId.toString(), sessionId }));
    host.tell({ kind: "room-keys", keys: told });
    return Promise.resolve();
  });
  machine.registerUserIdentityUpdatedCallback((user) => {
    const id = user.toString();
    host.tell({ kind: "trust", users: [id] });
    return id === userId ? later(tellStatus) : Promise.resolve();
  });
  machine.registerDevicesUpdatedCallback((users) => {
    host.tell({ kind: "trust", users });
    return users.includes(userId) ? later(tellStatus) : Promise.resolve();
  });
  machine.registerReceiveSecretCallback((name, value) =>
    later(() => takeSecret(core, backup, name, value)),
  );
}

/** Opens the engine of a device. Whoever calls makes sure that no other one has the same store open. */
export async function openEngine(options: EngineOptions, host: Host) {
  const { userId, deviceId } = options;
  const machine = await openMachine(options);
  const requests = createRequests(machine, host);
  const core: Core = { machine, userId, deviceId, host, requests };
  const storage = createSecretStorage(core);
  const backup = createBackup(core, {
    onChange: () => void tellStatus(),
    onKeys: (keys) => host.tell({ kind: "room-keys", keys }),
  });
  const writing = createWriting(core, () => void backup.upload().catch(() => undefined));
  const reading = createReading(core, backup);
  const trust = createTrust(core, writing);
  const identity = createIdentity(core, backup, storage);
  const verifications = createVerifications(core, writing, options.scans, (done) => {
    if (done.isSelf) void afterSelfVerification().catch(() => survey());
  });
  let secretStorage = { exists: false, hasPassphrase: false };
  let isKnown = false;
  let surveying: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;

  function nextStep(status: Omit<EncryptionStatus, "next">): EncryptionStatus["next"] {
    if (!isKnown) return undefined;
    if (!status.crossSigning.exists) return "set-up";
    if (!status.device.isVerified) return "verify";
    const isSafe = status.secretStorage.exists && status.backup.isActive;
    return isSafe ? undefined : "recovery";
  }

  async function tellStatus(): Promise<void> {
    if (isStopped) return;
    const { exists, hasKeys, fingerprint, isVerified } = await identity.state();
    const status = {
      engine: "ready" as const,
      device: { deviceId, fingerprint: grouped(fingerprint), isVerified },
      crossSigning: { exists, hasKeys },
      backup: backup.state,
      secretStorage,
    };
    host.tell({ kind: "status", status: { ...status, next: nextStep(status) } });
  }

  async function afterSelfVerification(): Promise<void> {
    await identity.refresh();
    await identity.askForSecrets();
    await backup.check();
  }

  /** Looks at what the account has on the server, until it could. */
  function survey(failures = 0): void {
    clearTimeout(surveying);
    look().catch(() => {
      if (isStopped) return;
      surveying = setTimeout(() => survey(failures + 1), Math.min(2000 * 2 ** failures, 300_000));
    });
  }

  async function look(): Promise<void> {
    await identity.refresh();
    secretStorage = await storage.state();
    await backup.check();
    isKnown = true;
    await tellStatus();
    await identity.keepDehydrated().catch(() => undefined);
  }

  async function feed(changes: SyncChanges): Promise<void> {
    if (changes.isWhole) await machine.markAllTrackedUsersAsDirty();
    const messages = JSON.parse(changes.toDevice) as Content[];
    for (const event of messages) {
      const asked = requestIn(event);
      // It may come with the news of its device, which the machine asks for too late.
      if (asked !== undefined) {
        await verifications.knowSender(asked.sender, asked.from).catch(() => undefined);
      }
    }
    for (const event of await receive(machine, messages, changes)) notice(verifications, event);
    void requests
      .flush()
      .then(() => verifications.refresh())
      .catch(() => undefined);
    if (
      changes.accountData.some((type) => /^m\.(secret_storage|cross_signing|megolm)/.test(type))
    ) {
      survey();
    }
  }

  async function safely<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      secretStorage = await storage.state().catch(() => secretStorage);
      await tellStatus();
    }
  }

  const calls = callsOf({
    core,
    backup,
    writing,
    reading,
    trust,
    identity,
    verifications,
    feed,
    safely,
  });
  listen(core, backup, tellStatus);
  await machine.updateTrackedUsers([new UserId(userId)]);
  for (const value of await machine.getSecretsFromInbox("m.megolm_backup.v1")) {
    void takeSecret(core, backup, "m.megolm_backup.v1", value).catch(() => undefined);
  }
  await tellStatus();
  void requests.flush().finally(() => survey());

  return {
    calls,
    /** Closes the store. Nothing may be called after it. */
    close(): void {
      isStopped = true;
      clearTimeout(surveying);
      requests.stop();
      backup.stop();
      verifications.stop();
      machine.close();
    },
  };
}

export type Engine = Awaited<ReturnType<typeof openEngine>>;
