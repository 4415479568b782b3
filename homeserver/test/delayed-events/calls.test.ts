/** What apps that carry calls learn of the server: by MatrixRTC (MSC4143) and delayed events (MSC4140). */
import { afterEach, expect, test } from "vitest";
import { openApi, type TestApi } from "../client-api/support.ts";

const LIVEKIT = [
  { type: "livekit", livekit_service_url: "https://one.test/livekit" },
  { type: "livekit", livekit_service_url: "https://two.test" },
] as const;
const TRANSPORTS = [
  "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports",
  "/_matrix/client/v1/rtc/transports",
];

let t: TestApi;
afterEach(() => t.close());

const flags = async () =>
  (await t.call("GET", "/_matrix/client/versions")).body.unstable_features as object;
const wellKnown = async () =>
  (await t.call("GET", "/.well-known/matrix/client")).body as Record<string, unknown>;

test("transports are told to users, and to everybody where apps look for them first", async () => {
  t = await openApi({ rtcTransports: LIVEKIT });
  const { access_token: token } = await t.register("alice");
  for (const path of TRANSPORTS) {
    expect(await t.call("GET", path, undefined, token)).toMatchObject({
      status: 200,
      body: { rtc_transports: LIVEKIT },
    });
    expect(await t.call("GET", path)).toMatchObject({
      status: 401,
      body: { errcode: "M_MISSING_TOKEN" },
    });
  }
  expect(await flags()).toHaveProperty(["org.matrix.msc4143"], true);
  expect((await wellKnown())["org.matrix.msc4143.rtc_foci"]).toEqual(LIVEKIT);
  expect((await wellKnown())["m.rtc_foci"]).toEqual(LIVEKIT);
});

test("a server without them tells of none", async () => {
  t = await openApi();
  const { access_token: token } = await t.register("alice");
  expect(await t.call("GET", TRANSPORTS[0]!, undefined, token)).toMatchObject({
    status: 200,
    body: { rtc_transports: [] },
  });
  expect(await flags()).not.toHaveProperty(["org.matrix.msc4143"]);
  expect(Object.keys(await wellKnown()).filter((key) => key.includes("rtc"))).toEqual([]);
});

test("delayed events are told with their limits, and not at all where there are none", async () => {
  const delays = async () => {
    const { access_token: token } = await t.register("alice");
    const { body } = await t.call("GET", "/_matrix/client/v3/capabilities", undefined, token);
    return body.capabilities["org.matrix.msc4140.delayed_events"];
  };
  t = await openApi({ delayedEventsPerUser: 7 });
  expect(await delays()).toEqual({ max_delay_ms: 1_000, max_scheduled: 7 });
  expect(await flags()).toHaveProperty(["org.matrix.msc4140"], true);
  await t.close();
  t = await openApi({ delayedEventsPerUser: 0 });
  expect(await delays()).toBeUndefined();
  expect(await flags()).not.toHaveProperty(["org.matrix.msc4140"]);
});
