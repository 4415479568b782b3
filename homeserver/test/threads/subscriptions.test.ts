/** Following threads, and ceasing to. (MSC4306.) */
import { createValidators } from "@weft/spec/validators";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { register } from "../support/user.ts";
import { reply, scene, subscriptionPath, unstable } from "./scene.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const ok = { status: 200, body: {} };
const missing = { status: 404, body: { errcode: "M_NOT_FOUND" } };
const CONFLICT = "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION";
const NOT_IN_THREAD = "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD";

test("a thread is followed by hand, and is not any more", async () => {
  const { ask } = await scene(server);
  expect(await ask("GET")).toMatchObject(missing);
  expect(await ask("DELETE")).toEqual(ok);
  expect(await ask("PUT", {})).toEqual(ok);
  const got = await ask("GET");
  expect(got).toEqual({ status: 200, body: { automatic: false } });
  expect(createValidators().response("getThreadSubscription", 200, got.body)).toEqual([]);
  expect(await ask("PUT", { automatic: null })).toEqual(ok);
  expect(await ask("DELETE")).toEqual(ok);
  expect(await ask("DELETE")).toEqual(ok);
  expect(await ask("GET")).toMatchObject(missing);
});

test("what the user wanted is not made automatic, and what is automatic can be wanted", async () => {
  const { ask, first } = await scene(server);
  expect(await ask("PUT", { automatic: first })).toEqual(ok);
  expect((await ask("GET")).body).toEqual({ automatic: true });
  expect(await ask("PUT", { automatic: first })).toEqual(ok);
  expect(await ask("PUT", {})).toEqual(ok);
  expect(await ask("PUT", { automatic: first })).toEqual(ok);
  expect((await ask("GET")).body).toEqual({ automatic: false });
});

test("who ceased to follow it does not follow it again for what was said before", async () => {
  const { alice, ask, first, roomId, root } = await scene(server);
  await ask("PUT", { automatic: first });
  const second = await reply(alice, roomId, root, "second");
  await ask("DELETE");
  for (const cause of [first, second]) {
    const refused = { status: 409, body: { errcode: CONFLICT } };
    expect(await ask("PUT", { automatic: cause })).toMatchObject(refused);
  }
  expect(await ask("GET")).toMatchObject(missing);
  const third = await reply(alice, roomId, root, "third");
  expect(await ask("PUT", { automatic: third })).toEqual(ok);
  expect((await ask("GET")).body).toEqual({ automatic: true });
  await ask("DELETE");
  expect(await ask("PUT", {})).toEqual(ok);
});

test("a cause has to be in the thread, and to be there for the user", async () => {
  const { alice, ask, roomId, root } = await scene(server);
  const outside = await alice.send(roomId, "elsewhere");
  const other = await reply(alice, roomId, outside, "in another thread");
  const { room_id: secret } = await alice.call("POST", "/createRoom", {});
  const hidden = await alice.send(secret, "for nobody else");
  for (const automatic of [outside, other, root, hidden, "$nowhere"]) {
    const refused = { status: 400, body: { errcode: NOT_IN_THREAD } };
    expect(await ask("PUT", { automatic }), automatic).toMatchObject(refused);
  }
  expect(await ask("PUT", { automatic: 7 })).toMatchObject({
    status: 400,
    body: { errcode: "M_BAD_JSON" },
  });
  expect(await ask("GET")).toMatchObject(missing);
});

test("there is no thread for who may not see it, nor where none can begin", async () => {
  const { ask, first, alice, roomId } = await scene(server);
  const stranger = await register(server, "stranger");
  const { room_id: secret } = await alice.call("POST", "/createRoom", {});
  const hidden = await alice.send(secret, "for nobody else");
  for (const method of ["GET", "PUT", "DELETE"]) {
    const body = method === "PUT" ? {} : undefined;
    expect(await ask(method, body, "$nowhere"), method).toMatchObject(missing);
    expect(await ask(method, body, first), method).toMatchObject(missing);
    expect(await ask(method, body, hidden), method).toMatchObject(missing);
    const elsewhere = subscriptionPath("!nowhere:else.test", hidden);
    expect(await unstable(server, stranger, method, elsewhere, body)).toMatchObject(missing);
    const path = subscriptionPath(secret, hidden);
    expect(await unstable(server, stranger, method, path, body)).toMatchObject(missing);
  }
  const nobody = await fetch(
    `${server.baseUrl}/_matrix/client/unstable${subscriptionPath(roomId, first)}`,
  );
  expect(nobody.status).toBe(401);
});

test("what one user follows is nothing to another one", async () => {
  const { ask, carol, root } = await scene(server);
  await ask("PUT", {});
  expect(await ask("GET", undefined, root, carol)).toMatchObject(missing);
});

test("the server says that it can do this", async () => {
  const response = await fetch(`${server.baseUrl}/_matrix/client/versions`);
  const { unstable_features: flags } = (await response.json()) as {
    unstable_features: Record<string, boolean>;
  };
  expect(flags["org.matrix.msc4306"]).toBe(true);
});
