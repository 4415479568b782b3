/**
 * Words of texts, as indexes and searches have them: folded, and where a script puts no spaces
 * between words, pairs of neighbouring characters.
 */

/** Letters and digits in a row, with the marks on them; or a pictograph. */
const WORD = /[\p{L}\p{N}\p{M}\u200d]+|\p{Extended_Pictographic}/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u30fc\u3005]+/u;
/** Accents and the like; what is left is composed again (Hangul, voiced kana). */
const ACCENTS = /[\u0300-\u036f]/g;
/** UTF-16 code units of a word; the rest is cut off, on both sides alike. */
const MAX_WORD = 40;

/** A word of a search: whole, or the beginning of a word. */
export interface SearchedWord {
  readonly text: string;
  readonly isPrefix: boolean;
}

/** The text without accents and case, and with one form for what looks alike. */
export function folded(text: string): string {
  const plain = text.normalize("NFKD").replace(ACCENTS, "").normalize("NFC");
  return plain.toLowerCase().toUpperCase().toLowerCase();
}

/** The distinct words of a text for an index: the first `max` of them. */
export function indexedWords(text: string, max: number): string[] {
  const words = new Set<string>();
  for (const part of partsOf(folded(text))) {
    for (const word of part.isUnspaced ? pairsOf(part.text, true) : [part.text]) {
      if (words.size >= max) return [...words];
      words.add(word);
    }
  }
  return [...words];
}

/**
 * The distinct words of a search, the first `max`. Words of at least `prefixFrom` characters are
 * found by their beginning.
 */
export function searchedWords(
  text: string,
  { max, prefixFrom }: { readonly max: number; readonly prefixFrom: number },
): SearchedWord[] {
  const words = new Map<string, SearchedWord>();
  for (const { text: word, isUnspaced } of partsOf(folded(text))) {
    // A single character is the beginning of each pair that it begins.
    const pairs = isUnspaced ? pairsOf(word, false) : [word];
    for (const each of pairs) {
      if (words.size >= max) return [...words.values()];
      const length = Array.from(each).length;
      const isPrefix = isUnspaced ? length === 1 : length >= prefixFrom;
      words.set(each, { text: each, isPrefix });
    }
  }
  return [...words.values()];
}

/** The distinct words of a search as they were written, in lower case: to be marked in what is found. */
export function writtenWords(text: string): string[] {
  return [...new Set(text.toLowerCase().match(WORD))];
}

/** The folded words as they stand, for comparing. */
export function wholeWords(text: string): string[] {
  return folded(text).match(WORD) ?? [];
}

interface Part {
  readonly text: string;
  readonly isUnspaced: boolean;
}

function* partsOf(text: string): Generator<Part> {
  for (const [word] of text.matchAll(WORD)) {
    let rest = word;
    while (rest !== "") {
      const match = UNSPACED.exec(rest);
      const before = match === null ? rest : rest.slice(0, match.index);
      if (before !== "") yield { text: cut(before), isUnspaced: false };
      if (match === null) break;
      yield { text: match[0], isUnspaced: true };
      rest = rest.slice(match.index + match[0].length);
    }
  }
}

/** Neighbouring characters by two; with `last`, the last one alone as well. */
function* pairsOf(text: string, last: boolean): Generator<string> {
  const characters = Array.from(text);
  for (let at = 0; at + 1 < characters.length; at += 1) {
    yield characters[at]! + characters[at + 1]!;
  }
  if (last || characters.length === 1) yield characters.at(-1)!;
}

function cut(word: string): string {
  const short = word.slice(0, MAX_WORD);
  return short.isWellFormed() ? short : short.slice(0, -1);
}
