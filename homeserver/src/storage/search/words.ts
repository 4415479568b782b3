/** Words in the form in which PostgreSQL's text search takes them. */

/** The literal of an array of words for `string_to_array(…, E'\n')`. */
export function wordList(words: readonly string[]): string {
  return words.join("\n");
}

/** A condition of a text search: every word, whole or as the beginning of one. */
export function everyWord(
  words: readonly { readonly text: string; readonly isPrefix: boolean }[],
): string {
  return words.map(({ text, isPrefix }) => `${quoted(text)}${isPrefix ? ":*" : ""}`).join(" & ");
}

/** A word as text search quotes it. */
function quoted(word: string): string {
  return `'${word.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** A condition of a text search: one of the words, whole. */
export function anyWord(words: readonly string[]): string {
  return words.map(quoted).join(" | ");
}
