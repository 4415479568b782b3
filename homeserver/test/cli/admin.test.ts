/** `weft admin …` against a server. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type OperationRow, operations } from "@weft/spec/operations";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requestOf, parseTyped } from "../../src/cli/admin-arguments.ts";
import { adminCommands, kebab } from "../../src/cli/admin-commands.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { inTime } from "../support/wait.ts";

const CLI = join(import.meta.dirname, "..", "..", "src", "cli", "cli.ts");
let server: TestServer;
let root: TestUser;
let alice: TestUser;

beforeAll(async () => {
  server = await startServer();
  root = await register(server, "root");
  alice = await register(server, "alice");
  await server.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${root.userId}`;
}, 60_000);
afterAll(() => server.close());

async function weft(args: string[], env: Record<string, string> = {}, stdin = "") {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("WEFT_"));
  const child = spawn(process.execPath, [CLI, "admin", ...args], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.end(stdin);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    inTime("the end of the command", once(child, "exit"), 120_000) as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

/** The environment of somebody elsewhere, with a token. */
const remote = (token = root.token) => ({
  WEFT_ADMIN_URL: `${server.baseUrl}/`,
  WEFT_ADMIN_TOKEN: token,
});

/** The environment of the server's own machine. */
const local = () => ({
  WEFT_DATA_DIR: server.config.dataDir,
  WEFT_SERVER_NAME: server.name,
  WEFT_LISTEN: `127.0.0.1:${server.config.listen.port}`,
});

