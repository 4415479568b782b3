import type { Clock } from "../../platform/clock.ts";
import { errors } from "../../protocol/errors.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import * as storage from "../../storage/users/reports.ts";
import type { Sql } from "../../storage/sql.ts";
import { plainText } from "../common/text.ts";

/** What users report to the operator. (Client-server API, "Reporting content".) */
export interface Reports {
  /** Reports an event that the caller has made sure the reporter may see. `score`: how bad it is. */
  event(
    by: UserId,
    roomId: RoomId,
    event: RoomEvent,
    said: { readonly reason?: unknown; readonly score?: number | undefined },
  ): Promise<void>;
  /** Reports a room, known here or not: the answer does not tell. */
  room(by: UserId, roomId: RoomId, reason: unknown): Promise<void>;
  /** Reports a user, existing or not: the answer does not tell. */
  user(by: UserId, userId: UserId, reason: unknown): Promise<void>;
}

const MAX_REASON_BYTES = 8192;
/** Characters of an event that is kept as it was reported. */
const MAX_COPY = 16_384;
/** Reports of one user that are kept: a newer one takes the place of the oldest. */
export const MAX_REPORTS = 500;

/**
 * All three throw MatrixError M_INVALID_PARAM 400 for a reason that is no text or too long a one.
 */
export function createReports(deps: { sql: Sql; clock: Clock }): Reports {
  const { sql, clock } = deps;

  async function store(
    report: Pick<storage.ReportRow, "kind" | "reporter"> & Partial<storage.ReportRow>,
    reason: unknown,
  ): Promise<void> {
    const text = reason === undefined ? null : reasonText(reason);
    const none = { roomId: null, eventId: null, userId: null, sender: null, copy: null };
    const received = { score: null, receivedTs: clock.now() };
    await storage.insertReport(sql, { ...none, ...received, ...report, reason: text });
    await storage.trimReports(sql, report.reporter, MAX_REPORTS);
  }

  return {
    async event(by, roomId, event, { reason, score }) {
      const text = event.json();
      const copy = text.length > MAX_COPY ? null : text;
      const about = { roomId, eventId: event.eventId, sender: event.sender, copy };
      await store({ kind: "event", reporter: by, ...about, score: score ?? null }, reason);
    },
    room: (by, roomId, reason) => store({ kind: "room", reporter: by, roomId }, reason),
    user: (by, userId, reason) => store({ kind: "user", reporter: by, userId }, reason),
  };
}

function reasonText(reason: unknown): string {
  if (typeof reason !== "string") throw errors.badJson("reason must be a string");
  return plainText(reason, "reason", MAX_REASON_BYTES);
}
