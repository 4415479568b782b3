import { expect, test } from "vitest";
import type { EventId, RoomId, ServerName, UserId } from "../../src/protocol/identifiers.ts";
import type { RemoteClient, RemoteRequest } from "../../src/federation-client/requests/client.ts";
import { createRemoteMedia } from "../../src/federation-client/remote-media.ts";
import { createRemoteServer } from "../../src/federation-client/remote-server.ts";

const there = "made-up.test" as ServerName;
const [room, event] = ["!r:a" as RoomId, "$e" as EventId];
const user = "@u:made-up.test" as UserId;

/** What is asked of another server, and nothing is answered. */
function spied() {
  const asked: RemoteRequest[] = [];
  const refuse = (_server: ServerName, request: RemoteRequest) => {
    asked.push(request);
    return Promise.reject(new Error("not there"));
  };
  const client: RemoteClient = { json: refuse, parts: refuse, stream: refuse };
  const server = createRemoteServer(client);
  return { asked, server, media: createRemoteMedia(client, {} as never) };
}

type Act = (of: ReturnType<typeof spied>) => Promise<unknown>;

test.each<[string, boolean, Act]>([
  ["a profile", true, ({ server }) => server.profile(there, user)],
  ["an alias", true, ({ server }) => server.directory(there, "#a:made-up.test")],
  ["public rooms", true, ({ server }) => server.publicRooms(there, {})],
  [
    "a search in public rooms",
    true,
    ({ server }) => server.publicRooms(there, { searchTerm: "x" } as never),
  ],
  ["a file", true, ({ media }) => media.download(there, "m")],
  ["a way in", true, ({ server }) => server.makeJoin(there, room, user, ["11"])],
  ["a way to knock", true, ({ server }) => server.makeKnock(there, room, user, ["11"])],
  // These go to servers of a room.
  ["an event", false, ({ server }) => server.event(there, event)],
])("connections for %s are a stranger's: %s", async (_, isOfStranger, act) => {
  const spy = spied();
  await act(spy).catch(() => undefined);
  expect(spy.asked.length).toBeGreaterThan(0);
  for (const request of spy.asked) expect(request.ofStranger ?? false).toBe(isOfStranger);
});
