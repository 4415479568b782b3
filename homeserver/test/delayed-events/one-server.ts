/** One server, Alice and Bob, and what both schedule there. */
import { afterAll, beforeAll, expect } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { type DelayedApi, delayedApi } from "./delayed-api.ts";

export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;

export let server: TestServer;
export let alice: TestUser;
export let bob: TestUser;
export let api: DelayedApi;
export let others: DelayedApi;

beforeAll(async () => {
  server = await startServer({ delayedEventLimits: { perUser: 20, maxDelayMs: DAY_MS } });
  alice = await register(server, "alice");
  bob = await register(server, "bob");
  api = delayedApi(server, alice);
  others = delayedApi(server, bob);
});

afterAll(() => server.close());

/** A room of Alice, in which everybody may send everything. */
export async function newRoom(): Promise<string> {
  const power_level_content_override = { state_default: 0, events: {} };
  const body = { preset: "public_chat", power_level_content_override };
  return (await alice.call("POST", "/createRoom", body)).room_id;
}

export const inRoom = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`;

export async function delayIdOf(answer: Promise<{ status: number; body: Body }>): Promise<string> {
  const { status, body } = await answer;
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body).toEqual({ delay_id: expect.stringMatching(/^\w{32}$/) });
  return body.delay_id;
}

export const finalised = (delayId: string, of = api) =>
  eventually("it is finalised", async () => (await of.one(delayId)).body.finalised);

/** Cancels what waits, so that tests do not fill up the user's number. */
export async function clear(of = api): Promise<void> {
  for (const { delay_id } of (await of.list()).body.delayed_events) {
    expect((await of.manage(delay_id, "cancel")).status).toBe(200);
  }
}
