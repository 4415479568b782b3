/**
 * Glob-style matching (appendices): `*` is any run of characters, `?` is one character. Done without
 * regular expressions, since patterns come from outside: the time is bounded by the product of the
 * two lengths.
 */
export interface Glob {
  /** True when the pattern covers the whole text. */
  matches(text: string): boolean;
  /** True when it covers a part that starts and ends at word boundaries (push rules, `content.body`). */
  matchesWords(text: string): boolean;
}

const ANY_RUN = "*";
const ANY_ONE = "?";

/** Compiles a pattern; `ignoreCase` folds pattern and text to lower case. */
export function glob(pattern: string, options: { ignoreCase?: boolean } = {}): Glob {
  const fold = options.ignoreCase ? (text: string) => text.toLowerCase() : (text: string) => text;
  const folded = fold(pattern);
  if (!folded.includes(ANY_RUN) && !folded.includes(ANY_ONE)) {
    return {
      matches: (text) => fold(text) === folded,
      matchesWords: (text) => findsWords(fold(text), folded),
    };
  }
  const tokens = [...folded];
  return {
    matches: (text) => coversAll([...fold(text)], tokens),
    matchesWords: (text) => coversWords([...fold(text)], tokens),
  };
}

/** True when the literal occurs in the text at word boundaries, whatever the case. */
export function containsWords(text: string, literal: string): boolean {
  return findsWords(text.toLowerCase(), literal.toLowerCase());
}

function findsWords(text: string, literal: string): boolean {
  if (literal === "") return text === "" || hasEmptyWord(text);
  for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + 1)) {
    if (isBoundary(text, at) && isBoundary(text, at + literal.length)) return true;
  }
  return false;
}

function hasEmptyWord(text: string): boolean {
  for (let at = 0; at <= text.length; at++) if (isBoundary(text, at)) return true;
  return false;
}

/** The place before `at` lies at an end of the text or beside a character that is in no word. */
function isBoundary(text: ArrayLike<string>, at: number): boolean {
  if (at === 0 || at === text.length) return true;
  return !isWordCharacter(text[at - 1] as string) || !isWordCharacter(text[at] as string);
}

function isWordCharacter(character: string): boolean {
  const unit = character.charCodeAt(0);
  return (
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    unit === 0x5f
  );
}

/** Two fingers, going back to the last `*` only. */
function coversAll(text: readonly string[], tokens: readonly string[]): boolean {
  let at = 0;
  let token = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    if (token < tokens.length && tokens[token] === ANY_RUN) {
      star = token++;
      starAt = at;
    } else if (token < tokens.length && (tokens[token] === ANY_ONE || tokens[token] === text[at])) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (tokens[token] === ANY_RUN) token++;
  return token === tokens.length;
}

/** All ways at once: which tokens may come next, begun anew at every boundary. */
function coversWords(text: readonly string[], tokens: readonly string[]): boolean {
  let next = new Uint8Array(tokens.length + 1);
  for (let at = 0; at <= text.length; at++) {
    const boundary = isBoundary(text, at);
    if (boundary) next[0] = 1;
    for (let token = 0; token < tokens.length; token++) {
      if (next[token] && tokens[token] === ANY_RUN) next[token + 1] = 1;
    }
    if (boundary && next[tokens.length]) return true;
    const following = new Uint8Array(tokens.length + 1);
    for (let token = 0; token < tokens.length; token++) {
      if (!next[token]) continue;
      if (tokens[token] === ANY_RUN) following[token] = 1;
      else if (tokens[token] === ANY_ONE || tokens[token] === text[at]) following[token + 1] = 1;
    }
    next = following;
  }
  return false;
}
