import { WebSocket } from "ws";
import type { FromClient, FromServer } from "../../src/http/socket/messages.ts";
import { eventually, inTime } from "./wait.ts";
import type { Body, Served } from "./user.ts";

interface Heard {
  readonly head: FromServer & { readonly id?: number };
  /** Parsed; undefined where there is none. */
  readonly body: Body;
  /** The body as it came. */
  readonly text: string | undefined;
}

/** A client's end of a socket. */
export interface TestSocket {
  readonly ws: WebSocket;
  /** All that came, in order. */
  readonly heard: readonly Heard[];
  say(head: FromClient, body?: string): void;
  /** The next message that fits and was not given before. */
  next(what: string, fits: (heard: Heard) => boolean): Promise<Heard>;
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }>;
  batch(id: number): Promise<Body>;
  readonly closed: Promise<{ code: number; reason: string }>;
}

type Method = "GET" | "PUT" | "POST" | "DELETE";

const addressOf = ({ baseUrl }: Served) => `${baseUrl.replace(/^http/, "ws")}/_weft/socket`;

/** Opens a socket, and shows no token yet. */
export async function openBare(server: Served, options: object = {}): Promise<TestSocket> {
  const ws = new WebSocket(addressOf(server), { perMessageDeflate: false, ...options });
  const socket = wrap(ws);
  await inTime(
    "an open socket",
    new Promise<void>((resolve, reject) => ws.once("open", resolve).once("error", reject)),
  );
  return socket;
}

/** Opens a socket for the holder of a token. */
export async function openSocket(
  server: Served,
  token: string,
  options: object = {},
): Promise<TestSocket> {
  const socket = await openBare(server, options);
  socket.say({ type: "token", access_token: token });
  await socket.next("a welcome", ({ head }) => head.type === "welcome");
  return socket;
}

function wrap(ws: WebSocket): TestSocket {
  const heard: Heard[] = [];
  const given = new Set<Heard>();
  let requests = 1_000;
  ws.on("message", (data) => heard.push(read((data as Buffer).toString())));
  ws.on("error", () => undefined);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  const socket: TestSocket = {
    ws,
    heard,
    closed,
    say(head, body) {
      ws.send(body === undefined ? JSON.stringify(head) : `${JSON.stringify(head)}\n${body}`);
    },
    async next(what, fits) {
      const found = await eventually(
        () => `${what}; heard ${heard.map(({ head }) => JSON.stringify(head)).join(" ")}`,
        () => heard.find((each) => !given.has(each) && fits(each)),
        { every: 1 },
      );
      given.add(found);
      return found;
    },
    async ask(method, path, body) {
      const id = (requests += 1);
      const head = { type: "request", id, method: method as Method, path } as const;
      socket.say(head, body === undefined ? undefined : JSON.stringify(body));
      const { head: answer, body: told } = await socket.next(
        `an answer to ${method} ${path}`,
        (each) => each.head.type === "answer" && each.head.id === id,
      );
      return { status: (answer as { status: number }).status, body: told };
    },
    async batch(id) {
      const fits = ({ head }: Heard) => head.type === "batch" && head.id === id;
      return (await socket.next("a batch", fits)).body;
    },
  };
  return socket;
}

function read(message: string): Heard {
  const end = message.indexOf("\n");
  const text = end === -1 ? undefined : message.slice(end + 1);
  return {
    head: JSON.parse(end === -1 ? message : message.slice(0, end)) as FromServer,
    body: text === undefined ? undefined : JSON.parse(text),
    text,
  };
}
