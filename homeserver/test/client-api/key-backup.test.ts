import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../src/users/common/limits.ts";
import { openApi, type TestApi } from "./support.ts";

const ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2";
const ROOM = "!room:here.test";
const LIMIT = 200_000;

let t: TestApi;
let token: string;
let users = 0;

beforeAll(async () => {
  t = await openApi({ limits: { ...DEFAULT_LIMITS, keyBackupBytes: LIMIT } });
});
beforeEach(async () => {
  ({ access_token: token } = await t.register(`backup${++users}`));
});
afterAll(() => t.close());

const call = (method: string, path: string, body?: unknown) =>
  t.call(method, `room_keys/${path}`, body, token);

async function ok(method: string, path: string, body?: unknown) {
  const answer = await call(method, path, body);
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200 });
  return answer.body;
}

const begin = async (key = "key"): Promise<string> =>
  (await ok("POST", "version", { algorithm: ALGORITHM, auth_data: { public_key: key } })).version;

const session = (data: string, more: object = {}) => ({
  ...{ first_message_index: 5, forwarded_count: 2, is_verified: false },
  session_data: { ciphertext: data },
  ...more,
});

const put = (version: string, data: object, id = "s1") =>
  ok("PUT", `keys/${ROOM}/${id}?version=${version}`, data);
const read = async (version: string, id = "s1") =>
  (await ok("GET", `keys/${ROOM}/${id}?version=${version}`)).session_data.ciphertext;

describe("a backup", () => {
  test("has a version, and the newest is told unless one is named", async () => {
    expect(await call("GET", "version")).toMatchObject({
      status: 404,
      body: { errcode: "M_NOT_FOUND" },
    });
    const first = await begin("one");
    const second = await begin("two");
    expect(second).not.toBe(first);
    const newest = await ok("GET", "version");
    expect(newest).toEqual({
      ...{ version: second, algorithm: ALGORITHM, auth_data: { public_key: "two" } },
      ...{ count: 0, etag: expect.any(String) },
    });
    expect(await ok("GET", `version/${first}`)).toMatchObject({ auth_data: { public_key: "one" } });
    for (const unknown of ["0", "99", "x", "1e3", "99999999999999999999"]) {
      expect(await call("GET", `version/${unknown}`)).toMatchObject({ status: 404 });
    }
  });

  test("takes another auth_data, but no other algorithm or version", async () => {
    const version = await begin();
    const changed = { algorithm: ALGORITHM, auth_data: { public_key: "new", n: 0.5 } };
    expect(await ok("PUT", `version/${version}`, { ...changed, version })).toEqual({});
    expect(await ok("GET", "version")).toMatchObject({ auth_data: { public_key: "new", n: 0.5 } });
    for (const wrong of [{ algorithm: "other" }, { version: "7" }]) {
      const answer = await call("PUT", `version/${version}`, { ...changed, ...wrong });
      expect(answer).toMatchObject({ status: 400, body: { errcode: "M_INVALID_PARAM" } });
    }
    expect(await call("PUT", "version/44", changed)).toMatchObject({ status: 404 });
  });

  test("is deleted with its keys, a second time too; its number is not given out again", async () => {
    const first = await begin();
    const version = await begin();
    await put(version, session("gone"));
    for (const _ of [1, 2]) expect(await ok("DELETE", `version/${version}`)).toEqual({});
    expect(await call("DELETE", "version/50")).toMatchObject({ status: 404 });
    expect(await call("GET", `keys?version=${version}`)).toMatchObject({ status: 404 });
    expect((await ok("GET", "version")).version).toBe(first);
    const next = await begin();
    expect([first, version]).not.toContain(next);
    expect(await ok("GET", `keys?version=${next}`)).toEqual({ rooms: {} });
    expect(await ok("DELETE", `version/${version}`)).toEqual({});
    const [row] = await t.sql`
      SELECT count(*) AS count FROM backed_up_keys
      WHERE version = ${Number(version)} AND user_id = ${`@backup${users}:here.test`}`;
    expect(row).toEqual({ count: 0 });
  });

  test("ends with the account", async () => {
    const version = await begin();
    await put(version, session("gone"));
    const userId = `@backup${users}:here.test`;
    await t.users.deactivation.deactivate(userId as never, false);
    const rows = await t.sql`
      SELECT 1 FROM backed_up_keys WHERE user_id = ${userId}
      UNION ALL SELECT 1 FROM key_backups WHERE user_id = ${userId}`;
    expect(rows).toEqual([]);
  });

  test("begun by two devices at once is two backups", async () => {
    const versions = await Promise.all(Array.from({ length: 5 }, (_, n) => begin(`${n}`)));
    expect(new Set(versions).size).toBe(5);
  });
});

