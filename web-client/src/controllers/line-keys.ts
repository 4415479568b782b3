interface Lines {
  count(): number;
  /** Brings a line into the window and gives it the keyboard. */
  focusLine(index: number): void;
  /** Does what a key means on a line; false when it means nothing. */
  shortcut(index: number, key: string): boolean;
}

/** The keys of a list of lines: arrows and End move, and each line may have keys of its own. */
export function createLineKeys(lines: Lines) {
  return (event: KeyboardEvent): void => {
    const target = event.composedPath()[0] as HTMLElement;
    const index = target.dataset["index"];
    const onList = target === event.currentTarget;
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
