/** A push gateway that takes what it is told, or does worse. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { createValidators } from "@weft/spec/validators";
import { startHttpListener } from "../support/http-listener.ts";
import type { Body, TestUser } from "../support/user.ts";

const validators = createValidators();

/** How a request is answered: undefined with success. */
type Answer =
  | { readonly status?: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | ((response: ServerResponse) => unknown)
  | undefined;

interface Told {
  /** The notification. */
  readonly notification: Body;
  readonly at: number;
}

export async function startGateway(tls?: { readonly cert: string; readonly key: string }) {
  /** What was answered with success. */
  const told: Told[] = [];
  /** Everything that came. */
  const asked: Told[] = [];
  /** How requests differ from the contract. */
  const faults: string[] = [];
  let decide: (notification: Body) => Answer | Promise<Answer> = () => undefined;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = performance.now();
    const body: Body = JSON.parse(await text(request));
    if (request.url !== "/_matrix/push/v1/notify") faults.push(`path ${request.url}`);
    faults.push(...validators.body("notify", body));
    const one = { notification: body.notification, at };
    asked.push(one);
    const answer = await decide(one.notification);
    if (typeof answer === "function") return void answer(response);
    const { status = 200, headers = {} } = answer ?? {};
    if (status === 200) told.push(one);
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(answer?.body ?? { rejected: [] }));
  }

  const { port, stop, start } = await startHttpListener(handle, tls);
  return {
    url: `${tls ? "https://localhost" : "http://127.0.0.1"}:${port}/_matrix/push/v1/notify`,
    told,
    asked,
    faults,
    /** Texts of the messages that were told, in order. */
    bodies: () => told.flatMap(({ notification }) => notification.content?.body ?? []),
    /** What was told of events, in order. */
    events: () =>
      told.flatMap(({ notification }) => (notification.event_id === undefined ? [] : notification)),
    /** How much is unread, as it was told last; on a busy machine it comes after its event. */
    badge: (): unknown =>
      told.findLast(({ notification }) => notification.counts !== undefined)?.notification.counts
        .unread ?? 0,
    answer(next: (notification: Body) => Answer | Promise<Answer>) {
      decide = next;
    },
    /** Nothing listens at its address. */
    stop,
    start,
  };
}

export type Gateway = Awaited<ReturnType<typeof startGateway>>;

/** What a client sets. */
export function pusherBody(url: string, more: Body = {}): Body {
  return {
    ...{ kind: "http", app_id: "org.example.app", pushkey: "key" },
    ...{ app_display_name: "App", device_display_name: "Phone", lang: "en" },
    ...more,
    data: { url, ...more.data },
  };
}

export async function setPusher(user: TestUser, url: string, more: Body = {}): Promise<void> {
  await user.call("POST", "/pushers/set", pusherBody(url, more));
}

/** A room of these users, whose first makes it. */
export async function roomOf(first: TestUser, ...others: TestUser[]): Promise<string> {
  const { room_id: roomId } = await first.call("POST", "/createRoom", { preset: "public_chat" });
  for (const other of others) await other.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  return roomId;
}

export async function read(user: TestUser, roomId: string, eventId: string, body: Body = {}) {
  const path = `/rooms/${encodeURIComponent(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`;
  await user.call("POST", path, body);
}
