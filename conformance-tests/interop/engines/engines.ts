import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { eventually } from "../../harness/must.ts";
import type { User } from "../../harness/users.ts";

/** A program that reads and writes in encrypted rooms with a library of its own. */
export interface Engine {
  /** "matrix-nio", "mautrix-go" */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Its last argument is a folder for its keys. */
  readonly needsFolder: boolean;
}

/** A device of a user that such a program runs, in one room. */
export interface EngineDevice {
  readonly deviceId: string;
  /** The event's id. */
  say(text: string): Promise<string>;
  /** Waits until it has decrypted the event, and answers what it says. */
  read(eventId: string): Promise<string>;
  stop(): void;
}

const HERE = import.meta.dirname;
const CACHE = join(HERE, "..", "..", "..", ".cache");
const BUILD_MS = 10 * 60_000;
/** Debian's own, which has python3-matrix-nio with python3-olm; others may have both from PyPI. */
const PYTHONS = ["/usr/bin/python3", "python3"];

/** Those that are here, or can be built here; says which are not, and why. */
export function findEngines(tell: (line: string) => void): Engine[] {
  const python = PYTHONS.find((one) => runs(one, ["-c", "import nio, olm"]));
  if (python === undefined)
    tell("matrix-nio with libolm is not here (python3-matrix-nio): its row is skipped.");
  const nio: Engine[] =
    python === undefined
      ? []
      : [
          {
            name: "matrix-nio",
            command: python,
            args: [join(HERE, "nio-room.py")],
            needsFolder: true,
          },
        ];
  const mautrix = buildMautrix(tell);
  return mautrix === undefined
    ? nio
    : [...nio, { name: "mautrix-go", command: mautrix, args: [], needsFolder: false }];
}

function runs(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** Builds mautrix-go's program with its own goolm, so without C. */
function buildMautrix(tell: (line: string) => void): string | undefined {
  if (!runs("go", ["version"])) {
    tell("Go is not here: mautrix-go's row is skipped.");
    return undefined;
  }
  mkdirSync(CACHE, { recursive: true });
  const program = join(CACHE, "mautrix-room");
  const args = ["build", "-tags", "goolm", "-trimpath", "-o", program, "."];
  const env = { ...process.env, CGO_ENABLED: "0", GOTOOLCHAIN: "local" };
  const cwd = join(HERE, "mautrix");
  const built = spawnSync("go", args, { cwd, env, encoding: "utf8", timeout: BUILD_MS });
  if (built.status === 0) return program;
  const why = built.error?.message ?? built.stderr.trim().split("\n").at(-1);
  tell(`mautrix-go can't be built here, so its row is skipped: ${why}`);
  return undefined;
}

interface Line {
  readonly ready?: string;
  readonly said?: string;
  readonly read?: string;
  readonly body?: string;
  readonly failed?: string;
}

/** Signs in on a device of the engine, and waits until it has synced. */
export async function startEngine(
  engine: Engine,
  user: User,
  roomId: string,
): Promise<EngineDevice> {
  const folder = mkdtempSync(join(tmpdir(), "weft-engine-"));
  const args = [...engine.args, user.subject.clientUrl, user.userId, user.password, roomId];
  const child = spawn(engine.command, engine.needsFolder ? [...args, folder] : args, {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const lines: Line[] = [];
  const complaints: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) =>
    lines.push(JSON.parse(line) as Line),
  );
  createInterface({ input: child.stderr }).on("line", (line) => complaints.push(line));
  child.on("error", (error) => complaints.push(error.message));
  child.on("close", () => rmSync(folder, { recursive: true, force: true }));

  const find = <T>(what: string, pick: (line: Line) => T | undefined): Promise<T> =>
    eventually(
      `${what} by ${engine.name}`,
      () => {
        const failed = lines.find((line) => line.failed !== undefined)?.failed;
        const hasEnded = child.exitCode !== null || child.signalCode !== null;
        if (failed !== undefined || hasEnded)
          throw new Error(
            `${engine.name} ended: ${failed ?? ""} ${complaints.slice(-5).join("\n")}`,
          );
        const found = lines.map(pick).find((one) => one !== undefined);
        return Promise.resolve(found);
      },
      30_000,
    ) as Promise<T>;

  let deviceId: string;
  try {
    deviceId = await find("a sync", ({ ready }) => ready);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  let told = 0;
  return {
    deviceId,
    async say(text) {
      child.stdin.write(`${JSON.stringify({ say: text })}\n`);
      const number = told++;
      await find(`"${text}"`, () =>
        lines.filter(({ said }) => said !== undefined).length > number ? true : undefined,
      );
      return lines.filter(({ said }) => said !== undefined)[number]!.said!;
    },
    read: (eventId) =>
      find(`reading ${eventId}`, ({ read, body }) => (read === eventId ? body : undefined)),
    stop() {
      child.kill("SIGKILL");
    },
  };
}
