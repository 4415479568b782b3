/**
 * Imported first by server processes: a signal that arrives while modules are still being loaded is
 * held until somebody handles it, instead of ending the process.
 */
const SIGNALS = ["SIGTERM", "SIGINT"] as const;
let held: string | undefined;
let take = (signal: string): void => {
  held = signal;
};
for (const signal of SIGNALS) process.on(signal, () => take(signal));

/** From now on each SIGTERM and SIGINT is passed to `handle`; one that came before, at once. */
export function takeSignals(handle: (signal: string) => void): void {
  take = handle;
  if (held !== undefined) handle(held);
}
