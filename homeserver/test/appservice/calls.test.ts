/** Requests to services that are slow, full, or talk without end. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createCallsOfServices } from "../../src/appservice/calls-of.ts";
import { callTo, createServiceCalls, ServiceUnreachable } from "../../src/appservice/calls.ts";
import { createQuestions } from "../../src/appservice/questions.ts";
import { openServices, type Services } from "../../src/appservice/services.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { until } from "../support/wait.ts";
import { type FakeService, startFakeService } from "./fake-service.ts";
import { registrationFolder, registrationText } from "./support.ts";

const PING = callTo("appservicePing", {});

let service: FakeService;
let files: ReturnType<typeof registrationFolder>;
let services: Services;
beforeEach(async () => {
  service = await startFakeService();
  files = registrationFolder({ bridge: registrationText({ url: service.url }) });
  const serverName = "here.test" as ServerName;
  services = openServices({ folder: files.folder, serverName, logger: silentLogger() });
});
afterEach(async () => {
  services.stop();
  files.close();
  await service.stop();
});

test("a ping that is not answered in time is told so", async () => {
  service.answer(() => () => undefined);
  const calls = createCallsOfServices(services, systemClock);
  const questions = createQuestions({ services, calls, clock: systemClock, pingMs: 200 });
  await expect(questions.ping(services.byId("bridge")!, "slow")).rejects.toMatchObject({
    ...{ status: 504, errcode: "M_CONNECTION_TIMEOUT" },
  });
  await calls.close();
});

test("of an answer without end the beginning is read", async () => {
  service.answer(() => (response) => {
    const more = () => {
      while (response.write("x".repeat(65_536)));
      response.once("drain", more);
    };
    more();
  });
  const calls = createServiceCalls(services.byId("bridge")!, systemClock);
  const answer = await calls.ask({ to: PING, body: "{}", timeoutMs: 60_000, maxBytes: 1_000 });
  expect(answer).toEqual({ status: 200, text: "x".repeat(1_000) });
  await calls.close();
});

test("few questions wait for a service that answers none, and transactions wait for none of them", async () => {
  service.answer(({ method }) => (method === "PUT" ? undefined : () => undefined));
  const calls = createServiceCalls(services.byId("bridge")!, systemClock);
  const stop = new AbortController();
  const ask = () =>
    calls
      .ask({ to: PING, body: "{}", timeoutMs: 60_000, signal: stop.signal })
      .catch((error: unknown) => error as ServiceUnreachable);
  const asked = Array.from({ length: 60 }, ask);
  const refused = await Promise.race(asked);
  expect(refused).toBeInstanceOf(ServiceUnreachable);
  await until(() => service.asked.length === 16);
  const to = callTo("appserviceSendTransaction", { txnId: "1" });
  const body = JSON.stringify({ events: [] });
  expect((await calls.ask({ to, body, timeoutMs: 60_000 })).status).toBe(200);
  stop.abort();
  const answers = await Promise.all(asked);
  expect(answers.every((answer) => answer instanceof ServiceUnreachable)).toBe(true);
  await calls.close();
});
