/** Searching for messages, as tests do it. */
import type { Body, TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";

export interface Criteria {
  readonly [key: string]: unknown;
}

/** The answer's part for messages. */
export async function search(
  by: TestUser,
  search_term: string,
  criteria: Criteria = {},
  from?: string,
): Promise<Body> {
  const path = from === undefined ? "/search" : `/search?next_batch=${from}`;
  const room_events = { search_term, order_by: "recent", ...criteria };
  const answer = await by.call("POST", path, { search_categories: { room_events } });
  return answer.search_categories.room_events;
}

/** Texts of what is found, in order. */
export async function textsOf(by: TestUser, term: string, criteria: Criteria = {}) {
  const { results } = await search(by, term, criteria);
  return results.map(({ result }: Body) => result.content.body ?? result.content.name ?? "");
}

/** Waits until exactly these are found, the newest first. */
export async function finds(by: TestUser, term: string, texts: string[], criteria: Criteria = {}) {
  let last: unknown;
  await eventually(
    () => `${term} finds ${JSON.stringify(texts)}, not ${JSON.stringify(last)}`,
    async () => {
      last = await textsOf(by, term, criteria);
      return JSON.stringify(last) === JSON.stringify(texts);
    },
  );
}

export async function room(by: TestUser, options: object = {}): Promise<string> {
  return (await by.call("POST", "/createRoom", options)).room_id;
}

export const inRoom = (roomId: string, what: string) =>
  `/rooms/${encodeURIComponent(roomId)}/${what}`;

export const join = (user: TestUser, roomId: string, via?: string) =>
  user.call("POST", `/join/${encodeURIComponent(roomId)}${via ? `?via=${via}` : ""}`, {});

let sent = 0;

/** Sends an event of any type. */
export async function send(
  by: TestUser,
  roomId: string,
  type: string,
  content: object,
): Promise<string> {
  return (await by.call("PUT", inRoom(roomId, `send/${type}/s${++sent}`), content)).event_id;
}

export const edit = (by: TestUser, roomId: string, eventId: string, body: string) =>
  send(by, roomId, "m.room.message", {
    msgtype: "m.text",
    body: `* ${body}`,
    "m.new_content": { msgtype: "m.text", body },
    "m.relates_to": { rel_type: "m.replace", event_id: eventId },
  });

export const redact = (by: TestUser, roomId: string, eventId: string) =>
  by.call("PUT", inRoom(roomId, `redact/${encodeURIComponent(eventId)}/r${++sent}`), {});
