/** Lists of new users, each of whom is made or not by themselves. */
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import { MatrixError } from "../../protocol/errors.ts";
import { parseUserId, type UserId } from "../../protocol/identifiers.ts";
import { readableCode } from "../common/secrets.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { Administrator, UserAdministration, UserType } from "./types.ts";

/** Somebody who is to have an account. */
interface NewUser {
  /** The localpart, or the whole user id. */
  readonly name: string;
  /** null: nobody signs in by one; undefined: one is made up. */
  readonly password: string | null | undefined;
  readonly displayName: string | undefined;
  readonly avatarUrl: string | undefined;
  readonly email: string | undefined;
  readonly isAdmin: boolean;
  readonly userType: UserType | null;
}

/** What became of one of them. */
export interface NewUserResult {
  readonly userId: string;
  /** Undefined: the account is there. */
  readonly error: MatrixError | undefined;
  /** The password that was made up. */
  readonly password: string | undefined;
}

/** What is wrong with one is said of that one; the others are made. */
export type CreateUsers = (
  by: Administrator,
  users: readonly NewUser[],
) => Promise<NewUserResult[]>;

/** Characters that one reads out and types. */
const PASSWORD_LENGTH = 16;

export function createNewUsers(deps: {
  readonly accounts: Pick<Accounts, "serverName">;
  readonly administration: Pick<UserAdministration, "create">;
  readonly random: Random;
  readonly logger: Logger;
}): CreateUsers {
  const { accounts, administration, random, logger } = deps;

  async function one(by: Administrator, user: NewUser): Promise<NewUserResult> {
    const made = user.password === undefined ? readableCode(PASSWORD_LENGTH, random) : undefined;
    const given = user.name.startsWith("@") ? user.name : `@${user.name}:${accounts.serverName}`;
    try {
      const userId: UserId = parseUserId(given);
      await administration.create(by, userId, {
        password: made ?? user.password ?? undefined,
        displayName: user.displayName,
        avatarUrl: user.avatarUrl,
        addresses: user.email === undefined ? [] : [{ medium: "email", address: user.email }],
        isAdmin: user.isAdmin,
        userType: user.userType,
      });
      return { userId, error: undefined, password: made };
    } catch (error) {
      if (error instanceof MatrixError) return { userId: given, error, password: undefined };
      logger.error({ err: error }, "one of a list of users could not be created");
      const unknown = new MatrixError(500, "M_UNKNOWN", "Something went wrong here");
      return { userId: given, error: unknown, password: undefined };
    }
  }

  return async (by, users) => {
    const results: NewUserResult[] = [];
    for (const user of users) results.push(await one(by, user));
    return results;
  };
}
