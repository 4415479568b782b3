import { route, type Route } from "../http/route.ts";
import { type AuditLog, placeOfOperation } from "../oversight/audit-log.ts";
import type { AuditRow } from "../storage/oversight/audit-log.ts";
import { limitOf } from "./pages.ts";

/** What administrators did. */
export function auditRoutes({ auditLog }: { auditLog: Pick<AuditLog, "list"> }): Route[] {
  return [
    // GET /_weft/admin/audit
    route("getAuditLog", async ({ query }) => {
      const limit = limitOf(query.limit);
      const filter = {
        userId: query.user_id,
        operation: query.operation,
        target: query.target,
        outcome: query.outcome,
        fromTs: query.from_ts,
        toTs: query.to_ts,
        below: query.from === undefined ? undefined : Number(query.from),
      };
      const rows = await auditLog.list(filter, limit + 1);
      const page = rows.slice(0, limit);
      const isMore = rows.length > limit;
      return {
        entries: page.map(entry),
        ...(isMore && { next_token: String(page.at(-1)!.entryId) }),
      };
    }),
  ];
}

function entry(row: AuditRow) {
  return {
    id: row.entryId,
    ts: row.ts,
    user_id: row.userId,
    ...(row.deviceId !== "" && { device_id: row.deviceId }),
    operation: row.operation,
    ...placeOfOperation(row.operation),
    parameters: JSON.parse(row.parameters) as object,
    ip: row.ip,
    outcome: outcomeOf(row.status),
    status: row.status,
    ...(row.errcode !== null && { errcode: row.errcode }),
    ended_ts: row.endedTs,
  };
}

function outcomeOf(status: number | null): "done" | "refused" | "unknown" {
  if (status === null) return "unknown";
  return status < 400 ? "done" : "refused";
}
