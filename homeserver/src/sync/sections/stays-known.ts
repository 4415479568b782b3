import type { Clock } from "../../platform/clock.ts";

/** Shorter than what is between the moment at which stays count as not known and their deletion. */
const REMEMBERED_MS = 60_000;

/** Remembers for a minute since when all stays that ended are known. */
export function createKnownSince(
  read: () => Promise<number>,
  { monotonic }: Pick<Clock, "monotonic">,
): () => Promise<number> {
  let last: { readonly since: number; readonly at: number } | undefined;
  return async () => {
    const at = monotonic();
    if (last === undefined || at - last.at > REMEMBERED_MS) last = { since: await read(), at };
    return last.since;
  };
}
