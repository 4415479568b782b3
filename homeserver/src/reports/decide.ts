/** What administrators decide about a report, and what is done then. */
import { createHash } from "node:crypto";
import type { Clock } from "../platform/clock.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import type { EventId, RoomId, UserId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { ServerNotices } from "../server-notices/index.ts";
import type { Sql } from "../storage/sql.ts";
import { transaction } from "../storage/transaction.ts";
import {
  beginDecision,
  endDecision,
  failDecision,
  findReport,
  type ListedReport,
  sameTarget,
} from "../storage/users/reports.ts";
import type { Users } from "../users/users.ts";

type Kind = "dismiss" | "remove_message" | "warn" | "suspend" | "remove_from_room";

interface Decision {
  readonly reportId: number;
  /** The administrator. */
  readonly by: UserId;
  readonly kind: Kind;
  /** Why, in their words: it is noted, and given as the reason in the room. */
  readonly reason?: string | undefined;
  /** What a warned user is told. */
  readonly message?: string | undefined;
  /** Whom it concerns, where it is not who sent the event or was reported. */
  readonly userId?: UserId | undefined;
  /** Who is removed from a room may not come back. */
  readonly ban?: boolean | undefined;
  /** Other open reports of the same event, user or room are decided with it. */
  readonly settlesOthers?: boolean | undefined;
}

/**
 * Notes the decision, carries it out, and notes that. Where the server stops in between, the report
 * stays open. Whoever decides it again, be it at the same time and on another replica, finds done
 * what was done: nobody is told the same twice, and nothing is redacted twice. Answers the
 * decision's id.
 * @throws MatrixError M_NOT_FOUND 404 for the report or its target, M_INVALID_PARAM and
 * M_MISSING_PARAM 400 for what the report does not allow, M_UNKNOWN 400 where no user of this server
 * has the power; and what suspending and notices are refused with
 */
export type Decide = (decision: Decision) => Promise<number>;

export interface DecideDeps {
  readonly sql: Sql;
  readonly clock: Pick<Clock, "now">;
  readonly rooms: Pick<Rooms, "administration">;
  readonly users: Pick<Users, "accounts" | "moderation">;
  readonly notices: Pick<ServerNotices, "send">;
}

/** What a decision needs of the report that it is about. */
interface Target {
  readonly roomId: RoomId | undefined;
  readonly eventId: EventId | undefined;
  readonly userId: UserId | undefined;
}

export function createDecide(deps: DecideDeps): Decide {
  const { sql, clock, rooms, users, notices } = deps;
  const { actions } = rooms.administration;

  /** @throws MatrixError M_INVALID_PARAM, M_MISSING_PARAM 400 */
  function check({ kind }: Decision, { roomId, eventId, userId }: Target): void {
    if (kind === "dismiss") return;
    if (kind === "remove_message") {
      if (eventId === undefined) throw errors.invalidParam("That is no report of a message");
      return;
    }
    if (userId === undefined) throw errors.missingParam("Name the user whom it concerns: user_id");
    if (kind === "remove_from_room") {
      if (roomId === undefined) throw errors.invalidParam("That is no report from a room");
      return;
    }
    if (!users.accounts.isLocal(userId)) {
      throw errors.invalidParam("That user is one of another server: only it can do that");
    }
  }

  async function carryOut(decision: Decision, target: Target): Promise<void> {
    const { kind, by, reason, ban } = decision;
    const { roomId, eventId, userId } = target;
    switch (kind) {
      case "dismiss":
        return;
      case "remove_message":
        await actions.redact({ roomId: roomId!, eventId: eventId!, reason });
        return;
      case "warn":
        await warn(decision, userId!);
        return;
      case "suspend":
        await users.moderation.change(by, userId!, { suspended: true });
        return;
      case "remove_from_room":
        await remove({ roomId: roomId!, userId: userId!, ban, reason });
    }
  }

  /** Who is out already is left alone: somebody, or an attempt before, removed them. */
  async function remove(request: Parameters<typeof actions.remove>[0]): Promise<void> {
    try {
      await actions.remove(request);
    } catch (error) {
      if (!(error instanceof MatrixError) || !(await actions.isRemoved(request))) throw error;
    }
  }

  /** About one report a user is told the same words once, whoever decides that and however often. */
  async function warn(decision: Decision, to: UserId): Promise<void> {
    const { reportId, reason, message } = decision;
    const why = reason === undefined || reason === "" ? "." : `: ${reason}`;
    const body = message ?? `The administrators of this server have had a complaint of you${why}`;
    const content = { msgtype: "m.text", body };
    const txnId = createHash("sha256").update(`${reportId}\0${body}`).digest("base64url");
    const notice = { to, type: "m.room.message", stateKey: undefined, content, txnId };
    await notices.send({ ...notice, by: "reports" });
  }

  return async (decision) => {
    const report = await findReport(sql, decision.reportId);
    if (report === undefined) throw errors.notFound("There is no such report");
    const target = targetOf(report, decision);
    check(decision, target);
    const id = await beginDecision(sql, report.reportId, {
      decision: decision.kind,
      by: decision.by,
      decidedTs: clock.now(),
      userId: decision.kind === "dismiss" ? null : (target.userId ?? null),
      reason: decision.reason ?? null,
    });
    try {
      await carryOut(decision, target);
    } catch (error) {
      const why = error instanceof MatrixError ? error.message : "The server's log tells why";
      await failDecision(sql, id, why);
      throw error;
    }
    const others = decision.settlesOthers === true ? await sameTarget(sql, report) : [];
    await transaction(sql, (tx) => endDecision(tx, id, others, clock.now()));
    return id;
  };
}

function targetOf(report: ListedReport, { userId }: Decision): Target {
  const about = userId ?? report.userId ?? report.sender ?? undefined;
  return {
    roomId: (report.roomId ?? undefined) as RoomId | undefined,
    eventId: (report.eventId ?? undefined) as EventId | undefined,
    userId: about as UserId | undefined,
  };
}
