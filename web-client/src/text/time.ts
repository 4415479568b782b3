import { msg } from "@lit/localize";
import { locale } from "./locale.ts";

const HOUR = 3_600_000;
const DAY = 86_400_000;

function formatter(options: Intl.DateTimeFormatOptions): (ts: number) => string {
  let made: Intl.DateTimeFormat | undefined;
  return (ts) => (made ??= new Intl.DateTimeFormat(locale(), options)).format(ts);
}

/** "14:05" */
export const clockTime = formatter({ hour: "2-digit", minute: "2-digit" });

let parts: Intl.DateTimeFormat | undefined;

/** "14:05" and "2:05" where the day has two halves, without saying which: for narrow places beside whole times. */
export function bareTime(ts: number): string {
  parts ??= new Intl.DateTimeFormat(locale(), { hour: "numeric", minute: "2-digit" });
  const told = parts.formatToParts(ts);
  if (!told.some(({ type }) => type === "dayPeriod")) return clockTime(ts);
  return told
    .filter(({ type }) => type !== "dayPeriod")
    .map(({ value }) => value)
    .join("")
    .trim();
}

/** "Sunday, 22 November 2026 at 14:05:09", for tooltips. */
export const fullTime = formatter({ dateStyle: "full", timeStyle: "medium" });
const weekday = formatter({ weekday: "long" });
const shortWeekday = formatter({ weekday: "short" });
const dayOfYear = formatter({ weekday: "long", day: "numeric", month: "long" });
const fullDay = formatter({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const shortDay = formatter({ day: "numeric", month: "short" });
const shortDate = formatter({ day: "numeric", month: "short", year: "numeric" });

/** Midnight, local time, of the day that `ts` lies in. */
export function startOfDay(ts: number): number {
  return new Date(ts).setHours(0, 0, 0, 0);
}

/** Whole calendar days from `ts` to `now`; negative for the future. */
function daysAgo(ts: number, now: number): number {
  return Math.round((startOfDay(now) - startOfDay(ts)) / DAY);
}

/** The label between two days of a conversation: "Today", "Yesterday", "Friday", "Friday, 3 July". */
export function dayLabel(ts: number, now = Date.now()): string {
  const ago = daysAgo(ts, now);
  if (ago === 0) return msg("Today");
  if (ago === 1) return msg("Yesterday");
  if (ago > 1 && ago < 7) return weekday(ts);
  return new Date(ts).getFullYear() === new Date(now).getFullYear() ? dayOfYear(ts) : fullDay(ts);
}

/** The short time of an event, or of what is to come: "14:05", "Fri", "3 Jul", "3 Jul 2025". */
export function shortTime(ts: number, now = Date.now()): string {
  const ago = daysAgo(ts, now);
  // A clock that is a little ahead makes no message one of tomorrow.
  return ago === 0 || (ago < 0 && ts - now < HOUR) ? clockTime(ts) : shortDayOf(ts, now);
}

/** "Yesterday", "Fri", "3 Jul", "3 Jul 2025"; not for today. Days to come have their date. */
function shortDayOf(ts: number, now: number): string {
  const ago = daysAgo(ts, now);
  if (ago === 1) return msg("Yesterday");
  if (ago > 0 && ago < 7) return shortWeekday(ts);
  return new Date(ts).getFullYear() === new Date(now).getFullYear() ? shortDay(ts) : shortDate(ts);
}

/** How long ago something was, as quietly as a list says it: "now", "5m", "3h", "Yesterday", "Fri", "3 Jul". */
export function quietTime(ts: number, now = Date.now()): string {
  const minutes = Math.floor((now - ts) / 60_000);
  if (minutes < 1) return msg("now");
  if (minutes < 60) return span(minutes, "minute");
  return daysAgo(ts, now) <= 0 ? span(Math.floor(minutes / 60), "hour") : shortDayOf(ts, now);
}

function span(value: number, unit: "minute" | "hour"): string {
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "narrow" }).format(
    value,
  );
}

/** "1.4 MB" */
export function fileSize(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let step = 0;
  let value = bytes;
  while (value >= 1000 && step < units.length - 1) {
    value /= 1000;
    step++;
  }
  return new Intl.NumberFormat(locale(), {
    style: "unit",
    unit: units[step]!,
    unitDisplay: step === 0 ? "long" : "short",
    maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
  }).format(value);
}

/** "3:07" from milliseconds. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
