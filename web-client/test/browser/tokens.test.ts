import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createHttp } from "../../src/api/http.ts";
import { loadSession, saveSession, type Session } from "../../src/api/session.ts";
import { withLease } from "../../src/api/lease.ts";
import { createTokenSource } from "../../src/api/tokens.ts";
import { ApiError, NetworkError } from "../../src/api/errors.ts";

const realFetch = window.fetch;
const WHOAMI = "/_matrix/client/v3/account/whoami";

const session: Session = {
  baseUrl: "",
  userId: "@ann:two",
  deviceId: "D",
  accessToken: "old",
  refreshToken: "r1",
};

/** A server that takes only the token `valid`, and refreshes as told. */
function serve(
  refresh: () => Response | Promise<Response>,
  refusal: object = { errcode: "M_UNKNOWN_TOKEN" },
) {
  let refreshes = 0;
  window.fetch = async (input, init) => {
    const path = new URL(input instanceof Request ? input.url : input, location.href).pathname;
    if (path === "/_matrix/client/v3/refresh") {
      refreshes++;
      return refresh();
    }
    const token = new Headers(init?.headers).get("Authorization");
    const valid = token === "Bearer valid";
    return new Response(JSON.stringify(valid ? { user_id: "@ann:two" } : refusal), {
      status: valid ? 200 : 401,
    });
  };
  return { refreshes: () => refreshes };
}

const renewed = () =>
  new Response(
    JSON.stringify({ access_token: "valid", refresh_token: "r2", expires_in_ms: 60_000 }),
  );

beforeEach(() => saveSession(session));
afterEach(() => {
  window.fetch = realFetch;
  localStorage.clear();
});

test("a refused token is renewed once for all requests that wait, and they go through", async () => {
  const { refreshes } = serve(renewed);
  const http = createHttp(
    "",
    createTokenSource(session, () => undefined),
  );
  const answers = await Promise.all(
    [1, 2, 3].map(() => http.call<"getTokenOwner">("GET", WHOAMI, {})),
  );
  expect(answers.map(({ user_id: id }) => id)).toEqual(["@ann:two", "@ann:two", "@ann:two"]);
  expect(refreshes()).toBe(1);
  expect(loadSession()).toMatchObject({ accessToken: "valid", refreshToken: "r2" });
});

test("a token that another tab renewed is taken over without asking the server", async () => {
  const { refreshes } = serve(renewed);
  const http = createHttp(
    "",
    createTokenSource(session, () => undefined),
  );
  saveSession({ ...session, accessToken: "valid", refreshToken: "r2" });
  await http.call<"getTokenOwner">("GET", WHOAMI, {});
  expect(refreshes()).toBe(0);
});

test("a token that another tab has spent is not spent again, while what that keeps is not seen here yet", async () => {
  const { refreshes } = serve(renewed);
  const first = createTokenSource(session, () => undefined);
  const second = createTokenSource(session, () => undefined);
  const refusal = new ApiError(401, { errcode: "M_UNKNOWN_TOKEN" });
  await first.renew("old", refusal);
  const next = loadSession()!;
  // As another process sees it for a moment.
  saveSession(session);
  const answer = second.renew("old", refusal);
  setTimeout(() => saveSession(next), 100);
  expect(await answer).toBe("valid");
  expect(refreshes()).toBe(1);
});

test("a refusal does not end the session when another tab has stored a newer token meanwhile", async () => {
  const { refreshes } = serve(() => {
    saveSession({ ...session, accessToken: "valid", refreshToken: "r2" });
    return new Response(JSON.stringify({ errcode: "M_UNKNOWN_TOKEN" }), { status: 401 });
  });
  const onEnded = vi.fn();
  const http = createHttp("", createTokenSource(session, onEnded));
  await http.call<"getTokenOwner">("GET", WHOAMI, {});
  expect(refreshes()).toBe(1);
  expect(onEnded).not.toHaveBeenCalled();
});

describe("in a browser without Web Locks", () => {
  const locks = Object.getOwnPropertyDescriptor(Navigator.prototype, "locks")!;
  beforeEach(() => {
    delete (Navigator.prototype as { locks?: unknown }).locks;
  });
  afterEach(() => {
    Object.defineProperty(Navigator.prototype, "locks", locks);
  });

  test("two tabs that are refused at once renew once, and both go on", async () => {
    const { refreshes } = serve(renewed);
    const onEnded = vi.fn();
    const tabs = [1, 2].map(() => createHttp("", createTokenSource(session, onEnded)));
    await Promise.all(tabs.map((http) => http.call<"getTokenOwner">("GET", WHOAMI, {})));
    expect(refreshes()).toBe(1);
    expect(onEnded).not.toHaveBeenCalled();
    expect(loadSession()).toMatchObject({ accessToken: "valid", refreshToken: "r2" });
  });

  test("one waits for another also after that has failed", async () => {
    let running = 0;
    const seen: number[] = [];
    const done = await Promise.allSettled(
      [0, 1, 2].map((at) =>
        withLease("trial", async () => {
          seen.push(++running);
          await Promise.resolve();
          running--;
          if (at === 0) throw new Error("no");
        }),
      ),
    );
    expect(seen).toEqual([1, 1, 1]);
    expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  });

  test.each([-1, 3_600_000])(
    "a tab that is gone keeps nobody waiting: its note ends in %i ms",
    async (lasts) => {
      await withLease("trial", () => Promise.resolve());
      const database = await new Promise<IDBDatabase>((resolve) => {
        const request = indexedDB.open("weft leases");
        request.addEventListener("success", () => resolve(request.result));
      });
      const table = database.transaction("leases", "readwrite").objectStore("leases");
      table.put({ owner: "gone", until: Date.now() + lasts }, "trial");
      database.close();
      expect(await withLease("trial", () => Promise.resolve("done"))).toBe("done");
    },
  );
});

