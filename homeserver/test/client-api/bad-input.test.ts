import fc from "fast-check";
import { NO_RETENTION } from "../../src/rooms/visibility/retention-rules.ts";
import { FREE_RULES } from "../../src/rooms/creating/room-rules.ts";
import { operations, type OperationId } from "@weft/spec/operations";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSsoEntry } from "../../src/oauth-api/routes.ts";
import { accountRoutes } from "../../src/client-api/account-routes.ts";
import { systemRandom } from "../../src/platform/random.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { createOpenIdTokens } from "../../src/users/accounts/openid.ts";
import { NO_SUPPORT, openApi, type TestApi } from "./support.ts";
import { noServices } from "./no-services.ts";

let t: TestApi;
let token: string;
beforeAll(async () => {
  t = await openApi({ registrationSharedSecret: "shared" });
  token = (await t.register("alice")).access_token;
});
afterAll(() => t.close());

/** Identifiers and other texts that may get further than random ones. */
const plausible = fc.constantFrom(
  "@alice:here.test",
  "!room:here.test",
  "$event",
  "here.test",
  "m.tag",
  "displayname",
  "override",
  ".m.rule.master",
  "m.login.dummy",
  "m.login.password",
  "",
  "0",
  "-1",
  "1e9",
  "\0",
  "a\0b",
  "..",
  "../..",
  "%00",
  "\u{1f980}",
  "x".repeat(300),
);
const text = fc.oneof(plausible, fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }));
const KEYS = [
  ...[
    "type",
    "identifier",
    "user",
    "password",
    "token",
    "device_id",
    "auth",
    "session",
    "username",
  ],
  ...["new_password", "refresh_token", "devices", "display_name", "displayname", "avatar_url"],
  ...[
    "actions",
    "conditions",
    "pattern",
    "enabled",
    "order",
    "room",
    "timeline",
    "limit",
    "reason",
  ],
  ...[
    "nonce",
    "mac",
    "admin",
    "erase",
    "initial_device_display_name",
    "inhibit_login",
    "__proto__",
  ],
];
const value = fc.letrec((tie) => ({
  leaf: fc.oneof(text, fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
  any: fc.oneof(
    { maxDepth: 3 },
    { weight: 3, arbitrary: tie("leaf") },
    { weight: 1, arbitrary: fc.array(tie("any"), { maxLength: 3 }) },
    { weight: 2, arbitrary: tie("object") },
  ),
  object: fc.dictionary(fc.oneof(fc.constantFrom(...KEYS), text), tie("any"), { maxKeys: 5 }),
}));
const body = fc.oneof(
  { weight: 8, arbitrary: value.object.map((object) => JSON.stringify(object)) },
  { weight: 1, arbitrary: value.any.map((any) => JSON.stringify(any)) },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
);
/** Dots alone would lead to another path. */
const part = text.map((one) => encodeURIComponent(one.toWellFormed()).replace(/^\.{0,2}$/, "%20"));
const query = fc.dictionary(
  fc.constantFrom(
    "kind",
    "username",
    "token",
    "width",
    "height",
    "method",
    "timeout_ms",
    "filename",
    "before",
    "after",
    "animated",
  ),
  fc.oneof(text, fc.constantFrom("96", "crop", "0", "user")),
  { maxKeys: 4 },
);

test("whatever is thrown at an operation, the answer is one that the specification names, and no 500", async () => {
  const routes = accountRoutes({
    ...t,
    openId: createOpenIdTokens({
      accounts: t.users.accounts,
      clock: t.clock,
      random: systemRandom,
      secret: "s",
    }),
    serverName: "here.test" as ServerName,
    ssoPages: openSsoEntry({ users: t.users, publicBaseUrl: "https://here.test" }),
    settings: {
      ...FREE_RULES,
      retention: NO_RETENTION,
      turn: { uris: ["turn:turn.here.test"], sharedSecret: "s" },
      support: NO_SUPPORT,
      rtcTransports: [],
      delayedEventLimits: { perUser: 100, maxDelayMs: 1_000 },
      ...{ legacyMedia: true, urlPreviews: true },
    },
    sync: {
      deviceListChanges: async () => ({ changed: [], left: [] }),
      notifications: { list: async () => ({ notifications: [], next: undefined }) },
    },
    ...noServices,
    publicBaseUrl: "https://here.test",
    policyServer: undefined,
    previews: { of: async () => "{}" },
    webPushKey: "key",
  });
  // Signing everybody out would end the test.
  const ids = routes.map((one) => one.operationId).filter((one) => !one.startsWith("logout"));
  const one = fc.record({
    id: fc.constantFrom<OperationId>(...ids, "registerBySharedSecret"),
    parts: fc.array(part, { minLength: 4, maxLength: 4 }),
    query,
    body,
  });
  await fc.assert(
    fc.asyncProperty(one, async ({ id, parts, query: asked, body: payload }) => {
      const { method, path, body: kind } = operations[id];
      let at = 0;
      const url = path.replaceAll(/\{\w+\}/g, (name) =>
        name === "{userId}" && at % 2 === 0 ? "@alice:here.test" : parts[at++ % 4]!,
      );
      const known = new URLSearchParams(asked);
      const { status } = await t.inject({
        method,
        url: `${url}?${known.toString()}`,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(kind !== "none" && { payload }),
      });
      expect(status).toBeLessThan(500);
    }),
    { numRuns: Number(process.env["WEFT_FUZZ_RUNS"] ?? 600) },
  );
}, 180_000);
