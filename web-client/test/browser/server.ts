import { vi } from "vitest";
import type { SyncResponse } from "../../src/api/types.ts";
import type { Session } from "../../src/api/session.ts";

const API = "/_matrix/client/v3";

interface Asked {
  /** Method and path, the latter without what all paths begin with. */
  what: string;
  token: string | undefined;
  body: unknown;
}

/** A `/sync` that waits to be answered. */
interface Poll {
  since: string | null;
  presence: string | null;
  token: string | undefined;
  answer(body: SyncResponse): void;
  refuse(status: number, error: object): void;
  /** The client gave it up. */
  readonly aborted: boolean;
}

export const sessionOf = (userId: string, deviceId = "D"): Session => ({
  baseUrl: "",
  userId,
  deviceId,
  accessToken: `token of ${userId}`,
});

export const refusal = (status: number, error: object): Response =>
  Response.json(error, { status });

/** What the encryption engine asks of the server, and a server without anything kept answers. */
function answerEngine(what: string): Response | undefined {
  if (what === "POST /keys/upload") {
    return Response.json({ one_time_key_counts: { signed_curve25519: 50 } });
  }
  if (/^(GET|POST) \/keys\//.test(what)) return Response.json({ device_keys: {}, failures: {} });
  const isKept = /^GET \/(room_keys\/|user\/[^/]+\/account_data\/m\.secret_storage)/.test(what);
  return isKept ? refusal(404, { errcode: "M_NOT_FOUND" }) : undefined;
}

/**
 * A homeserver in the place of the page's network. It holds each `/sync` till the test answers it; what else is asked
 * is answered by `answers` (but for what the encryption asks), by what method and path begin with, or with an empty object. `stop` gives the network back.
 */
export function playServer(answers: Record<string, (asked: Asked) => unknown> = {}) {
  const asked: Asked[] = [];
  const polls: Poll[] = [];

  function hold(url: URL, token: string | undefined, signal: AbortSignal): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    polls.push({
      since: url.searchParams.get("since"),
      presence: url.searchParams.get("set_presence"),
      token,
      answer: (body) => resolve(Response.json(body)),
      refuse: (status, error) => resolve(refusal(status, error)),
      get aborted() {
        return signal.aborted;
      },
    });
    return promise;
  }

  const network = vi.spyOn(window, "fetch").mockImplementation(async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, location.href);
    const token = new Headers(init?.headers).get("Authorization")?.replace("Bearer ", "");
    if (url.pathname === `${API}/sync`) return hold(url, token, init!.signal!);
    // It has no sliding sync: the client asks once.
    if (url.pathname.includes("simplified_msc3575")) {
      return refusal(404, { errcode: "M_UNRECOGNIZED" });
    }
    const what = `${init?.method} ${decodeURIComponent(url.pathname).replace(API, "")}`;
    const body: unknown = typeof init?.body === "string" ? JSON.parse(init.body) : undefined;
    const one = { what, token, body };
    const ofEngine = answerEngine(what);
    if (ofEngine !== undefined) return ofEngine;
    // Each client looks once whether the server has a socket.
    if (url.pathname !== "/_matrix/client/versions") asked.push(one);
    const known = Object.keys(answers).find((start) => what.startsWith(start));
    const answer = known === undefined ? undefined : await answers[known]?.(one);
    return answer instanceof Response ? answer : Response.json(answer ?? {});
  });

  return {
    asked,
    polls,
    /** The newest `/sync` that is held, once there are so many. */
    poll: (count: number): Promise<Poll> =>
      vi.waitFor(
        () => {
          if (polls.length < count) throw new Error(`${polls.length} syncs, ${count} awaited`);
          return polls[count - 1]!;
        },
        { timeout: 30_000 },
      ),
    stop: () => network.mockRestore(),
  };
}
