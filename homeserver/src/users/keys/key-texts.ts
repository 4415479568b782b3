import type { Log } from "../../log/types.ts";
import { createBatchCache } from "../../platform/caches.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { usersSignedBy } from "../../storage/users/cross-signing-keys.ts";
import type { Sql } from "../../storage/sql.ts";
import type { UserKeys } from "./user-keys.ts";
import { readUserKeys } from "./user-keys.ts";

/** A user's keys as JSON texts. */
export interface UserKeyTexts {
  readonly devices: ReadonlyMap<string, string>;
  readonly masterKey: string | undefined;
  readonly selfSigningKey: string | undefined;
  /** For the user alone. */
  readonly userSigningKey: string | undefined;
  /** UTF-16 units of all of them. */
  readonly size: number;
}

/** Keys of local users as JSON texts, which are made once for all who ask. */
export interface KeyTexts {
  /**
   * Keys of those who have, or had, an account, with the signatures that the asking user may see
   * (undefined: another server).
   */
  of(
    asker: UserId | undefined,
    userIds: readonly UserId[],
  ): Promise<ReadonlyMap<UserId, UserKeyTexts>>;
  /** Those of the users, of any server, whose keys the asking user may have signed. */
  signedAmong(asker: UserId, userIds: readonly UserId[]): Promise<UserId[]>;
  stop(): void;
}

/** UTF-16 units of keys that are kept: those of 50,000 devices, about. */
const MAX_UNITS = 32 * 1024 * 1024;
/** Names of signed users that are kept, for all who signed. */
const MAX_SIGNED = 100_000;
/** What an entry takes besides its texts, about. */
const ENTRY_UNITS = 300;
const NOBODY: ReadonlySet<UserId> = new Set();

/**
 * What anybody may see is cached, and dropped by the log's records. Signatures on other users' keys
 * are for who made them: the keys of those users are read anew for that one, with the signatures in
 * one statement.
 */
export function createKeyTexts({ sql, log }: { sql: Sql; log: Log }): KeyTexts {
  const cache = createBatchCache<UserId, UserKeyTexts>({
    maxSize: MAX_UNITS,
    sizeOf: ({ size }) => size + ENTRY_UNITS,
    load: (userIds) => read(undefined, userIds),
  });
  // Signatures end without a record, too, but none begins without one.
  const signed = createBatchCache<UserId, ReadonlySet<UserId>>({
    maxSize: MAX_SIGNED,
    sizeOf: ({ size }) => size + 1,
    async load(userIds) {
      const sets = userIds.map(async (userId) => {
        const targets = await usersSignedBy(sql, userId);
        return [userId, new Set(targets as UserId[])] as const;
      });
      return new Map(await Promise.all(sets));
    },
  });
  const unfollow = log.follow({
    phase: "caches",
    kinds: ["device_list", "user_signature"],
    take(records) {
      for (const record of records) {
        const userId = record.userId as UserId;
        if (record.kind === "user_signature") signed.delete(userId);
        // A user-signing key is told as one's own signature.
        if (record.kind === "device_list" || record.targetId === userId) cache.delete(userId);
      }
    },
  });

  async function read(asker: UserId | undefined, userIds: readonly UserId[]) {
    const found = await readUserKeys(sql, asker, userIds);
    return new Map([...found].map(([userId, keys]) => [userId, textsOf(keys)]));
  }

  async function signedAmong(asker: UserId, userIds: readonly UserId[]): Promise<UserId[]> {
    const targets = (await signed.getAll([asker])).get(asker) ?? NOBODY;
    return targets.size === 0 ? [] : userIds.filter((userId) => targets.has(userId));
  }

  return {
    async of(asker, userIds) {
      const apart = asker === undefined ? [] : await signedAmong(asker, userIds);
      if (apart.length === 0) return cache.getAll(userIds);
      const only = new Set(apart);
      const [some, others] = await Promise.all([
        read(asker, apart),
        cache.getAll(userIds.filter((userId) => !only.has(userId))),
      ]);
      return new Map([...some, ...others]);
    },
    signedAmong,
    stop: unfollow,
  };
}

function textsOf({ devices, crossSigning }: UserKeys): UserKeyTexts {
  const text = (key: JsonObject | undefined) =>
    key === undefined ? undefined : JSON.stringify(key);
  const own = new Map([...devices].map(([deviceId, keys]) => [deviceId, JSON.stringify(keys)]));
  const masterKey = text(crossSigning.get("master"));
  const selfSigningKey = text(crossSigning.get("self_signing"));
  const userSigningKey = text(crossSigning.get("user_signing"));
  const all = [...own.values(), masterKey, selfSigningKey, userSigningKey];
  const size = all.reduce((sum, one) => sum + (one?.length ?? 0), 0);
  return { devices: own, masterKey, selfSigningKey, userSigningKey, size };
}
