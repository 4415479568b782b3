/** A user, and a room that holds data of hers. */
import { afterAll, beforeAll } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import { makeRoom } from "../log/support.ts";
import { id, openUsers, type TestUsers } from "./support.ts";

export let t: TestUsers;
export let room: RoomId;
export const alice = id("alice");

beforeAll(async () => {
  t = await openUsers();
  await t.users.registration.create("alice", "pw");
  await t.users.registration.create("bob", "pw");
  room = (await makeRoom(t.sql, "room")).roomId as RoomId;
});

afterAll(() => t.close());
