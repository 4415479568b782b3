import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import { createHttp } from "../../src/api/http.ts";
import { createSocket } from "../../src/api/socket.ts";
import { createSyncApi } from "../../src/api/sync.ts";
import { lines, PlayedLine } from "./played-line.ts";

const fetched: string[] = [];
let renewals: [string, string][] = [];
let token = "t1";
let fresh: string | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  lines.length = 0;
  fetched.length = 0;
  renewals = [];
  token = "t1";
  fresh = undefined;
  vi.stubGlobal("WebSocket", PlayedLine);
  vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
    fetched.push(`${init.method} ${address}`);
    return Response.json({ next_batch: "over HTTP", user_id: "over HTTP" });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

function setUp(offered: boolean | undefined = true) {
  const tokens = {
    current: async () => token,
    renew: async (used: string, refusal: ApiError) => {
      renewals.push([used, refusal.errcode]);
      if (fresh !== undefined) token = fresh;
      return fresh;
    },
  };
  const socket = createSocket(
    () => "ws://one/_weft/socket",
    tokens,
    async () => offered,
  );
  const http = createHttp("", tokens, socket);
  return { socket, http, sync: createSyncApi(createHttp("", tokens), "@me:one", socket) };
}

const WELCOME = {
  ...{ type: "welcome", user_id: "@a:one", device_id: "D" },
  ...{ message_bytes: 300_000, requests: 2, silence_ms: 30_000 },
};

/** A socket that is open, and the server's end of it. */
async function open(parts = setUp()) {
  parts.socket.start();
  await settle();
  const line = lines.at(-1)!;
  line.opens();
  line.says(WELCOME);
  await settle();
  expect(parts.socket.$state.get()).toBe("open");
  return { ...parts, line };
}

const whoami = (http: ReturnType<typeof createHttp>) =>
  http.call<"getTokenOwner">("GET", "/_matrix/client/v3/account/whoami", {});
const create = (http: ReturnType<typeof createHttp>) =>
  http.call<"createRoom">("POST", "/_matrix/client/v3/createRoom", { body: { name: "x" } });
const from = (since: string) => ({ since, timeout: 30_000, presence: "online" as const });
const never = new AbortController().signal;

describe("a socket", () => {
  test("is not opened where the server has none", async () => {
    const { socket } = setUp(false);
    socket.start();
    await settle();
    expect(lines).toEqual([]);
    expect(socket.$state.get()).toBe("off");
  });

  test("shows its token first, and counts once it is welcomed", async () => {
    const { socket } = setUp();
    socket.start();
    socket.start();
    await settle();
    expect(lines.map(({ address }) => address)).toEqual(["ws://one/_weft/socket"]);
    lines[0]!.opens();
    expect(lines[0]!.heard).toEqual([
      { head: { type: "token", access_token: "t1" }, body: undefined },
    ]);
    expect(socket.$state.get()).toBe("opening");
    lines[0]!.says(WELCOME);
    await settle();
    expect(socket.$state.get()).toBe("open");
  });

  test("that is never welcomed is given up, and tried again ever later", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const { socket } = setUp();
    socket.start();
    await settle();
    for (let tries = 1; tries <= 4; tries += 1) {
      expect(lines).toHaveLength(tries);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(socket.$state.get()).toBe("away");
      await vi.advanceTimersByTimeAsync(1000 * 2 ** (tries - 1) - 1);
      expect(lines).toHaveLength(tries);
      await vi.advanceTimersByTimeAsync(1);
    }
    socket.stop();
  });

  test("is tried at once when the network is back", async () => {
    const { socket, line } = await open();
    line.closes(1006);
    await settle();
    expect(socket.$state.get()).toBe("away");
    socket.retryNow();
    await settle();
    expect(lines).toHaveLength(2);
  });

  test("of a server that stops is opened again within two seconds", async () => {
    const { line } = await open();
    line.closes(1012);
    await vi.advanceTimersByTimeAsync(2_001);
    expect(lines).toHaveLength(2);
  });

  test("that is silent is asked for a sign of life, and given up without one", async () => {
    const { socket, line } = await open();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(line.last.head).toEqual({ type: "ping" });
    line.says({ type: "pong" });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(line.heard.filter(({ head }) => head["type"] === "ping")).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(10_001);
    expect(socket.$state.get()).not.toBe("open");
  });

  test("whose token has ended is opened again with a renewed one", async () => {
    const { line } = await open();
    fresh = "t2";
    line.says({ type: "end", status: 401 }, { errcode: "M_UNKNOWN_TOKEN", soft_logout: true });
    line.closes(4401);
    await settle();
    await settle();
    expect(renewals).toEqual([["t1", "M_UNKNOWN_TOKEN"]]);
    lines[1]!.opens();
    expect(lines[1]!.last.head["access_token"]).toBe("t2");
  });

  test("is closed for good by whoever signs out", async () => {
    const { socket, line } = await open();
    socket.stop();
    expect(line.readyState).toBe(3);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(lines).toHaveLength(1);
    expect(socket.$state.get()).toBe("off");
  });
});

