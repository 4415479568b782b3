import type { QueryParams, RequestBody, Schema } from "@weft/spec/types";
import type { Http } from "../http.ts";

export type Report = Schema<"Report">;
export type WholeReport = Schema<"WholeReport">;
export type Decision = NonNullable<RequestBody<"decideReport">>["decision"];

/** What users have reported, and what administrators decided. */
export function createReportsAdmin(http: Http) {
  return {
    list: (query: QueryParams<"listReports">, signal?: AbortSignal) =>
      http.call<"listReports">("GET", "/_weft/admin/reports", { query, signal }),
    get: (reportId: number, signal?: AbortSignal) =>
      http.call<"getReport">("GET", "/_weft/admin/reports/{reportId}", {
        path: { reportId: reportId },
        signal,
      }),
    decide: (reportId: number, body: RequestBody<"decideReport">) =>
      http.call<"decideReport">("POST", "/_weft/admin/reports/{reportId}/decisions", {
        path: { reportId: reportId },
        body,
      }),
  };
}
