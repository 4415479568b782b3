import { describe, expect, test } from "vitest";
import { a, alice, b, bob, eventOf, forge, roomId, send, world } from "./forged-events.ts";

describe("redactions across servers", () => {
  test("take effect whichever comes first", async () => {
    const eventId = await b.rooms.send.message({
      by: bob,
      roomId,
      type: "m.room.message",
      content: { body: "regret" },
    });
    const redactionId = await b.rooms.send.redact({ by: bob, roomId, eventId });
    const found = await b.rooms.view.eventsById([redactionId]);
    const redaction = found.get(redactionId)!.event;
    await world.flush();
    expect((await eventOf(alice, eventId)).content).toEqual({});
    expect(redaction.redacts).toBe(eventId);

    const late = await forge({ content: { body: "late" } });
    const early = await forge({
      type: "m.room.redaction",
      content: { redacts: late.eventId },
      depth: late.depth,
    });
    await send(early.pdu);
    await send(late.pdu);
    expect((await eventOf(alice, late.eventId)).content).toEqual({});
  });

  test("of another server's events need the power", async () => {
    const eventId = await a.rooms.send.message({
      by: alice,
      roomId,
      type: "m.room.message",
      content: { body: "stays" },
    });
    await world.flush();
    const event = await forge({ type: "m.room.redaction", content: { redacts: eventId } });
    await send(event.pdu);
    expect((await eventOf(alice, eventId)).content).toEqual({ body: "stays" });
  });
});
