import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseRoomId, parseUserId } from "../protocol/identifiers.ts";
import type { UserRedactions } from "../user-redactions/index.ts";

const LIMIT = 1000;

/** Redacting what users have sent, by the paths that tools for Synapse use. */
export function userRedactionsRoutes(deps: { userRedactions: UserRedactions }): Route[] {
  const { userRedactions } = deps;
  return [
    // POST /_synapse/admin/v1/user/{userId}/redact
    route("redactUser", async ({ requester, params, body }) => {
      const wish = {
        rooms: body.rooms.map(parseRoomId),
        reason: body.reason,
        limit: body.limit ?? LIMIT,
        asAdministrator: body.use_admin === true,
        after: body.after_ts,
        before: body.before_ts,
      };
      const userId = parseUserId(params.userId);
      return { redact_id: await userRedactions.begin(requester.userId, userId, wish) };
    }),

    // GET /_synapse/admin/v1/user/redact_status/{redactId}
    route("getUserRedaction", async ({ params }) => {
      const found = await userRedactions.one(params.redactId);
      if (found === undefined) {
        throw errors.notFound("There is no such redaction, or it ended long ago");
      }
      const failed = found.failed.map(({ eventId, error }) => [eventId, error] as const);
      return {
        status: found.status,
        failed_redactions: Object.fromEntries(failed),
        ...(found.reason !== undefined && { error: found.reason }),
      };
    }),
  ];
}
