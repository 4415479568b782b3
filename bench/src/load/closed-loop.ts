import { setTimeout as sleep } from "node:timers/promises";
import { type Recorder, createRecorder } from "./latencies.ts";

export interface Loop {
  /** Each lane starts its next operation when the one before is answered. */
  readonly lanes: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /**
   * One operation: how many units it did; 0 when the lane has no more to do. Throws: an error is counted.
   * `startNow` starts its clock again: what was before was not the server's.
   */
  operate(lane: number, startNow: () => void): Promise<number>;
  /** Called when the measured window opens, and when it closes. */
  opened(): Promise<void>;
  closed(): Promise<void>;
  /** Waits until the server has done what it answered for; belongs to the window. */
  settle?(): Promise<void>;
}

export interface LoopResult {
  /** Units done in the window. */
  readonly units: number;
  readonly operations: number;
  readonly seconds: number;
  readonly latencies: Recorder;
  readonly errors: number;
  /** The first error's text. */
  readonly firstError: string | undefined;
}

const AFTER_ERROR_MS = 50;

/** Drives all lanes at once for the given time, and measures between the warm-up and the end. */
export async function closedLoop(loop: Loop): Promise<LoopResult> {
  const latencies = createRecorder();
  let [units, errors] = [0, 0];
  const end = { reached: false };
  let firstError: string | undefined;
  let measuring = false;

  async function lane(number: number): Promise<void> {
    while (!end.reached) {
      let before = performance.now();
      const startNow = () => {
        before = performance.now();
      };
      try {
        const did = await loop.operate(number, startNow);
        if (did === 0) return;
        if (!measuring) continue;
        latencies.record(performance.now() - before);
        units += did;
      } catch (error) {
        errors++;
        firstError ??= (error as Error).message;
        await sleep(AFTER_ERROR_MS);
      }
    }
  }

  const lanes = Array.from({ length: loop.lanes }, (_, number) => lane(number));
  const all = Promise.all(lanes);
  await sleep(loop.warmUpSeconds * 1000);
  await loop.opened();
  measuring = true;
  const start = performance.now();
  await Promise.race([all, sleep(loop.seconds * 1000)]);
  if (loop.settle) {
    end.reached = true;
    await all;
    await loop.settle();
  }
  measuring = false;
  const seconds = (performance.now() - start) / 1000;
  await loop.closed();
  end.reached = true;
  await all;
  return { units, operations: latencies.count, seconds, latencies, errors, firstError };
}
