import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * A separate process for native code that handles untrusted bytes: it can crash without affecting
 * the server.
 */
export interface ChildPool<In, Out> {
  /**
   * Input and output are copied. Rejects with ChildError when the work failed, and with ChildDied
   * when the process ended, or was killed because the work took too long.
   */
  run(input: In): Promise<Out>;
  /** The process's id, undefined while there is none. */
  readonly pid: number | undefined;
  /** Ends the process; what is under way rejects. */
  close(): Promise<void>;
}

export interface ChildPoolOptions {
  /** The process ends after this long without work, ms (60,000). */
  readonly idleMs?: number;
  /** The process is killed when one piece of work takes longer, ms (60,000). */
  readonly workMs?: number;
  /**
   * Limit on what the process may allocate beyond its size at the start, in bytes, where the system
   * can limit that.
   */
  readonly maxBytes?: number;
}

/** The process ended before it had answered. */
export class ChildDied extends Error {
  override readonly name = "ChildDied";
}

/** The work failed: `kind` is its own word for the reason. */
export class ChildError extends Error {
  override readonly name = "ChildError";
  readonly kind: string;
  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** A message from the process. */
export type ChildAnswer<Out> =
  | { readonly id: number; readonly output: Out }
  | { readonly id: number; readonly kind: string; readonly error: string };

interface Task<Out> {
  readonly resolve: (output: Out) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: NodeJS.Timeout;
}

/** One process and its tasks. */
interface Running<Out> {
  readonly child: ChildProcess;
  readonly tasks: Map<number, Task<Out>>;
  readonly ended: Promise<void>;
}

/** `file` calls `serveChild`. The process is started when there is work. */
export function createChildPool<In, Out>(
  file: URL,
  { idleMs = 60_000, workMs = 60_000, maxBytes }: ChildPoolOptions = {},
): ChildPool<In, Out> {
  let current: Running<Out> | undefined;
  let idle: NodeJS.Timeout | undefined;
  let nextId = 0;

  function start(): Running<Out> {
    // Without our environment, which holds passwords.
    const child = fork(fileURLToPath(file), [String(maxBytes ?? "")], {
      env: { MALLOC_ARENA_MAX: "2", ...cacheVariable() },
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    let hasEnded = () => {};
    const ended = new Promise<void>((resolve) => (hasEnded = resolve));
    const running = { child, tasks: new Map<number, Task<Out>>(), ended };
    child.unref();
    child.channel?.unref();
    child.on("message", (answer: ChildAnswer<Out>) => heard(running, answer));
    child.on("error", (error) => {
      gone(running, error.message);
      if (child.pid === undefined) hasEnded();
    });
    child.on("exit", (code, signal) => {
      gone(running, `it ended with ${signal ?? code}`);
      hasEnded();
    });
    return running;
  }

  function heard(running: Running<Out>, answer: ChildAnswer<Out>): void {
    const task = running.tasks.get(answer.id);
    if (task === undefined) return;
    running.tasks.delete(answer.id);
    clearTimeout(task.deadline);
    if ("output" in answer) task.resolve(answer.output);
    else task.reject(new ChildError(answer.kind, answer.error));
    if (running.tasks.size === 0 && running === current) rest();
  }

  function gone(running: Running<Out>, reason: string): void {
    if (current === running) current = undefined;
    for (const task of running.tasks.values()) {
      clearTimeout(task.deadline);
      task.reject(new ChildDied(`the process of ${file.pathname} is gone: ${reason}`));
    }
    running.tasks.clear();
  }

  function rest(): void {
    idle = setTimeout(() => void end(), idleMs);
    idle.unref();
  }

  async function end(): Promise<void> {
    clearTimeout(idle);
    const ending = current;
    if (ending === undefined) return;
    ending.child.kill("SIGKILL");
    gone(ending, "it was ended");
    await ending.ended;
  }

  return {
    run(input) {
      clearTimeout(idle);
      current ??= start();
      const { child, tasks } = current;
      const id = nextId++;
      return new Promise((resolve, reject) => {
        const deadline = setTimeout(() => child.kill("SIGKILL"), workMs);
        deadline.unref();
        tasks.set(id, { resolve, reject, deadline });
        // A process that has just ended is reported by "exit".
        child.send({ id, input }, () => {});
      });
    },
    get pid() {
      return current?.child.pid;
    },
    close: end,
  };
}

/** The folder where Node caches compiled TypeScript. */
function cacheVariable(): Record<string, string> {
  const folder = process.env["NODE_COMPILE_CACHE"];
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
}
