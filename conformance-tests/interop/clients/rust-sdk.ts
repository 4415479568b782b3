import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { eventually, must, mustEqual } from "../../harness/must.ts";
import type { JsonObject } from "../../harness/json.ts";
import type { Subject } from "../../harness/subject.ts";
import { CACHE, type Tell } from "../programs/install.ts";
import { joinedRoom, syncUntil } from "../../harness/sync.ts";
import type { SyncBody } from "../../harness/shapes.ts";
import type { User } from "../../harness/users.ts";
import { queryKeys } from "../keys.ts";
import { type Client, type Scene, hasJoined, hasSignedOut, setScene } from "./client.ts";

const HERE = join(import.meta.dirname, "rust-sdk");
const VERSION = "0.18.0";
const TARGET = join(CACHE, "rust-sdk");
const PROGRAM = join(TARGET, "debug", "rust-sdk");

interface Shown {
  readonly id: string;
  readonly name?: string;
  readonly last?: string;
}

interface Line {
  readonly homeserver?: string;
  readonly sync?: string;
  readonly issuer?: string;
  readonly actions?: number;
  readonly ready?: string;
  readonly rooms?: readonly Shown[];
  readonly read?: string;
  readonly body?: string;
  readonly sealed?: boolean;
  readonly server?: string | null;
  readonly key?: string;
  readonly failed?: string;
}

/** Element X's way: matrix-sdk with the services of matrix-sdk-ui. */
export function rustSdk(tell: Tell, build: boolean): Client | undefined {
  if (!isBuilt(tell, build)) return undefined;
  return {
    name: `matrix-sdk and matrix-sdk-ui ${VERSION}`,
    does:
      "discovers the server, its sliding sync and its OAuth 2.0 metadata, signs in, sets up cross-signing, " +
      "shows rooms with names and last messages, joins, reads and writes encrypted messages, backs its keys up, signs out; " +
      "a second device reads what was said from the backup",
    story,
  };
}

/** Cargo looks itself whether anything is to be done. */
function isBuilt(tell: Tell, build: boolean): boolean {
  if (!build && !existsSync(PROGRAM)) {
    tell(
      "The Rust SDK is not built yet (npm run interop -- --rust: some 20 minutes): its story is skipped.",
    );
    return false;
  }
  if (spawnSync("cargo", ["--version"], { stdio: "ignore" }).status !== 0) {
    tell("Cargo is not here: the story of the Rust SDK is skipped.");
    return false;
  }
  mkdirSync(TARGET, { recursive: true });
  const quiet = build ? [] : ["--quiet"];
  const args = ["build", "--locked", "--target-dir", TARGET, ...quiet];
  if (spawnSync("cargo", args, { cwd: HERE, stdio: "inherit" }).status === 0) return true;
  tell("The Rust SDK cannot be built here: its story is skipped.");
  return false;
}

async function story(subject: Subject): Promise<void> {
  const scene = await setScene(subject, "rust");
  const { user, owner, roomId } = scene;
  const apps: App[] = [];
  const open = () => {
    const app = start(subject.clientUrl, user.userId, user.password);
    apps.push(app);
    return app;
  };
  try {
    const app = open();
    await discovers(app);
    await listsAndReads(app, user, owner);
    await app.room(roomId, ({ name }) => name === "The box of rust");
    app.tell({ join: roomId });
    await hasJoined(scene);
    app.tell({ open: roomId });
    const texts = await converse(app, scene);
    const { master } = await queryKeys(user, user.userId);
    must(master !== undefined, "it has set up cross-signing");
    app.tell({ backUp: true });
    const key = await app.find("the key of its backup", (line) => line.key);
    await app.end();
    // A device that was not there when it was said has the keys from the backup.
    const next = open();
    await next.room(roomId, ({ name }) => name === "The box of rust");
    next.tell({ recover: key });
    next.tell({ open: roomId });
    for (const text of texts)
      await next.find(`reading "${text}"`, ({ body, sealed }) => sealed === true && body === text);
    await next.end();
    await hasSignedOut(scene);
  } finally {
    for (const app of apps) app.kill();
  }
}

