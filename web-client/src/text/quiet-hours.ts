/** Hours in which nothing pops up or sounds, as times of the day: "22:00". They may go over midnight. */
export interface QuietHours {
  readonly from: string;
  readonly to: string;
}

const TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;

/** Minutes since midnight; undefined for what is no time. */
function minutesOf(time: unknown): number | undefined {
  const found = typeof time === "string" ? TIME.exec(time) : null;
  return found === null ? undefined : Number(found[1]) * 60 + Number(found[2]);
}

/** Whether a moment is in quiet hours, by the clock of this machine. What is no such hours holds never. */
export function isQuiet(hours: unknown, now: Date): boolean {
  if (typeof hours !== "object" || hours === null) return false;
  const { from, to } = hours as Partial<Record<keyof QuietHours, unknown>>;
  const [start, end] = [minutesOf(from), minutesOf(to)];
  if (start === undefined || end === undefined || start === end) return false;
  const at = now.getHours() * 60 + now.getMinutes();
  return start < end ? at >= start && at < end : at >= start || at < end;
}
