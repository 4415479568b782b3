import type { HealthHistory, HealthPoint } from "../../api/admin/server.ts";

/** Values at equal distances in time; null where no process was there. */
export type Series = readonly (number | null)[];

/** A stretch of time, cut into equal steps: the end of each, in ms since 1970, and what is known of it. */
export interface Stretch {
  readonly times: readonly number[];
  readonly points: readonly (HealthPoint | null)[];
  readonly stepMs: number;
}

const MINUTE = 60_000;

/** Puts what is known on the steps of a stretch of `lengthMs` that ends now. */
export function stretch(
  { step_ms: stepMs, points }: HealthHistory,
  lengthMs: number,
  now: number,
): Stretch {
  const length = Math.max(1, Math.round(lengthMs / stepMs));
  // The newest may be of a step that is not over yet.
  const last = Math.max(Math.floor(now / stepMs) * stepMs, points.at(-1)?.ts ?? 0);
  const first = last - (length - 1) * stepMs;
  const all: (HealthPoint | null)[] = Array.from({ length }, () => null);
  for (const point of points) {
    const at = Math.round((point.ts - first) / stepMs);
    if (at >= 0 && at < length) all[at] = point;
  }
  return { times: all.map((_, at) => first + at * stepMs), points: all, stepMs };
}

/** What each step says by a function of it. */
export function seriesOf({ points }: Stretch, value: (point: HealthPoint) => number): Series {
  return points.map((point) => (point === null ? null : value(point)));
}

/** How many a minute, of what is counted by step. */
export function perMinute(stretched: Stretch, counted: (point: HealthPoint) => number): Series {
  return seriesOf(stretched, (point) => (counted(point) * MINUTE) / stretched.stepMs);
}

/** How much was written to the log, by the minute. */
export function growth({ points, stepMs }: Stretch): Series {
  return points.map((point, at) => {
    const before = points[at - 1];
    if (point === null || before === null || before === undefined) return null;
    return (Math.max(0, point.log_position - before.log_position) * MINUTE) / stepMs;
  });
}

/** A round number that is not below any value; at least `least`. */
export function ceiling(all: readonly Series[], least: number): number {
  const most = Math.max(least, ...all.flat().map((value) => value ?? 0));
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= most) ?? 10;
  return step * power;
}

/** The line through a series as the path of an SVG, with gaps where nothing is known; `top` is at height 0. */
export function linePath(series: Series, top: number, width: number, height: number): string {
  return stretchesOf(series)
    .map(({ from, values }) => {
      const places = values.map((value, at) =>
        place(from + at, value, series.length, top, width, height),
      );
      // A single one is a short stroke.
      return `M${places.join("L")}${values.length === 1 ? "h0.01" : ""}`;
    })
    .join("");
}

/** What lies between a series and the ground. */
export function areaPath(series: Series, top: number, width: number, height: number): string {
  return stretchesOf(series)
    .filter(({ values }) => values.length > 1)
    .map(({ from, values }) => {
      const places = values.map((value, at) =>
        place(from + at, value, series.length, top, width, height),
      );
      const x = (at: number): string => xOf(at, series.length, width);
      return `M${x(from)},${height}L${places.join("L")}L${x(from + values.length - 1)},${height}Z`;
    })
    .join("");
}

const xOf = (at: number, length: number, width: number): string =>
  ((length > 1 ? at / (length - 1) : 0.5) * width).toFixed(1);

function place(
  at: number,
  value: number,
  length: number,
  top: number,
  width: number,
  height: number,
): string {
  const y = height - (Math.min(value, top) / top) * height;
  return `${xOf(at, length, width)},${y.toFixed(1)}`;
}

/** The parts of a series without gaps. */
function stretchesOf(series: Series): { from: number; values: number[] }[] {
  const parts: { from: number; values: number[] }[] = [];
  for (const [at, value] of series.entries()) {
    if (value === null) continue;
    const last = parts.at(-1);
    if (last !== undefined && last.from + last.values.length === at) last.values.push(value);
    else parts.push({ from: at, values: [value] });
  }
  return parts;
}
