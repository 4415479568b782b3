import { route, type Route } from "../http/route.ts";
import type { ReportQueue } from "../reports/index.ts";
import type { ListedReport } from "../storage/users/reports.ts";
import { nextOf, pageOf } from "./pages.ts";

/** Reports of events, by the paths that tools for Synapse use. */
export function eventReportsRoutes({ reportQueue }: { reportQueue: ReportQueue }): Route[] {
  return [
    // GET /_synapse/admin/v1/event_reports
    route("adminListEventReports", async ({ query }) => {
      const page = pageOf(query);
      const { reports, total } = await reportQueue.list({
        ...page,
        ...{ kind: "event", oldestFirst: query.dir === "f" },
        ...{ reporter: query.user_id, roomId: query.room_id, about: query.event_sender_user_id },
      });
      const next = nextOf(page, reports.length, total);
      return { event_reports: reports.map(listed), total, next_token: next };
    }),

    // GET /_synapse/admin/v1/event_reports/{reportId}
    route("adminGetEventReport", async ({ params }) => {
      const report = await reportQueue.one(params.reportId, "event");
      return { ...listed(report), event_json: report.pdu ?? null };
    }),

    // DELETE /_synapse/admin/v1/event_reports/{reportId}
    route("adminDeleteEventReport", async ({ params }) => {
      await reportQueue.remove(params.reportId, "event");
    }),
  ];
}

function listed(report: ListedReport) {
  return {
    id: report.reportId,
    received_ts: report.receivedTs,
    room_id: report.roomId,
    event_id: report.eventId,
    user_id: report.reporter,
    reason: report.reason,
    score: report.score,
    sender: report.sender,
    canonical_alias: report.canonicalAlias,
    name: report.roomName,
  };
}
