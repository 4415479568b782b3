/**
 * Glob-style matching (appendices): `*` is any run of characters, `?` is one character. Done
 * without regular expressions, since patterns and texts come from outside: every piece of a pattern
 * is looked for behind the one before, so that the text is passed over once, and a budget ends what
 * is odd.
 */
export interface Glob {
  /** True when the pattern covers the whole text. False when the budget does not suffice. */
  matches(text: string, budget?: Budget): boolean;
  /**
   * True when it covers a part that starts and ends at word boundaries (push rules,
   * `content.body`).
   */
  matchesWords(text: string, budget?: Budget): boolean;
}

/** How many characters may still be compared; falls as they are. */
export interface Budget {
  steps: number;
}

/** Patterns have at most this many bytes where users set them; longer ones match nothing. */
export const MAX_PATTERN_BYTES = 255;

/**
 * For one pattern and one text. Ordinary texts of 64 KiB take about one step for each character.
 */
const STEPS = 1_000_000;

const ANY_RUN = "*";
const ANY_ONE = "?";

/** What stands between two `*`. */
interface Piece {
  readonly text: string;
  /** Holds `?`: not to be looked for as it is. */
  readonly isWild: boolean;
}

const NEVER: Glob = { matches: () => false, matchesWords: () => false };

/**
 * Compiles a pattern; `ignoreCase` folds pattern and text to lower case. One of over `maxBytes`
 * (255), several stars in a row counted as one, never matches.
 */
export function glob(
  pattern: string,
  options: { ignoreCase?: boolean; maxBytes?: number } = {},
): Glob {
  if (pattern.includes("**")) pattern = pattern.replaceAll(/\*{2,}/g, ANY_RUN);
  if (!isPattern(pattern, options.maxBytes)) return NEVER;
  const fold = options.ignoreCase ? foldCase : (text: string) => text;
  const folded = fold(pattern, newBudget())!;
  /** `judge` of the folded text; false where the budget does not suffice to fold it. */
  const judging =
    (judge: (folded: string, budget: Budget) => boolean) =>
    (text: string, budget = newBudget()) => {
      const inOneCase = fold(text, budget);
      return inOneCase !== undefined && judge(inOneCase, budget);
    };
  if (!folded.includes(ANY_RUN) && !folded.includes(ANY_ONE)) {
    return {
      // No text is shorter in lower case.
      matches: (text, budget = newBudget()) =>
        text.length <= folded.length && fold(text, budget) === folded,
      matchesWords: judging((text, budget) => findsWords(text, folded, budget)),
    };
  }
  const pieces = piecesOf(folded);
  return {
    matches: judging((text, budget) => coversAll(text, pieces, budget)),
    matchesWords: judging((text, budget) => coversWords(text, pieces, budget)),
  };
}

/** True for what is short enough to be a pattern. */
export function isPattern(text: string, maxBytes = MAX_PATTERN_BYTES): boolean {
  return text.length <= maxBytes && Buffer.byteLength(text) <= maxBytes;
}

/** A budget for one pattern and one text, or of another size for several. */
export function newBudget(steps: number = STEPS): Budget {
  return { steps };
}

/**
 * True when the literal occurs in the text at word boundaries, whatever the case; false for one
 * that is longer than a pattern may be.
 */
export function containsWords(text: string, literal: string, budget = newBudget()): boolean {
  if (!isPattern(literal)) return false;
  const folded = foldCase(text, budget);
  return folded !== undefined && findsWords(folded, literal.toLowerCase(), budget);
}

let lastText = "";
let lastFolded = "";

/**
 * In lower case; undefined where the budget does not suffice. The last long text is remembered:
 * many rules look at the same one, and who makes them look at several in turn pays for it.
 */
function foldCase(text: string, budget: Budget): string | undefined {
  if (text.length <= MAX_PATTERN_BYTES) return text.toLowerCase();
  if (text !== lastText) {
    if ((budget.steps -= text.length) < 0) return undefined;
    lastFolded = text.toLowerCase();
    lastText = text;
  }
  return lastFolded;
}

function piecesOf(pattern: string): Piece[] {
  return pattern.split(ANY_RUN).map((text) => ({ text, isWild: text.includes(ANY_ONE) }));
}

function findsWords(text: string, literal: string, budget: Budget): boolean {
  if (literal === "") return text === "" || hasEmptyWord(text);
  for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + 1)) {
    if (isBoundary(text, at) && isBoundary(text, at + literal.length)) return true;
    if ((budget.steps -= literal.length) < 0) return false;
  }
  budget.steps -= text.length;
  return false;
}

