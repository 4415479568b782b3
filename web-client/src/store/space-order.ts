/** The characters that orders may hold, lowest first; ours are of letters and digits. */
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const MAX_LENGTH = 50;

/** Strings in rising order, spread out so that there is room between any two. */
function spread(count: number): string[] {
  const width = Math.max(2, Math.ceil(Math.log((count + 1) * 4) / Math.log(DIGITS.length)));
  const step = Math.floor(DIGITS.length ** width / (count + 1));
  return Array.from({ length: count }, (_, at) => {
    let rest = (at + 1) * step;
    let text = "";
    for (let place = 0; place < width; place++) {
      text = DIGITS[rest % DIGITS.length]! + text;
      rest = Math.floor(rest / DIGITS.length);
    }
    return text;
  });
}

/** A string between two others by code points ("" and undefined: no bound), or undefined when none is short enough. */
export function between(before: string, after: string | undefined): string | undefined {
  let text = "";
  for (let at = 0; at < MAX_LENGTH; at++) {
    const low = before.codePointAt(at) ?? 0x1f;
    const high = after === undefined ? 0x7f : (after.codePointAt(at) ?? 0x1f);
    const isTied = text === before.slice(0, at);
    const isBound = after !== undefined && text === after.slice(0, at);
    const [least, most] = [isTied ? low : 0x1f, isBound ? high : 0x7f];
    const middle = Math.floor((least + most) / 2);
    if (middle > least && middle < most && middle >= 0x20)
      return text + String.fromCodePoint(middle);
    // Too close: the same character as below, and on with the next.
    if (least < 0x20) {
      if (isBound && most <= 0x20) return undefined;
      text += " ";
    } else text += String.fromCodePoint(least);
  }
  return undefined;
}

/**
 * The orders to set so that the child at `from` stands at `to`: one where there is room between its new neighbours, all of
 * them where some have none.
 */
export function placeKeys(
  keys: readonly (string | undefined)[],
  from: number,
  to: number,
): Map<number, string> {
  const rest = keys.map((key, at) => ({ key, at })).filter(({ at }) => at !== from);
  const before = to === 0 ? "" : rest[to - 1]?.key;
  const after = to >= rest.length ? undefined : rest[to]?.key;
  const isClear = before !== undefined && (after !== undefined || to >= rest.length);
  const middle = isClear ? between(before, after) : undefined;
  if (middle !== undefined && middle > before! && (after === undefined || middle < after)) {
    return new Map([[from, middle]]);
  }
  const anew = rest.map(({ at }) => at);
  anew.splice(to, 0, from);
  const orders = spread(anew.length);
  return new Map(anew.map((at, place) => [at, orders[place]!]));
}
