interface Lines {
  count(): number;
  /** Brings a line into the window and gives it the keyboard. */
  focusLine(index: number): void;
  /** Does what a key means on a line; false when it means nothing. */
  shortcut(index: number, key: string): boolean;
}

/**
 * The line that a key is for: also from a button or link within it, whose own keys are Enter and the space bar. What has other
 * keys of its own, such as a field, a menu or a choice, keeps all of them.
 */
function lineOf(path: readonly EventTarget[]): string | undefined {
  const at = path.findIndex((one) => one instanceof HTMLElement && one.dataset["index"]);
  const within = path.slice(0, Math.max(at, 0)).filter((one) => one instanceof HTMLElement);
  const hasKeys = within.some((one) =>
    one.matches("input, textarea, select, video, audio, [popover], [role], [contenteditable]"),
  );
  return hasKeys || !isPressed(within[0]) ? undefined : (path[at] as HTMLElement).dataset["index"];
}

const isPressed = (inner: HTMLElement | undefined): boolean =>
  inner === undefined || inner.matches("button, a");

/** The keys of a list of lines: arrows and End move, and each line may have keys of its own. */
export function createLineKeys(lines: Lines) {
  return (event: KeyboardEvent): void => {
    const path = event.composedPath();
    const onList = path[0] === event.currentTarget;
    const index = onList ? undefined : lineOf(path);
    if ((!onList && index === undefined) || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = lines.count() - 1;
    const at = onList ? last + 1 : Number(index);
    if (event.key === "ArrowUp") lines.focusLine(Math.max(at - 1, 0));
    else if (event.key === "ArrowDown") lines.focusLine(Math.min(at + 1, last));
    else if (event.key === "End") lines.focusLine(last);
    else if (!lines.shortcut(at, event.key)) return;
    event.preventDefault();
  };
}
