import type { IdentityServers } from "../../federation-client/identity-servers.ts";
import type { Log } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import type { Sql } from "../../storage/sql.ts";
import { type Addresses, createAddresses } from "./addresses.ts";
import { type Bindings, createBindings } from "./bindings.ts";
import { type Confirmations, createConfirmations, type MailOptions } from "./confirmations.ts";
import { createUnsubscribing, type Unsubscribing } from "./unsubscribing.ts";

/** Addresses of accounts, how they are confirmed, and what identity servers are told of them. */
export interface Contacts {
  readonly confirmations: Confirmations;
  readonly addresses: Addresses;
  readonly bindings: Bindings;
  /** Absent: this server sends no mails. */
  readonly unsubscribing: Unsubscribing | undefined;
}

export function createContacts(deps: {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly serverName: string;
  readonly mail?: MailOptions | undefined;
  readonly identityServers: Pick<IdentityServers, "bind" | "unbind">;
}): Contacts {
  const confirmations = createConfirmations(deps);
  const addresses = createAddresses({ ...deps, confirmations });
  const { mail } = deps;
  return {
    ...{ confirmations, addresses, bindings: createBindings(deps) },
    unsubscribing: mail && createUnsubscribing(mail.secret, mail.baseUrl),
  };
}
