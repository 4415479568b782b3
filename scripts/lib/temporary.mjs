/**
 * Temporary folders of the scripts, the bench and the conformance suite, which a later run finds and removes when the
 * one that made them was killed. The server has the same in homeserver/src/storage/temporary-folder.ts.
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const OWNER = ".owner";
let isCleared = false;

/** @param prefix begins with "weft-" */
export function makeTemporaryFolder(prefix) {
  const parent = tmpdir();
  if (!isCleared) clear(parent);
  isCleared = true;
  const folder = mkdtempSync(join(parent, prefix));
  const started = startOf(process.pid);
  if (started !== undefined) {
    const owner = JSON.stringify({ pid: process.pid, started, space: space() });
    writeFileSync(join(folder, OWNER), owner, { flag: "wx", mode: 0o600 });
  }
  return folder;
}

/** Removes our user's folders whose process is provably gone. What cannot be read or removed stays. */
function clear(parent) {
  try {
    for (const name of readdirSync(parent)) {
      const folder = join(parent, name);
      if (!name.startsWith("weft-") || !isAbandoned(folder)) continue;
      rmSync(folder, { recursive: true, force: true });
    }
  } catch {
    // Another run is at it, or may not.
  }
}

function isAbandoned(folder) {
  try {
    const { uid } = lstatSync(folder);
    if (!lstatSync(folder).isDirectory() || uid !== process.getuid?.()) return false;
    const owner = ownerOf(join(folder, OWNER), uid);
    return owner !== undefined && owner.space === space() && startOf(owner.pid) !== owner.started;
  } catch {
    return false;
  }
}

function ownerOf(path, uid) {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(file);
    if (!found.isFile() || found.uid !== uid || found.size > 1000) return undefined;
    const owner = JSON.parse(readFileSync(file, "utf8"));
    return Number.isSafeInteger(owner.pid) && typeof owner.started === "string" ? owner : undefined;
  } finally {
    closeSync(file);
  }
}

/** When a process started; undefined when no such one lives. */
function startOf(pid) {
  if (process.platform !== "linux") {
    const { stdout } = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
    return stdout?.trim() || undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** In which a process's number means that process: the boot of a machine, and a container on it. */
function space() {
  if (process.platform !== "linux") return process.platform;
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}
