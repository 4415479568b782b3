/** Servers take turns, and those that do not answer keep nobody waiting. */
import { expect, test } from "vitest";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { createSendSlots } from "../../src/sender/send-slots.ts";

const names = (kind: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${kind}${i}.example` as ServerName);

test("a thousand servers that failed of late, none of which answers, do not hold up the others", async () => {
  const inTurn = createSendSlots((server) => server.startsWith("dead"));
  let asked = 0;
  for (const dead of names("dead", 1000)) {
    void inTurn(dead, () => {
      asked += 1;
      return new Promise(() => undefined);
    });
  }
  const done: string[] = [];
  await Promise.all(
    names("well", 500).map((server) => inTurn(server, async () => void done.push(server))),
  );
  expect(done).toHaveLength(500);
  expect(asked).toBe(20);
});

test("a bounded number of transactions is under way, and a server with much to send queues up behind the others", async () => {
  const inTurn = createSendSlots(() => false);
  let underWay = 0;
  let most = 0;
  const order: string[] = [];
  const one = (server: ServerName) =>
    inTurn(server, async () => {
      most = Math.max(most, (underWay += 1));
      await Promise.resolve();
      order.push(server);
      underWay -= 1;
    });
  const [busy] = names("busy", 1);
  const much = (async () => {
    for (let i = 0; i < 5; i += 1) await one(busy!);
  })();
  await Promise.all([much, ...names("other", 300).map(one)]);
  expect(most).toBe(100);
  expect(order.lastIndexOf(busy!)).toBeGreaterThan(order.indexOf("other299.example"));
});
