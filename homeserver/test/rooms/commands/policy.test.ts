import { beforeEach, describe, expect, test } from "vitest";
import { signText, signingKeyFromSeed } from "../../../src/protocol/crypto.ts";
import type { SigningKey } from "../../../src/protocol/crypto.ts";
import { MatrixError } from "../../../src/protocol/errors.ts";
import { eventFromStored } from "../../../src/protocol/events/event.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import type { StoredEvent } from "../../../src/rooms/index.ts";
import { forger } from "../support/forge.ts";
import type { TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

const KEY = signingKeyFromSeed("ed25519:policy_server", Buffer.alloc(32, "policy"));

const [world, a, b, p] = await startServers("a.test", "b.test", "policy.test");
const [alice, bob] = [a.user("alice"), b.user("bob")];
let roomId: RoomId;
beforeEach(async () => {
  world.reset();
  roomId = await a.rooms.create.room(alice, { preset: "public_chat", room_version: "11" });
  for (const [server, name] of [
    [b, "bob"],
    [p, "policy"],
  ] as const) {
    await server.rooms.members.join({ by: server.user(name), room: roomId, via: [a.name] });
    await world.flush();
  }
  await enable(KEY);
});

/** Alice sets the policy server. That event itself needs no signature of it. */
async function enable(key: SigningKey, via: string = p.name): Promise<void> {
  const content = { via, public_keys: { ed25519: key.publicKeyBase64 } };
  await a.rooms.send.state({ by: alice, roomId, type: "m.room.policy", stateKey: "", content });
  await world.flush();
}

/** The policy server signs, but for what holds "spam". */
function signing(key: SigningKey = KEY): void {
  world.pretend(p, "signByPolicy", async (_honest, pdu) => {
    if (JSON.stringify(pdu).includes("spam")) {
      throw new MatrixError(400, "M_FORBIDDEN", "It looks like spam");
    }
    const event = eventFromStored(JSON.stringify(pdu), roomVersion("11")!, "$id" as EventId);
    return { [p.name]: { [key.keyId]: signText(event.signedText(), key) } };
  });
}

const say = (body: string): Promise<EventId> =>
  a.rooms.send.message({ by: alice, roomId, type: "m.room.message", content: { body } });

async function stored(server: TestServer, eventId: EventId): Promise<StoredEvent | undefined> {
  return (await server.rooms.view.eventsById([eventId])).get(eventId);
}

describe("a room with a policy server", () => {
  test("has our events signed by it, and others don't ask again", async () => {
    signing();
    world.calls.clear();
    const eventId = await say("hello");
    await world.flush();
    const there = await stored(b, eventId);
    expect(there?.status).toBe("accepted");
    const signatures = there?.event.pdu.signatures as JsonObject;
    expect(signatures).toHaveProperty([p.name, KEY.keyId]);
    expect(signatures).toHaveProperty(a.name);
  });

  test("tells the client why it refuses, and the event is forgotten", async () => {
    signing();
    const before = a.log.position;
    await expect(say("spam")).rejects.toMatchObject({
      status: 400,
      errcode: "M_FORBIDDEN",
      message: "It looks like spam",
    });
    expect(a.log.position).toBe(before);
  });

  test("sends nothing while it can't be reached, but can be rid of it", async () => {
    world.cut(a, p);
    await expect(say("hello")).rejects.toMatchObject({ status: 502 });
    world.heal();
    await a.rooms.send.state({
      by: alice,
      roomId,
      type: "m.room.policy",
      stateKey: "",
      content: {},
    });
    expect((await stored(a, await say("hello")))?.status).toBe("accepted");
  });

  test("soft-fails received events that it does not sign, and keeps the signature of those that it does", async () => {
    signing();
    const forge = await forger(b, roomId, bob);
    const good = forge({ content: { body: "good" } });
    const bad = forge({ content: { body: "spam" } });
    await a.rooms.federation.receive(b.name, [good.pdu, bad.pdu]);
    const kept = await stored(a, good.eventId);
    expect(kept?.status).toBe("accepted");
    expect(kept?.event.pdu.signatures).toHaveProperty([p.name, KEY.keyId]);
    expect((await stored(a, bad.eventId))?.status).toBe("soft-failed");
  });

  test("takes no signature by another key than the room's, and asks for a new one", async () => {
    signing(signingKeyFromSeed("ed25519:policy_server", Buffer.alloc(32, "old")));
    const forge = await forger(b, roomId, bob);
    const event = forge({ content: { body: "by the old key" } });
    await a.rooms.federation.receive(b.name, [event.pdu]);
    expect((await stored(a, event.eventId))?.status).toBe("soft-failed");
    const rotated = signingKeyFromSeed("ed25519:policy_server", Buffer.alloc(32, "new"));
    await enable(rotated);
    signing(rotated);
    const next = forge({ content: { body: "by the new key" } });
    await a.rooms.federation.receive(b.name, [next.pdu]);
    expect((await stored(a, next.eventId))?.status).toBe("accepted");
  });

  test("has none when the server that it names is not in it, or the event is malformed", async () => {
    await enable(KEY, "elsewhere.test");
    await say("nobody is asked");
    const content = { via: p.name, public_keys: { ed25519: 7 } };
    await a.rooms.send.state({ by: alice, roomId, type: "m.room.policy", stateKey: "", content });
    world.calls.clear();
    await say("nobody is asked");
    expect(world.calls.get("signByPolicy")).toBeUndefined();
  });

  test("a policy server's key is no key of the server that sends", async () => {
    const forge = await forger(p, roomId, p.user("policy"));
    const event = forge({ content: { body: "hello" } });
    const own = { [KEY.keyId]: signText(event.signedText(), KEY) };
    const pdu = { ...event.pdu, signatures: { [p.name]: own } };
    const results = await a.rooms.federation.receive(p.name, [pdu]);
    expect(results[event.eventId]).toHaveProperty("error");
  });
});
