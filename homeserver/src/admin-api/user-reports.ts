import { route, type Route } from "../http/route.ts";
import type { ReportQueue } from "../reports/index.ts";
import type { ListedReport } from "../storage/users/reports.ts";

const LIMIT = 100;
const MAX_LIMIT = 1000;

/** Reports of users, by the paths that tools for Synapse use. */
export function userReportsRoutes({ reportQueue }: { reportQueue: ReportQueue }): Route[] {
  return [
    // GET /_synapse/admin/v1/user_reports
    route("adminListUserReports", async ({ query }) => {
      const [from, limit] = [query.from ?? 0, Math.min(query.limit ?? LIMIT, MAX_LIMIT)];
      const { reports, total } = await reportQueue.list({
        ...{ from, limit, kind: "user", oldestFirst: query.dir === "f" },
        ...{ reporter: query.user_id, userId: query.target_user_id },
      });
      const next = from + limit < total ? { next_token: from + reports.length } : {};
      return { user_reports: reports.map(listed), total, ...next };
    }),

    // GET /_synapse/admin/v1/user_reports/{reportId}
    route("adminGetUserReport", async ({ params }) =>
      listed(await reportQueue.one(params.reportId, "user")),
    ),

    // DELETE /_synapse/admin/v1/user_reports/{reportId}
    route("adminDeleteUserReport", async ({ params }) => {
      await reportQueue.remove(params.reportId, "user");
    }),
  ];
}

function listed(report: ListedReport) {
  return {
    id: report.reportId,
    received_ts: report.receivedTs,
    target_user_id: report.userId,
    user_id: report.reporter,
    reason: report.reason,
  };
}
