/** What the room engine is given: the layers below it, and what other servers offer. */
import type { RoomTurns } from "../cluster/room-turns.ts";
import type { EventKeys } from "../federation-client/keys/key-ring.ts";
import type { RemoteRooms } from "../federation-client/types.ts";
import type { Log } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Random } from "../platform/random.ts";
import type { SigningKey } from "../protocol/crypto.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { Exclusive } from "../storage/exclusive.ts";
import type { Leases } from "../storage/leases.ts";
import type { Sql } from "../storage/sql.ts";
import type { UserLimits } from "../users/common/limits.ts";
import type { MemberProfiles } from "./api/index.ts";
import type { AliasNamespaces } from "./creating/directory-limits.ts";
import type { RoomRules } from "./creating/room-rules.ts";
import type { LocalAccounts } from "./membership/invitees.ts";
import type { RetentionRules } from "./visibility/retention-rules.ts";
import type { IgnoredBy } from "./visibility/without-ignored.ts";

export interface RoomsDeps {
  readonly log: Log;
  readonly sql: Sql;
  readonly serverName: ServerName;
  readonly signingKey: SigningKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly profiles: MemberProfiles;
  readonly remote: RemoteRooms;
  readonly keyRing: EventKeys;
  /** What rooms may be made, and by whom; any by everybody when absent. */
  readonly rules?: RoomRules | undefined;
  /** How long messages are kept; for ever when absent. */
  readonly retention?: RetentionRules | undefined;
  /** The accounts of local users; absent: every name counts as one. */
  readonly accounts?: LocalAccounts | undefined;
  /** Limits on a user's aliases and published rooms; the defaults when absent. */
  readonly limits?: UserLimits | undefined;
  /** Application services' namespaces of aliases; absent: there are none. */
  readonly aliasNamespaces?: AliasNamespaces | undefined;
  /** The users whom a user ignores; nobody when absent. */
  readonly ignoredBy?: IgnoredBy;
  readonly logger: Logger;
  readonly metrics?: Metrics | undefined;
  /** Leases for background work that only one replica does; absent when there is one replica. */
  readonly leases?: Leases | undefined;
  /** Locks for work that must not run twice at once; only within this process unless given. */
  readonly exclusive?: Exclusive | undefined;
  /** The turns of replicas at writing to rooms; absent when there is one replica. */
  readonly turns?: RoomTurns | undefined;
}
