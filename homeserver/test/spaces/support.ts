/** Users who make spaces, on a server or two. */
import type { Body, TestUser } from "../support/user.ts";

let named = 0;

export interface Kind {
  readonly isSpace?: boolean;
  readonly preset?: "public_chat" | "private_chat";
  readonly state?: readonly { type: string; state_key?: string; content: object }[];
  readonly version?: string;
}

/** A room, or a space, with a name of its own. */
export async function make(by: TestUser, name: string, kind: Kind = {}): Promise<string> {
  const { room_id: roomId } = await by.call("POST", "/createRoom", {
    name,
    preset: kind.preset ?? "public_chat",
    ...(kind.isSpace === true && { creation_content: { type: "m.space" } }),
    ...(kind.state && { initial_state: kind.state }),
    ...(kind.version !== undefined && { room_version: kind.version }),
  });
  return roomId;
}

export const space = (by: TestUser, name = `space ${++named}`, kind: Kind = {}) =>
  make(by, name, { ...kind, isSpace: true });

/** Names a room as the child of a space. */
export async function addChild(
  by: TestUser,
  spaceId: string,
  childId: string,
  content: object = {},
): Promise<void> {
  const path = `/rooms/${encodeURIComponent(spaceId)}/state/m.space.child/${encodeURIComponent(childId)}`;
  const via = [childId.includes(":") ? childId.slice(childId.indexOf(":") + 1) : serverOf(by)];
  await by.call("PUT", path, { via, ...content });
}

const serverOf = (user: TestUser): string => user.userId.slice(user.userId.indexOf(":") + 1);

export function hierarchyPath(roomId: string, query: Record<string, string | number> = {}): string {
  const search = new URLSearchParams(
    Object.entries(query).map(([k, v]): [string, string] => [k, String(v)]),
  );
  return `/../v1/rooms/${encodeURIComponent(roomId)}/hierarchy?${search.toString()}`;
}

/** All pages of a walk: names in order, and how many pages they were. */
export async function walk(
  by: TestUser,
  roomId: string,
  query: Record<string, string | number> = {},
): Promise<{ names: string[]; rooms: Body[]; pages: number }> {
  const rooms: Body[] = [];
  let from: string | undefined;
  let pages = 0;
  do {
    const page: Body = await by.call(
      "GET",
      hierarchyPath(roomId, { ...query, ...(from !== undefined && { from }) }),
    );
    rooms.push(...page.rooms);
    from = page.next_batch;
    pages += 1;
  } while (from !== undefined && pages < 200);
  return { names: rooms.map((room) => room.name), rooms, pages };
}
