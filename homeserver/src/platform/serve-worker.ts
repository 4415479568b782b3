import { parentPort } from "node:worker_threads";
import type { WorkerAnswer } from "./worker-pool.ts";

/** In a worker thread's file: answers each input with the function's result. */
export function serveWorker(calculate: (input: never) => unknown): void {
  const port = parentPort;
  if (port === null) throw new Error("this file runs in a worker thread only");
  port.on("message", ({ id, input }: { id: number; input: never }) => {
    port.postMessage(answerTo(id, input));
  });

  function answerTo(id: number, input: never): WorkerAnswer<unknown> {
    try {
      return { id, output: calculate(input) };
    } catch (error) {
      return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  }
}
