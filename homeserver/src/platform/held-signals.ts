/**
 * Imported first by what becomes a server: a signal that comes while the other modules are being loaded is held until
 * somebody takes it, and does not end the process with a signal's exit code.
 */
const SIGNALS = ["SIGTERM", "SIGINT"] as const;
let held: string | undefined;
let take = (signal: string): void => {
  held = signal;
};
for (const signal of SIGNALS) process.on(signal, () => take(signal));

/** From now on each SIGTERM and SIGINT goes to `handle`; one that came before, at once. */
export function takeSignals(handle: (signal: string) => void): void {
  take = handle;
  if (held !== undefined) handle(held);
}
