import { expect, test } from "vitest";
import { eventually } from "../eventually.ts";
import { createKeyServer, readBy, roomOf, settle, write } from "./key-server.ts";

const ANN = "@ann:one";
const BEN = "@ben:two";

/** Ann has set up her recovery and is away; Ben has written to her since. */
async function away() {
  const server = createKeyServer();
  const ann = await server.signIn(ANN, "A1");
  const recovery = await ann.calls.setUp({});
  await eventually(() => expect(server.user(ANN).dehydrated).toBeDefined());
  const ben = await server.signIn(BEN, "B1");
  ann.close();
  server.user(ANN).devices.delete("A1");
  const room = { ...roomOf("!room:one", ben), readers: [ANN, BEN] };
  const first = await write(ben, room, "while you were away");
  const second = await write(ben, { ...room, roomId: "!other:one" }, "and here");
  return { server, ben, recovery, first, second };
}

test("what is said while nobody is signed in is read at the next sign-in by the recovery key", async () => {
  const { server, recovery, first, second } = await away();
  const before = server.user(ANN).dehydrated!.device_id;
  const next = await server.signIn(ANN, "A2");
  expect(await readBy(next, first)).not.toBe("while you were away");
  await next.calls.unlock(recovery);
  await eventually(async () => expect(await readBy(next, first)).toBe("while you were away"));
  await eventually(async () => expect(await readBy(next, second)).toBe("and here"));
  await eventually(() => expect(server.user(ANN).dehydrated!.device_id).not.toBe(before));
});

test("it stays where it is until all that it was sent could be read", async () => {
  const { server, recovery, first } = await away();
  const { device_id: before } = server.user(ANN).dehydrated!;
  const events = `GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/${encodeURIComponent(before)}/events`;
  server.broken.add(events);
  const next = await server.signIn(ANN, "A2");
  await next.calls.unlock(recovery);
  await eventually(() => expect(server.asked.some((one) => one.startsWith(events))).toBe(true));
  await settle(next);
  expect(server.user(ANN).dehydrated!.device_id).toBe(before);
  server.broken.clear();
  await next.calls.unlock(recovery);
  await eventually(async () => expect(await readBy(next, first)).toBe("while you were away"));
});

test("an account from before gets one when it is unlocked", async () => {
  const { server, recovery } = await away();
  delete server.user(ANN).dehydrated;
  server.user(ANN).accountData.delete("org.matrix.msc3814");
  const next = await server.signIn(ANN, "A2");
  await next.calls.unlock(recovery);
  await eventually(() => expect(server.user(ANN).dehydrated).toBeDefined());
  expect(server.user(ANN).accountData.has("org.matrix.msc3814")).toBe(true);
});

test("a new recovery key opens the same one, a new identity has another", async () => {
  const server = createKeyServer();
  const ann = await server.signIn(ANN, "A1");
  await ann.calls.setUp({});
  await eventually(() => expect(server.user(ANN).dehydrated).toBeDefined());
  const recovery = await ann.calls.setUp({});
  const other = await server.signIn(ANN, "A2");
  await other.calls.unlock(recovery);
  const { device_id: before } = server.user(ANN).dehydrated!;
  await ann.calls.reset({});
  await eventually(() => expect(server.user(ANN).dehydrated!.device_id).not.toBe(before));
});
