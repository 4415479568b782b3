/**
 * The append contains something that PostgreSQL cannot store: a NUL character, or a key that is too
 * long.
 */
export class Unstorable extends Error {
  override name = "Unstorable";
}

/**
 * Limit on texts in an index, in bytes: several of them together must fit into a third of an index
 * page.
 */
const MAX_KEY_BYTES = 512;

/** A text that PostgreSQL can store. Throws Unstorable for a NUL character. */
export function plainText(text: string): string {
  if (text.includes("\0")) throw new Unstorable("a text holds a NUL character");
  return text;
}

/**
 * A text that fits into an index. Throws Unstorable when it is too long or contains a NUL
 * character.
 */
export function keyText(text: string): string {
  if (text.length > MAX_KEY_BYTES || (text.length * 3 > MAX_KEY_BYTES && tooLong(text))) {
    throw new Unstorable(`a key is longer than ${MAX_KEY_BYTES} bytes`);
  }
  return plainText(text);
}

function tooLong(text: string): boolean {
  return Buffer.byteLength(text) > MAX_KEY_BYTES;
}

/** Stands between JSON texts that go to PostgreSQL together, and for those that are null. */
export const [JSON_SEPARATOR, JSON_NULL] = ["\u001e", "\u0015"];

/**
 * A JSON text that PostgreSQL can store: there, control characters are always escaped. Throws
 * Unstorable for what is none.
 */
export function jsonText(text: string): string {
  if (text === "" || text.includes(JSON_SEPARATOR) || text.includes(JSON_NULL)) {
    throw new Unstorable("a text is not JSON");
  }
  return plainText(text);
}