test("a token is renewed before it ends", async () => {
  const ending = { ...session, expiresAt: Date.now() + 5000 };
  saveSession(ending);
  const { refreshes } = serve(renewed);
  const http = createHttp(
    "",
    createTokenSource(ending, () => undefined),
  );
  await http.call<"getTokenOwner">("GET", WHOAMI, {});
  expect(refreshes()).toBe(1);
});

test.each([true, false])("an ended session is told once, with soft_logout %s", async (soft) => {
  serve(() => new Response(JSON.stringify({ errcode: "M_UNKNOWN_TOKEN" }), { status: 401 }), {
    errcode: "M_UNKNOWN_TOKEN",
    soft_logout: soft,
  });
  const onEnded = vi.fn();
  const http = createHttp("", createTokenSource(session, onEnded));
  await expect(http.call<"getTokenOwner">("GET", WHOAMI, {})).rejects.toThrow(ApiError);
  await expect(http.call<"getTokenOwner">("GET", WHOAMI, {})).rejects.toThrow(ApiError);
  expect(onEnded.mock.calls).toEqual([[soft]]);
});

test("a server that is away while renewing does not end the session", async () => {
  serve(() => Promise.reject(new TypeError("Failed to fetch")));
  const onEnded = vi.fn();
  const http = createHttp("", createTokenSource(session, onEnded));
  await expect(http.call<"getTokenOwner">("GET", WHOAMI, {})).rejects.toThrow(NetworkError);
  expect(onEnded).not.toHaveBeenCalled();
});

const METADATA = {
  issuer: `${location.origin}/`,
  token_endpoint: `${location.origin}/_weft/oauth/token`,
};

/** A server whose OAuth API gives tokens as told, and takes only the token `valid`. */
function serveOAuth(give: (form: URLSearchParams) => Response | Promise<Response>) {
  serve(() => Promise.reject(new Error("the other API was asked")));
  const rest = window.fetch;
  window.fetch = (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input, location.href);
    if (pathname.endsWith("/auth_metadata")) return Promise.resolve(Response.json(METADATA));
    if (pathname !== "/_weft/oauth/token") return rest(input, init);
    return Promise.resolve(give(new URLSearchParams(init?.body as string | URLSearchParams)));
  };
}

const byOAuth: Session = { ...session, oauth: { clientId: "c1" } };

function whoami(onEnded: (soft: boolean) => void) {
  saveSession(byOAuth);
  return createHttp("", createTokenSource(byOAuth, onEnded)).call<"getTokenOwner">(
    "GET",
    WHOAMI,
    {},
  );
}

test("a session that OAuth began is renewed by OAuth", async () => {
  const asked: string[] = [];
  serveOAuth((form) => {
    asked.push(form.toString());
    return Response.json({
      access_token: "valid",
      token_type: "Bearer",
      refresh_token: "r2",
      expires_in: 60,
    });
  });
  await whoami(() => undefined);
  expect(asked).toEqual(["refresh_token=r1&grant_type=refresh_token&client_id=c1"]);
  const kept = loadSession();
  expect(kept).toMatchObject({ accessToken: "valid", refreshToken: "r2", oauth: byOAuth.oauth });
  expect(kept?.expiresAt).toBeGreaterThan(Date.now());
});

test("tokens that come after another tab has signed out are not kept", async () => {
  serveOAuth(() => {
    localStorage.clear();
    return Response.json({ access_token: "valid", token_type: "Bearer", refresh_token: "r2" });
  });
  await expect(whoami(() => undefined)).rejects.toThrow(ApiError);
  expect(loadSession()).toBeUndefined();
});

test.each([
  ["refuses", () => Response.json({ error: "invalid_grant" }, { status: 400 }), 1],
  ["fails", () => new Response("no", { status: 502 }), 0],
  ["is away", () => Promise.reject(new TypeError("Failed to fetch")), 0],
] as const)("an OAuth server that %s: whether that ends the session", async (_, give, times) => {
  serveOAuth(give);
  const onEnded = vi.fn();
  await expect(whoami(onEnded)).rejects.toThrow();
  expect(onEnded).toHaveBeenCalledTimes(times);
});
