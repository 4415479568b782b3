import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { parseUserId } from "../protocol/identifiers.ts";
import type { ReportQueue, WholeReport } from "../reports/index.ts";
import type { ListedReport } from "../storage/users/reports.ts";
import { nextOf, pageOf } from "./pages.ts";

/** Events shown before and after a reported one. */
const AROUND = 5;
const MAX_AROUND = 50;

/** What users report, and what administrators decide about it. */
export function reportsRoutes({ reportQueue }: { reportQueue: ReportQueue }): Route[] {
  return [
    // GET /_weft/admin/reports
    route("listReports", async ({ query }) => {
      const page = pageOf(query);
      const { reports, total } = await reportQueue.list({
        ...page,
        ...{ kind: query.kind, oldestFirst: query.dir === "f" },
        isOpen: query.state === undefined ? undefined : query.state === "open",
        ...{ reporter: query.reporter, roomId: query.room_id, about: query.about },
      });
      const next = nextOf(page, reports.length, total);
      return { reports: reports.map(listed), total, next_batch: next };
    }),

    // GET /_weft/admin/reports/{reportId}
    route("getReport", async ({ params, query, requester }) => {
      const around = Math.min(query.context ?? AROUND, MAX_AROUND);
      const report = await reportQueue.whole(requester, params.reportId, around);
      const rest = JSON.stringify(whole(report));
      if (report.surroundings === undefined) return raw(rest);
      const { event, events_before: before, events_after: after } = report.surroundings;
      const context = `{"event":${event},"events_before":[${before.join(",")}],"events_after":[${after.join(",")}]}`;
      return raw(`${rest.slice(0, -1)},"context":${context}}`);
    }),

    // POST /_weft/admin/reports/{reportId}/decisions
    route("decideReport", async ({ params, body, requester }) => {
      const id = await reportQueue.decide({
        reportId: params.reportId,
        by: requester.userId,
        kind: body.decision,
        reason: body.reason,
        message: body.message,
        userId: body.user_id === undefined ? undefined : parseUserId(body.user_id),
        ban: body.ban,
        settlesOthers: body.settle_others,
      });
      return { decision_id: id };
    }),
  ];
}

/** Absent where there is nothing. */
const given = <T>(value: T | null): T | undefined => value ?? undefined;

function listed(report: ListedReport) {
  return {
    id: report.reportId,
    kind: report.kind,
    state: report.decidedTs === null ? "open" : "decided",
    reporter: report.reporter,
    reason: given(report.reason),
    score: given(report.score),
    received_ts: report.receivedTs,
    decided_ts: given(report.decidedTs),
    about: given(report.userId ?? report.sender),
    event_id: given(report.eventId),
    room_id: given(report.roomId),
    room_name: given(report.roomName),
    canonical_alias: given(report.canonicalAlias),
  };
}

function whole(report: WholeReport) {
  return {
    ...listed(report),
    event: report.pdu,
    decisions: report.decisions.map((one) => ({
      id: one.decisionId,
      decision: one.decision,
      by: one.by,
      decided_ts: one.decidedTs,
      user_id: given(one.userId),
      reason: given(one.reason),
      state: one.state,
      error: given(one.error),
    })),
    other_reports: report.others,
  };
}
