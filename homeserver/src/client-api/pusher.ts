import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { JsonObject } from "../protocol/json.ts";
import { pusherOf } from "../users/data/pusher-body.ts";
import type { Users } from "../users/users.ts";

export function pusherRoutes({ users }: { users: Users }): Route[] {
  const { pushers } = users;
  return [
    // GET /_matrix/client/v3/pushers
    route("getPushers", async ({ requester }) => {
      const all = await pushers.list(requester.userId);
      return { pushers: all.map(pusherOf) };
    }),

    // POST /_matrix/client/v3/pushers/set
    route("postPusher", async ({ requester, body }) => {
      const { kind, app_id: appId, pushkey } = body;
      if (kind === null) {
        await pushers.remove(requester.userId, appId, pushkey);
        return {};
      }
      const wished = {
        ...{ appId, pushkey, kind },
        appDisplayName: body.app_display_name,
        deviceDisplayName: body.device_display_name,
        profileTag: body.profile_tag,
        lang: body.lang,
        data: body.data as JsonObject | undefined,
      };
      const isActive = await pushers.set(requester, wished, body.append === true);
      return isActive ? {} : json({}, { status: 201 });
    }),

    // POST /_matrix/client/unstable/org.matrix.msc4174/pushers/ack
    route("activatePusher", async ({ requester, body }) => {
      await pushers.activate(requester.userId, body.app_id, body.ack_token);
      return {};
    }),
  ];
}
