/** A client of sliding sync. */
import type { Body, TestUser } from "../../support/user.ts";

export const PATH = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";

export interface Answer {
  readonly status: number;
  readonly body: Body;
}

/** One request, with whatever parameters. */
export async function ask(
  baseUrl: string,
  user: Pick<TestUser, "token">,
  body: object,
  query: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${baseUrl}${PATH}?${new URLSearchParams(query).toString()}`, {
    method: "POST",
    headers: { authorization: `Bearer ${user.token}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

/** A connection that goes on from answer to answer. */
export class Connection {
  pos: string | undefined;
  baseUrl: string;
  readonly #user: Pick<TestUser, "token">;
  readonly #request: object;

  constructor(baseUrl: string, user: Pick<TestUser, "token">, request: object) {
    [this.baseUrl, this.#user, this.#request] = [baseUrl, user, request];
  }

  /** The answer, without going on from it; `more` is added to the request. */
  async peek(more: object = {}, timeout = 0): Promise<Body> {
    const query = {
      ...(this.pos === undefined ? {} : { pos: this.pos }),
      timeout: String(timeout),
    };
    const { status, body } = await ask(
      this.baseUrl,
      this.#user,
      { ...this.#request, ...more },
      query,
    );
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body;
  }

  async next(more: object = {}, timeout = 0): Promise<Body> {
    const body = await this.peek(more, timeout);
    this.pos = body.pos;
    return body;
  }

  /** Goes on until an answer has news of a room. */
  async until(roomId: string, more: object = {}): Promise<Body> {
    for (let turn = 0; turn < 50; turn += 1) {
      const body = await this.next(more, 1_000);
      if (body.rooms[roomId] !== undefined) return body.rooms[roomId];
    }
    throw new Error(`there was never anything of ${roomId}`);
  }
}

/** A list of all rooms in a range. */
export const list = (range: [number, number] | undefined, more: object = {}) => ({
  lists: {
    all: { ...(range && { ranges: [range] }), timeline_limit: 2, required_state: [], ...more },
  },
});

export const texts = (room: Body): string[] =>
  room.timeline.flatMap((event: Body) =>
    event.type === "m.room.message" ? [event.content.body as string] : [],
  );

export const stateOf = (room: Body): string[] =>
  (room.required_state ?? []).map((event: Body) => `${event.type}|${event.state_key}`).sort();
