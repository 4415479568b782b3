/** The sync stream of a socket says what /sync says, and by the same positions. */
import { afterEach, describe, expect, test } from "vitest";
import { alice, bob, bodies, joined, path, publicRoom, server } from "../sync/whole-server.ts";
import { openSocket, type TestSocket } from "../support/socket.ts";
import type { Body, TestUser } from "../support/user.ts";

const open: TestSocket[] = [];
afterEach(() => open.splice(0).forEach(({ ws }) => ws.terminate()));

async function socketOf(user: TestUser): Promise<TestSocket> {
  const socket = await openSocket(server, user.token);
  open.push(socket);
  return socket;
}

/** Batches from here on, each acknowledged, until one fits. */
async function batchUntil(socket: TestSocket, id: number, fits: (body: Body) => boolean) {
  for (let turn = 0; turn < 50; turn += 1) {
    const body = await socket.batch(id);
    if (fits(body)) return body;
    socket.say({ type: "ack", id, next_batch: body.next_batch });
  }
  throw new Error(`no batch fits: ${fits.toString()}`);
}

describe("a stream", () => {
  test("begins at once, and goes on with what happens, as it happens", async () => {
    const roomId = await publicRoom(alice);
    await bob.call("POST", path(roomId, "/join"), {});
    const socket = await socketOf(bob);
    socket.say({ type: "sync", id: 1 });
    const first = await socket.batch(1);
    expect(joined(first, roomId)).toBeDefined();
    socket.say({ type: "ack", id: 1, next_batch: first.next_batch });
    await alice.send(roomId, "one");
    const second = await batchUntil(socket, 1, (body) => joined(body, roomId));
    expect(bodies(joined(second, roomId))).toEqual(["one"]);
  });

  test("a batch is what /sync answers to the same position", async () => {
    const roomId = await publicRoom(alice);
    const { next_batch: since } = await alice.sync();
    await alice.send(roomId, "both");
    const filter = JSON.stringify({ room: { timeline: { limit: 3 } } });
    const query = { since, filter, use_state_after: "true" };
    const answer = await alice.sync(query);
    const socket = await socketOf(alice);
    socket.say({ type: "sync", id: 1, since, filter, use_state_after: true });
    const { rooms } = await socket.batch(1);
    const strip = (text: Body) =>
      JSON.stringify(text).replaceAll(/,?"age":\d+|,?"transaction_id":"[^"]*"/g, "");
    expect(strip(rooms)).toEqual(strip(answer.rooms));
    expect(rooms.join[roomId].state_after).toBeDefined();
  });

  test("nothing more comes until the last batch was acknowledged, then all of it", async () => {
    const roomId = await publicRoom(alice);
    const socket = await socketOf(alice);
    socket.say({ type: "sync", id: 7 });
    const first = await socket.batch(7);
    await alice.send(roomId, "a");
    await alice.send(roomId, "b");
    const before = socket.heard.length;
    // Whatever the server had to say it would have said before this answer.
    await socket.ask("GET", "/_matrix/client/v3/account/whoami");
    expect(socket.heard.slice(before).map(({ head }) => head.type)).toEqual(["answer"]);
    socket.say({ type: "ack", id: 7, next_batch: first.next_batch });
    expect(bodies(joined(await socket.batch(7), roomId))).toEqual(["a", "b"]);
  });

  test("another socket goes on from a position, also from one of HTTP", async () => {
    const roomId = await publicRoom(alice);
    const { next_batch: since } = await alice.sync();
    const one = await socketOf(alice);
    one.say({ type: "sync", id: 1, since });
    const { next_batch: position } = await one.batch(1);
    one.say({ type: "ack", id: 1, next_batch: position });
    one.ws.terminate();
    await alice.send(roomId, "meanwhile");
    const two = await socketOf(alice);
    two.say({ type: "sync", id: 1, since: position });
    const batch = await two.batch(1);
    expect(bodies(joined(batch, roomId))).toEqual(["meanwhile"]);
    // And HTTP goes on from one of a socket.
    await alice.send(roomId, "then");
    const answer = await alice.sync({ since: batch.next_batch });
    expect(bodies(joined(answer, roomId))).toEqual(["then"]);
  });

  test("messages for the device are kept until the batch with them was acknowledged", async () => {
    const socket = await socketOf(bob);
    socket.say({ type: "sync", id: 1 });
    const first = await socket.batch(1);
    socket.say({ type: "ack", id: 1, next_batch: first.next_batch });
    const messages = { [bob.userId]: { [bob.deviceId]: { n: 1 } } };
    await alice.call("PUT", "/sendToDevice/m.dummy/t-socket", { messages });
    const batch = await batchUntil(socket, 1, (body) => body.to_device);
    expect(batch.to_device.events).toMatchObject([{ content: { n: 1 } }]);
    // The answer was lost: who asks again gets it again.
    const again = await bob.sync({ since: first.next_batch });
    expect(again.to_device.events).toMatchObject([{ content: { n: 1 } }]);
    socket.say({ type: "ack", id: 1, next_batch: batch.next_batch });
    await socket.ask("GET", "/_matrix/client/v3/account/whoami");
    const gone = await bob.sync({ since: first.next_batch });
    expect(gone.to_device?.events ?? []).toEqual([]);
  });

  test("another one takes its place", async () => {
    const socket = await socketOf(alice);
    socket.say({ type: "sync", id: 1 });
    const { next_batch: since } = await socket.batch(1);
    socket.say({ type: "sync", id: 2, since });
    await socket.batch(2);
    // Of the one before nothing is wanted any more: this is no breach.
    socket.say({ type: "ack", id: 1, next_batch: since });
    expect((await socket.ask("GET", "/_matrix/client/v3/account/whoami")).status).toBe(200);
  });

  test("ends with the error of /sync", async () => {
    const socket = await socketOf(alice);
    socket.say({ type: "sync", id: 4, since: "nonsense" });
    const { head, body } = await socket.next("the end", (each) => each.head.id === 4);
    expect(head).toEqual({ type: "answer", id: 4, status: 400 });
    expect(body.errcode).toBe("M_INVALID_PARAM");
    // The number is free again.
    expect(await socket.ask("GET", "/_matrix/client/v3/account/whoami")).toMatchObject({
      status: 200,
    });
    socket.say({ type: "sync", id: 4 });
    await socket.batch(4);
  });

  test("an acknowledgement of nothing is a breach", async () => {
    const socket = await socketOf(alice);
    socket.say({ type: "sync", id: 1 });
    const { next_batch: position } = await socket.batch(1);
    socket.say({ type: "ack", id: 1, next_batch: position });
    socket.say({ type: "ack", id: 1, next_batch: position });
    expect(await socket.closed).toEqual({
      code: 4400,
      reason: "There is no batch to acknowledge",
    });
  });
});
