/** The servers of a test file: made while the file is loaded, and closed after its tests. */
import { afterAll } from "vitest";
import type { Actor } from "../../../src/rooms/index.ts";
import { inTime } from "../../support/wait.ts";
import { createWorld } from "./world.ts";
import type { TestServer, World } from "./world.ts";

const START_MS = 180_000;

/** A world that is closed after the file's tests. */
export function openWorld(): World {
  const world = createWorld();
  afterAll(() => world.close());
  return world;
}

/** A world, and after it its servers of these names, in their order. */
export async function startServers<const Names extends readonly string[]>(...names: Names) {
  const world = openWorld();
  const started: TestServer[] = [];
  for (const name of names) {
    started.push(await inTime(`the start of ${name}`, world.server(name), START_MS));
  }
  return [world, ...(started as { readonly [N in keyof Names]: TestServer })] as const;
}

/** A server of a world, and a user of it. */
export type At = readonly [TestServer, Actor];

/** A public room of the first one's that all others are in; everybody's server has heard of it. */
export async function publicRoom(world: World, [host, by]: At, ...others: readonly At[]) {
  const roomId = await host.rooms.create.room(by, { preset: "public_chat" });
  for (const [server, user] of others) {
    await server.rooms.members.join({ by: user, room: roomId, via: [host.name] });
    await world.flush();
  }
  return roomId;
}
