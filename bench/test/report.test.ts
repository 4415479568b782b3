import { expect, test } from "vitest";
import { createRecorder } from "../src/load/latencies.ts";
import { analyse } from "../src/profile/cpu-profile.ts";

const frame = (id: number, functionName: string, url: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url, lineNumber: 9 },
  children,
});
const OWN = "file:///somewhere/homeserver/src/rooms/send.ts";
const LIBRARY = "file:///somewhere/node_modules/@x/y/z.js";

/** (root) → send → (library → send again), and idle; a sample each 100 µs. */
const profile = {
  nodes: [
    frame(1, "(root)", "", [2, 5]),
    frame(2, "send", OWN, [3]),
    frame(3, "help", LIBRARY, [4]),
    frame(4, "send", OWN),
    frame(5, "(idle)", ""),
  ],
  samples: [2, 3, 4, 3, 5, 5],
  timeDeltas: [100, 100, 100, 100, 100, 100],
};

test("quantiles are those of all that was recorded", () => {
  const recorder = createRecorder();
  for (let value = 10_000; value > 0; value--) recorder.record(value);
  expect(recorder.summary()).toEqual({ p50: 5001, p95: 9501, p99: 9901, max: 10_000 });
});

test("a library's time is blamed on the function of ours that called it, and recursion counts once", () => {
  const { busy, self, blamed, inclusive, places } = analyse(profile);
  const send = "send rooms/send.ts:10";
  expect(busy).toBe(400);
  expect(self).toContainEqual({ name: "help @x/y/z.js:10", micros: 200 });
  expect(blamed).toEqual([{ name: send, micros: 400 }]);
  expect(inclusive).toEqual([{ name: send, micros: 400 }]);
  expect(places).toContainEqual({ name: "@x/y", micros: 200 });
});

test("a wait for the CPU does not count as work", () => {
  const waited = { ...profile, timeDeltas: [100, 100, 9000, 100, 100, 100] };
  expect(analyse(waited).busy).toBe(500);
  expect(analyse(waited, 1000).busy).toBe(1000);
});
