import { describe, expect, test } from "vitest";
import type { MatrixEvent } from "../../src/api/types.ts";
import { decryptionOf } from "../../src/encryption/decryption.ts";
import type { ReadResult, WireEvent } from "../../src/encryption/protocol.ts";
import { createReader } from "../../src/encryption/reader.ts";
import { describeMessage } from "../../src/store/describe.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { createEvents, syncOf } from "./events.ts";

const ANN = "@ann:two";
const ROOM = "!room:one";

/** A reader over an engine that knows some keys: the ciphertext is the clear event as JSON. */
function withKeys(...known: string[]) {
  const keys = new Set(known);
  const asked: WireEvent[][] = [];
  const reader = createReader(async (events) => {
    asked.push(events);
    return events.map(({ json, sessionId }): ReadResult => {
      const { content } = JSON.parse(json) as { content: { ciphertext: string } };
      if (!keys.has(sessionId ?? "")) return { state: "unreadable", why: "key-missing", sessionId };
      const clear = JSON.parse(content.ciphertext) as Pick<MatrixEvent, "type" | "content">;
      return { state: "readable", ...clear, shield: { color: "none" } };
    });
  });
  return { reader, keys, asked };
}

const make = createEvents();
const sealed = (clear: Pick<MatrixEvent, "type" | "content">, session = "k"): MatrixEvent =>
  make.event("m.room.encrypted", ANN, { session_id: session, ciphertext: JSON.stringify(clear) });

describe("events that come encrypted", () => {
  test("are read in their places, and open ones are left alone", async () => {
    const { reader, asked } = withKeys("k");
    const open = make.message(ANN, "open");
    const wire = sealed(make.message(ANN, "secret"));
    const read = await reader.events(ROOM, [open, wire]);
    expect(read.map(({ content }) => content["body"])).toEqual(["open", "secret"]);
    expect(read[0]).toBe(open);
    expect(decryptionOf(read[1]!)).toMatchObject({ state: "readable", wire });
    expect(asked.flat().map(({ eventId }) => eventId)).toEqual([wire.event_id]);
  });

  test("say why they cannot be read", async () => {
    const { reader } = withKeys();
    const [event] = await reader.events(ROOM, [sealed(make.message(ANN, "x"))]);
    expect(event?.type).toBe("m.room.encrypted");
    expect(decryptionOf(event!)).toEqual({
      state: "unreadable",
      why: "key-missing",
      sessionId: "k",
    });
  });

  test("cannot be what servers act on, nor state", async () => {
    const { reader } = withKeys("k");
    const types = ["m.room.redaction", "m.room.member", "m.room.name", "m.room.encrypted"];
    const all = types.map((type) => sealed({ type, content: { redacts: "$1", name: "Mine" } }));
    for (const event of await reader.events(ROOM, all)) {
      expect(event.type).toBe("m.room.encrypted");
      expect(decryptionOf(event)).toMatchObject({ state: "unreadable", why: "malformed" });
    }
  });

  test("are not read when they were taken back", async () => {
    const { reader, asked } = withKeys("k");
    const wire = sealed(make.message(ANN, "x"));
    const redacted = {
      ...wire,
      unsigned: { redacted_because: make.redaction(ANN, wire.event_id) },
    };
    expect(await reader.events(ROOM, [redacted])).toEqual([redacted]);
    expect(asked).toEqual([]);
  });

  test("bring their edits with them", async () => {
    const { reader } = withKeys("k");
    const wire = sealed(make.message(ANN, "cofee"));
    const edit = sealed(make.edit(ANN, wire.event_id, "coffee"));
    const bundled = { ...wire, unsigned: { "m.relations": { "m.replace": edit } } };
    const [read] = await reader.events(ROOM, [bundled]);
    expect(read?.unsigned?.["m.relations"]?.["m.replace"]?.type).toBe("m.room.message");
  });
});