async function discovers(app: App): Promise<void> {
  const found = await app.find("discovery", (line) => line.homeserver !== undefined && line);
  must(typeof found.server === "string", "it has found the server's .well-known");
  mustEqual(found.sync, "Native", "the kind of sync");
  must((found.issuer ?? "") !== "" && found.actions! > 0, "the server's OAuth 2.0 metadata");
  await app.find("a session", ({ ready }) => ready);
}

/** A room that was there before, in the list and opened. */
async function listsAndReads(app: App, user: User, owner: User): Promise<void> {
  const roomId = await owner.createRoom({ name: "An open room", invite: [user.userId] });
  await user.join(roomId);
  const said = await owner.send(roomId, "before it came");
  await app.room(roomId, ({ name, last }) => name === "An open room" && last === "before it came");
  app.tell({ open: roomId });
  await app.find(`reading ${said}`, ({ read }) => read === said);
}

/** What was said. */
async function converse(app: App, scene: Scene): Promise<string[]> {
  const texts: string[] = [];
  for (const turn of [1, 2, 3]) {
    const [question, answer] = [`to the SDK ${turn}`, `from the SDK ${turn}`];
    const eventId = await scene.say(question);
    const read = await app.find(`reading ${eventId}`, (line) => line.read === eventId && line);
    mustEqual([read.body, read.sealed], [question, true], "what it reads");
    app.tell({ seen: true });
    await syncUntil(scene.owner, "its receipt", (body) => isRead(body, scene, eventId));
    app.tell({ say: answer });
    await scene.hear((text) => text === answer);
    await app.room(scene.roomId, ({ last }) => last === answer);
    texts.push(question, answer);
  }
  return texts;
}

function isRead(body: SyncBody, { roomId, user }: Scene, eventId: string): boolean {
  const events = joinedRoom(body, roomId)?.ephemeral?.events ?? [];
  const receipts = events.filter(({ type }) => type === "m.receipt");
  return receipts.some(({ content }) => {
    const read = (content as Record<string, Record<string, JsonObject>>)[eventId]?.["m.read"];
    return read?.[user.userId] !== undefined;
  });
}

interface App {
  tell(command: object): void;
  /** Waits for a line of which something is picked. */
  find<T>(what: string, pick: (line: Line) => T | undefined | false): Promise<T>;
  /** Waits until the room is in the list like that. */
  room(roomId: string, fits: (shown: Shown) => boolean): Promise<Shown>;
  /** Signs out, and ends. */
  end(): Promise<void>;
  kill(): void;
}

function start(...args: string[]): App {
  const child = spawn(PROGRAM, args, { stdio: ["pipe", "pipe", "pipe"] });
  const lines: Line[] = [];
  let complaints = "";
  createInterface({ input: child.stdout }).on("line", (line) =>
    lines.push(JSON.parse(line) as Line),
  );
  child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  child.on("error", (error) => (complaints += error.message));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const find = <T>(what: string, pick: (line: Line) => T | undefined | false): Promise<T> =>
    eventually<T>(
      what,
      () => {
        const failed = lines.find((line) => line.failed !== undefined)?.failed;
        if (failed !== undefined || hasEnded())
          throw new Error(`it failed: ${failed ?? complaints.slice(-2000)}`);
        for (const line of lines) {
          const picked = pick(line);
          if (picked !== undefined && picked !== false) return Promise.resolve(picked);
        }
        return Promise.resolve(undefined);
      },
      60_000,
    );
  return {
    find,
    room: (roomId, fits) =>
      find(`${roomId} in the list`, ({ rooms }) =>
        rooms?.find((shown) => shown.id === roomId && fits(shown)),
      ),
    tell: (command) => void child.stdin.write(`${JSON.stringify(command)}\n`),
    async end() {
      child.stdin.end();
      await eventually("its end", () => Promise.resolve(hasEnded()), 60_000);
      mustEqual(child.exitCode, 0, "how it ended");
    },
    kill: () => void child.kill("SIGKILL"),
  };
}
