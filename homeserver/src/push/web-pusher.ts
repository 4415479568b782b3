/** Encrypted messages to push servers: pushers for web push (MSC4174; RFC 8030, 8291, 8292). */
import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import {
  encryptForSubscriber,
  MAX_MESSAGE_BYTES,
  parseSubscriber,
  type ServerKey,
  vapidHeader,
} from "../protocol/push/web-push.ts";
import type { Gateways } from "./gateways.ts";
import { partFor } from "./notification.ts";
import type { How, NotificationAbout, PusherState, SendNotification, Sent } from "./types.ts";

export interface WebPusherDeps {
  readonly gateways: Gateways;
  readonly clock: Clock;
  readonly random: Random;
  readonly key: ServerKey;
  /** A URL by which the owners of push servers find this server's. */
  readonly contact: string;
}

export interface WebPusher {
  readonly send: SendNotification;
  /** Sends the token that its client has to send back. */
  activation(state: PusherState, how: How): Promise<Sent>;
}

/** Push servers keep a message for a device that is away. */
const KEPT_S = 3_600;
const HEADER_S = 12 * 3_600;
const ORIGINS_KEPT = 1_000;
/** The subscription is over; the message is too long. */
const OVER: ReadonlySet<number> = new Set([403, 404, 410]);
const TOO_LONG = 413;
/** What is left out first, where a message is too long. */
const DISPENSABLE = ["content", "room_name", "sender_display_name", "room_alias"] as const;

export function createWebPusher(deps: WebPusherDeps): WebPusher {
  const { gateways, clock, random, key, contact } = deps;
  /** Signatures cost: one is good for a while. */
  const headers = new LRUCache<string, { readonly text: string; readonly expires: number }>(
    atMost(ORIGINS_KEPT),
  );

  function authorization(origin: string): string {
    const now = Math.floor(clock.now() / 1_000);
    const known = headers.get(origin);
    if (known !== undefined && known.expires > now + HEADER_S / 2) return known.text;
    const expires = now + HEADER_S;
    const text = vapidHeader(key, { origin, contact, expires });
    headers.set(origin, { text, expires });
    return text;
  }

  async function post(state: PusherState, message: Buffer, isUrgent: boolean, how: How) {
    const { url, auth } = JSON.parse(state.row.data) as { url: string; auth: unknown };
    const subscriber = parseSubscriber(state.row.pushkey, auth);
    if (subscriber === undefined) return "rejected" as const;
    const once = { seed: random.bytes(32), salt: random.bytes(16) };
    const { status } = await gateways.ask({
      ...{ ...how, url, body: encryptForSubscriber(message, subscriber, once) },
      settles: (answer) => OVER.has(answer) || answer === TOO_LONG,
      headers: {
        authorization: authorization(new URL(url).origin),
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        ttl: String(KEPT_S),
        urgency: isUrgent ? "high" : "normal",
      },
    });
    return OVER.has(status) ? ("rejected" as const) : ("taken" as const);
  }

  return {
    async send(state, { about, unread }, how) {
      const data = JSON.parse(state.row.data) as JsonObject;
      // Browsers show something for each message.
      if (about === undefined && data.events_only === true) return "taken";
      const message = messageOf(data, about, unread);
      return post(state, message, about?.part.prio === "high", how);
    },
    activation({ ...state }, how) {
      const { appId, ackToken } = state.row;
      const text = JSON.stringify({ app_id: appId, ack_token: ackToken });
      return post(state, Buffer.from(text), true, how);
    },
  };
}

/** As flat as the gateways for web push make it, and no longer than a message may be. */
function messageOf(
  data: JsonObject,
  about: NotificationAbout | undefined,
  unread: number | undefined,
): Buffer {
  const isBrief = data.format === "event_id_only";
  const always = isJsonObject(data.default_payload) ? data.default_payload : {};
  const part: Record<string, unknown> = {
    ...partFor(about?.part, isBrief),
    ...(unread !== undefined && { unread }),
  };
  const withAlways = () => Buffer.from(JSON.stringify({ ...always, ...part }));
  for (const name of ["", ...DISPENSABLE]) {
    delete part[name];
    const message = withAlways();
    if (message.length <= MAX_MESSAGE_BYTES) return message;
  }
  const { event_id, room_id, prio } = part;
  return Buffer.from(JSON.stringify({ event_id, room_id, prio, unread }));
}
