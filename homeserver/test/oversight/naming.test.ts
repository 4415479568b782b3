/** Administrators' tools also list rooms, and take names from them, by what all clients use. */
import { expect, test } from "vitest";
import { alice, ask, segment, server } from "./one-server.ts";
import { register } from "../support/user.ts";

const CLIENT = "/_matrix/client/v3";

test("an administrator lists rooms in the directory and takes aliases away, without being in them", async () => {
  const alias = `#named:${server.name}`;
  const room = { preset: "public_chat", room_alias_name: "named" };
  const { room_id: roomId } = await alice.call("POST", "/createRoom", room);
  const list = `${CLIENT}/directory/list/room/${segment(roomId)}`;
  const bob = await register(server, "bob-the-namer");
  const refused = await ask("PUT", list, { body: { visibility: "public" }, by: bob });
  expect([refused.status, refused.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
  for (const visibility of ["public", "private"]) {
    expect((await ask("PUT", list, { body: { visibility } })).status).toBe(200);
    expect((await ask("GET", list)).body).toEqual({ visibility });
  }
  const aliases = `${CLIENT}/rooms/${segment(roomId)}/aliases`;
  expect((await ask("GET", aliases)).body).toEqual({ aliases: [alias] });
  expect((await ask("GET", aliases, { by: bob })).status).toBe(403);
  const name = `${CLIENT}/directory/room/${segment(alias)}`;
  expect((await ask("DELETE", name, { by: bob })).status).toBe(403);
  expect((await ask("DELETE", name)).status).toBe(200);
  expect((await ask("GET", name)).status).toBe(404);
});
