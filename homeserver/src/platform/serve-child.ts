import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { ChildAnswer } from "./child-pool.ts";

/** An error of the work, for its caller: `kind` tells errors apart. */
export class TaskError extends Error {
  override readonly name = "TaskError";
  readonly kind: string;
  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** In the file of a child pool's process: answers each input with the function's result. */
export function serveChild(handle: (input: never) => Promise<unknown>): void {
  // The parent process is gone: so is the reason to run.
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  // Ctrl-C reaches every process of the terminal; the server finishes what is running.
  process.on("SIGINT", () => undefined);
  preferToDie();
  limitMemory(Number(process.argv[2]));
  const answer = (message: ChildAnswer<unknown>) => process.send?.(message);
  process.on("message", ({ id, input }: { id: number; input: never }) => {
    handle(input).then(
      (output) => answer({ id, output }),
      (error: unknown) => {
        const kind = error instanceof TaskError ? error.kind : "failed";
        answer({ id, kind, error: error instanceof Error ? error.message : String(error) });
      },
    );
  });
}

/** When memory runs out, the system shall end this process rather than the server. */
function preferToDie(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", "1000");
  } catch {
    // Another system, or not permitted.
  }
}

/**
 * Limits the memory that can be allocated to `bytes` beyond the present use; then the work or the
 * process fails. (RLIMIT_DATA; not on systems other than Linux, or without util-linux.)
 */
function limitMemory(bytes: number): void {
  if (!(bytes > 0) || process.platform !== "linux") return;
  const status = readFileSync("/proc/self/status", "utf8");
  const has = Number(/^VmData:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  if (has > 0) spawnSync("prlimit", ["--pid", String(process.pid), `--data=${has + bytes}`]);
}
