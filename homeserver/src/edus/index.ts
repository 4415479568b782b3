import type { Ephemeral } from "../cluster/ephemeral.ts";
import { createFairQueue, QueueFull } from "../platform/fair-queue.ts";
import type { Logger } from "../platform/logger.ts";
import { MatrixError } from "../protocol/errors.ts";
import { serverOf } from "../protocol/identifiers.ts";
import type { RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import { createPresence, type Presence } from "./presence.ts";
import { createReceipts, type Receipts } from "./receipts.ts";
import { createTyping, type Typing } from "./typing.ts";
import type { EduOutlet, RoomFacts } from "./types.ts";
import type { Encryption } from "../encryption/index.ts";
import { LogUnavailable, type Log } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import { createExclusive, type Exclusive } from "../storage/exclusive.ts";
import { isStoreRefusing, type Sql } from "../storage/sql.ts";

export { roomFacts } from "./room-facts.ts";
export type * from "./types.ts";
export type { ReceiptType } from "./receipts.ts";

/** Typing, receipts and presence, of local users and of other servers' users. */
export interface Edus {
  readonly typing: Typing;
  readonly receipts: Receipts;
  readonly presence: Presence;
  /**
   * Handles one EDU of a transaction. An invalid one is dropped, and so is typing, a receipt or
   * presence of a server that shares no room with this one.
   * @throws LogUnavailable, or the database's error, when it is unavailable or refuses; MatrixError
   *   M_LIMIT_EXCEEDED 429 when the server is to send it again later
   */
  receive(origin: ServerName, type: string, content: JsonObject): Promise<void>;
  stop(): void;
}

export interface EdusDeps {
  readonly log: Log;
  readonly sql: Sql;
  readonly state: Ephemeral;
  readonly rooms: RoomFacts;
  readonly outlet: EduOutlet;
  readonly encryption: Pick<Encryption, "receive" | "sharing">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly serverName: ServerName;
  /** Locks for work that must not run twice at once; only within this process unless given. */
  readonly exclusive?: Exclusive | undefined;
}

const KNOWN: ReadonlySet<string> = new Set(["m.typing", "m.receipt", "m.presence"]);
const FOR_ENCRYPTION: ReadonlySet<string> = new Set([
  ...["m.direct_to_device", "m.device_list_update", "m.signing_key_update"],
]);
/**
 * An EDU can name hundreds of users and rooms, each of which is looked up: limits for EDUs handled
 * at once, per server and in total, and for those waiting.
 */
const QUEUE_LIMITS = { perKey: 1, total: 16, maxWaiting: 200 };

export function createEdus(deps: EdusDeps): Edus {
  const { state, rooms, outlet, clock, logger } = deps;
  const typing = createTyping({ state, rooms, outlet, clock });
  const receipts = createReceipts({ ...deps, exclusive: deps.exclusive ?? createExclusive() });
  const presence = createPresence({ store: state, rooms, outlet, clock, logger });

  const unfollow = deps.log.follow({
    phase: "readers",
    kinds: ["event"],
    take(records) {
      for (const { roomId, memberships } of records) {
        for (const { userId, membership } of memberships) {
          if (membership !== "join") typing.left(roomId as RoomId, userId as UserId);
          else if (serverOf(userId as UserId) === deps.serverName)
            presence.joined(userId as UserId);
          else presence.arrived(roomId as RoomId, userId as UserId);
        }
      }
    },
  });

  const queue = createFairQueue<ServerName>(QUEUE_LIMITS);

  async function dispatch(origin: ServerName, type: string, content: JsonObject): Promise<void> {
    switch (type) {
      case "m.typing":
        return typing.receive(origin, content);
      case "m.receipt":
        return receipts.receive(origin, content);
      case "m.presence":
        return presence.receive(origin, content);
    }
  }

  return {
    typing,
    receipts,
    presence,
    async receive(origin, type, content) {
      if (!isJsonObject(content)) return;
      try {
        if (FOR_ENCRYPTION.has(type)) await deps.encryption.receive(origin, type, content);
        if (!KNOWN.has(type)) return;
        await queue.run(origin, async () => {
          // EDUs of servers that share no room with this one are ignored.
          if (await deps.encryption.sharing.has(origin)) await dispatch(origin, type, content);
        });
      } catch (err) {
        // The server sends the whole transaction again; by then the database may be back.
        if (err instanceof LogUnavailable || isStoreRefusing(err) || isForLater(err)) throw err;
        const isTheirs = err instanceof MatrixError || err instanceof QueueFull;
        const level = isTheirs ? "debug" : "warn";
        logger[level]({ err, origin, type }, "an EDU was dropped");
      }
    },
    stop() {
      unfollow();
      typing.stop();
      presence.stop();
    },
  };
}

function isForLater(error: unknown): boolean {
  return error instanceof MatrixError && error.errcode === "M_LIMIT_EXCEEDED";
}
