import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";

/**
 * How PostgreSQL's programs are started by the present user: a prefix for the command, and the
 * owner of the files.
 */
export interface Launcher {
  /** Command and arguments that go in front of the program. */
  prefix: string[];
  /** The user and group that the data and run folders must belong to, when not our own. */
  owner?: { uid: number; gid: number };
  /** True when PostgreSQL stops by itself as soon as this process dies. */
  diesWithUs: boolean;
}

/**
 * PostgreSQL refuses to run as root. As root we run it in a user namespace in which it is not
 * (files stay root's, so folders of mode 0700 work); where namespaces are forbidden, as an
 * unprivileged user. `setpriv --pdeathsig` stops it when this process is killed.
 */
export function chooseLauncher(dataFolder: string): Launcher {
  const linux = process.platform === "linux";
  const deathSignal = linux && hasDeathSignal() ? ["setpriv", "--pdeathsig", "INT", "--"] : [];
  const diesWithUs = deathSignal.length > 0;
  const uid = process.getuid?.() ?? 1;
  if (uid !== 0 && (!linux || hasPasswdEntry(uid))) return { prefix: deathSignal, diesWithUs };
  // A cluster owned by another user was created in their name: it stays theirs.
  const foreign = uid === 0 && folderOwner(dataFolder) !== undefined;
  if (linux && !foreign && canUnshare()) {
    const namespace = ["unshare", "-U", "--map-user=65534", "--map-group=65534", "--"];
    return { prefix: [...deathSignal, ...namespace], diesWithUs };
  }
  if (uid !== 0) return { prefix: deathSignal, diesWithUs };
  return asUnprivilegedUser(dataFolder, diesWithUs);
}

function asUnprivilegedUser(dataFolder: string, diesWithUs: boolean): Launcher {
  const owner = folderOwner(dataFolder) ?? lookUpUser("postgres") ?? lookUpUser("nobody");
  if (owner === undefined || !diesWithUs) {
    throw new Error(
      "the embedded PostgreSQL can't run as root here: run Weft as another user, or set WEFT_DATABASE_URL to a PostgreSQL server",
    );
  }
  const { uid, gid } = owner;
  const change = ["--reuid", String(uid), "--regid", String(gid), "--clear-groups"];
  return { prefix: ["setpriv", ...change, "--pdeathsig", "INT", "--"], owner, diesWithUs };
}

/** The folder's owner, unless that is root. */
function folderOwner(folder: string): { uid: number; gid: number } | undefined {
  if (!existsSync(folder)) return undefined;
  const { uid, gid } = statSync(folder);
  return uid === 0 ? undefined : { uid, gid };
}

function lookUpUser(name: string): { uid: number; gid: number } | undefined {
  try {
    const line = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .find((entry) => entry.startsWith(`${name}:`));
    const [, , uid, gid] = line?.split(":") ?? [];
    return uid === undefined || gid === undefined
      ? undefined
      : { uid: Number(uid), gid: Number(gid) };
  } catch {
    return undefined;
  }
}

function hasPasswdEntry(uid: number): boolean {
  try {
    execFileSync("getent", ["passwd", String(uid)], { stdio: "ignore" });
    return true;
  } catch (error) {
    // Without getent nothing is known: initdb complains if the user does not exist.
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

function hasDeathSignal(): boolean {
  return spawnSync("setpriv", ["--pdeathsig", "INT", "--", "true"]).status === 0;
}

function canUnshare(): boolean {
  const map = ["--map-user=65534", "--map-group=65534"];
  return spawnSync("unshare", ["-U", ...map, "--", "true"]).status === 0;
}
