import { atom, onMount } from "nanostores";

const MINUTE = 60_000;

/** The time, milliseconds, at the last full minute: for what says how long ago something was. Stands still while nobody looks. */
export const $minute = atom(Date.now());

onMount($minute, () => {
  const tick = (): void => {
    if (!document.hidden) $minute.set(Date.now());
  };
  const timer = setInterval(tick, MINUTE);
  document.addEventListener("visibilitychange", tick);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", tick);
  };
});
