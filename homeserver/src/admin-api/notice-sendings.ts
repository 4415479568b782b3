import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseUserId, type ServerName, serverOf } from "../protocol/identifiers.ts";
import type { ServerNotices } from "../server-notices/index.ts";
import type { NoticeSending } from "../server-notices/sendings.ts";

export interface NoticeSendingsDeps {
  readonly notices: Pick<ServerNotices, "sendings">;
  readonly serverName: ServerName;
}

/** What administrators say to many users in the name of the server. */
export function noticeSendingsRoutes({ notices, serverName }: NoticeSendingsDeps): Route[] {
  const { sendings } = notices;
  const localUser = (text: string) => {
    const userId = parseUserId(text);
    if (serverOf(userId) === serverName) return userId;
    throw errors.invalidParam(`${text} is not a user of this server`);
  };

  return [
    // GET /_weft/admin/server_notices
    route("listNoticeSendings", async () => {
      const { sendings: listed, people } = await sendings.list();
      return { notices: listed.map(shown), everybody: people };
    }),

    // GET /_weft/admin/server_notices/{noticeId}
    route("getNoticeSending", async ({ params }) => shown(await sendings.one(params.noticeId))),

    // PUT /_weft/admin/server_notices/{noticeId}
    route("beginNoticeSending", async ({ requester, params, body }) => {
      const { content, type = "m.room.message", users } = body;
      const { noticeId } = params;
      const to = users?.map(localUser);
      return shown(await sendings.begin({ noticeId, by: requester.userId, type, content, to }));
    }),

    // POST /_weft/admin/server_notices/{noticeId}/stop
    route("stopNoticeSending", async ({ params }) => shown(await sendings.halt(params.noticeId))),

    // POST /_weft/admin/server_notices/{noticeId}/resume
    route("resumeNoticeSending", async ({ params }) =>
      shown(await sendings.resume(params.noticeId)),
    ),
  ];
}

function shown(sending: NoticeSending) {
  const { type, content, state, total, told, failed, failures, endedTs } = sending;
  return {
    notice_id: sending.noticeId,
    requested_by: sending.requestedBy,
    ...{ type, content, to_all: sending.toAll, state, total, told, failed },
    failures: failures.map(({ userId, error }) => ({ user_id: userId, error })),
    created_ts: sending.createdTs,
    ...(endedTs !== null && { ended_ts: endedTs }),
  };
}
