import { describe, expect, test } from "vitest";
import { createHealing } from "../../src/encryption/healing.ts";

const ROOM = "!room:one";

/** A room whose events are healed when the test lets them be. */
function withHealing() {
  const begun: { roomId: string; sessions: string[] | undefined; end: () => void }[] = [];
  const healing = createHealing((roomId, sessions) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    begun.push({ roomId, sessions: sessions && [...sessions], end: resolve });
    return promise;
  });
  return { healing, begun };
}

/** Lets all go on that waits for nothing outside. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe("events whose key comes", () => {
  test("are read after what began without it, never beside it", async () => {
    const { healing, begun } = withHealing();
    void healing.heal(ROOM);
    await turn();
    healing.keysCame([{ roomId: ROOM, sessionId: "k" }]);
    healing.keysCame([{ roomId: "!other:one", sessionId: "k" }]);
    await turn();
    expect(begun.map(({ roomId, sessions }) => [roomId, sessions])).toEqual([
      [ROOM, undefined],
      ["!other:one", ["k"]],
    ]);
    begun[0]!.end();
    await turn();
    expect(begun[2]).toMatchObject({ roomId: ROOM, sessions: ["k"] });
  });

  test("are read once more when they were on their way to the room", async () => {
    const { healing, begun } = withHealing();
    const taken = Promise.withResolvers<void>();
    const reading = healing.during(() => taken.promise);
    healing.keysCame([{ roomId: ROOM, sessionId: "k" }]);
    await turn();
    expect(begun).toHaveLength(1);
    begun[0]!.end();
    taken.resolve();
    await reading;
    await turn();
    expect(begun.slice(1)).toMatchObject([{ roomId: ROOM, sessions: ["k"] }]);
    begun[1]!.end();
    await healing.during(async () => undefined);
    await turn();
    expect(begun).toHaveLength(2);
  });

  test("are read once more even where the taking in failed", async () => {
    const { healing, begun } = withHealing();
    const failing = healing.during(async () => {
      healing.keysCame([{ roomId: ROOM, sessionId: "k" }]);
      begun[0]?.end();
      throw new Error("no room");
    });
    await expect(failing).rejects.toThrow("no room");
    await turn();
    begun[0]!.end();
    await turn();
    expect(begun).toHaveLength(2);
  });
});