async function json(
  args: string[],
  env: Record<string, string> = remote(),
  stdin = "",
): Promise<Body> {
  const { code, stdout, stderr } = await weft(args, env, stdin);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

describe("the commands", () => {
  const commands = adminCommands();
  const rows = Object.entries(operations as Record<string, OperationRow>);

  test("are all that administrators may do, and what their users may of themselves", () => {
    const wanted = rows.flatMap(([id, { auth }]) => (auth === "administrator" ? [kebab(id)] : []));
    const rest = [...commands.keys()].filter((name) => !wanted.includes(name));
    expect(wanted.filter((name) => !commands.has(name))).toEqual([]);
    expect(rest).toEqual(["get-who-is"]);
  });

  test.each([...commands.values()].map((command) => [command.name, command] as const))(
    "%s has words for all of it, and no two flags of one name",
    (_name, command) => {
      expect(command.summary).not.toBe("");
      const flags = command.flags.map(({ name }) => kebab(name));
      expect(new Set(flags).size).toBe(flags.length);
      const common = ["server", "access-token", "as", "config", "body", "help"];
      expect(flags.filter((flag) => common.includes(flag))).toEqual([]);
      for (const { kinds } of command.flags) expect(kinds.size).toBeGreaterThan(0);
    },
  );
});

describe("what is typed", () => {
  const commands = adminCommands();
  const request = (name: string, ...words: string[]) => {
    const command = commands.get(name)!;
    return requestOf(command, parseTyped(command, words), undefined);
  };

  test.each([
    [["list-users"], "/_synapse/admin/v3/users", undefined],
    [
      ["list-users", "--limit", "5", "--order-by=creation_ts", "--no-admins", "--deactivated"],
      "/_synapse/admin/v3/users?deactivated=true&limit=5&admins=false&order_by=creation_ts",
      undefined,
    ],
    [
      ["list-users", "--not_user_type", "bot", "--not-user-type=", "--name", "ü &"],
      "/_synapse/admin/v3/users?name=%C3%BC+%26&not_user_type=bot&not_user_type=",
      undefined,
    ],
    [
      ["put-user", "@a/b:c.test", "--admin=false", "--user-type", "null", "--displayname", "-x"],
      "/_synapse/admin/v2/users/%40a%2Fb%3Ac.test",
      { admin: false, user_type: null, displayname: "-x" },
    ],
    [
      ["put-user", "--threepids", '[{"medium":"email","address":"a@b.test"}]', "--", "@a:b"],
      "/_synapse/admin/v2/users/%40a%3Ab",
      { threepids: [{ medium: "email", address: "a@b.test" }] },
    ],
    [
      ["delete-user-devices", "@a:b", "--devices", "A", "--devices", "B"],
      "/_synapse/admin/v2/users/%40a%3Ab/delete_devices",
      { devices: ["A", "B"] },
    ],
    [
      ["create-registration-token", "--token", "abc", "--uses-allowed", "3", "--expiry-time=null"],
      "/_synapse/admin/v1/registration_tokens/new",
      { token: "abc", uses_allowed: 3, expiry_time: null },
    ],
  ])("%j is a request", ([name, ...words], path, body) => {
    expect(request(name!, ...words)).toMatchObject({ path, body });
  });

  test.each([
    [["get-user"], "takes 1 names after it: weft admin get-user USER-ID"],
    [["get-user", "@a:b", "@c:d"], "takes 1 names"],
    [["list-users", "--limit", "many"], "--limit is a whole number"],
    [["list-users", "--limit"], "--limit needs a value"],
    [["list-users", "--order-by", "size"], "--order-by is one of name, displayname"],
    [["list-users", "--dir", "f", "--dir", "b"], "--dir is given more than once"],
    [["list-users", "--colour", "red"], "--colour is no flag here"],
    [["list-users", "--no-limit"], "--no-limit is no flag here"],
    [["set-administrator", "@a:b"], "needs --admin"],
    [["put-user", "@a:b", "--threepids", "[{]"], "--threepids is no JSON"],
  ])("%j is none", ([name, ...words], message) => {
    expect(() => request(name!, ...words)).toThrow(message);
  });
});

test("help lists the commands with what the contract says of them, and tells of one", async () => {
  const { code, stdout } = await weft(["--help"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/ list-users +List users, open and closed accounts/);
  expect(stdout).toMatch(/ delete-room +Put this server's users out of a room and delete it/);
  expect((await weft([])).stdout).toBe(stdout);
  const one = await weft(["put-user", "--help"]);
  expect(one.stdout).toContain("Usage: weft admin put-user USER-ID [--flag value…]");
  expect(one.stdout).toMatch(/--user-type bot\|support +What kind of account it is/);
  expect(one.stdout).toMatch(/--admin, --no-admin +Whether the user is an administrator/);
});

describe("against a server", () => {
  test("a command does it and prints the answer", async () => {
    const flags = ["--displayname", "New", "--body", '{"password":"A-Secret-1"}'];
    const made = await json(["put-user", `@made:${server.name}`, ...flags]);
    expect(made).toMatchObject({ name: `@made:${server.name}`, displayname: "New" });
    const list = await json(["list-users", "--name", "made"]);
    expect(list).toMatchObject({ total: 1, users: [{ name: `@made:${server.name}` }] });
    const users = { users: [{ username: "from.stdin" }] };
    const many = await json(["create-users", "--body", "-"], remote(), JSON.stringify(users));
    expect(many.results[0]).toMatchObject({ created: true });
  });

  test("what the server refuses goes to the standard error", async () => {
    const absent = await weft(["get-user", `@nobody:${server.name}`], remote());
    expect(absent).toMatchObject({ code: 1, stdout: "" });
    expect(absent.stderr).toBe("weft: the server answers 404 M_NOT_FOUND: No such user\n");
    const denied = await weft(["list-users"], remote(alice.token));
    expect(denied.code).toBe(1);
    expect(denied.stderr).toContain("403 M_FORBIDDEN");
    const gone = await weft(["list-users", "--server", "http://127.0.0.1:1"], remote());
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain("http://127.0.0.1:1 cannot be reached");
  });

  test.each([
    [["no-such-command"], "no-such-command is no command"],
    [["list-users", "--colour"], "--colour is no flag here"],
    [["list-users", "--server", "here.test"], "begins with https://"],
    [["list-users", "--server", "http://here.test"], "a token is needed"],
  ])("%j is told of what was typed", async (args, message) => {
    const { code, stdout, stderr } = await weft(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
  });
});

describe("on the server's own machine", () => {
  test("no token is needed, and none is left", async () => {
    const list = await json(["list-users", "--name", "alice"], local());
    expect(list.total).toBe(1);
    const left = await server.database.sql`SELECT 1 FROM access_tokens WHERE device_id = ''`;
    expect(left.length).toBe(0);
  });

  test("other programs are given one for a while", async () => {
    const given = await json(["token", "--minutes=5", "--as", "root"], local());
    expect(given.user_id).toBe(root.userId);
    expect(Math.abs(given.expiry_time - Date.now() - 300_000)).toBeLessThan(120_000);
    const list = await json(["list-users"], remote(given.access_token));
    expect(list.total).toBeGreaterThan(1);
    const { devices } = await root.call("GET", "/devices");
    expect(devices).toHaveLength(1);
  });

  test("one says as whom, where there are several", async () => {
    const { sql } = server.database;
    await sql`UPDATE accounts SET is_admin = true WHERE user_id = ${alice.userId}`;
    const unsure = await weft(["list-users"], local());
    expect(unsure.code).toBe(1);
    expect(unsure.stderr).toContain(`--as, such as ${alice.userId}, ${root.userId}`);
    expect((await json(["list-users", "--as", alice.userId], local())).total).toBeGreaterThan(1);
    await sql`UPDATE accounts SET is_admin = false WHERE user_id = ${alice.userId}`;
    const none = await weft(["list-users", "--as", "alice"], local());
    expect(none.stderr).toContain("alice is no administrator of this server");
    const long = await weft(["token", "--minutes", "100000"], local());
    expect(long.stderr).toContain("1 to 1440 minutes");
  });

  test("without a server there is nothing to ask", async () => {
    const nowhere = { ...local(), WEFT_DATA_DIR: join(server.config.dataDir, "nowhere") };
    const { code, stderr } = await weft(["list-users"], nowhere);
    expect(code).toBe(1);
    expect(stderr).toContain("no server is running on this data folder");
  });
});
