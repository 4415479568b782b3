import type { Clock } from "../platform/clock.ts";
import type { LogSpan } from "./wire.ts";

/** Limit on spans kept that were announced before earlier ones. */
const MAX_AHEAD = 64;

/** Spans of other writers that were announced before the log has reached their base. */
export function createAnnouncedSpans(clock: Clock) {
  const byBase = new Map<number, LogSpan>();
  /** Called when something is announced. */
  const listeners = new Set<() => void>();

  return {
    /** Keeps a span until the log has reached its base. */
    keep(span: LogSpan): void {
      if (byBase.size < MAX_AHEAD) byBase.set(span.base, span);
      for (const announced of listeners) announced();
    },

    /** The span that follows a position without a gap, which is kept no longer. */
    take(position: number): LogSpan | undefined {
      for (const base of byBase.keys()) if (base < position) byBase.delete(base);
      const span = byBase.get(position);
      byBase.delete(position);
      return span;
    },

    /** Resolves when something is announced, at the latest after `ms`. */
    async next(ms: number): Promise<void> {
      const over = new AbortController();
      const announced = () => over.abort("announced");
      listeners.add(announced);
      await clock.sleep(ms, over.signal);
      listeners.delete(announced);
    },
  };
}
