/** Notifications to push gateways: pushers of the kind `http`. (Push Gateway API.) */
import { operations } from "@weft/spec/operations";
import { type Gateways, rejectedIn } from "./gateways.ts";
import { notificationText } from "./notification.ts";
import type { SendNotification } from "./types.ts";

const HEADERS = { "content-type": "application/json", accept: "application/json" };

/** POST /_matrix/push/v1/notify */
export function createHttpPusher(gateways: Gateways): SendNotification {
  const { path } = operations.notify;
  return async (state, notification, how) => {
    const { pushkey, url } = { pushkey: state.row.pushkey, url: urlOf(state.row.data, path) };
    const body = notificationText(state, notification.about, notification.unread);
    const answer = await gateways.ask({ ...how, url, headers: HEADERS, body });
    return rejectedIn(answer.body).includes(pushkey) ? "rejected" : "taken";
  };
}

/** Its path was checked when it was set. */
function urlOf(data: string, path: string): string {
  const { url } = JSON.parse(data) as { url: string };
  return new URL(path + new URL(url).search, url).href;
}
