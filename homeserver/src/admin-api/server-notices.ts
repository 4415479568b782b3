import { route, type Route } from "../http/route.ts";
import { parseUserId, type UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { ServerNotices } from "../server-notices/index.ts";

interface NoticeBody {
  readonly user_id: string;
  readonly content: JsonObject;
  readonly type?: string;
  readonly state_key?: string;
}

/** What administrators say to users in the name of the server. */
export function serverNoticesRoutes({ notices }: { notices: ServerNotices }): Route[] {
  async function send(by: UserId, body: NoticeBody, txnId: string | undefined) {
    const { user_id: to, content, type = "m.room.message", state_key: stateKey } = body;
    const notice = { to: parseUserId(to), type, stateKey, content, by, txnId };
    return { event_id: await notices.send(notice) };
  }

  return [
    // POST /_synapse/admin/v1/send_server_notice
    route("sendServerNotice", ({ requester, body }) => send(requester.userId, body, undefined)),

    // PUT /_synapse/admin/v1/send_server_notice/{txnId}
    route("sendServerNoticeOnce", ({ requester, body, params }) =>
      send(requester.userId, body, params.txnId),
    ),
  ];
}
