import { route, type Route } from "../http/route.ts";
import type { ReportQueue } from "../reports/index.ts";
import type { ListedReport } from "../storage/users/reports.ts";
import { nextOf, pageOf } from "./pages.ts";

/** Reports of users, by the paths that tools for Synapse use. */
export function userReportsRoutes({ reportQueue }: { reportQueue: ReportQueue }): Route[] {
  return [
    // GET /_synapse/admin/v1/user_reports
    route("adminListUserReports", async ({ query }) => {
      const page = pageOf(query);
      const { reports, total } = await reportQueue.list({
        ...page,
        ...{ kind: "user", oldestFirst: query.dir === "f" },
        ...{ reporter: query.user_id, userId: query.target_user_id },
      });
      const next = nextOf(page, reports.length, total);
      return { user_reports: reports.map(listed), total, next_token: next };
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