describe("the newest answer of a thread", () => {
  test("is read where its server put it beside the first message, also when its key comes late", async () => {
    const { reader, keys } = withKeys("root");
    const store = new RoomStore("@me:one");
    const root = sealed(make.message(ANN, "Shall we?"), "root");
    const latest = sealed(make.message(ANN, "Yes!"), "answer");
    const thread = { count: 3, latest_event: latest, current_user_participated: false };
    const bundled = { ...root, unsigned: { "m.relations": { "m.thread": thread } } };
    const events = await reader.events(ROOM, [bundled]);
    store.apply(syncOf(ROOM, { timeline: { events } }), 0);
    const room = store.room(ROOM)!;
    const told = (): string =>
      describeMessage(room, room.record.threads.of(root.event_id)!.latest!);
    expect(told()).toBe("Encrypted message");
    keys.add("answer");
    await reader.heal(room, new Set(["answer"]));
    expect(told()).toBe("Yes!");
    expect(room.record.threads.of(root.event_id)?.count).toBe(3);
    const [read] = await reader.events(ROOM, [bundled]);
    expect(read?.unsigned?.["m.relations"]?.["m.thread"]).toMatchObject({
      count: 3,
      latest_event: { content: { body: "Yes!" } },
    });
  });
});

describe("a room whose key comes late", () => {
  test("heals: the message, its edit, and the list of rooms", async () => {
    const { reader, keys } = withKeys();
    const store = new RoomStore("@me:one");
    const wire = sealed(make.message(ANN, "cofee"));
    const edit = sealed(make.edit(ANN, wire.event_id, "coffee"));
    const other = sealed(make.message(ANN, "another key"), "other");
    const events = await reader.events(ROOM, [other, wire, edit]);
    store.apply(syncOf(ROOM, { timeline: { events } }), 0);
    const room = store.room(ROOM)!;
    expect(store.summary(ROOM)?.preview).toBe("ann: Encrypted message");
    keys.add("k");
    const before = room.signals.$timeline.get();
    const healed = await reader.heal(room, new Set(["k"]));
    expect(healed).toHaveLength(2);
    expect(room.signals.$timeline.get()).toBe(before + 1);
    store.refresh([ROOM]);
    expect(store.summary(ROOM)?.preview).toBe("ann: coffee");
    expect(room.timeline.entries.map(({ hidden }) => hidden)).toEqual([false, false, true]);
    expect(await reader.heal(room, new Set(["k"]))).toEqual([]);
  });

  test("takes no open edit for what was said encrypted", async () => {
    const { reader } = withKeys("k");
    const store = new RoomStore("@me:one");
    const wire = sealed(make.message(ANN, "the truth"));
    const [read] = await reader.events(ROOM, [wire]);
    const forged = make.edit(ANN, wire.event_id, "a lie");
    store.apply(syncOf(ROOM, { timeline: { events: [read!, forged] } }), 0);
    const room = store.room(ROOM)!;
    expect(describeMessage(room, room.timeline.find(wire.event_id)!.event)).toBe("the truth");
  });

  test("shows nothing of what was taken back before the key came", async () => {
    const { reader, keys } = withKeys();
    const store = new RoomStore("@me:one");
    const wire = sealed(make.message(ANN, "gone"));
    const events = await reader.events(ROOM, [wire]);
    store.apply(syncOf(ROOM, { timeline: { events } }), 0);
    store.apply(syncOf(ROOM, { timeline: { events: [make.redaction(ANN, wire.event_id)] } }), 0);
    keys.add("k");
    const room = store.room(ROOM)!;
    expect(await reader.heal(room)).toEqual([]);
    expect(JSON.stringify(room.timeline.find(wire.event_id)!.event.content)).toBe("{}");
  });
});

test("a room stays encrypted, whatever its server says of its state later", () => {
  const store = new RoomStore("@me:one");
  const encryption = { algorithm: "m.megolm.v1.aes-sha2", rotation_period_msgs: 5 };
  const told = (content: object): void => {
    const event = make.state("m.room.encryption", ANN, { ...content });
    store.apply(syncOf(ROOM, { state: { events: [event] } }), 0);
  };
  told(encryption);
  const room = store.room(ROOM)!;
  for (const content of [{}, { algorithm: 5 }]) {
    told(content);
    expect(room.encryption).toEqual(encryption);
  }
  room.clearState();
  expect(room.encryption).toEqual(encryption);
});
