export interface Marked {
  text: string;
  mark: boolean;
}

/** A text as words are compared: without case and accents. */
export function folded(source: string): string {
  return source.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLocaleLowerCase();
}

/** The words of a search, as they are compared. */
export function wordsOf(search: string): string[] {
  return [...new Set(folded(search).match(/[\p{L}\p{N}]+/gu) ?? [])].slice(0, 20);
}

/** Scripts that put no spaces between words: any part of a text is found there. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
const IN_WORD = /[\p{L}\p{N}]/u;

/** Where a word, or one that begins so, stands in a text that is folded; -1 when nowhere. */
function placeOf(word: string, text: string): number {
  const anywhere = UNSPACED.test(word);
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (anywhere || at === 0 || !IN_WORD.test(text[at - 1]!)) return at;
  }
  return -1;
}

/** Whether all of these words are in a text. Both are folded. */
export function hasAll(words: readonly string[], text: string): boolean {
  return words.every((word) => placeOf(word, text) >= 0);
}

/** Characters of a text that are shown of a long message. */
const SNIPPET = 220;

/** The part of a long text around the first of these words, with all of them marked. */
export function snippet(source: string, words: readonly string[]): Marked[] {
  const text = source.replaceAll(/\s+/g, " ").trim();
  const parts = marked(text, words);
  const first = parts.findIndex((part) => part.mark);
  const before = parts
    .slice(0, Math.max(first, 0))
    .reduce((sum, part) => sum + part.text.length, 0);
  if (text.length <= SNIPPET || before < SNIPPET / 2) return parts;
  const start = text.indexOf(" ", before - SNIPPET / 3) + 1;
  return [{ text: "… ", mark: false }, ...marked(text.slice(start), words)];
}

/** The words of a text, each with whether it begins with one of these. */
function marked(text: string, words: readonly string[]): Marked[] {
  const looked = words.flatMap(wordsOf);
  const parts: Marked[] = [];
  const add = (piece: string, mark: boolean): void => {
    const last = parts.at(-1);
    if (last !== undefined && last.mark === mark) last.text += piece;
    else if (piece !== "") parts.push({ text: piece, mark });
  };
  let end = 0;
  for (const match of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
    add(text.slice(end, match.index), false);
    const word = folded(match[0]);
    const isWanted = looked.some((one) =>
      UNSPACED.test(one) ? word.includes(one) : word.startsWith(one),
    );
    add(match[0], isWanted);
    end = match.index + match[0].length;
  }
  add(text.slice(end), false);
  return parts;
}
