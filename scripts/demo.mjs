/**
 * `npm run demo`: two servers on this machine that federate over TLS with a certificate authority of
 * their own, and conversations between them: with pictures, reactions and a thread, and an encrypted one. Two links sign a
 * browser in on either side. Everything is thrown away at the end.
 * With --once it ends by itself when the conversation has reached both sides.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createAuthority } from "./lib/certificates.mjs";
import { converse, register, registerAdministrator } from "./lib/demo-conversation.mjs";
import { secretRooms } from "./lib/demo-secret-room.mjs";
import { signInPage } from "./lib/demo-sign-in.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { main } from "./lib/main.mjs";
import { environment, findNode, root } from "./lib/node.mjs";
import { ensureWebClient } from "./lib/web-client.mjs";
import { freePorts, isFree } from "./lib/ports.mjs";
import { makeTemporaryFolder } from "./lib/temporary.mjs";

const START_MS = 150_000;
const onlyOnce = process.argv.includes("--once");

await main(async () => {
  await ensureInstalled();
  const node = findNode();
  await ensureWebClient();
  const folder = makeTemporaryFolder("weft-demo-");
  const servers = [];
  const stopped = stopOnSignal();
  try {
    const authority = createAuthority("Weft demo CA");
    writeFileSync(join(folder, "ca.pem"), authority.cert);
    for (const port of [8008, 8009]) {
      servers.push(await startServer(node, folder, authority, port));
    }
    await Promise.race([Promise.all(servers.map(isHealthy)), stopped]);
    await Promise.race([play(servers, stopped), stopped]);
  } finally {
    await Promise.all(servers.map(stopServer));
    rmSync(folder, { recursive: true, force: true });
  }
});
// The SDK of the encrypted conversation has timers that it does not end.
process.exit();

/** People, their rooms, and the links to them; until it is stopped. */
async function play(servers, stopped) {
  const [alice, bob] = await Promise.all([
    registerAdministrator(servers[0], "alice", "Alice"),
    registerAdministrator(servers[1], "bob", "Bob"),
  ]);
  const conversation = await converse(servers, [alice, bob]);
  const pages = [];
  let end;
  try {
    for (const user of [alice, bob]) pages.push(await signInPage(user));
    if (!onlyOnce) {
      const speakers = await Promise.all([
        register(servers[0], "ines", "Ines"),
        register(servers[1], "karl", "Karl"),
      ]);
      end = await secretRooms(servers, speakers, [alice, bob]);
    }
    await show(servers, { ...conversation, users: [alice, bob], pages }, stopped);
  } finally {
    for (const { remove } of pages) remove();
    await end?.();
  }
}

/** Resolves (with undefined) at the first signal. */
function stopOnSignal() {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
      process.on(signal, () => resolve(undefined));
  });
}

async function startServer(node, folder, authority, wishedPort) {
  const port = await freePort(wishedPort);
  const federationPort = await freePort(wishedPort + 440);
  const serverName = `localhost:${federationPort}`;
  const own = join(folder, String(port));
  const { cert, key } = authority.issue(["localhost", "127.0.0.1", "::1"]);
  writeFileSync(`${own}.cert.pem`, cert);
  writeFileSync(`${own}.key.pem`, key, { mode: 0o600 });
  const secret = randomBytes(16).toString("hex");
  const settings = {
    WEFT_REGISTRATION_SHARED_SECRET: secret,
    WEFT_CONFIG: undefined,
    WEFT_SERVER_NAME: serverName,
    WEFT_DATA_DIR: own,
    WEFT_LISTEN: `127.0.0.1:${port}`,
    WEFT_PUBLIC_BASE_URL: `http://localhost:${port}`,
    WEFT_FEDERATION_LISTEN: `127.0.0.1:${federationPort}`,
    WEFT_TLS_CERT: `${own}.cert.pem`,
    WEFT_TLS_KEY: `${own}.key.pem`,
    WEFT_FEDERATION_CA: join(folder, "ca.pem"),
    WEFT_FEDERATION_ALLOW_PRIVATE: "true",
    WEFT_DATABASE_URL: undefined,
    DATABASE_URL: undefined,
    WEFT_REDIS_URL: undefined,
    REDIS_URL: undefined,
    WEFT_REGISTRATION: "open",
    WEFT_LOG_LEVEL: process.env.WEFT_LOG_LEVEL ?? "warn",
  };
  const child = spawn(node, [join(root, "homeserver", "src", "main.ts")], {
    env: environment(settings),
    stdio: ["ignore", "ignore", "inherit"],
    // Ctrl-C reaches this script alone, which then stops the servers in order.
    detached: true,
  });
  return { child, serverName, secret, url: `http://localhost:${port}` };
}

/** The wished port if it is free, otherwise any. */
async function freePort(wished) {
  return (await isFree(wished)) ? wished : (await freePorts(1))[0];
}

async function isHealthy({ child, url }) {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const answer = await fetch(`${url}/_weft/health`).catch(() => undefined);
    if (answer?.status === 200) return;
    if (child.exitCode !== null)
      throw new Error(`a server ended with ${child.exitCode}; see above`);
    if (Date.now() > deadline) throw new Error(`${url} did not start within ${START_MS / 1000} s`);
    await delay(200);
  }
}

async function show(servers, { alias, users, pages, messages }, stopped) {
  const lines = [
    "",
    "Two Weft servers federate over TLS on this machine. Open both, side by side:",
    ...servers.map(({ serverName }, index) => {
      const { username, password } = users[index];
      return `  ${pages[index].href}   ${username} on ${serverName} (password ${password})`;
    }),
    "",
    "Each of the two administers their server: the menu of their picture leads there.",
    `They talk in ${alias}:`,
    ...messages.map(({ sender, body }) => `  ${sender}: ${body}`),
    "",
  ];
  console.log(lines.join("\n"));
  if (onlyOnce) return;
  console.log(
    "What is typed on one page appears on the other. Ctrl-C stops and removes everything.",
  );
  await stopped;
}

async function stopServer({ child }) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await once(child, "exit");
  clearTimeout(timer);
}
