import { describe, expect, test } from "vitest";
import { createKeyServer, readBy, roomOf, settle, write } from "./key-server.ts";

const ANN = "@ann:one";
const BEN = "@ben:two";

describe("an encrypted conversation", () => {
  test("is read by all devices of its people, the sender's own too", async () => {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    const phone = await server.signIn(ANN, "A2");
    const ben = await server.signIn(BEN, "B1");
    const room = roomOf("!room:one", ann, ben);
    await settle(ann, phone, ben);
    const event = await write(ann, room, "hello");
    await settle(ann, phone, ben);
    for (const who of [ann, phone, ben]) expect(await readBy(who, event)).toBe("hello");
    expect(JSON.parse(event.json)).toMatchObject({
      content: { algorithm: "m.megolm.v1.aes-sha2" },
    });
    expect(event.json).not.toContain("hello");
  });

  test("is not read by who left before it was written", async () => {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    const ben = await server.signIn(BEN, "B1");
    const first = await write(ann, roomOf("!room:one", ann, ben), "with ben");
    await settle(ann, ben);
    const second = await write(ann, roomOf("!room:one", ann), "without ben");
    await settle(ann, ben);
    expect(second.sessionId).not.toBe(first.sessionId);
    expect(await readBy(ben, first)).toBe("with ben");
    expect(await readBy(ben, second)).toBe("key-missing");
  });

  test("changes its key as the room says", async () => {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    const room = { ...roomOf("!room:one", ann), rotation: { ms: undefined, messages: 2 } };
    const ids = [];
    for (const body of ["1", "2", "3", "4"]) ids.push((await write(ann, room, body)).sessionId);
    expect(new Set(ids).size).toBe(2);
    expect(ids[0]).toBe(ids[1]);
  });

  test("goes on over 100 messages, written at once", async () => {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    const room = roomOf("!room:one", ann);
    const all = await Promise.all(
      Array.from({ length: 120 }, (_, at) => write(ann, room, `${at}`)),
    );
    const read = await ann.calls.read(all);
    expect(read.filter(({ state }) => state === "readable")).toHaveLength(120);
  });

  test("shows no message a second time under another id", async () => {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    const event = await write(ann, roomOf("!room:one", ann), "once");
    expect(await readBy(ann, event)).toBe("once");
    expect(await readBy(ann, event)).toBe("once");
    const json = event.json.replace(event.eventId, "$again");
    expect(await readBy(ann, { ...event, eventId: "$again", json })).toBe("replayed");
  });

  test("heals when the key comes late", async () => {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    const ben = await server.signIn(BEN, "B1");
    const event = await write(ann, roomOf("!room:one", ann, ben), "late");
    expect(await readBy(ben, event)).toBe("key-missing");
    await settle(ann, ben);
    const keys = ben.told.flatMap((news) => (news.kind === "room-keys" ? news.keys : []));
    expect(keys).toContainEqual({ roomId: "!room:one", sessionId: event.sessionId });
    expect(await readBy(ben, event)).toBe("late");
  });

  test("waits for the server, and goes on when it is back", async () => {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    const ben = await server.signIn(BEN, "B1");
    const room = roomOf("!room:one", ann, ben);
    server.broken.add("POST /keys/claim");
    await expect(write(ann, room, "lost")).rejects.toMatchObject({ status: 502 });
    server.broken.clear();
    const event = await write(ann, room, "found");
    await settle(ann, ben);
    expect(await readBy(ben, event)).toBe("found");
  });

  test("reaches a device that signed in later, with what is written from then on", async () => {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    const ben = await server.signIn(BEN, "B1");
    const room = roomOf("!room:one", ann, ben);
    const before = await write(ann, room, "before");
    const phone = await server.signIn(BEN, "B2");
    await settle(ann, ben, phone);
    const after = await write(ann, room, "after");
    await settle(ann, ben, phone);
    expect(await readBy(phone, after)).toBe("after");
    expect(await readBy(phone, before)).toBe("no-backup");
  });
});

test("an id that is none holds up nobody, in a room or in a sync", async () => {
  const server = createKeyServer();
  const ann = await server.signIn(ANN, "A1");
  const room = roomOf("!room:one", ann);
  const event = await write(ann, { ...room, readers: [...room.readers, "no id", "@"] }, "hello");
  expect(await readBy(ann, event)).toBe("hello");
  expect(await ann.calls.userTrust(["no id"])).toEqual(["none"]);
  const content = { transaction_id: "t", from_device: "D", methods: [], timestamp: Date.now() };
  const asked = { type: "m.key.verification.request", sender: "no id", content };
  server.device(ANN, "A1").inbox.push(asked, { type: 5 }, {});
  server.device(ANN, "A1").changed.add("no id");
  await ann.sync();
  expect(ann.verification).toBeUndefined();
});

test("what is no message of Megolm is malformed", async () => {
  const server = createKeyServer();
  const ann = await server.signIn(ANN, "A1");
  const event = await write(ann, roomOf("!room:one", ann), "x");
  for (const content of [
    {},
    { algorithm: "m.rot13" },
    { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "x", session_id: event.sessionId },
  ]) {
    const json = JSON.stringify({ ...(JSON.parse(event.json) as object), content });
    expect(await readBy(ann, { ...event, json })).toBe("malformed");
  }
});

test("a room key that comes twice in one sync, the second time for later messages only, opens all", async () => {
  const server = createKeyServer();
  const [ann, ben] = [await server.signIn(ANN, "A1"), await server.signIn(BEN, "B1")];
  const room = roomOf("!room:one", ann, ben);
  // Both open a session with the other at once, so Ann gives her key again in the one that Ben opened.
  const [first] = await Promise.all([write(ann, room, "first"), write(ben, room, "hello")]);
  await ann.sync();
  const second = await write(ann, room, "second");
  expect(second.sessionId).toBe(first.sessionId);
  await ben.sync();
  expect([await readBy(ben, first), await readBy(ben, second)]).toEqual(["first", "second"]);
  for (const device of [ann, ben]) device.close();
});
