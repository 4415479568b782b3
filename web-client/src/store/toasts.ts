import { atom } from "nanostores";
import { isAbort } from "../api/errors.ts";
import { explain } from "../text/problems.ts";

export interface Toast {
  id: number;
  kind: "info" | "error";
  text: string;
  /** What can be done about it. */
  action?: { label: string; run(): void } | undefined;
}

/** Short notes to the person, shown by `<weft-toasts>`. */
export const $toasts = atom<readonly Toast[]>([]);

let lastId = 0;

export function toast(text: string, kind: Toast["kind"] = "info", action?: Toast["action"]): void {
  const known = $toasts.get().filter((one) => one.text !== text);
  $toasts.set([...known.slice(-3), { id: ++lastId, kind, text, action }]);
}

export function dismiss(id: number): void {
  $toasts.set($toasts.get().filter((one) => one.id !== id));
}

/** Tells the person what went wrong and what helps. */
export function report(error: unknown): void {
  if (!isAbort(error)) toast(explain(error), "error");
}

/** Runs an action of the person's; a failure becomes a toast. Answers undefined then. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    report(error);
    return undefined;
  }
}
