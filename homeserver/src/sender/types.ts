import type { Channel } from "../platform/channel.ts";
import type { Log, RecordOf } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { RoomId, ServerName } from "../protocol/identifiers.ts";
import type { Backoff } from "../federation-client/requests/backoff.ts";
import type { RemoteServer } from "../federation-client/types.ts";
import type { RoomFederation } from "../rooms/api/federation.ts";
import type { RoomView } from "../rooms/api/index.ts";
import type { Sql } from "../storage/sql.ts";
import type { PublicKeys } from "./device-updates.ts";
import type { PendingEdu } from "./edus.ts";

/** The calls to other servers that the sender makes. */
export interface Outbound {
  readonly server: Pick<RemoteServer, "sendTransaction">;
  readonly backoff: Pick<Backoff, "mayTry" | "failed" | "failingSince" | "onAwake">;
}

/** Hands EDUs to the replica that sends to other servers. */
export type EduRelay = Pick<Channel<RelayedEdu>, "publish" | "subscribe">;

export interface RelayedEdu {
  readonly servers: readonly ServerName[];
  readonly edu: PendingEdu;
}

export interface SenderDeps {
  readonly sql: Sql;
  readonly log: Pick<Log, "position" | "follow">;
  readonly view: RoomView;
  /** Answers a server that asks for an event, as far as it may have it. */
  readonly served: Pick<RoomFederation, "event">;
  readonly keys: PublicKeys;
  readonly remote: Outbound;
  /** Absent: this is the only replica. */
  readonly relay?: EduRelay | undefined;
  readonly serverName: ServerName;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Log positions (20,000). */
  readonly longAbsence?: number;
}

/** The kinds of records that the sender follows. */
export const SENT = [
  ...(["event", "receipt", "to_device_outbound", "device_list", "sticky_owed"] as const),
] as const;
export type SentRecord = RecordOf<(typeof SENT)[number]>;

/**
 * Sends local events, messages for devices, updates of devices, and further EDUs to the other servers concerned. (Server-server API, "Transactions",
 * "EDUs", "Device Management", "Send-to-device messaging".)
 */
export interface Sender {
  /** Handles records of the log, in order; resolves once the progress is durable. */
  take(records: readonly SentRecord[]): Promise<void>;
  /** An EDU for every other server in a room, in the background. */
  eduToRoom(roomId: RoomId, edu: PendingEdu): void;
  /** An EDU for these servers. */
  eduTo(servers: Iterable<ServerName>, edu: PendingEdu): void;
  /**
   * This process starts to follow the log, and sends what it or another one left, until the signal
   * aborts. At other times EDUs are left to the replica that follows; with just one replica, it
   * sends them at all times.
   */
  resume(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}
