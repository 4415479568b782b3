import type { PathParams, QueryParams, RequestBody, ResponseBody, Schema } from "@weft/spec/types";
import type { Http } from "../http.ts";

export type AuditEntry = Schema<"AuditEntry">;
export type Health = ResponseBody<"getServerHealth">;
export type HealthHistory = ResponseBody<"getHealthHistory">;
export type HealthPoint = Schema<"HealthPoint">;
export type HealthSpan = NonNullable<QueryParams<"getHealthHistory">["span"]>;
export type Background = ResponseBody<"getBackgroundWork">;
export type BackgroundWork = Schema<"BackgroundWork">;
export type ApplicationService = Schema<"ApplicationService">;
export type SettingInForce = Schema<"SettingInForce">;
export type Settings = ResponseBody<"getSettings">;

const UPDATES = "/_synapse/admin/v1/background_updates";

/** The server as a whole: what its administrators did, and how it does. */
export function createServerAdmin(http: Http) {
  return {
    audit: (query: QueryParams<"getAuditLog">, signal?: AbortSignal) =>
      http.call<"getAuditLog">("GET", "/_weft/admin/audit", { query, signal }),
    health: (signal?: AbortSignal) =>
      http.call<"getServerHealth">("GET", "/_weft/admin/health", { signal }),
    history: (span: HealthSpan, signal?: AbortSignal) =>
      http.call<"getHealthHistory">("GET", "/_weft/admin/health/history", {
        query: { span },
        signal,
      }),
    background: (signal?: AbortSignal) =>
      http.call<"getBackgroundWork">("GET", "/_weft/admin/background", { signal }),
    /** Halts the indexing of what is old, or has it go on. */
    setIndexing: (enabled: boolean) =>
      http.call<"setBackgroundUpdatesEnabled">("POST", `${UPDATES}/enabled`, { body: { enabled } }),
    start: (job: RequestBody<"startBackgroundUpdate">["job_name"]) =>
      http.call<"startBackgroundUpdate">("POST", `${UPDATES}/start_job`, {
        body: { job_name: job },
      }),
    services: (signal?: AbortSignal) =>
      http.call<"getApplicationServices">("GET", "/_weft/admin/application_services", { signal }),
    retryService: (serviceId: PathParams<"retryApplicationService">["serviceId"]) =>
      http.call<"retryApplicationService">(
        "POST",
        "/_weft/admin/application_services/{serviceId}/retry",
        { path: { serviceId } },
      ),
    settings: (signal?: AbortSignal) =>
      http.call<"getSettings">("GET", "/_weft/admin/settings", { signal }),
  };
}
