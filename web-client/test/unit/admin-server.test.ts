import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  areaPath,
  ceiling,
  growth,
  linePath,
  perMinute,
  seriesOf,
  stretch,
} from "../../src/admin/overview/series.ts";
import { checkPattern, matches } from "../../src/admin/federation/acts.ts";
import { grouped } from "../../src/admin/settings/groups.ts";

const point = (ts: number, more: object = {}) => ({
  ...{ ts, replicas: 1, requests: 0, failed: 0, p50_ms: 0, p95_ms: 0 },
  ...{ memory_bytes: 0, cpu: 0, delay_ms: 0, log_position: 0, ...more },
});

test("what is known is put on equal steps, with nothing where no process was there", () => {
  const points = [
    point(60_000, { cpu: 1 }),
    point(180_000, { cpu: 3 }),
    point(240_000, { cpu: 4 }),
  ];
  const stretched = stretch({ step_ms: 60_000, points }, 300_000, 250_000);
  expect(stretched.times).toEqual([0, 60_000, 120_000, 180_000, 240_000]);
  expect(seriesOf(stretched, ({ cpu }) => cpu)).toEqual([null, 1, null, 3, 4]);
});

test("counts are reckoned by the minute, whatever the steps are", () => {
  const points = [
    point(600_000, { requests: 100, log_position: 50 }),
    point(1_200_000, { requests: 600, log_position: 80 }),
  ];
  const stretched = stretch({ step_ms: 600_000, points }, 1_200_000, 1_200_000);
  expect(perMinute(stretched, ({ requests }) => requests)).toEqual([10, 60]);
  expect(growth(stretched)).toEqual([null, 3]);
});

test("a line has gaps, and its ground too", () => {
  expect(linePath([0, 10, null, 5], 10, 30, 100)).toBe("M0.0,100.0L10.0,0.0M30.0,50.0h0.01");
  expect(areaPath([0, 10, null, 5], 10, 30, 100)).toBe("M0.0,100L0.0,100.0L10.0,0.0L10.0,100Z");
});

test("the top of a chart is a round number above all values", () => {
  expect(ceiling([[3, null, 17]], 10)).toBe(20);
  expect(ceiling([[]], 10)).toBe(10);
  expect(ceiling([[1234], [40]], 1)).toBe(1500);
  expect(ceiling([[0.3]], 0.1)).toBeCloseTo(0.3);
});

test("patterns of servers stand for the names that the server means, in time", () => {
  expect(matches("*.example.org", "a.b.example.org")).toBe(true);
  expect(matches("*.example.org", "example.org")).toBe(false);
  expect(matches("ex?mple.*", "EXAMPLE.net")).toBe(true);
  expect(matches("a.c", "abc")).toBe(false);
  expect(matches("**", "anything")).toBe(true);
  // Ports do not count.
  expect(matches("example.org", "example.org:8448")).toBe(true);
  expect(checkPattern("localhost", "localhost:8448")).toBeDefined();
  // No pattern makes the page stand still.
  expect(matches(`${"*a".repeat(120)}b`, "a".repeat(255))).toBe(false);
  expect(checkPattern("*", "one")).toBeDefined();
  expect(checkPattern("two words", "one")).toBeDefined();
  expect(checkPattern("[::1]:8448", "one")).toBeUndefined();
});

test("every setting that there is belongs to a group", () => {
  const page = readFileSync(join(import.meta.dirname, "..", "..", "..", "README.md"), "utf8");
  const names = [...page.matchAll(/^\| WEFT_(\w+)/gm)].map(([, name]) => name!.toLowerCase());
  expect(names.length).toBeGreaterThan(30);
  const settings = names.map((name) => ({
    ...{ name, variable: "", value: null, default: null, description: "" },
    ...{ is_set: false, is_hidden: false, is_live: false },
  }));
  const others = grouped(settings).find(({ name }) => name === "Others");
  expect(others?.settings.map(({ name }) => name) ?? []).toEqual([]);
});
