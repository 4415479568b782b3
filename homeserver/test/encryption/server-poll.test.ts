/** Servers that are asked for a client, of which some answer and some do not. */
import { expect, test } from "vitest";
import { createServerPoll } from "../../src/encryption/keys/ask-servers.ts";
import { createManualClock } from "../../src/platform/clock.ts";
import { errors } from "../../src/protocol/errors.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { nextTurn, until } from "../support/wait.ts";

const named = (what: string, count: number) =>
  Array.from({ length: count }, (_, n) => `${what}${n}.example` as ServerName);
const never = () => new Promise<never>(() => undefined);
const isDead = (server: ServerName) => server.startsWith("dead");

test("hundreds of dead servers in front of it keep none that lives from answering in time", async () => {
  const clock = createManualClock();
  const poll = createServerPoll(clock);
  const [dead, live] = [named("dead", 1_000), named("live", 100)];
  const servers = [...dead, ...live];
  const answered = new Set<ServerName>();
  const asking = poll.ask(
    servers,
    { timeoutMs: 10_000, known: new Set(servers) },
    async (server) => {
      if (isDead(server)) return await never();
      answered.add(server);
    },
  );
  let failures: Map<ServerName, unknown> | undefined;
  void asking.then((found) => (failures = found));
  await until(async () => {
    clock.advance(100);
    await nextTurn();
    return failures !== undefined;
  });
  expect(answered.size).toBe(100);
  expect([...failures!.keys()].toSorted()).toEqual(dead.toSorted());
});

test("mere names that do not answer keep nobody from servers that are known", async () => {
  const clock = createManualClock();
  const poll = createServerPoll(clock);
  const strangers = named("dead", 3_000);
  for (const part of [strangers.slice(0, 1_500), strangers.slice(1_500)]) {
    void poll.ask(part, { timeoutMs: 20_000, known: new Set() }, never);
  }
  for (let n = 0; n < 30; n += 1) {
    clock.advance(500);
    await nextTurn();
  }
  const known = named("live", 10);
  const failures = await poll.ask(known, { timeoutMs: 100, known: new Set(known) }, async () => {});
  expect(failures.size).toBe(0);
});

test("a server's refusal is its failure, and an error of ours is everybody's", async () => {
  const clock = createManualClock();
  const poll = createServerPoll(clock);
  const [one] = named("one", 1);
  const options = { timeoutMs: undefined, known: new Set<ServerName>() };
  const refused = await poll.ask([one!], options, () => Promise.reject(errors.notFound("none")));
  expect([...refused].map(([server, { errcode }]) => [server, errcode])).toEqual([
    [one, "M_NOT_FOUND"],
  ]);
  const broken = poll.ask([one!], options, () => Promise.reject(new TypeError("ours")));
  await expect(broken).rejects.toThrow("ours");
});
