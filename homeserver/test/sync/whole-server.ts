/** A whole server, and two users who sync with it. */
import { afterAll, beforeAll } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";

export let server: TestServer;
export let alice: TestUser;
export let bob: TestUser;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  bob = await register(server, "bob");
});

afterAll(() => server.close());

export async function publicRoom(by: TestUser, options: object = {}): Promise<string> {
  const body = { preset: "public_chat", ...options };
  return (await by.call("POST", "/createRoom", body)).room_id;
}

export const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
export const joined = (body: Body, roomId: string) => body.rooms?.join?.[roomId];

export const bodies = (room: Body) =>
  room.timeline.events
    .filter((e: Body) => e.type === "m.room.message")
    .map((e: Body) => e.content.body);

export const filter = (value: object) => JSON.stringify(value);
