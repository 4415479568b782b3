import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../support/ports.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";
import { eventually, inTime } from "../support/wait.ts";

const CLI = join(import.meta.dirname, "..", "..", "src", "cli", "cli.ts");
const BIN = join(import.meta.dirname, "..", "..", "bin", "weft.mjs");
let folder: string;
beforeAll(() => {
  folder = makeTemporaryFolder("weft-cli-");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function weft(args: string[], env: Record<string, string> = {}): ChildProcess {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(WEFT_|DATABASE_URL|REDIS_URL)/.test(name),
  );
  const all = { ...Object.fromEntries(inherited), WEFT_DATA_DIR: join(folder, "data"), ...env };
  return spawn(process.execPath, [CLI, ...args], { env: all, stdio: ["ignore", "pipe", "pipe"] });
}

async function outcome(child: ChildProcess) {
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    inTime("the end of the program", once(child, "exit"), 240_000) as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

async function untilHealthy(base: string): Promise<void> {
  const health = async () => (await fetch(`${base}/_weft/health`).catch(() => undefined))?.status;
  await eventually("the server is healthy", async () => (await health()) === 200, {
    ...{ within: 150_000, every: 100 },
  });
}

async function logIn(base: string, user: string, password: string): Promise<Response> {
  return await fetch(`${base}/_matrix/client/v3/login`, {
    method: "POST",
    body: JSON.stringify({
      type: "m.login.password",
      identifier: { type: "m.id.user", user },
      password,
    }),
  });
}

/** A request that waits for news when this resolves. */
async function longPoll(base: string, headers: Record<string, string>) {
  const sync = `${base}/_matrix/client/v3/sync`;
  const first = await fetch(sync, { headers });
  const { next_batch: since } = (await first.json()) as { next_batch: string };
  const answer = fetch(`${sync}?timeout=30000&since=${since}`, { headers });
  // It waits, beside the request for the metrics.
  await eventually("the server waits with an answer", async () => {
    const metrics = await (await fetch(`${base}/_weft/metrics`)).text();
    return /http_requests_under_way [2-9]/.test(metrics);
  });
  return { answer };
}

test("a wrong configuration exits 2 with one line, and so does a wrong use", async () => {
  const wrong = await outcome(weft(["start"], { WEFT_RATE_LIMITS: "some" }));
  expect(wrong).toMatchObject({
    code: 2,
    stderr: 'weft: WEFT_RATE_LIMITS: "some" is not valid; write on or off\n',
  });
  const services = makeTemporaryFolder("weft-cli-services-");
  writeFileSync(join(services, "irc.yaml"), "id: irc\nurl: null\ntoken: secret\n");
  const [port] = (await freePorts(1)) as [number];
  const listen = { WEFT_LISTEN: `127.0.0.1:${port}` };
  const registration = await outcome(weft(["start"], { ...listen, WEFT_APPSERVICES: services }));
  rmSync(services, { recursive: true });
  expect(registration).toMatchObject({
    code: 2,
    stderr: "weft: irc.yaml: as_token: is missing; url may be null, a list []\n",
  });
  expect(await outcome(weft(["dance"]))).toMatchObject({ code: 2 });
  expect(await outcome(weft(["create-user", "--username", "x"]))).toMatchObject({ code: 2 });
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const { port: used } = blocker.address() as { port: number };
  const taken = await outcome(weft(["start"], { WEFT_LISTEN: `127.0.0.1:${used}` }));
  expect(taken).toMatchObject({ code: 2 });
  expect(taken.stderr).toMatch(
    /^weft: WEFT_LISTEN: "127\.0\.0\.1:\d+" is in use by another program/m,
  );
  blocker.close();
});

test("SIGHUP has registrations read again, and ends nothing", { timeout: 300_000 }, async () => {
  const services = makeTemporaryFolder("weft-cli-services-");
  const data = makeTemporaryFolder("weft-cli-data-");
  const [port] = (await freePorts(1)) as [number];
  const server = weft(["start"], {
    ...{ WEFT_LISTEN: `127.0.0.1:${port}`, WEFT_APPSERVICES: services, WEFT_DATA_DIR: data },
  });
  let logged = "";
  server.stderr!.on("data", (chunk: Buffer) => (logged += chunk.toString()));
  const ended = once(server, "exit");
  await untilHealthy(`http://127.0.0.1:${port}`);
  await eventually("it serves", () => logged.includes('"serving"'));
  server.kill("SIGHUP");
  await eventually("it reads again", () => logged.includes("application services are unchanged"));
  writeFileSync(join(services, "wrong.yaml"), "id: wrong\n");
  server.kill("SIGHUP");
  await eventually("it says what is wrong", () => logged.includes("wrong.yaml: url: is missing"));
  server.kill("SIGTERM");
  expect((await inTime("its end", ended))[0]).toBe(0);
  for (const folder of [services, data]) rmSync(folder, { recursive: true, force: true });
});

test(
  "settings are read again at SIGHUP and by weft reload, which tells what changed",
  { timeout: 300_000 },
  async () => {
    const data = makeTemporaryFolder("weft-cli-data-");
    const file = join(data, "weft.yaml");
    const [port] = (await freePorts(1)) as [number];
    const base = `http://127.0.0.1:${port}`;
    const write = (registration: string) =>
      writeFileSync(file, `listen: 127.0.0.1:${port}\nregistration: ${registration}\n`);
    write("closed");
    const env = { WEFT_DATA_DIR: data, WEFT_CONFIG: file };
    expect(await outcome(weft(["reload"], env))).toMatchObject({
      ...{ code: 1, stderr: "weft: no server is running on this data folder\n" },
    });
    const server = weft(["start"], env);
    let logged = "";
    server.stderr!.on("data", (chunk: Buffer) => (logged += chunk.toString()));
    const ended = once(server, "exit");
    const registering = async () => {
      const register = { method: "POST", body: "{}" };
      return (await fetch(`${base}/_matrix/client/v3/register`, register)).status;
    };
    await untilHealthy(base);
    expect(await registering()).toBe(403);
    write("open");
    const readTs = await administratorSees(base, env);
    const before = await readTs();
    const change = 'registration: "closed" -> "open" (in force)\n';
    expect(await outcome(weft(["reload"], env))).toMatchObject({ code: 0, stdout: change });
    expect(await registering()).toBe(401);
    expect(await outcome(weft(["reload"], env))).toMatchObject({ stdout: "Nothing has changed\n" });
    expect(await readTs()).toBeGreaterThan(before);
    write("perhaps");
    server.kill("SIGHUP");
    await eventually("it says what is wrong", () => logged.includes("the settings stay as they"));
    expect(await registering()).toBe(401);
    write("closed");
    server.kill("SIGHUP");
    await eventually("registration is closed", async () => (await registering()) === 403);
    server.kill("SIGTERM");
    expect((await inTime("its end", ended))[0]).toBe(0);
    rmSync(data, { recursive: true, force: true });
  },
);

test(
  "a server starts, takes accounts from the command line running or stopped, and stops at SIGTERM",
  { timeout: 300_000 },
  async () => {
    const created = await outcome(
      weft(["create-user", "--username", "early", "--password", "secret-1", "--admin"]),
    );
    expect(created).toMatchObject({
      code: 0,
      stdout: "Created @early:localhost, an administrator\n",
    });

    const [port] = (await freePorts(1)) as [number];
    const env = { WEFT_LISTEN: `127.0.0.1:${port}`, WEFT_REGISTRATION: "token" };
    const server = weft(["start"], env);
    const ended = outcome(server);
    const base = `http://127.0.0.1:${port}`;
    await untilHealthy(base);

    const late = await outcome(weft(["create-user", "-u", "late", "-p", "secret-2"], env));
    expect(late).toMatchObject({ code: 0, stdout: "Created @late:localhost\n" });
    expect(await outcome(weft(["create-user", "-u", "late", "-p", "x"], env))).toMatchObject({
      code: 1,
      stderr: "weft: That user name is taken\n",
    });
    const doctor = await outcome(weft(["doctor"], env));
    expect(doctor.stdout).toContain("is served by a running Weft");
    expect(doctor.code).toBe(0);

    for (const [user, password] of [
      ["early", "secret-1"],
      ["late", "secret-2"],
    ] as const) {
      expect((await logIn(base, user, password)).status).toBe(200);
    }
    const { access_token: token } = (await (await logIn(base, "late", "secret-2")).json()) as {
      access_token: string;
    };
    const authorization = `Bearer ${token}`;
    const made = await fetch(`${base}/_matrix/client/v3/createRoom`, {
      method: "POST",
      headers: { authorization },
      body: "{}",
    });
    const { room_id: room } = (await made.json()) as { room_id: string };
    const rooms = await outcome(weft(["doctor", "--rooms", "--collect"], env));
    expect(rooms).toMatchObject({ code: 0, stderr: "" });
    expect(rooms.stdout).toMatch(/^ok {4}state nodes: \d+/m);
    expect(rooms.stdout).toContain(`ok    ${room}: `);
    expect(await outcome(weft(["doctor", "--room", "!none:localhost"], env))).toMatchObject({
      code: 1,
      stderr: "weft: !none:localhost is not known here\n",
    });
    const poll = await longPoll(base, { authorization });
    const begun = Date.now();
    server.kill("SIGTERM");
    expect((await poll.answer).status).toBe(200);
    expect(await ended).toMatchObject({ code: 0 });
    expect(Date.now() - begun).toBeLessThan(10_000);
  },
);

test(
  "a server that npx started stops when npx, or the shell between, is ended",
  { timeout: 300_000 },
  async () => {
    const [port] = (await freePorts(1)) as [number];
    const base = `http://127.0.0.1:${port}`;
    // As npx does it: a shell that waits, with what it started as its child.
    const started = `"${process.execPath}" "${BIN}" start & wait`;
    const shell = spawn("sh", ["-c", started], {
      env: {
        PATH: process.env["PATH"],
        npm_command: "exec",
        WEFT_DATA_DIR: join(folder, "npx"),
        WEFT_LISTEN: `127.0.0.1:${port}`,
      },
      stdio: "ignore",
    });
    await untilHealthy(base);
    shell.kill("SIGTERM");
    const isGone = () =>
      fetch(`${base}/_weft/health`).then(
        () => false,
        () => true,
      );
    await eventually("the server has stopped", isGone, { within: 60_000, every: 100 });
  },
);

/** What tells when the server last read its settings, as an administrator sees it. */
async function administratorSees(base: string, env: Record<string, string>) {
  const account = ["--username", "root", "--password", "Root-Secret-1", "--admin"];
  expect(await outcome(weft(["create-user", ...account], env))).toMatchObject({ code: 0 });
  const identifier = { type: "m.id.user", user: "root" };
  const login = { type: "m.login.password", identifier, password: "Root-Secret-1" };
  const answer = await fetch(`${base}/_matrix/client/v3/login`, {
    ...{ method: "POST", body: JSON.stringify(login) },
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  return async (): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` };
    const settings = await fetch(`${base}/_weft/admin/settings`, { headers });
    return ((await settings.json()) as { read_ts: number }).read_ts;
  };
}
