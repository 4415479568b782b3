import { Worker } from "node:worker_threads";

/**
 * A worker thread for calculations that would block the main loop: started when needed, ended when
 * idle.
 */
export interface WorkerPool<In, Out> {
  /** Input and output are copied (structured clone). Rejects with what the thread threw. */
  run(input: In): Promise<Out>;
  /** Ends the thread; running tasks reject. */
  close(): Promise<void>;
}

/** A message from the thread. */
export type WorkerAnswer<Out> =
  | { readonly id: number; readonly output: Out }
  | { readonly id: number; readonly error: string };

interface Task<Out> {
  readonly resolve: (output: Out) => void;
  readonly reject: (error: Error) => void;
}

/**
 * `file` calls `serveWorker`. The thread takes tasks in order; it ends after `idleMs` without one.
 */
export function createWorkerPool<In, Out>(
  file: URL,
  { idleMs = 60_000 }: { idleMs?: number } = {},
): WorkerPool<In, Out> {
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let nextId = 0;
  const tasks = new Map<number, Task<Out>>();

  function start(): Worker {
    const started = new Worker(file);
    started.unref();
    started.on("message", (answer: WorkerAnswer<Out>) => {
      const task = tasks.get(answer.id);
      tasks.delete(answer.id);
      if ("output" in answer) task?.resolve(answer.output);
      else task?.reject(new Error(answer.error));
      if (tasks.size === 0) rest();
    });
    started.on("error", (error: Error) => gone(started, error));
    started.on("exit", () => gone(started, new Error("the worker thread has ended")));
    return started;
  }

  function gone(which: Worker, error: Error): void {
    if (worker !== which) return;
    worker = undefined;
    for (const task of tasks.values()) task.reject(error);
    tasks.clear();
  }

  function rest(): void {
    idle = setTimeout(() => void end(), idleMs);
    idle.unref();
  }

  async function end(): Promise<void> {
    clearTimeout(idle);
    const ending = worker;
    if (ending === undefined) return;
    gone(ending, new Error("the worker thread was ended"));
    await ending.terminate();
  }

  return {
    run(input) {
      clearTimeout(idle);
      worker ??= start();
      const id = nextId++;
      const running = worker;
      return new Promise((resolve, reject) => {
        tasks.set(id, { resolve, reject });
        running.postMessage({ id, input });
      });
    },
    close: end,
  };
}
