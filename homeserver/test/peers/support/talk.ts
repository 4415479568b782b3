import type { Body, TestUser } from "../../support/user.ts";
import { pause } from "../../support/pace.ts";
import { eventually } from "../../support/wait.ts";

/** What a user has said: text → event id, of what was answered with 200. */
export type Said = Map<string, string>;

/** For a server that starts amid much else. */
const PATIENCE = { within: 120_000, every: 100 };

/** Calls until it is answered with 200; anything but a lost connection or a server in its start is an error. */
export async function untilAnswered(
  user: TestUser,
  method: string,
  path: string,
  body?: unknown,
): Promise<Body> {
  const ask = async () => {
    const answer = await user.ask(method, path, body).catch(() => undefined);
    if (answer === undefined || answer.status >= 500) return undefined;
    if (answer.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  return (await eventually(`an answer to ${method} ${path}`, ask, PATIENCE)).body;
}

/** Says one line after another until told to stop; a line that was not answered is sent again as it was. */
export async function talk(
  user: TestUser,
  roomId: string,
  stop: AbortSignal,
  pauseMs = 10,
): Promise<Said> {
  const said: Said = new Map();
  for (let i = 0; !stop.aborted; i += 1) {
    const body = `${user.userId} ${i}`;
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/talk${i}`;
    const { event_id } = await untilAnswered(user, "PUT", path, { msgtype: "m.text", body });
    said.set(body, event_id);
    await pause(pauseMs);
  }
  return said;
}

/** What /sync told somebody about the messages of a room, in order, from `since` on. */
export interface Listener {
  readonly heard: readonly string[];
  stop(): Promise<void>;
}

/** Syncs on and on, through every restart; fills the gap where a timeline was limited. */
export async function listen(user: TestUser, roomId: string): Promise<Listener> {
  const filter = JSON.stringify({ room: { timeline: { limit: 500 } } });
  let { next_batch: since } = await untilAnswered(user, "GET", "/sync?timeout=0");
  const heard: string[] = [];
  const stop = new AbortController();

  async function before(token: string, known: ReadonlySet<string>): Promise<Body[]> {
    const path = `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=1000&from=${token}`;
    const { chunk } = await untilAnswered(user, "GET", path);
    const end = chunk.findIndex((event: Body) => known.has(event.event_id));
    return (end < 0 ? chunk : chunk.slice(0, end)).reverse();
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      const query = new URLSearchParams({ since, filter, timeout: "1000" });
      const body = await untilAnswered(user, "GET", `/sync?${query.toString()}`);
      since = body.next_batch;
      const timeline = body.rooms?.join?.[roomId]?.timeline;
      if (!timeline) continue;
      const missed = timeline.limited ? await before(timeline.prev_batch, new Set(heard)) : [];
      for (const event of [...missed, ...timeline.events]) {
        if (event.type === "m.room.message") heard.push(event.event_id);
      }
    }
  }

  const running = run();
  return {
    heard,
    async stop() {
      stop.abort();
      await running;
    },
  };
}
