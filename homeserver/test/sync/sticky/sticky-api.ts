/** Sending sticky events, and what syncs say of them. (MSC4354.) */
import type { Body, Served, TestUser } from "../../support/user.ts";

let transactions = 0;
const TYPE = "org.example.member";

const inRoom = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`;
const DURATION = "org.matrix.msc4354.sticky_duration_ms";

/** Sends a sticky event, and answers its id. */
export async function stick(
  user: TestUser,
  roomId: string,
  content: object,
  ms = 600_000,
): Promise<string> {
  const path = `${inRoom(roomId)}/send/${TYPE}/sticky${++transactions}?${DURATION}=${ms}`;
  return (await user.call("PUT", path, content)).event_id;
}

/** The same as state. */
export async function stickState(
  user: TestUser,
  roomId: string,
  key: string,
  content: object,
): Promise<string> {
  const path = `${inRoom(roomId)}/state/${TYPE}/${key}?${DURATION}=600000`;
  return (await user.call("PUT", path, content)).event_id;
}

export const join = (user: TestUser, roomId: string, via?: string): Promise<Body> => {
  const query = via === undefined ? "" : `?via=${encodeURIComponent(via)}`;
  return user.call("POST", `/join/${encodeURIComponent(roomId)}${query}`, {});
};

/** More messages than a sync's timeline holds. */
export async function bury(user: TestUser, roomId: string): Promise<void> {
  for (let i = 0; i < 25; i += 1) await user.send(roomId, `message ${i}`);
}

/** The room's section of a sync. */
export function stickyIn(body: Body, roomId: string): Body[] {
  return body.rooms?.join?.[roomId]?.msc4354_sticky?.events ?? [];
}

export function timelineIn(body: Body, roomId: string): Body[] {
  return body.rooms?.join?.[roomId]?.timeline?.events ?? [];
}

export const idsOf = (events: readonly Body[]): string[] => events.map(({ event_id }) => event_id);

interface SlidingAnswer {
  readonly pos: string;
  /** The `next_batch` of the extension, if there is one. */
  readonly next: string | undefined;
  readonly sticky: (roomId: string) => Body[];
  readonly timeline: (roomId: string) => Body[];
}

/** One request of sliding sync with the extension. */
export async function slide(
  server: Served,
  user: TestUser,
  {
    pos,
    since,
    limit,
    body = {},
  }: { pos?: string; since?: string | undefined; limit?: number; body?: object } = {},
): Promise<SlidingAnswer> {
  const path = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";
  const extension = { enabled: true, ...(since && { since }), ...(limit && { limit }) };
  const list = { timeline_limit: 10, required_state: [], ranges: [[0, 0]] };
  const response = await fetch(`${server.baseUrl}${path}?timeout=0${pos ? `&pos=${pos}` : ""}`, {
    method: "POST",
    headers: { authorization: `Bearer ${user.token}` },
    body: JSON.stringify({
      lists: { all: list },
      extensions: { "org.matrix.msc4354.sticky_events": extension },
      ...body,
    }),
  });
  const answer = (await response.json()) as Body;
  if (response.status !== 200) throw new Error(JSON.stringify(answer));
  const told = answer.extensions["org.matrix.msc4354.sticky_events"];
  return {
    pos: answer.pos,
    next: told?.next_batch,
    sticky: (roomId) => told?.rooms?.[roomId]?.events ?? [],
    timeline: (roomId) => answer.rooms?.[roomId]?.timeline ?? [],
  };
}
