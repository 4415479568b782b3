import { parentPort } from "node:worker_threads";
import type { WorkerAnswer } from "./worker-pool.ts";

/** In a worker thread's file: answers each input with what the function makes of it. */
export function serveWorker<In, Out>(calculate: (input: In) => Out): void {
  const port = parentPort;
  if (port === null) throw new Error("this file runs in a worker thread only");
  port.on("message", ({ id, input }: { id: number; input: In }) => {
    port.postMessage(answerTo(id, input));
  });

  function answerTo(id: number, input: In): WorkerAnswer<Out> {
    try {
      return { id, output: calculate(input) };
    } catch (error) {
      return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  }
}
