/** Whatever is thrown at the OAuth API: an answer of its kind, and no failure of the server. */
import fc from "fast-check";
import { operations, type OperationId, type OperationRow } from "@weft/spec/operations";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openApi, type TestApi } from "../client-api/support.ts";
import { authorizePath, hiddenIn, openBrowser, registerClient, WEB_CLIENT } from "./support.ts";

let t: TestApi;
let clientId: string;
let cookie: string;
let csrf: string;
beforeAll(async () => {
  t = await openApi();
  await t.register("alice");
  clientId = await registerClient(t);
  const browser = openBrowser(t);
  await browser.signIn("alice", "pw");
  cookie = browser.cookie!;
  csrf = hiddenIn((await browser.get(authorizePath(clientId))).body)["csrf"]!;
});
afterAll(() => t.close());

const NAMES = [
  ...["grant_type", "client_id", "code", "redirect_uri", "code_verifier", "refresh_token"],
  ...["device_code", "token", "scope", "response_type", "response_mode", "state", "prompt"],
  ...["code_challenge", "code_challenge_method", "user_code", "decision", "request", "next"],
  ...["username", "displayname", "device_id", "display_name", "action", "done", "login_hint"],
  ...["client_uri", "redirect_uris", "__proto__", "constructor"],
];
const plausible = fc.constantFrom(
  ...["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
  ...["code", "query", "fragment", "S256", "allow", "end", "create", "none", "alice", "DEVICE"],
  ...["urn:matrix:client:api:* urn:matrix:client:device:D", "https://app.example/callback"],
  ...["/_weft/account", "//evil", "\\\\evil", "%00", "a\0b", "\u{1f980}", "x".repeat(300), "", "["],
);
const text = fc.oneof(plausible, fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }));
const fields = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), text), text), {
  maxLength: 8,
});
const ids = Object.entries(operations)
  .filter(([, row]) => row.api === "oauth")
  // They would end what the others need.
  .filter(([id]) => !["signOutOnPage", "deactivateOnPage", "changePasswordOnPage"].includes(id))
  .map(([id]) => id as OperationId);
const wellFormed = (given: readonly [string, string][]) =>
  given.map(([name, value]) => [name.toWellFormed(), value.toWellFormed()] as [string, string]);

test("an operation answers with what is its kind, whatever comes", async () => {
  const one = fc.record({ id: fc.constantFrom(...ids), fields, known: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(one, async ({ id, fields: given, known }) => {
      const row: OperationRow = operations[id];
      const added: [string, string][] = known
        ? [
            ["csrf", csrf],
            ["client_id", clientId],
            ["request", authorizePath(clientId).split("?")[1]!],
          ]
        : [];
      const text = new URLSearchParams([...added, ...wellFormed(given)]).toString();
      const asJson = JSON.stringify({ ...WEB_CLIENT, ...Object.fromEntries(wellFormed(given)) });
      const answer = await t.inject({
        method: row.method === "GET" ? "GET" : "POST",
        url: row.method === "GET" ? `${row.path}?${text}` : row.path,
        headers: { ...(known && { cookie }) },
        ...(row.method !== "GET" && { payload: row.body === "json" ? asJson : text }),
      });
      expect(answer.status).toBeLessThan(500);
      const location = answer.headers["location"];
      if (location === undefined) return;
      expect(String(location)).toMatch(/^(\/_weft\/|https:\/\/app\.example\/callback[?#])/);
    }),
    { numRuns: 400 },
  );
});

test("what is no form and no JSON is refused", async () => {
  const binary = fc.uint8Array({ maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ids), binary, async (id, payload) => {
      const row: OperationRow = operations[id];
      if (row.method === "GET") return;
      const answer = await t.inject({
        method: "POST",
        url: row.path,
        payload: Buffer.from(payload),
      });
      expect(answer.status).toBeLessThan(500);
    }),
    { numRuns: 200 },
  );
});
