import { msg } from "@lit/localize";
import { createReportsAdmin } from "../../api/admin/reports.ts";
import { createRoomsAdmin } from "../../api/admin/rooms.ts";
import {
  createServerAdmin,
  type ApplicationService,
  type Background,
  type Health,
} from "../../api/admin/server.ts";
import { createUsersAdmin } from "../../api/admin/users.ts";
import type { Http } from "../../api/http.ts";
import type { Concern } from "./attention.ts";

/** What the overview tells, but for the charts. */
export interface Known {
  readonly health: Health;
  readonly background: Background;
  readonly services: readonly ApplicationService[];
  readonly openReports: number;
  readonly users: number;
  readonly rooms: number;
}

/** Asks for all of it at once. */
export async function learn(http: Http, signal: AbortSignal): Promise<Known> {
  const server = createServerAdmin(http);
  const one = { from: 0, limit: 1 };
  const [health, background, { services }, reports, users, rooms] = await Promise.all([
    server.health(signal),
    server.background(signal),
    server.services(signal),
    createReportsAdmin(http).list({ state: "open", ...one }, signal),
    createUsersAdmin(http).list({ deactivated: false, locked: true, ...one }, signal),
    createRoomsAdmin(http).list(one, signal),
  ]);
  return {
    ...{ health, background, services },
    openReports: reports.total,
    users: users.total,
    rooms: rooms.total,
  };
}

/** Whether most of the connections that the database allows are taken. */
const isCrowded = ({ database: { connections, max_connections: most } }: Health): boolean =>
  connections > most * 0.85;

/** What wants an administrator's look, the most pressing first. */
export function concernsOf(known: Known): Concern[] {
  return [...bad(known), ...worthKnowing(known)].filter(({ many }) => many !== 0);
}

/** What is wrong, with how often; 0: it is not. */
function bad({ health, background, services, openReports }: Known): Concern[] {
  return [
    {
      icon: "flag",
      label: msg("Reports to decide"),
      many: openReports,
      isBad: true,
      path: ["reports"],
    },
    {
      icon: "alert",
      label: msg("Requests that this server failed at in the last minute: its log says why"),
      many: health.replicas.reduce((sum, replica) => sum + replica.failed, 0),
      isBad: true,
    },
    {
      icon: "alert",
      label: msg("Background work that failed in the last week"),
      many: background.work.filter(({ state }) => state === "failed").length,
      isBad: true,
      path: ["background"],
    },
    {
      icon: "alert",
      label: msg("Application services that take nothing"),
      many: services.filter(({ failures }) => failures > 0).length,
      isBad: true,
      path: ["services"],
    },
    {
      icon: "alert",
      label: msg("Connections of the database are nearly used up"),
      many: isCrowded(health) ? health.database.connections : 0,
      isBad: true,
    },
  ];
}

/** What is not wrong, and yet not as usual. */
function worthKnowing({ health, background }: Known): Concern[] {
  const versions = new Set(health.replicas.map(({ version }) => version)).size;
  return [
    {
      icon: "info",
      label: msg("Processes of several versions run beside one another"),
      many: versions > 1 ? versions : 0,
      isBad: false,
    },
    {
      icon: "pause",
      label: msg("Indexing for searches is halted"),
      many: background.is_halted ? undefined : 0,
      isBad: false,
      path: ["background"],
    },
    {
      icon: "globe",
      label: msg("Other servers that do not answer"),
      many: health.failing_servers,
      isBad: false,
      path: ["federation"],
      query: { order: "failure_ts", dir: "b" },
    },
  ];
}