describe("a request", () => {
  test("goes over it, and its answer and errors are those of HTTP", async () => {
    const { http, line } = await open();
    const good = whoami(http);
    await settle();
    const { head } = line.last;
    expect(head).toMatchObject({
      type: "request",
      method: "GET",
      path: "/_matrix/client/v3/account/whoami",
    });
    line.says({ type: "answer", id: head["id"], status: 200 }, { user_id: "@a:one" });
    expect(await good).toEqual({ user_id: "@a:one" });
    const bad = create(http);
    await settle();
    expect(line.last.body).toBe('{"name":"x"}');
    line.says({ type: "answer", id: line.last.head["id"], status: 429 }, { retry_after_ms: 7 });
    await expect(bad).rejects.toMatchObject({ status: 429, retryAfter: 7 });
    expect(fetched).toEqual([]);
  });

  test("whose token was refused is sent again with a renewed one, which is shown before", async () => {
    const { http, line } = await open();
    fresh = "t2";
    const answer = whoami(http);
    await settle();
    line.says(
      { type: "answer", id: line.last.head["id"], status: 401 },
      { errcode: "M_UNKNOWN_TOKEN" },
    );
    await settle();
    expect(line.last.head).toEqual({ type: "token", access_token: "t2" });
    line.says(WELCOME);
    await settle();
    line.says({ type: "answer", id: line.last.head["id"], status: 200 }, { user_id: "@a:one" });
    expect(await answer).toEqual({ user_id: "@a:one" });
  });

  test.each([
    ["that reads is asked again over HTTP", whoami, { user_id: "over HTTP" }],
    ["that may have been done is not", create, undefined],
  ])("whose socket breaks and %s", async (_what, ask, expected) => {
    const { http, line } = await open();
    const answer = ask(http) as Promise<unknown>;
    const outcome = answer.catch((error: unknown) => error);
    await settle();
    line.closes(1006);
    if (expected === undefined) expect(await outcome).toBeInstanceOf(NetworkError);
    else expect(await outcome).toMatchObject(expected);
    expect(fetched).toHaveLength(expected === undefined ? 0 : 1);
  });

  test("beyond the bounds goes over HTTP", async () => {
    const { http, line } = await open();
    const ignored = [whoami(http), whoami(http)].map((each) => each.catch(() => undefined));
    await settle();
    expect(await whoami(http)).toEqual({ user_id: "over HTTP", next_batch: "over HTTP" });
    const heard = line.heard.length;
    const long = { name: "x".repeat(100_000) };
    await http.call<"createRoom">("POST", "/_matrix/client/v3/createRoom", { body: long });
    expect(line.heard).toHaveLength(heard);
    expect(fetched).toHaveLength(2);
    line.closes(1006);
    await Promise.all(ignored);
  });

  test("of another API than the clients' goes over HTTP", async () => {
    const { http, line } = await open();
    const heard = line.heard.length;
    const body = { users: [] };
    await http.call<"createUsers">("POST", "/_weft/admin/v1/users", { body });
    await http.call<"listUsers">("GET", "/_synapse/admin/v3/users", {});
    expect(line.heard).toHaveLength(heard);
    expect(fetched).toHaveLength(2);
  });

  test("that is given up is taken back", async () => {
    const { http, line } = await open();
    const stop = new AbortController();
    const { signal } = stop;
    const answer = http.request("GET", "/_matrix/client/v3/publicRooms", { signal });
    const outcome = answer.catch((error: unknown) => error);
    await settle();
    const { id } = line.last.head;
    stop.abort();
    expect(await outcome).toMatchObject({ name: "AbortError" });
    expect(line.last.head).toEqual({ type: "cancel", id });
  });
});

