import type { QueryParams, Schema } from "@weft/spec/types";
import type { Http } from "../http.ts";

export type AuditEntry = Schema<"AuditEntry">;

/** The server as a whole: what its administrators did, and how it does. */
export function createServerAdmin(http: Http) {
  return {
    audit: (query: QueryParams<"getAuditLog">, signal?: AbortSignal) =>
      http.call<"getAuditLog">("GET", "/_weft/admin/audit", { query, signal }),
  };
}
