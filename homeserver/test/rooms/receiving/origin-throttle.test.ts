import { describe, expect, test } from "vitest";
import { nextTurn } from "../../support/wait.ts";
import { createManualClock } from "../../../src/platform/clock.ts";
import type { ServerName } from "../../../src/protocol/identifiers.ts";
import { createOriginThrottle } from "../../../src/rooms/receiving/origin-throttle.ts";

const BAD = "bad.test" as ServerName;
const GOOD = "good.test" as ServerName;

describe("a server that sends transactions", () => {
  test("waits longer each time when most of its events are refused, and others don't", async () => {
    const clock = createManualClock();
    const patience = createOriginThrottle(clock, new AbortController().signal);
    const send = (server: ServerName, refused: number) =>
      patience.run(server, { events: 50, refused }, async () => clock.now());
    const took = async (server: ServerName, refused: number) => {
      const started = clock.now();
      const sent = send(server, refused);
      await nextTurn();
      while (clock.sleepers > 0) {
        clock.advance(1);
        await nextTurn();
      }
      return (await sent) - started;
    };
    const waits: number[] = [];
    for (let i = 0; i < 8; i += 1) waits.push(await took(BAD, 50));
    expect(waits).toEqual([0, 20, 40, 80, 160, 320, 500, 500]);
    expect(await took(GOOD, 3)).toBe(0);
    expect(await took(GOOD, 3)).toBe(0);
    const after: number[] = [];
    for (let i = 0; i < 7; i += 1) after.push(await took(BAD, 0));
    expect(after).toEqual([500, 250, 125, 62, 31, 15, 0]);
  });

  test("has so many under way at once, and is told when too many wait", async () => {
    const patience = createOriginThrottle(createManualClock(), new AbortController().signal);
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const send = (server: ServerName) =>
      patience.run(server, { events: 1, refused: 0 }, () => gate.then(() => "done"));
    const sent = Array.from({ length: 52 }, () => send(BAD));
    await expect(send(BAD)).rejects.toMatchObject({ status: 429, errcode: "M_LIMIT_EXCEEDED" });
    const other = send(GOOD);
    release();
    expect(await other).toBe("done");
    expect(new Set(await Promise.all(sent))).toEqual(new Set(["done"]));
  });
});
