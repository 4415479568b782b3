/** Registration tokens: over the wire. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NO_SIGN_IN } from "../../src/config/sign-in-file.ts";
import { startServer, type TestServer } from "../support/server.ts";
import type { Body } from "../support/user.ts";
import { ask as askOf, root, server as open, v1 } from "./scene.ts";

/** Another server, where people register with tokens alone; its administrator is the first user. */
let server: TestServer;
let token: string;

beforeAll(async () => {
  const texts = new Map([["en", { name: "Rules", url: "https://here.test/rules" }]]);
  const signIn = { ...NO_SIGN_IN, policies: [{ id: "rules", version: "1", texts }] };
  server = await startServer({ registration: "token", signIn });
  const [first] = await server.database.sql<{ token: string }[]>`
    SELECT token FROM registration_tokens WHERE bootstrap`;
  const { body } = await register("root", first!.token);
  token = body.access_token;
});
afterAll(() => server.close());

const ask = (method: string, path: string, body?: unknown) =>
  askOf(method, v1(`/registration_tokens${path}`), body, token, server);

async function done(method: string, path: string, body?: unknown): Promise<Body> {
  const answer = await ask(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

async function refused(method: string, path: string, body?: unknown): Promise<[number, string]> {
  const answer = await ask(method, path, body);
  return [answer.status, answer.body.errcode];
}

async function post(body: object): Promise<{ status: number; body: Body }> {
  const url = `${server.baseUrl}/_matrix/client/v3/register`;
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Body };
}

const account = (username: string) => ({ username, password: "A-Secret-1" });

async function register(username: string, shown: string) {
  const { session } = (await post(account(username))).body;
  await post({ ...account(username), auth: { type: "m.login.terms", session } });
  const auth = { type: "m.login.registration_token", token: shown, session };
  return post({ ...account(username), auth });
}

describe("registration tokens", () => {
  test("are made with what is given, and with nothing", async () => {
    const whole = { token: "Let.me-in_~1", uses_allowed: 3, expiry_time: Date.now() + 3_600_000 };
    const made = await done("POST", "/new", whole);
    expect(made).toEqual({ ...whole, pending: 0, completed: 0 });
    expect(await done("GET", "/Let.me-in_~1")).toEqual(made);
    const plain = await done("POST", "/new", {});
    expect(plain).toMatchObject({ uses_allowed: null, expiry_time: null });
    expect(plain.token).toHaveLength(16);
    const long = await done("POST", "/new", { length: 64, uses_allowed: null, expiry_time: null });
    expect(long.token).toHaveLength(64);
    expect((await done("POST", "/new", { length: 1 })).token).toHaveLength(1);
  });

  test.each([
    [{ token: "" }, "M_BAD_JSON"],
    [{ token: "a b" }, "M_BAD_JSON"],
    [{ token: "x".repeat(65) }, "M_BAD_JSON"],
    [{ length: 0 }, "M_BAD_JSON"],
    [{ length: 65 }, "M_BAD_JSON"],
    [{ uses_allowed: -1 }, "M_BAD_JSON"],
    [{ uses_allowed: 1.5 }, "M_BAD_JSON"],
    [{ uses_allowed: 2 ** 31 }, "M_BAD_JSON"],
    [{ expiry_time: "never" }, "M_BAD_JSON"],
    [{ expiry_time: 1 }, "M_INVALID_PARAM"],
  ])("are not made of %j", async (body, errcode) => {
    expect(await refused("POST", "/new", body)).toEqual([400, errcode]);
  });

  test("are not made twice", async () => {
    await done("POST", "/new", { token: "twice", uses_allowed: 5 });
    expect(await refused("POST", "/new", { token: "twice" })).toEqual([400, "M_INVALID_PARAM"]);
    expect((await done("GET", "/twice")).uses_allowed).toBe(5);
  });

  test("are counted, and good as often as they say", async () => {
    await done("POST", "/new", { token: "once", uses_allowed: 1 });
    expect((await register("one", "once")).status).toBe(200);
    expect(await done("GET", "/once")).toMatchObject({ completed: 1, uses_allowed: 1 });
    expect((await register("two", "once")).status).toBe(401);
    await done("PUT", "/once", { uses_allowed: 2 });
    expect((await register("two", "once")).status).toBe(200);
    const used = await done("GET", "?valid=false");
    expect(used.registration_tokens.map((one: Body) => one.token)).toContain("once");
    const good = await done("GET", "?valid=true");
    expect(good.registration_tokens.map((one: Body) => one.token)).not.toContain("once");
  });

  test("are changed as far as one says", async () => {
    await done("POST", "/new", { token: "change", uses_allowed: 1 });
    const expiry_time = Date.now() + 3_600_000;
    expect(await done("PUT", "/change", { expiry_time })).toMatchObject({
      ...{ uses_allowed: 1, expiry_time },
    });
    expect(await done("PUT", "/change", { uses_allowed: null })).toMatchObject({
      ...{ uses_allowed: null, expiry_time },
    });
    expect(await done("PUT", "/change", {})).toMatchObject({ uses_allowed: null, expiry_time });
    expect(await done("PUT", "/change", { expiry_time: null })).toMatchObject({
      expiry_time: null,
    });
    expect(await refused("PUT", "/change", { expiry_time: 1 })).toEqual([400, "M_INVALID_PARAM"]);
  });

  test("are deleted, and good no more", async () => {
    await done("POST", "/new", { token: "gone" });
    expect(await done("DELETE", "/gone")).toEqual({});
    expect((await register("three", "gone")).status).toBe(401);
    for (const method of ["GET", "DELETE", "PUT"]) {
      expect(await refused(method, "/gone", method === "PUT" ? {} : undefined)).toEqual([
        ...[404, "M_NOT_FOUND"],
      ]);
    }
  });

  test("that somebody has shown who has not agreed yet are pending", async () => {
    await done("POST", "/new", { token: "pending" });
    const { session } = (await post(account("four"))).body;
    const shown = { type: "m.login.registration_token", token: "pending", session };
    expect((await post({ ...account("four"), auth: shown })).body.completed).toHaveLength(1);
    expect(await done("GET", "/pending")).toMatchObject({ pending: 1, completed: 0 });
    const agreed = { type: "m.login.terms", session };
    expect((await post({ ...account("four"), auth: agreed })).status).toBe(200);
    expect(await done("GET", "/pending")).toMatchObject({ pending: 0, completed: 1 });
    const [user] = (
      await askOf("GET", "/_synapse/admin/v3/users?name=four", undefined, token, server)
    ).body.users;
    const path = `/_synapse/admin/v2/users/${encodeURIComponent(user.name)}`;
    const { body } = await askOf("GET", path, undefined, token, server);
    expect(body.consent_version).toBe("rules=1");
    expect(Math.abs(body.consent_ts - Date.now())).toBeLessThan(600_000);
  });

  test("of the first start are nobody's to see, change or delete", async () => {
    const rows = await server.database.sql<{ token: string }[]>`
      SELECT token FROM registration_tokens WHERE bootstrap`;
    const { token: first } = rows[0]!;
    const { registration_tokens: all } = await done("GET", "");
    expect(all.map((one: Body) => one.token)).not.toContain(first);
    for (const method of ["GET", "DELETE", "PUT"]) {
      const body = method === "PUT" ? { uses_allowed: null } : undefined;
      expect(await refused(method, `/${first}`, body)).toEqual([404, "M_NOT_FOUND"]);
    }
    expect((await register("five", first)).status).toBe(401);
  });
});

test("there are none where nobody made one", async () => {
  const answer = await askOf("GET", v1("/registration_tokens"), undefined, root.token, open);
  expect(answer.body).toEqual({ registration_tokens: [] });
});