describe("the stream", () => {
  test("begins where the client is, and acknowledges by the next position", async () => {
    const { sync, line } = await open();
    const first = sync.sync(from("s1"), never);
    await settle();
    const { head } = line.last;
    expect(head).toMatchObject({ type: "sync", since: "s1", use_state_after: true });
    line.says({ type: "batch", id: head["id"] }, { next_batch: "s2" });
    expect(await first).toEqual({ response: { next_batch: "s2" } });
    const second = sync.sync(from("s2"), never);
    await settle();
    expect(line.last.head).toEqual({ type: "ack", id: head["id"], next_batch: "s2" });
    line.says({ type: "batch", id: head["id"] }, { next_batch: "s3" });
    expect(await second).toEqual({ response: { next_batch: "s3" } });
    // It could not be stored: the same once more.
    void sync.sync(from("s2"), never);
    await settle();
    expect(line.last.head).toMatchObject({ type: "sync", since: "s2" });
    expect(line.last.head["id"]).not.toBe(head["id"]);
    expect(fetched).toEqual([]);
  });

  test("goes on over HTTP from the same position when the socket breaks", async () => {
    const { sync, line } = await open();
    const answer = sync.sync(from("s1"), never);
    await settle();
    line.closes(1006);
    expect(await answer).toMatchObject({ response: { next_batch: "over HTTP" } });
    expect(fetched[0]).toContain("since=s1");
  });

  test("takes the place of a long poll that is under way when the socket opens", async () => {
    const parts = setUp();
    vi.stubGlobal("fetch", (address: string, { signal }: RequestInit) => {
      fetched.push(address);
      return new Promise((_resolve, reject) => {
        signal!.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      });
    });
    const answer = parts.sync.sync(from("s1"), never);
    await settle();
    expect(fetched).toHaveLength(1);
    const { line } = await open(parts);
    line.says({ type: "batch", id: line.last.head["id"] }, { next_batch: "s2" });
    expect(await answer).toEqual({ response: { next_batch: "s2" } });
  });

  test("gives the errors of /sync on, but for those that HTTP mends", async () => {
    const { sync, line } = await open();
    const lost = sync.sync(from("s1"), never);
    const outcome = lost.catch((error: unknown) => error);
    await settle();
    line.says(
      { type: "answer", id: line.last.head["id"], status: 400 },
      { errcode: "M_UNKNOWN_POS" },
    );
    expect(await outcome).toMatchObject({ status: 400, errcode: "M_UNKNOWN_POS" });
    const away = sync.sync(from("s1"), never);
    await settle();
    line.says({ type: "answer", id: line.last.head["id"], status: 503 }, {});
    expect(await away).toMatchObject({ response: { next_batch: "over HTTP" } });
  });

  test("is given up with its request, and what comes for it is passed over", async () => {
    const { sync, line } = await open();
    const stop = new AbortController();
    const outcome = sync.sync(from("s1"), stop.signal).catch((error: unknown) => error);
    await settle();
    const { id } = line.last.head;
    stop.abort();
    expect(await outcome).toMatchObject({ name: "AbortError" });
    expect(line.last.head).toEqual({ type: "cancel", id });
    line.says({ type: "batch", id }, { next_batch: "s9" });
  });

  test("hears of the presence at once; everything at first is asked over HTTP", async () => {
    const { sync, line } = await open();
    sync.setPresence("unavailable");
    expect(line.last.head).toEqual({ type: "presence", set_presence: "unavailable" });
    await sync.sync({ timeout: 0, presence: "online" }, never);
    expect(fetched).toHaveLength(1);
  });
});
