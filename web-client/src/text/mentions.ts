/** How many are offered at once. */
export const OFFERED = 8;

export function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Someone who can be mentioned. */
interface Named {
  userId: string;
  displayName: string | undefined;
}

/** The unfinished "@name" in front of the caret, or undefined. */
export function queryAt(text: string, caret: number): { start: number; term: string } | undefined {
  const match = /(^|[\s(])@([^\s@]{0,40}(?: [^\s@]{0,20})?)$/u.exec(text.slice(0, caret));
  if (match === null) return undefined;
  return { start: caret - match[2]!.length - 1, term: match[2]! };
}

/** The unfinished word behind this sign in front of the caret: a room behind "#", an emoji behind ":". */
export function wordAt(
  sign: "#" | ":",
  text: string,
  caret: number,
): { start: number; term: string } | undefined {
  const before = text.slice(Math.max(0, caret - 64), caret);
  const at = before.lastIndexOf(sign);
  if (at < 0 || (at > 0 && !/[\s(]/.test(before[at - 1]!))) return undefined;
  const term = before.slice(at + 1);
  if (!/^[\p{L}\p{N}_+.:-]*$/u.test(term)) return undefined;
  return { start: caret - term.length - 1, term };
}

/** Those whose name or id begins with the term first, then those that hold it. */
export function findMembers<Member extends Named>(
  members: readonly Member[],
  term: string,
): Member[] {
  const wanted = fold(term);
  const rank = (member: Member): number => {
    const [name, id] = [fold(member.displayName ?? ""), fold(member.userId.slice(1))];
    if (name.startsWith(wanted) || id.startsWith(wanted)) return 0;
    if (name.split(/\s/).some((word) => word.startsWith(wanted))) return 1;
    return name.includes(wanted) ? 2 : 3;
  };
  return members
    .map((member) => ({ member, at: rank(member) }))
    .filter(({ at }) => at < 3)
    .toSorted((a, b) => a.at - b.at)
    .slice(0, OFFERED)
    .map(({ member }) => member);
}
