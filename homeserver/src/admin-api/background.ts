import { route, type Route } from "../http/route.ts";
import type { Background, Work } from "../oversight/background.ts";
import type { Log } from "../log/types.ts";
import type { ListedPurge, ListedRedaction } from "../storage/oversight/background.ts";

export interface BackgroundDeps {
  readonly background: Background;
  readonly log: Pick<Log, "position">;
}

/** What the server does on its own account. */
export function backgroundRoutes({ background, log }: BackgroundDeps): Route[] {
  return [
    // GET /_weft/admin/background
    route("getBackgroundWork", async () => {
      const head = log.position;
      const followers = await background.followers();
      return {
        work: (await background.work()).map(shownWork),
        followers: followers.map(({ name, position }) => ({
          ...{ name, position },
          behind: Math.max(0, head - position),
        })),
        is_halted: await background.isHalted(),
      };
    }),

    // GET /_synapse/admin/v1/background_updates/enabled
    route("getBackgroundUpdatesEnabled", async () => ({ enabled: !(await background.isHalted()) })),

    // POST /_synapse/admin/v1/background_updates/enabled
    route("setBackgroundUpdatesEnabled", async ({ requester, body: { enabled = true } }) => {
      await background.setHalted(!enabled, requester.userId);
      return { enabled };
    }),

    // GET /_synapse/admin/v1/background_updates/status
    route("getBackgroundUpdatesStatus", async () => ({
      enabled: !(await background.isHalted()),
      current_updates: Object.fromEntries(
        (await background.indexing()).map(({ kind, done }) => [
          kind,
          {
            name: kind,
            ...{ total_item_count: done ?? 0, total_duration_ms: 0, average_items_per_ms: 0 },
          },
        ]),
      ),
    })),

    // POST /_synapse/admin/v1/background_updates/start_job
    route("startBackgroundUpdate", ({ body }) => background.start(body.job_name)),

    // GET /_synapse/admin/v1/scheduled_tasks
    route("getScheduledTasks", async ({ query }) => {
      const { action_name: action, resource_id: resource, max_timestamp: before } = query;
      const status = query.status ?? query.job_status;
      const all = [
        ...(await background.redactions()).map(shownRedaction),
        ...(await background.purges()).map(shownTask),
      ];
      const tasks = all.filter(
        (task) =>
          (action === undefined || task.action === action) &&
          (resource === undefined || task.resource_id === resource) &&
          (status === undefined || task.status === status) &&
          (before === undefined || task.timestamp_ms < before),
      );
      return { scheduled_tasks: tasks };
    }),
  ];
}

function shownWork({ roomId, userId, startedTs, endedTs, ...rest }: Work) {
  return { ...rest, room_id: roomId, user_id: userId, started_ts: startedTs, ended_ts: endedTs };
}

function shownRedaction(redaction: ListedRedaction) {
  const { id, userId, status, failed, reason, createdTs, endedTs } = redaction;
  return {
    ...{ id, action: "redact_all_events", status, resource_id: userId, error: reason },
    timestamp_ms: endedTs ?? createdTs,
    result: endedTs === null ? null : { failed_redactions: JSON.parse(failed) as object },
  };
}

function shownTask(purge: ListedPurge) {
  const { id, kind, roomId, status, report, reason, createdTs, endedTs } = purge;
  const hasEnded = status === "complete" || status === "failed";
  return {
    id,
    action: kind === "room" ? "shutdown_and_purge_room" : "purge_history",
    status: hasEnded ? status : ("active" as const),
    timestamp_ms: endedTs ?? createdTs,
    resource_id: roomId,
    result: kind === "room" ? shutdownOf(report) : null,
    error: reason,
  };
}

function shutdownOf(report: string) {
  const {
    putOut = [],
    notPutOut = [],
    aliases = [],
    newRoom = null,
  } = JSON.parse(report) as {
    readonly putOut?: readonly string[];
    readonly notPutOut?: readonly string[];
    readonly aliases?: readonly string[];
    readonly newRoom?: string | null;
  };
  return {
    kicked_users: putOut,
    failed_to_kick_users: notPutOut,
    local_aliases: aliases,
    new_room_id: newRoom,
  };
}
