/** The layer of push notifications. */
import type { Foundation } from "./foundation.ts";
import { createFollower } from "./log/follow.ts";
import { createGateways, createPush } from "./push/push.ts";
import type { Rooms } from "./rooms/index.ts";
import type { Sync } from "./sync/index.ts";
import type { Users } from "./users/users.ts";

/** Tells push gateways what notifies users, on one replica at a time. */
export function openPush(
  on: Foundation,
  opened: (() => unknown)[],
  { users, rooms, sync }: { readonly users: Users; readonly rooms: Rooms; readonly sync: Sync },
): void {
  const { sql, log, clock, random, logger, leases, remote, config, webPushKey: key } = on;
  const { outbox } = on;
  const { unsubscribing } = users;
  const { publicBaseUrl, serverName } = config;
  const contact = publicBaseUrl.startsWith("https:") ? publicBaseUrl : `https://${serverName}`;
  const push = createPush({
    ...{ sql, log, clock, random, logger, users },
    ...sync.notifications,
    ...{ serverName, webPush: { key, contact } },
    email: outbox && unsubscribing && { outbox, unsubscribing, baseUrl: publicBaseUrl, serverName },
    view: rooms.view,
    gateways: createGateways({ agent: remote.agent, clock }),
  });
  const follower = createFollower({ log, sql, clock, logger, leases }, push.follower);
  opened.push(async () => {
    await follower.stop();
    await push.ended();
  });
}
