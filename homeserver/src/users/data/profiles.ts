import { isDeepStrictEqual } from "node:util";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import type { Log } from "../../log/types.ts";
import type { Logger } from "../../platform/logger.ts";
import * as storage from "../../storage/users/profiles.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Accounts } from "../accounts/accounts.ts";
import {
  emptyProfile,
  parseProfileKey,
  profileObject,
  profileFrom,
  withField,
} from "./profile-fields.ts";
import type { UserHooks } from "../common/types.ts";

/** Display names, avatars and other fields. (Client-server API, "Profiles".) */
export interface Profiles {
  /** Display name and avatar of a local user, for member events; empty for one without. */
  get(userId: UserId): Promise<{ displayname?: string; avatar_url?: string }>;
  /** Every field of a local user. @throws MatrixError M_NOT_FOUND 404 if there is no such user */
  local(userId: UserId): Promise<JsonObject>;
  /**
   * All fields (or one) of any user; the server of a remote user is asked.
   * @throws MatrixError M_NOT_FOUND 404 without the user or the field; the other server's refusal
   */
  query(userId: UserId, field?: string): Promise<JsonObject>;
  /**
   * Sets a field of a local user; `undefined` removes it.
   * @throws MatrixError M_INVALID_PARAM, M_KEY_TOO_LARGE, M_PROFILE_TOO_LARGE (all 400)
   */
  set(userId: UserId, key: string, value: Json | undefined): Promise<void>;
}

export function createProfiles(deps: {
  sql: Sql;
  log: Log;
  accounts: Accounts;
  logger: Logger;
  hooks: Pick<UserHooks, "profileChanged" | "remoteProfile">;
}): Profiles {
  const { sql, log, accounts, logger, hooks } = deps;

  async function local(userId: UserId): Promise<JsonObject> {
    const row = await storage.findProfile(sql, userId);
    if (row !== undefined) return profileObject(row);
    if (await accounts.exists(userId)) return {};
    if (await accounts.existsOrIsMade(userId)) {
      const made = await storage.findProfile(sql, userId);
      return made === undefined ? {} : profileObject(made);
    }
    throw errors.notFound("No such user");
  }

  return {
    local,

    async get(userId) {
      const row = await storage.findProfile(sql, userId);
      return {
        ...(row?.displayname && { displayname: row.displayname }),
        ...(row?.avatarUrl && { avatar_url: row.avatarUrl }),
      };
    },

    async query(userId, field) {
      if (field !== undefined) parseProfileKey(field);
      const profile = accounts.isLocal(userId)
        ? await local(userId)
        : profileFrom(await hooks.remoteProfile(userId, field));
      if (field === undefined) return profile;
      const value = Object.hasOwn(profile, field) ? profile[field] : undefined;
      if (value === undefined) throw errors.notFound("The profile has no such field");
      return { [field]: value };
    },

    async set(userId, key, value) {
      parseProfileKey(key);
      const isShown = await log.change(async ({ tx, record }) => {
        const before = (await storage.lockProfile(tx, userId)) ?? emptyProfile;
        const after = withField(before, key, value);
        await storage.upsertProfile(tx, userId, after);
        const isOther =
          before.displayname !== after.displayname || before.avatarUrl !== after.avatarUrl;
        if (isOther) record({ kind: "profile", userId });
        const [was, is] = [profileObject(before)[key], profileObject(after)[key]];
        if (!isDeepStrictEqual(was, is)) record({ kind: "profile_field", userId, field: key });
        return isOther;
      });
      if (!isShown) return;
      try {
        await hooks.profileChanged(userId);
      } catch (error) {
        logger.error({ err: error, userId }, "a profile change did not reach all rooms");
      }
    },
  };
}
