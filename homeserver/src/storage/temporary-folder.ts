import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processStart } from "./process-identity.ts";

/** What a folder says of the process that made it. */
interface Owner {
  readonly pid: number;
  /** Tells the process from a later one of the same number. */
  readonly started: string;
  /** In which the number means that process: the boot of a machine, and a container on it. */
  readonly space: string;
}

const PREFIX = "weft-";
const FILE = ".owner";
/** Folders are looked through once in a process. */
const cleared = new Set<string>();

/**
 * Makes a folder that only we can enter, and that is found and removed by a later start should this
 * process be killed. The first call removes those that killed processes left.
 * (scripts/lib/temporary.mjs does the same for the tools.) @param prefix begins with "weft-"
 */
export function makeTemporaryFolder(prefix: string, parent: string = tmpdir()): string {
  clearTemporaryFolders(parent);
  const folder = mkdtempSync(join(parent, prefix));
  chmodSync(folder, 0o700);
  const started = processStart(process.pid);
  if (started !== undefined) {
    const owner: Owner = { pid: process.pid, started, space: processSpace() };
    writeFileSync(join(folder, FILE), JSON.stringify(owner), { flag: "wx", mode: 0o600 });
  }
  return folder;
}

/** Removes our user's folders whose process is provably gone; once in a process. Never throws. */
export function clearTemporaryFolders(parent: string = tmpdir()): void {
  if (cleared.has(parent)) return;
  cleared.add(parent);
  try {
    for (const name of readdirSync(parent)) {
      if (name.startsWith(PREFIX) && isAbandoned(join(parent, name))) {
        rmSync(join(parent, name), { recursive: true, force: true });
      }
    }
  } catch {
    // What cannot be read or removed stays for another time.
  }
}

/** A folder of our own, no link, with the name of a process in it that does not live. */
function isAbandoned(folder: string): boolean {
  try {
    const { uid } = lstatSync(folder);
    if (!lstatSync(folder).isDirectory() || uid !== process.getuid?.()) return false;
    const owner = ownerOf(join(folder, FILE), uid);
    if (owner === undefined || owner.space !== processSpace()) return false;
    return processStart(owner.pid) !== owner.started;
  } catch {
    return false;
  }
}

/** What a file says, if it is a plain one of that user's. */
function ownerOf(path: string, uid: number): Owner | undefined {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(file);
    if (!found.isFile() || found.uid !== uid || found.size > 1000) return undefined;
    const { pid, started, space } = JSON.parse(readFileSync(file, "utf8")) as Partial<Owner>;
    return Number.isSafeInteger(pid) && typeof started === "string" && typeof space === "string"
      ? { pid: pid!, started, space }
      : undefined;
  } finally {
    closeSync(file);
  }
}

function processSpace(): string {
  if (process.platform !== "linux") return process.platform;
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}
