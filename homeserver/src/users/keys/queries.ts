import type { Log } from "../../log/types.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { signaturesOnOthers } from "../../storage/users/cross-signing-keys.ts";
import type { Sql } from "../../storage/sql.ts";
import { MAX_ANSWER_BYTES } from "./bounds.ts";
import { createKeyTexts, type UserKeyTexts } from "./key-texts.ts";
import type { QueriedKeys, QueriedKeyTexts } from "./types.ts";
import { readUserKeys, signedKey } from "./user-keys.ts";
import { withSignatures } from "./with-signatures.ts";

/** Which devices of each user are wanted; none: all. */
type WantedDevices = ReadonlyMap<UserId, readonly string[]>;

/** Queries for keys of local users. */
export interface KeyQueries {
  /**
   * The keys of users by the devices that are wanted of each, as JSON texts, with the signatures
   * that the asking user may see; undefined: another server asks. Unknown users and devices are
   * left out. All that is at or below the log's position is in the answer. (Client-server API, "Key
   * and signature security".)
   */
  query(asker: UserId | undefined, wanted: WantedDevices): Promise<QueriedKeyTexts>;
  /** What anybody may see of a few users, as it is in the tables at the time of the call. */
  readKeys(wanted: WantedDevices): Promise<QueriedKeys>;
  /** JSON of master keys of other servers' users, with the signatures that a local user made. */
  withSignaturesOf(
    asker: UserId,
    masterKeys: ReadonlyMap<UserId, string>,
  ): Promise<ReadonlyMap<UserId, string>>;
}

/** Users whose keys are read by one statement. */
const USERS_AT_ONCE = 100;

export function createKeyQueries({
  sql,
  log,
  maxBytes = MAX_ANSWER_BYTES,
}: {
  sql: Sql;
  log: Log;
  maxBytes?: number;
}): KeyQueries & { stop(): void } {
  const texts = createKeyTexts({ sql, log });
  return {
    stop: texts.stop,

    async query(asker, wanted) {
      const found: Found = {
        deviceKeys: new Map(),
        masterKeys: new Map(),
        selfSigningKeys: new Map(),
        userSigningKeys: new Map(),
      };
      const userIds = [...wanted.keys()];
      let size = 0;
      for (let at = 0; at < userIds.length; at += USERS_AT_ONCE) {
        if (size > maxBytes) return { ...found, isCut: true };
        const keys = await texts.of(asker, userIds.slice(at, at + USERS_AT_ONCE));
        for (const [userId, ofUser] of keys) {
          size += ofUser.size;
          add(found, userId, ofUser, wanted.get(userId)!);
        }
        const own = asker && keys.get(asker)?.userSigningKey;
        if (own) found.userSigningKeys.set(asker, own);
      }
      return { ...found, isCut: false };
    },

    async readKeys(wanted) {
      const deviceKeys = new Map<UserId, ReadonlyMap<string, JsonObject>>();
      const masterKeys = new Map<UserId, JsonObject>();
      const selfSigningKeys = new Map<UserId, JsonObject>();
      for (const [userId, keys] of await readUserKeys(sql, undefined, [...wanted.keys()])) {
        deviceKeys.set(userId, chosen(keys.devices, wanted.get(userId)!));
        const [master, selfSigning] = ["master", "self_signing"].map((usage) =>
          keys.crossSigning.get(usage),
        );
        if (master) masterKeys.set(userId, master);
        if (selfSigning) selfSigningKeys.set(userId, selfSigning);
      }
      return { deviceKeys, masterKeys, selfSigningKeys };
    },

    async withSignaturesOf(asker, masterKeys) {
      const signed = await texts.signedAmong(asker, [...masterKeys.keys()]);
      if (signed.length === 0) return masterKeys;
      const rows = await signaturesOnOthers(sql, asker, signed);
      const signatures = Map.groupBy(rows, ({ targetId, targetKey }) =>
        signedKey(targetId, targetKey),
      );
      const shown = signed.map((userId) => {
        const key = JSON.parse(masterKeys.get(userId)!) as JsonObject;
        const [publicKey = ""] = Object.values((key["keys"] ?? {}) as Record<string, string>);
        const more = signatures.get(signedKey(userId, publicKey)) ?? [];
        return [userId, JSON.stringify(withSignatures(key, more))] as const;
      });
      return new Map([...masterKeys, ...shown]);
    },
  };
}

/** The keys that were found so far. */
type Found = {
  readonly [name in keyof Omit<QueriedKeyTexts, "isCut" | "deviceKeys">]: Map<UserId, string>;
} & { readonly deviceKeys: Map<UserId, ReadonlyMap<string, string>> };

/** Adds a user's keys, of the devices those that are wanted. */
function add(
  found: Found,
  userId: UserId,
  { devices, masterKey, selfSigningKey }: UserKeyTexts,
  deviceIds: readonly string[],
): void {
  found.deviceKeys.set(userId, chosen(devices, deviceIds));
  if (masterKey !== undefined) found.masterKeys.set(userId, masterKey);
  if (selfSigningKey !== undefined) found.selfSigningKeys.set(userId, selfSigningKey);
}

/** Those of the devices; all when none is named. */
function chosen<T>(
  devices: ReadonlyMap<string, T>,
  deviceIds: readonly string[],
): ReadonlyMap<string, T> {
  if (deviceIds.length === 0) return devices;
  const only = new Set(deviceIds);
  return new Map([...devices].filter(([deviceId]) => only.has(deviceId)));
}
