/** What comes of an EDU that cannot be kept. */
import { expect, test } from "vitest";
import { createEphemeral } from "../../src/cluster/ephemeral.ts";
import { createEdus } from "../../src/edus/index.ts";
import { LogUnavailable } from "../../src/log/types.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";

const THERE = "there.test" as ServerName;
const content = { room_id: "!r:there.test", user_id: "@bob:there.test", typing: true };

/** Takes in an EDU while the database fails like this. */
async function received(failure: Error): Promise<unknown> {
  const state = createEphemeral({ clock: systemClock });
  const edus = createEdus({
    log: { follow: () => () => undefined } as never,
    sql: (() => Promise.reject(failure)) as never,
    state,
    rooms: {} as never,
    outlet: {} as never,
    encryption: { receive: async () => {}, sharing: { has: () => Promise.reject(failure) } },
    clock: systemClock,
    logger: silentLogger(),
    serverName: "here.test" as ServerName,
  });
  try {
    return await edus.receive(THERE, "m.typing", content);
  } finally {
    edus.stop();
    await state.stop();
  }
}

test("an EDU is not answered as taken while the database is away, so that it is told again", async () => {
  const closed = Object.assign(new Error("closed"), { code: "CONNECTION_CLOSED" });
  await expect(received(closed)).rejects.toBe(closed);
  const away = new LogUnavailable("the database is away");
  await expect(received(away)).rejects.toBe(away);
  // What would fail each time must not keep the rest of the transaction from being taken.
  expect(await received(new TypeError("a mistake of ours"))).toBeUndefined();
});
