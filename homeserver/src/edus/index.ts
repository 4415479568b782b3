import type { Logger } from "../platform/logger.ts";
import { MatrixError } from "../protocol/errors.ts";
import { serverOf } from "../protocol/identifiers.ts";
import type { RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import { createPresence, type Presence, type PresenceStore } from "./presence.ts";
import { createReceipts, type Receipts } from "./receipts.ts";
import { createTyping, type Typing, type TypingState } from "./typing.ts";
import type { EduOutlet, RoomFacts } from "./types.ts";
import type { Log } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import { createExclusive, type Exclusive } from "../storage/exclusive.ts";
import type { Sql } from "../storage/sql.ts";

export type * from "./types.ts";
export type { Presence, PresenceEntry, PresenceStore, PresenceValue } from "./presence.ts";
export type { Receipts, ReceiptType } from "./receipts.ts";
export type { Typing, TypingState } from "./typing.ts";

/** Typing, receipts and presence: of this server's users, and as other servers tell of theirs. */
export interface Edus {
  readonly typing: Typing;
  readonly receipts: Receipts;
  readonly presence: Presence;
  /** Takes in one EDU of a transaction. Never throws: a bad one is dropped alone. */
  receive(origin: ServerName, type: string, content: JsonObject): Promise<void>;
  stop(): void;
}

export interface EdusDeps {
  readonly log: Log;
  readonly sql: Sql;
  readonly state: TypingState & PresenceStore;
  readonly rooms: RoomFacts;
  readonly outlet: EduOutlet;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly serverName: ServerName;
  /** What one replica at a time does for a user; within this process alone unless given. */
  readonly exclusive?: Exclusive | undefined;
}

export function createEdus(deps: EdusDeps): Edus {
  const { state, rooms, outlet, clock, logger } = deps;
  const typing = createTyping({ state, rooms, outlet, clock });
  const receipts = createReceipts({ ...deps, exclusive: deps.exclusive ?? createExclusive() });
  const presence = createPresence({ store: state, rooms, outlet, clock, logger });

  const unfollow = deps.log.onAdvance((records) => {
    for (const record of records) {
      if (record.kind !== "event") continue;
      for (const { userId, membership } of record.memberships) {
        if (membership === "join") {
          if (serverOf(userId as UserId) === deps.serverName) presence.joined(userId as UserId);
          else presence.arrived(record.roomId as RoomId, userId as UserId);
        } else typing.left(record.roomId as RoomId, userId as UserId);
      }
    }
  });

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
        await dispatch(origin, type, content);
      } catch (err) {
        const level = err instanceof MatrixError ? "debug" : "warn";
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
