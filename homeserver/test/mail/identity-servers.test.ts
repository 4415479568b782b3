import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startHttpListener } from "../support/http-listener.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { until } from "../support/wait.ts";

let server: TestServer;
let identity: Awaited<ReturnType<typeof startHttpListener>>;
let idServer: string;
let ann: TestUser;
let count = 0;

interface Asked {
  readonly path: string;
  readonly authorization: string;
  readonly body: Body;
}
let asked: Asked[] = [];
let answer: (path: string) => { status: number; body: unknown };

const BOUND = { status: 200, body: { medium: "email", address: "ann@there.test" } };
const GONE = { status: 200, body: {} };

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body: Body = JSON.parse(await text(request));
  const path = request.url!;
  asked.push({ path, authorization: request.headers.authorization ?? "", body });
  const { status, body: said } = answer(path);
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof said === "string" ? said : JSON.stringify(said));
}

beforeAll(async () => {
  server = await startServer();
  const { tlsCert: cert, tlsKey: key } = server.config;
  identity = await startHttpListener(handle, { cert: cert!, key: key! });
  idServer = `localhost:${identity.port}`;
});
afterAll(async () => {
  await identity.stop();
  await server.close();
});
beforeEach(async () => {
  count += 1;
  ann = await register(server, `ann${count}`);
  asked = [];
  answer = (path) => (path.endsWith("/unbind") ? GONE : BOUND);
});

const CREDS = { client_secret: "secret", sid: "1" };
const bind = (more: object = {}) =>
  ann.ask("POST", "/account/3pid/bind", {
    ...{ ...CREDS, id_server: idServer, id_access_token: "token" },
    ...more,
  });
const about = { medium: "email", address: "ann@there.test" };
const unbind = (more: object = {}) =>
  ann.ask("POST", "/account/3pid/unbind", { ...about, ...more });
const remove = (more: object = {}) =>
  ann.ask("POST", "/account/3pid/delete", { ...about, ...more });

describe("an identity server", () => {
  test("is told by the user's token, and asked to forget by this server's signature", async () => {
    expect((await bind()).status).toBe(200);
    const { path, authorization, body } = asked[0]!;
    expect([path, authorization]).toEqual(["/_matrix/identity/v2/3pid/bind", "Bearer token"]);
    expect(body).toEqual({ ...CREDS, mxid: ann.userId });
    expect((await unbind()).body).toEqual({ id_server_unbind_result: "success" });
    const second = asked[1]!;
    expect(second.path).toBe("/_matrix/identity/v2/3pid/unbind");
    expect(second.authorization).toMatch(
      new RegExp(`^X-Matrix origin="${server.name}",destination="${idServer}",key="ed25519:`),
    );
    expect(second.body).toEqual({ mxid: ann.userId, threepid: about });
    // There is nobody to ask any more.
    expect((await unbind()).body).toEqual({ id_server_unbind_result: "no-support" });
    expect(asked).toHaveLength(2);
  });

  test("is told by the older operation, which says so when it refuses", async () => {
    const three_pid_creds = { ...CREDS, id_server: idServer, id_access_token: "token" };
    const tell = () => ann.ask("POST", "/account/3pid", { three_pid_creds });
    expect((await tell()).status).toBe(200);
    expect((await ann.ask("GET", "/account/3pid")).body).toEqual({ threepids: [] });
    answer = () => ({ status: 404, body: { errcode: "M_NO_VALID_SESSION", error: "none" } });
    const refused = await tell();
    expect([refused.status, refused.body.errcode]).toEqual([403, "M_THREEPID_AUTH_FAILED"]);
  });

  test.each([
    [400, "M_SESSION_NOT_VALIDATED"],
    [400, "M_SESSION_EXPIRED"],
    [403, "M_TERMS_NOT_SIGNED"],
    [404, "M_NO_VALID_SESSION"],
  ])("is quoted when it refuses with %s %s", async (status, errcode) => {
    answer = () => ({ status, body: { errcode, error: "no" } });
    const refused = await bind();
    expect([refused.status, refused.body.errcode]).toEqual([status, errcode]);
  });

  test("does not sign the user out by what it says of its own token", async () => {
    answer = () => ({ status: 401, body: { errcode: "M_UNKNOWN_TOKEN", error: "no" } });
    const refused = await bind();
    expect([refused.status, refused.body.errcode]).toEqual([502, "M_UNKNOWN"]);
  });

  test.each([400, 404, 501])("that does not know how to forget answers %s", async (status) => {
    await bind();
    answer = () => ({ status, body: "<p>no</p>" });
    expect((await unbind()).body).toEqual({ id_server_unbind_result: "no-support" });
    // It may know later.
    answer = () => GONE;
    expect((await unbind()).body).toEqual({ id_server_unbind_result: "success" });
  });

  test("that refuses to forget is quoted, but an address goes from the account all the same", async () => {
    await bind();
    answer = () => ({ status: 403, body: { errcode: "M_FORBIDDEN", error: "no" } });
    const refused = await unbind();
    expect([refused.status, refused.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
    expect((await remove()).body).toEqual({ id_server_unbind_result: "no-support" });
    answer = () => GONE;
    expect((await remove()).body).toEqual({ id_server_unbind_result: "success" });
  });

  test("may be named, though it was told by somebody else", async () => {
    const named = { id_server: idServer };
    expect((await unbind(named)).body).toEqual({ id_server_unbind_result: "success" });
    expect((await remove(named)).body).toEqual({ id_server_unbind_result: "success" });
    expect(asked).toHaveLength(2);
  });

  test("forgets who closes their account, also when the server stops in between", async () => {
    await bind();
    answer = () => ({ status: 500, body: {} });
    const auth = { type: "m.login.password", password: `ann${count}-Secret-1` };
    const closed = await ann.ask("POST", "/account/deactivate", { auth });
    expect(closed.body).toEqual({ id_server_unbind_result: "no-support" });
    const eve = await register(server, `eve${count}`);
    // As a crash after the account was closed leaves it.
    await server.database.sql`
      INSERT INTO bound_addresses (user_id, medium, address, id_server, bound_ts)
      VALUES (${ann.userId}, 'email', 'ann@there.test', ${idServer}, 0),
        (${eve.userId}, 'email', 'eve@there.test', ${idServer}, 0)`;
    answer = () => GONE;
    asked = [];
    await server.stop();
    await server.restart();
    await until(() => asked.length === 1);
    expect(asked[0]!.body["mxid"]).toBe(ann.userId);
  });

  test("is none where it does not answer, or at all", async () => {
    const away = await bind({ id_server: "localhost:1" });
    expect([away.status, away.body.errcode]).toEqual([502, "M_UNKNOWN"]);
    for (const call of [bind, unbind, remove]) {
      const refused = await call({ id_server: "https://x/" });
      expect([refused.status, refused.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
    }
    const broken = await bind({ id_access_token: "a\r\nb: c" });
    expect([broken.status, broken.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
  });
});

test("a private address is not called unless that is allowed", async () => {
  const strict = await startServer({ allowPrivateAddresses: false });
  const eve = await register(strict, "eve");
  asked = [];
  for (const host of [idServer, `127.0.0.1:${identity.port}`]) {
    const refused = await eve.ask("POST", "/account/3pid/bind", {
      ...{ ...CREDS, id_server: host, id_access_token: "token" },
    });
    expect([refused.status, refused.body.errcode]).toEqual([502, "M_UNKNOWN"]);
  }
  expect(asked).toEqual([]);
  await strict.close();
});