describe("keys", () => {
  test("are written and read alone, by room, and all", async () => {
    const version = await begin();
    const other = "!other:there.test";
    await put(version, session("one"));
    const more = { sessions: { s2: session("two"), "s/3 ü": session("three") } };
    await ok("PUT", `keys/${ROOM}?version=${version}`, more);
    const state = await ok("PUT", `keys?version=${version}`, {
      rooms: { [other]: { sessions: { s1: session("four", { is_verified: true }) } } },
    });
    expect(state.count).toBe(4);
    const ofRoom = { s1: session("one"), s2: session("two"), "s/3 ü": session("three") };
    expect(await ok("GET", `keys?version=${version}`)).toEqual({
      rooms: {
        [ROOM]: { sessions: ofRoom },
        [other]: { sessions: { s1: session("four", { is_verified: true }) } },
      },
    });
    expect(await ok("GET", `keys/${ROOM}?version=${version}`)).toEqual({ sessions: ofRoom });
    const path = `keys/${ROOM}/${encodeURIComponent("s/3 ü")}?version=${version}`;
    expect(await ok("GET", path)).toEqual(session("three"));
    expect(await ok("GET", `keys/!none:x?version=${version}`)).toEqual({ sessions: {} });
    expect(await call("GET", `keys/${ROOM}/none?version=${version}`)).toMatchObject({
      status: 404,
      body: { errcode: "M_NOT_FOUND" },
    });
    expect(await ok("GET", "version")).toMatchObject({ count: 4, etag: state.etag });
  });

  test("are many: a backup of several pages is read whole", async () => {
    const version = await begin();
    const rooms = Object.fromEntries(
      ["!a:x", "!b:x", "!c:x"].map((room) => [
        room,
        {
          sessions: Object.fromEntries(
            Array.from({ length: 200 }, (_, n) => [`s${n}`, session(`${n}`)]),
          ),
        },
      ]),
    );
    expect((await ok("PUT", `keys?version=${version}`, { rooms })).count).toBe(600);
    expect(await ok("GET", `keys?version=${version}`)).toEqual({ rooms });
  });

  test.each([
    ["verified before not verified", { is_verified: true, first_message_index: 9 }, true],
    ["an earlier first message", { first_message_index: 4, forwarded_count: 9 }, true],
    ["forwarded less often", { forwarded_count: 1 }, true],
    ["the same again", {}, false],
    ["a later first message", { first_message_index: 6, forwarded_count: 0 }, false],
    ["forwarded more often", { forwarded_count: 3 }, false],
  ])("of two copies the better one stays: %s", async (_, better, replaces) => {
    const version = await begin();
    const before = await put(version, session("old"));
    const after = await put(version, session("new", better));
    expect(await read(version)).toBe(replaces ? "new" : "old");
    expect(after.count).toBe(1);
    expect(after.etag !== before.etag).toBe(replaces);
  });

  test("a verified copy stays, however good the other is", async () => {
    const version = await begin();
    await put(version, session("old", { is_verified: true, first_message_index: 9 }));
    await put(version, session("new", { first_message_index: 0, forwarded_count: 0 }));
    expect(await read(version)).toBe("old");
  });

  test("are written to the newest backup alone, and read from any", async () => {
    const old = await begin();
    await put(old, session("old"));
    const version = await begin();
    for (const path of ["keys", `keys/${ROOM}`, `keys/${ROOM}/s1`]) {
      const bodies: Record<string, object> = {
        keys: { rooms: {} },
        [`keys/${ROOM}`]: { sessions: {} },
        [`keys/${ROOM}/s1`]: session("new"),
      };
      expect(await call("PUT", `${path}?version=${old}`, bodies[path])).toMatchObject({
        status: 403,
        body: { errcode: "M_WRONG_ROOM_KEYS_VERSION", current_version: version },
      });
      expect(await call("PUT", `${path}?version=77`, bodies[path])).toMatchObject({ status: 404 });
      expect(await call("PUT", path, bodies[path])).toMatchObject({
        status: 400,
        body: { errcode: "M_MISSING_PARAM" },
      });
    }
    expect(await read(old)).toBe("old");
  });

  test("are deleted alone, by room, and all; what is not there changes nothing", async () => {
    const version = await begin();
    const sessions = { s1: session("1"), s2: session("2") };
    const rooms = { [ROOM]: { sessions }, "!b:x": { sessions }, "!c:x": { sessions } };
    const { etag } = await ok("PUT", `keys?version=${version}`, { rooms });
    expect(await ok("DELETE", `keys/${ROOM}/none?version=${version}`)).toEqual({ etag, count: 6 });
    expect((await ok("DELETE", `keys/${ROOM}/s1?version=${version}`)).count).toBe(5);
    expect((await ok("DELETE", `keys/!b:x?version=${version}`)).count).toBe(3);
    const left = await ok("DELETE", `keys?version=${version}`);
    expect(left.count).toBe(0);
    expect(left.etag).not.toBe(etag);
    expect(await call("DELETE", "keys?version=9")).toMatchObject({ status: 404 });
  });

  test("of wrong shape are refused, and nothing of the request is kept", async () => {
    const version = await begin();
    const wrong: unknown[] = [
      { ...session("x"), first_message_index: -1 },
      { ...session("x"), first_message_index: 1.5 },
      { ...session("x"), forwarded_count: "2" },
      { ...session("x"), is_verified: 1 },
      { ...session("x"), session_data: "text" },
      { first_message_index: 1, forwarded_count: 1, is_verified: true },
    ];
    for (const bad of wrong) {
      const sessions = { good: session("good"), bad };
      const answer = await call("PUT", `keys/${ROOM}?version=${version}`, { sessions });
      expect(answer).toMatchObject({ status: 400, body: { errcode: "M_BAD_JSON" } });
    }
    const long = { good: session("good"), ["x".repeat(256)]: session("x") };
    expect(await call("PUT", `keys/${ROOM}?version=${version}`, { sessions: long })).toMatchObject({
      status: 400,
      body: { errcode: "M_INVALID_PARAM" },
    });
    const rooms = { [ROOM]: { sessions: { good: session("good") } }, "#no:room": { sessions: {} } };
    expect(await call("PUT", `keys?version=${version}`, { rooms })).toMatchObject({ status: 400 });
    expect((await ok("GET", "version")).count).toBe(0);
  });

  test("are bounded for each user, and what is deleted makes room again", async () => {
    const version = await begin();
    const big = session("x".repeat(LIMIT / 2));
    await put(version, big, "s1");
    const sessions = { small: session("small"), s2: big };
    const answer = await call("PUT", `keys/${ROOM}?version=${version}`, { sessions });
    expect(answer).toMatchObject({ status: 413, body: { errcode: "M_TOO_LARGE" } });
    expect((await ok("GET", "version")).count).toBe(1);
    // A better copy that is no larger is let through.
    await put(version, { ...big, is_verified: true }, "s1");
    await ok("DELETE", `keys/${ROOM}/s1?version=${version}`);
    await put(version, big, "s2");
    const [row] = await t.sql<{ bytes: number }[]>`
      SELECT b.bytes - (SELECT sum(octet_length(session_data) + 256) FROM backed_up_keys k
        WHERE k.user_id = b.user_id AND k.version = b.version)::bigint AS bytes
      FROM key_backups b WHERE user_id = ${`@backup${users}:here.test`}`;
    expect(row).toEqual({ bytes: 0 });
  });

  test("written by several devices at once are all there", async () => {
    const version = await begin();
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => put(version, session(`${n}`), `s${n % 10}`)),
    );
    expect(await ok("GET", "version")).toMatchObject({ count: 10 });
  });

  test("are nobody else's", async () => {
    const version = await begin();
    await put(version, session("mine"));
    const { access_token: other } = await t.register(`stranger${users}`);
    const path = `room_keys/keys/${ROOM}/s1?version=${version}`;
    expect(await t.call("GET", path, undefined, other)).toMatchObject({ status: 404 });
  });
});
