/** Too many requests are told to wait: in OAuth's words, or on a page. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { oauthRoutes } from "../../src/oauth-api/routes.ts";
import type { HttpServer } from "../../src/http/server.ts";
import { serverWith } from "../http/support.ts";
import { openUsers, type TestUsers } from "../users/support.ts";
import { WEB_CLIENT } from "./support.ts";

let t: TestUsers;
let http: HttpServer;
beforeAll(async () => {
  t = await openUsers();
  const publicBaseUrl = "https://matrix.here.test";
  http = await serverWith(oauthRoutes({ users: t.users, publicBaseUrl }), { limited: true });
});
afterAll(async () => {
  await http.close(500);
  await t.close();
});

/** The answer to the first of many requests that is refused. */
async function refused(url: string, payload: string) {
  for (let i = 0; i < 200; i += 1) {
    const answer = await http.app.inject({ method: "POST", url, payload });
    if (answer.statusCode === 429) return answer;
  }
  throw new Error(`${url} is never refused`);
}

test.each([
  ["/_weft/oauth/register", JSON.stringify(WEB_CLIENT)],
  ["/_weft/oauth/device", "client_id=x"],
  ["/_weft/oauth/token", "grant_type=refresh_token"],
])("programs are told so at %s", async (url, payload) => {
  const answer = await refused(url, payload);
  expect(answer.json()).toEqual({
    error: "temporarily_unavailable",
    error_description: "Too many requests",
    retry_after_ms: expect.any(Number),
  });
  expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
});

test.each(["/_weft/account/sign-in", "/_weft/account/register", "/_weft/oauth/link"])(
  "people see it at %s",
  async (url) => {
    const answer = await refused(url, "username=alice&password=wrong");
    expect(answer.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(answer.body).toContain("Too many requests");
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  },
);
