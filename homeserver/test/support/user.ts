// A test reads whatever an answer holds.
// oxlint-disable-next-line no-explicit-any
export type Body = any;

/** A server, wherever it runs. */
export interface Served {
  readonly baseUrl: string;
}

/** A user of a test server, who speaks HTTP. */
export interface TestUser {
  readonly userId: string;
  readonly token: string;
  readonly deviceId: string;
  /** The answer's body; fails the test unless the status is 200. */
  call(method: string, path: string, body?: unknown): Promise<Body>;
  /** Status and body, whatever they are. */
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }>;
  send(roomId: string, body: string): Promise<string>;
  sync(query?: Record<string, string>): Promise<Body>;
  /** Syncs on from a token until the answer fits, and answers it. */
  syncUntil(since: string | undefined, fits: (body: Body) => boolean): Promise<Body>;
}

let transactions = 0;

/** Registers somebody. */
export async function register(server: Served, username: string): Promise<TestUser> {
  const url = `${server.baseUrl}/_matrix/client/v3/register`;
  const body = { username, password: `${username}-Secret-1`, auth: { type: "m.login.dummy" } };
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  let session = (await response.json()) as Body;
  if (response.status === 401) {
    const auth = { type: "m.login.dummy", session: session.session };
    const again = await fetch(url, { method: "POST", body: JSON.stringify({ ...body, auth }) });
    session = (await again.json()) as Body;
  }
  return userOf(server, session);
}

/** A user with a session that exists. */
export function userOf(
  server: Served,
  session: { user_id: string; access_token: string; device_id: string },
): TestUser {
  const { user_id: userId, access_token: token, device_id: deviceId } = session;

  async function ask(method: string, path: string, body?: unknown) {
    const response = await fetch(`${server.baseUrl}/_matrix/client/v3${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Body };
  }

  async function call(method: string, path: string, body?: unknown): Promise<Body> {
    const answer = await ask(method, path, body);
    if (answer.status !== 200) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  const sync = (query: Record<string, string> = {}) =>
    call("GET", `/sync?${new URLSearchParams(query).toString()}`);

  return {
    userId,
    token,
    deviceId,
    ask,
    call,
    async send(roomId, text) {
      const content = { msgtype: "m.text", body: text };
      const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/t${++transactions}`;
      return (await call("PUT", path, content)).event_id;
    },
    sync,
    async syncUntil(since, fits) {
      let token = since;
      for (let turn = 0; turn < 50; turn += 1) {
        const body = await sync(token === undefined ? {} : { since: token, timeout: "1000" });
        if (fits(body)) return body;
        token = body.next_batch;
      }
      throw new Error(`${userId} was never told: ${fits.toString()}`);
    },
  };
}
