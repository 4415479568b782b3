/** Milliseconds after which a tab that leads and says nothing is taken for stopped by its browser. */
const SILENCE = 15_000;

/** Makes sure that the tab that leads is heard of now and then while something is asked of it. */
export function createWatchdog(deps: { isNeeded(): boolean; ping(): void; steal(): void }) {
  let timer: ReturnType<typeof setTimeout> | undefined;

  function knock(): void {
    deps.ping();
    timer = setTimeout(deps.steal, SILENCE);
  }

  function heard(): void {
    clearTimeout(timer);
    timer = deps.isNeeded() ? setTimeout(knock, SILENCE / 3) : undefined;
  }

  return {
    /** It was heard of, or there is nothing to be asked any more. */
    heard,
    /** Something is asked of it. */
    watch(): void {
      if (timer === undefined) heard();
    },
  };
}