function hasEmptyWord(text: string): boolean {
  for (let at = 0; at <= text.length; at++) if (isBoundary(text, at)) return true;
  return false;
}

/** The place before `at` lies at an end of the text or beside a character that is in no word. */
function isBoundary(text: string, at: number): boolean {
  if (at === 0 || at === text.length) return true;
  return !isWordCharacter(text.charCodeAt(at - 1)) || !isWordCharacter(text.charCodeAt(at));
}

function isWordCharacter(unit: number): boolean {
  return (
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    unit === 0x5f
  );
}

/**
 * The first piece at the start, the last at the end, the others between them as early as they come.
 */
function coversAll(text: string, pieces: readonly Piece[], budget: Budget): boolean {
  const first = pieces[0] as Piece;
  const last = pieces.at(-1) as Piece;
  const start = endAt(text, 0, first, budget);
  if (pieces.length === 1) return start === text.length;
  const end = startBefore(text, last, budget);
  if (start < 0 || end < start) return false;
  let at = start;
  for (const piece of pieces.slice(1, -1)) {
    const found = find(text, at, piece, budget);
    if (found === undefined || found.end > end) return false;
    at = found.end;
  }
  return true;
}

/**
 * The first piece at a boundary, the others behind it as early as they come, the last one up to a
 * boundary.
 */
function coversWords(text: string, pieces: readonly Piece[], budget: Budget): boolean {
  const first = pieces[0] as Piece;
  const isOne = pieces.length === 1;
  let at = -1;
  // Of several, the earliest leaves the most to the others.
  for (let from = 0; ;) {
    const found = find(text, from, first, budget);
    if (found === undefined) return false;
    if (isBoundary(text, found.start) && (!isOne || isBoundary(text, found.end))) {
      at = found.end;
      break;
    }
    from = found.start + 1;
  }
  if (isOne) return true;
  for (const piece of pieces.slice(1, -1)) {
    const found = find(text, at, piece, budget);
    if (found === undefined) return false;
    at = found.end;
  }
  const last = pieces.at(-1) as Piece;
  if (last.text === "") return true; // up to the text's end
  for (let from = at; ;) {
    const found = find(text, from, last, budget);
    if (found === undefined) return false;
    if (isBoundary(text, found.end)) return true;
    from = found.start + 1;
  }
}

/** Where the piece stands next, from `from` on. */
function find(
  text: string,
  from: number,
  piece: Piece,
  budget: Budget,
): { start: number; end: number } | undefined {
  if (budget.steps < 0) return undefined;
  if (!piece.isWild) {
    const start = text.indexOf(piece.text, from);
    budget.steps -= (start < 0 ? text.length : start) - from + piece.text.length;
    if (start < 0 || budget.steps < 0) return undefined;
    return { start, end: start + piece.text.length };
  }
  for (let start = from; start <= text.length; start++) {
    if (isInsidePair(text, start)) continue;
    const end = endAt(text, start, piece, budget);
    if (end >= 0) return { start, end };
    if (budget.steps < 0) return undefined;
  }
  return undefined;
}

/** Where the piece ends that begins at `at`; -1 when it does not. */
function endAt(text: string, at: number, { text: wanted }: Piece, budget: Budget): number {
  let end = at;
  for (let i = 0; i < wanted.length; i++) {
    if (--budget.steps < 0 || end >= text.length) return -1;
    if (wanted[i] !== ANY_ONE) {
      if (wanted.charCodeAt(i) !== text.charCodeAt(end)) return -1;
      end++;
    } else end += isInsidePair(text, end + 1) ? 2 : 1;
  }
  return end;
}

/** Where the piece begins that ends at the text's end; -1 when it does not. */
function startBefore(text: string, { text: wanted }: Piece, budget: Budget): number {
  let start = text.length;
  for (let i = wanted.length - 1; i >= 0; i--) {
    if (--budget.steps < 0 || start <= 0) return -1;
    if (wanted[i] !== ANY_ONE) {
      if (wanted.charCodeAt(i) !== text.charCodeAt(start - 1)) return -1;
      start--;
    } else start -= isInsidePair(text, start - 1) ? 2 : 1;
  }
  return start;
}

/** The place lies between the two halves of a character beyond U+FFFF. */
function isInsidePair(text: string, at: number): boolean {
  if (at <= 0 || at >= text.length) return false;
  const unit = text.charCodeAt(at);
  if (unit < 0xdc00 || unit > 0xdfff) return false;
  const before = text.charCodeAt(at - 1);
  return before >= 0xd800 && before <= 0xdbff;
}
