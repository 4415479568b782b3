import { BackupDecryptionKey, RoomId } from "@matrix-org/matrix-sdk-crypto-wasm";
import { text, type Content } from "../../api/types.ts";
import type { Unreadable } from "../port.ts";
import type { KeyName } from "../protocol.ts";
import { createQueue } from "../queue.ts";
import type { Core } from "./core.ts";
import { createUploader } from "./backup-upload.ts";
import { createVersions, KEYS, publicKey, type Version } from "./backup-versions.ts";
import { createFetcher } from "./fetcher.ts";

function keyFrom(base64: string): BackupDecryptionKey | undefined {
  try {
    return BackupDecryptionKey.fromBase64(base64);
  } catch {
    return undefined;
  }
}

/** What the backup is now, as the status tells it. */
export interface BackupState {
  version: string | undefined;
  isActive: boolean;
  canRestore: boolean;
  waiting: number;
}

interface Fetching {
  roomId: string;
  sessionId: string;
  version: string;
  key: BackupDecryptionKey;
}

/** Fetches one key from the backup and takes it in. */
async function fetchKey({ machine, requests }: Core, wanted: Fetching): Promise<void> {
  const { roomId, sessionId, version, key } = wanted;
  const { session_data: data } = await requests.json<{ session_data?: Content }>({
    method: "GET",
    path: `${KEYS}/keys/${encodeURIComponent(roomId)}/${encodeURIComponent(sessionId)}`,
    query: { version },
  });
  const [ephemeral, mac] = [text(data, "ephemeral") ?? "", text(data, "mac") ?? ""];
  const clear = key.decryptV1(ephemeral, mac, text(data, "ciphertext") ?? "");
  const session = { ...(JSON.parse(clear) as Content), room_id: roomId, session_id: sessionId };
  const keys = new Map([[new RoomId(roomId), new Map([[sessionId, session]])]]);
  await machine.importBackedUpRoomKeys(keys, () => undefined, version);
}

/**
 * The backup of keys on the server: adds ours to it, and fetches single ones when an event wants them. `onChange` is
 * told when its state changed, `onKeys` which keys came from it or are known to be lacking in it.
 */
export function createBackup(
  core: Core,
  told: {
    onChange(): void;
    onKeys(keys: KeyName[]): void;
  },
) {
  const { machine } = core;
  /** Undefined: not asked yet; null: there is none. */
  let current: Version | null | undefined;
  let key: BackupDecryptionKey | undefined;
  let isActive = false;
  let isStopped = false;
  const inTurn = createQueue();
  const versions = createVersions(core);
  const uploader = createUploader(core, {
    isActive: () => isActive && !isStopped,
    onChange: told.onChange,
    onRefusal: () => void check().catch(() => undefined),
  });
  const fetcher = createFetcher({
    async fetch(roomId, sessionId) {
      if (key === undefined || !current) throw new Error("the backup is not open");
      await fetchKey(core, { roomId, sessionId, version: current.version, key });
    },
    canFetch: () => key !== undefined && !isStopped,
    onKeys: told.onKeys,
  });

  /** Adopts the key that the machine keeps, when it is this version's. */
  async function recall(version: Version): Promise<void> {
    const kept = await machine.getBackupKeys();
    const stored = kept.decryptionKey;
    const fits = stored?.megolmV1PublicKey.publicKeyBase64 === publicKey(version);
    key = fits ? stored : undefined;
    if (fits && kept.backupVersion !== version.version && stored !== undefined) {
      await machine.saveBackupDecryptionKey(stored, version.version);
      key = (await machine.getBackupKeys()).decryptionKey;
    }
  }

  /** Looks at the server's backup, and uses it if it is ours. One look at a time: a late one must not undo an early one. */
  const check = (): Promise<void> => inTurn(look);

  async function look(): Promise<void> {
    current = await versions.ask();
    if (current === null) {
      key = undefined;
      if (isActive) await machine.disableBackup();
      isActive = false;
    } else {
      const before = key;
      await recall(current);
      const trusted = await versions.isTrusted(current, key);
      const enabled = await machine.isBackupEnabled();
      const kept = (await machine.getBackupKeys()).backupVersion;
      if (trusted) {
        if (enabled && kept !== undefined && kept !== current.version)
          await machine.disableBackup();
        await machine.enableBackupV1(publicKey(current)!, current.version);
      } else if (enabled) {
        await machine.disableBackup();
      }
      isActive = trusted;
      if (key !== undefined && before === undefined) fetcher.retryAll();
    }
    await uploader.count();
    told.onChange();
    if (isActive) void uploader.upload();
  }

  /** Takes the private key of the backup, when it is the current one's. Answers whether it is. */
  async function adopt(base64: string): Promise<boolean> {
    const offered = keyFrom(base64);
    if (offered === undefined) return false;
    current ??= await versions.ask();
    if (current === null) return false;
    if (offered.megolmV1PublicKey.publicKeyBase64 !== publicKey(current)) return false;
    await machine.saveBackupDecryptionKey(offered, current.version);
    await check();
    return true;
  }

  /** Makes a new version with a new key, and uses it. Answers the key in base64. */
  async function create(): Promise<string> {
    const fresh = BackupDecryptionKey.createRandomKey();
    const base64 = fresh.toBase64();
    const version = await versions.make(fresh.megolmV1PublicKey.publicKeyBase64);
    if (isActive) await machine.disableBackup();
    await machine.saveBackupDecryptionKey(fresh, version);
    await check();
    return base64;
  }

  /** Deletes every version on the server. */
  async function deleteAll(): Promise<void> {
    await versions.deleteAll();
    await check();
  }

  return {
    check,
    upload: uploader.upload,
    get state(): BackupState {
      const waiting = isActive ? uploader.waiting : 0;
      return {
        version: current?.version,
        isActive,
        canRestore: key !== undefined,
        waiting,
      };
    },
    want: fetcher.want,
    retry: fetcher.retry,
    adopt,
    create,
    deleteAll,
    /** Why a key from before this device is not here. */
    absence(roomId: string, sessionId: string): Unreadable {
      if (current === null) return "no-backup";
      if (key === undefined) return "before-this-device";
      return fetcher.isLacking(roomId, sessionId) ? "not-in-backup" : "key-missing";
    },
    /** The private key of the backup in use, in base64. */
    secret: (): string | undefined => key?.toBase64(),
    stop(): void {
      isStopped = true;
    },
  };
}

export type Backup = ReturnType<typeof createBackup>;
