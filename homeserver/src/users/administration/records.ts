/** What administrators read about users besides their accounts. */
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import {
  countInvitesBy,
  countJoinsOf,
  membershipsOf,
} from "../../storage/administration/user-rooms.ts";
import * as stored from "../../storage/administration/user-storage.ts";
import { ownerOfAddress } from "../../storage/contacts/addresses.ts";
import { findSsoLink } from "../../storage/oauth/sso-links.ts";
import type { Sql } from "../../storage/sql.ts";
import { accountDataSize } from "../../storage/users/account-data.ts";
import { crossSigningKeysOf } from "../../storage/users/cross-signing-keys.ts";
import { backupBytes } from "../../storage/users/key-backups.ts";
import type { UserLimits } from "../common/limits.ts";
import { canonicalAddress } from "../contacts/email.ts";
import type { OAuth } from "../oauth/oauth.ts";

export interface UserRecords {
  /** What a user is to rooms: id and membership, in the order in which they became it. */
  memberships(userId: UserId): Promise<readonly (readonly [string, string])[]>;
  /** How many invites a user has sent since a time, ms since 1970. */
  invitesSince(userId: UserId, since: number): Promise<number>;
  /** How many rooms a user has joined since then, as far as it is known when they did. */
  joinsSince(userId: UserId, since: number): Promise<number>;
  /** All account data: by type, and by room and type. */
  accountData(userId: UserId): Promise<{ global: JsonObject; rooms: Record<string, JsonObject> }>;
  storage(userId: UserId): Promise<UserStorage>;
  uploadsByUser: (
    query: stored.UploadsQuery,
  ) => Promise<{ users: stored.UploadsByUser[]; total: number }>;
  /** Whose address that is. @throws MatrixError M_NOT_FOUND 404 */
  ownerOfAddress(medium: string, address: string): Promise<string>;
  /** Who signs in by an account elsewhere. @throws MatrixError M_NOT_FOUND 404 */
  ownerOfLink(provider: string, subject: string): Promise<string>;
  /**
   * Lets a user replace their cross-signing keys once without a proof. Answers until when, ms since
   * 1970. @throws MatrixError M_NOT_FOUND 404 for one without such keys
   */
  allowCrossSigningReplacement(userId: UserId): Promise<number>;
}

/** Bytes and numbers, and how many there may be; 0: any number. */
interface UserStorage {
  readonly uploads: { readonly count: number } & Bounded;
  readonly accountData: Bounded;
  readonly keyBackups: Bounded;
  readonly waitingMessages: Bounded;
  readonly devices: { readonly count: number; readonly limit: number };
}

interface Bounded {
  readonly bytes: number;
  readonly limit: number;
}

export function createUserRecords(deps: {
  readonly sql: Sql;
  readonly limits: UserLimits;
  readonly oauth: Pick<OAuth, "allowCrossSigningReset">;
}): UserRecords {
  const { sql, limits, oauth } = deps;

  return {
    async memberships(userId) {
      const rows = await membershipsOf(sql, userId);
      return rows.map(({ roomId, membership }) => [roomId, membership] as const);
    },
    invitesSince: (userId, since) => countInvitesBy(sql, userId, since),
    joinsSince: (userId, since) => countJoinsOf(sql, userId, since),

    async accountData(userId) {
      const global: JsonObject = {};
      const rooms: Record<string, JsonObject> = {};
      for (const { roomId, type, content } of await stored.allAccountData(sql, userId)) {
        const into = roomId === null ? global : (rooms[roomId] ??= {});
        // As an own member whatever the type is called.
        Object.defineProperty(into, type, { value: JSON.parse(content), ...PLAIN });
      }
      return { global, rooms };
    },

    async storage(userId) {
      const [own, data, backups, waiting] = await Promise.all([
        stored.uploadsAndDevices(sql, userId),
        accountDataSize(sql, userId, -1, ""),
        backupBytes(sql, userId),
        stored.waitingBytes(sql, userId),
      ]);
      return {
        uploads: { count: own.uploads, bytes: own.bytes, limit: limits.uploadBytes },
        accountData: { bytes: data.others, limit: limits.accountDataBytes },
        keyBackups: { bytes: backups, limit: limits.keyBackupBytes },
        waitingMessages: { bytes: waiting, limit: limits.inboxBytes },
        devices: { count: own.devices, limit: limits.devices },
      };
    },

    uploadsByUser: (query) => stored.uploadsByUser(sql, query),

    async ownerOfAddress(medium, address) {
      const known = canonicalAddress(medium, address);
      const owner = known === undefined ? undefined : await ownerOfAddress(sql, medium, known);
      if (owner === undefined) throw errors.notFound("Nobody has that address");
      return owner;
    },

    async ownerOfLink(provider, subject) {
      const owner = await findSsoLink(sql, provider, subject);
      if (owner === undefined) throw errors.notFound("Nobody signs in by that");
      return owner;
    },

    async allowCrossSigningReplacement(userId) {
      const keys = await crossSigningKeysOf(sql, [userId]);
      if (!keys.some(({ usage }) => usage === "master")) {
        throw errors.notFound("The user has no cross-signing keys");
      }
      return oauth.allowCrossSigningReset(userId);
    },
  };
}

const PLAIN = { enumerable: true, configurable: true, writable: true } as const;
