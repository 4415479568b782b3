import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * The start time of a process, which distinguishes it from a later one with the same id. Undefined
 * when there is no such process; a zombie counts as gone. Throws when it cannot be determined.
 */
export function processStart(pid: number): string | undefined {
  if (process.platform === "linux") return linuxProcessStart(pid);
  try {
    const out = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
    return out.trim() || undefined;
  } catch {
    return undefined;
  }
}

function linuxProcessStart(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    // Other errors (too many open files) do not mean that it is gone.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ESRCH") throw error;
    return undefined;
  }
  // The command name is in parentheses and may hold anything; fields are counted after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTime] = [fields[0], fields[19]];
  return state === "Z" || state === "X" ? undefined : startTime;
}

/** The command line of a process, arguments parted by spaces; undefined when it can't be read. */
export function commandLine(pid: number): string | undefined {
  try {
    return process.platform === "linux"
      ? readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()
      : execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}

/** Waits until a process is gone. Returns false when it still lives after `timeoutMs`. */
export async function waitForExit(pid: number, timeoutMs: number): Promise<boolean> {
  const start = processStart(pid);
  const deadline = performance.now() + timeoutMs;
  while (start !== undefined && processStart(pid) === start) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
