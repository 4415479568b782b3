import { msg } from "@lit/localize";
import { keptSessions, nameFor } from "../api/session.ts";
import type { Client } from "./client.ts";
import { $quiet, PUSH_KEY } from "./notifier.ts";
import { readSetting, writeSetting } from "./settings.ts";

const APP = "weft.web";
const KIND = "org.matrix.msc4174.webpush";

export function canPush(): boolean {
  return "serviceWorker" in navigator && "PushManager" in window;
}

const keyOf = (userId: string): string => nameFor(PUSH_KEY, userId);

/** Whether this browser is told of an account while the page is closed. */
export function isPushed(userId: string): boolean {
  return readSetting(keyOf(userId)) === "on";
}

function base64Url(bytes: ArrayBuffer | null): string {
  const text = String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0)));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function subscription(key: string): Promise<PushSubscription> {
  const { pushManager } = await navigator.serviceWorker.ready;
  const known = await pushManager.getSubscription();
  // One that was made with another server's key is of no use.
  if (known !== null && base64Url(known.options.applicationServerKey) === key) return known;
  await known?.unsubscribe();
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

/**
 * Has the server tell this browser while the page is closed; again, when the words or the quiet hours have changed. Throws
 * where the browser or the server does not let it.
 */
export async function startPush(client: Client): Promise<void> {
  const { notify } = client.api;
  const key = await notify.webPushKey();
  if (key === undefined) throw new Error("The server has no web push");
  const made = await subscription(key);
  answerToken(client);
  await notify.setPusher({
    ...{ kind: KIND, app_id: APP, pushkey: base64Url(made.getKey("p256dh")) },
    app_display_name: "Weft",
    device_display_name: location.host,
    lang: document.documentElement.lang,
    // Each account of this browser has a pusher of its own; nobody else has one here.
    append: keptSessions().length > 1,
    data: {
      url: made.endpoint,
      auth: base64Url(made.getKey("auth")),
      default_payload: {
        account: client.session.userId,
        words: {
          encrypted: msg("Encrypted message"),
          invites: msg("Invites you"),
          message: msg("New message"),
        },
        quiet: $quiet.get(),
      },
    } as { url: string },
  });
  writeSetting(keyOf(client.session.userId), "on");
}

export async function stopPush(client: Client): Promise<void> {
  writeSetting(keyOf(client.session.userId), "off");
  const { pushManager } = await navigator.serviceWorker.ready;
  const made = await pushManager.getSubscription();
  if (made === null) return;
  const pushkey = base64Url(made.getKey("p256dh"));
  await client.api.notify.setPusher({ kind: null, app_id: APP, pushkey });
  // Another account of this browser may be told by the same way.
  if (!keptSessions().some(({ userId }) => isPushed(userId))) await made.unsubscribe();
}

/** Milliseconds that the server waits for its token to come back. */
const TOKEN_LASTS = 300_000;

/** Sends back the token by which the server knows that its messages arrive here. */
function answerToken(client: Client): void {
  const onMessage = ({ data }: MessageEvent<{ kind?: string; token?: string }>): void => {
    if (data.kind !== "push-token" || data.token === undefined) return;
    client.api.notify.activatePusher(APP, data.token).catch(() => undefined);
  };
  const signal = AbortSignal.timeout(TOKEN_LASTS);
  navigator.serviceWorker.addEventListener("message", onMessage, { signal });
}
