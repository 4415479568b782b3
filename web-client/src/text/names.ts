/** What joins letters and emoji, or chooses their form. */
const JOINING = /\p{Join_Control}|\p{Variation_Selector}|[\u{e0020}-\u{e007f}]/gu;
/**
 * What turns the direction of a text, or cannot be seen, but for what joins and what ends a line. In a name it can make one person
 * look like another, and a file like one of another kind.
 */
const HIDDEN =
  /(?![\t\n\r]|\p{Join_Control}|\p{Variation_Selector}|[\u{e0020}-\u{e007f}])[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb]/gu;
/** Characters of a name that are shown, at most. */
const MAX_NAME = 200;

/** A stranger's text without what turns or hides its letters; its lines stay. */
export function plainText(text: string): string {
  return text.replace(HIDDEN, "");
}

/** A stranger's text for a place in a line: a name, a file's name, a title. Undefined when nothing of it can be seen. */
export function plainName(text: string | null | undefined): string | undefined {
  if (text === undefined || text === null) return undefined;
  const name = plainText(text.slice(0, 4 * MAX_NAME))
    .replace(/\s+/gu, " ")
    .trim();
  if (name.replace(JOINING, "") === "") return undefined;
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME).toWellFormed()}…` : name;
}

/** The same for names that look alike: letters of other widths, capitals and what joins letters count for nothing. */
export function looksOf(name: string): string {
  if (/^[\u0020-\u007e]*$/.test(name)) return name.toLowerCase();
  return name.normalize("NFKC").replace(JOINING, "").replace(/\s+/gu, " ").toLowerCase();
}

/** True for a name that pretends to say whose it is. */
export const looksLikeId = (name: string): boolean =>
  /@[^\s@]+:[^\s]/u.test(name.normalize("NFKC"));
