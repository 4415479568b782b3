import type { IdentityServers } from "../../federation-client/identity-servers.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import * as storage from "../../storage/contacts/addresses.ts";
import type { Sql } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import { checkIdentityToken, parseIdentityServer } from "./identity-access.ts";

/** What is to be bound: what the user has confirmed at an identity server. */
interface Binding {
  readonly idServer: string;
  readonly token: string;
  readonly sid: string;
  readonly clientSecret: string;
}

type UnbindResult = "success" | "no-support";

/**
 * What identity servers are told of users, so that others find them by their addresses. It is noted,
 * so that it can be taken back. (Client-server API, "Account Administrative Contact".)
 */
export interface Bindings {
  /** @throws MatrixError M_INVALID_PARAM 400, and RemoteError with what the identity server says */
  bind(userId: UserId, binding: Binding): Promise<void>;
  /**
   * Has an identity server forget an address: the one that is named, else those that were told.
   * @throws MatrixError M_INVALID_PARAM 400, and RemoteError with what the identity server says
   */
  unbind(userId: UserId, medium: string, address: string, idServer?: string): Promise<UnbindResult>;
  /** The same, where it is no matter to anybody why it fails. */
  tryUnbind: Bindings["unbind"];
  /** Has identity servers forget all that they were told of a user, whose account is closed. */
  unbindAll(userId: UserId, idServer?: string): Promise<UnbindResult>;
  /** Continues that where a stop of the server interrupted it. */
  resume(): Promise<void>;
  /** @throws MatrixError M_INVALID_PARAM 400 for what is no server's name */
  check(idServer: string | undefined): void;
}

/** What is remembered of one user. */
const MAX_BOUND = 100;

export function createBindings(deps: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly identityServers: Pick<IdentityServers, "bind" | "unbind">;
}): Bindings {
  const { sql, clock, logger, identityServers } = deps;

  async function forget(userId: UserId, bound: storage.BoundRow): Promise<boolean> {
    const { medium, address, idServer } = bound;
    const content = { mxid: userId, threepid: { medium, address } };
    const isDone = await identityServers.unbind(parseIdentityServer(idServer), content);
    if (isDone) await storage.deleteBound(sql, userId, bound);
    return isDone;
  }

  const unbind: Bindings["unbind"] = async (userId, medium, address, idServer) => {
    const bound = { medium, address };
    const known =
      idServer === undefined
        ? await storage.boundOf(sql, userId, bound)
        : [{ ...bound, idServer: parseIdentityServer(idServer) }];
    const done = await Promise.all(known.map((one) => forget(userId, one)));
    return done.length > 0 && !done.includes(false) ? "success" : "no-support";
  };

  async function unbindAll(userId: UserId, idServer?: string): Promise<UnbindResult> {
    const known = await storage.boundOf(sql, userId);
    const wanted = known.map((one) => (idServer === undefined ? one : { ...one, idServer }));
    const done = await Promise.allSettled(wanted.map((one) => forget(userId, one)));
    // Nobody is there any more who could ask again.
    for (const one of known) await storage.deleteBound(sql, userId, one);
    const isDone = done.every((one) => one.status === "fulfilled" && one.value);
    return isDone ? "success" : "no-support";
  }

  return {
    async bind(userId, { idServer, token, sid, clientSecret }) {
      const server = parseIdentityServer(idServer);
      checkIdentityToken(token);
      const content = { sid, client_secret: clientSecret, mxid: userId };
      const said = addressIn(await identityServers.bind(server, token, content));
      if (said === undefined) return;
      const bounds = { now: clock.now(), max: MAX_BOUND };
      await transaction(sql, (tx) =>
        storage.noteBound(tx, userId, { ...said, idServer: server }, bounds),
      );
    },
    unbind,
    async tryUnbind(userId, medium, address, idServer) {
      try {
        return await unbind(userId, medium, address, idServer);
      } catch (err) {
        logger.info({ err, userId }, "an identity server has not forgotten an address");
        return "no-support";
      }
    },
    unbindAll,
    async resume() {
      for (const userId of await storage.closedAccountsBound(sql)) {
        await unbindAll(userId as UserId);
      }
    },
    check: (idServer) => void (idServer !== undefined && parseIdentityServer(idServer)),
  };
}

/** What an identity server says that it knows now; undefined where it says nothing of use. */
function addressIn({ medium, address }: JsonObject) {
  if (medium !== "email" && medium !== "msisdn") return undefined;
  if (typeof address !== "string" || address.length > 1_024) return undefined;
  return address.isWellFormed() && !address.includes("\0") ? { medium, address } : undefined;
}
