/** Puts text in a field in the place of a part of it, so that the browser can undo it. */
export function replaceText(
  field: HTMLTextAreaElement,
  start: number,
  end: number,
  text: string,
): void {
  field.focus();
  field.setSelectionRange(start, end);
  // What scripts set cannot be undone; what is "typed" can.
  const isDone = document.execCommand(text === "" ? "delete" : "insertText", false, text);
  if (!isDone || !field.value.slice(start).startsWith(text)) {
    field.setRangeText(text, start, end, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

export type Mark =
  | "bold"
  | "italic"
  | "strike"
  | "code"
  | "code-block"
  | "quote"
  | "list"
  | "numbers"
  | "link"
  | "spoiler";

const AROUND: Partial<Record<Mark, [before: string, after: string]>> = {
  bold: ["**", "**"],
  italic: ["*", "*"],
  strike: ["~~", "~~"],
  code: ["`", "`"],
  "code-block": ["```\n", "\n```"],
  spoiler: ["||", "||"],
  link: ["[", "](https://)"],
};

const IN_FRONT: Partial<Record<Mark, (line: number) => string>> = {
  quote: () => "> ",
  list: () => "- ",
  numbers: (line) => `${line + 1}. `,
};

/** Puts a mark around what is selected, or takes it away; marks of lines stand in front of each. */
export function toggleMark(field: HTMLTextAreaElement, mark: Mark): void {
  const { value, selectionStart: from, selectionEnd: to } = field;
  const around = AROUND[mark];
  if (around !== undefined) return toggleAround(field, around, mark);
  const start = value.lastIndexOf("\n", from - 1) + 1;
  const lines = value.slice(start, to).split("\n");
  const front = IN_FRONT[mark]!;
  const has = lines.every((line, at) => line.startsWith(front(at)));
  const changed = lines.map((line, at) => (has ? line.slice(front(at).length) : front(at) + line));
  const text = changed.join("\n");
  replaceText(field, start, to, text);
  field.setSelectionRange(lines.length === 1 ? start + text.length : start, start + text.length);
}

function toggleAround(
  field: HTMLTextAreaElement,
  [before, after]: [string, string],
  mark: Mark,
): void {
  const { value, selectionStart: from, selectionEnd: to } = field;
  const inner = value.slice(from, to);
  const isMarked =
    value.slice(from - before.length, from) === before &&
    value.slice(to, to + after.length) === after &&
    !(mark === "italic" && value.slice(from - 2, from) === "**");
  if (isMarked) {
    replaceText(field, from - before.length, to + after.length, inner);
    field.setSelectionRange(from - before.length, to - before.length);
    return;
  }
  replaceText(field, from, to, before + inner + after);
  const isLink = mark === "link" && inner !== "";
  const start = isLink ? from + before.length + inner.length + 2 : from + before.length;
  field.setSelectionRange(start, isLink ? start + "https://".length : start + inner.length);
}

/** The mark that a key with Ctrl (or ⌘) stands for. */
export function markFor(event: KeyboardEvent): Mark | undefined {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return undefined;
  const key = event.key.toLowerCase();
  if (event.shiftKey) return key === "x" ? "strike" : key === "e" ? "code-block" : undefined;
  return ({ b: "bold", i: "italic", e: "code" } as Record<string, Mark>)[key];
}
