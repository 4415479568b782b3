import { errors } from "../../protocol/errors.ts";
import { type Glob, glob, newBudget } from "../../protocol/glob.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";

/**
 * What becomes of an invite: it is shown; it is hidden without a word to whoever invites; or it is
 * refused.
 */
export type InviteVerdict = "allow" | "ignore" | "block";

/** What a user's rules say of who invites them, by full user id. */
export type InviteRules = (inviter: string) => InviteVerdict;

/** Patterns with `*` or `?` in all lists together: these are tried one by one. */
const MAX_PATTERNS = 1_000;
/** A user id has 255 bytes at most, and a pattern that fits one a star beside each. */
const PATTERN_BYTES = 511;
/** For all patterns and one inviter; what is left over then does not match. */
const STEPS = 1_000_000;
/** Inviters whose verdict is remembered: many invites are looked at again and again. */
const VERDICTS_KEPT = 2_000;

/** The lists in the order in which they are tried. */
const LISTS = [
  ["allowed_users", "allow"],
  ["ignored_users", "ignore"],
  ["blocked_users", "block"],
  ["allowed_servers", "allow"],
  ["ignored_servers", "ignore"],
  ["blocked_servers", "block"],
] as const;

const isPattern = (text: string): boolean => /[*?]/.test(text);

interface List {
  readonly verdict: InviteVerdict;
  readonly isOfServers: boolean;
  readonly names: ReadonlySet<string>;
  readonly patterns: readonly Glob[];
}

/**
 * The rules in a content of org.matrix.msc4155.invite_permission_config; undefined when there are
 * none, they are switched off, or a list is none of texts: then they count for nothing. (MSC4155.)
 */
export function inviteRulesOf(content: JsonObject): InviteRules | undefined {
  if (content.enabled === false) return undefined;
  const texts = LISTS.map(([name]) => textsIn(content[name]));
  if (texts.includes(undefined)) return undefined;
  const lists = LISTS.flatMap(([name, verdict], at) => {
    const all = texts[at]!;
    if (all.length === 0) return [];
    return [listOf(name, verdict, all)];
  });
  return lists.length === 0 ? undefined : remembering((inviter) => judge(lists, inviter));
}

/** @throws MatrixError 413 M_TOO_LARGE for rules with more patterns than are tried */
export function checkInviteRules(content: JsonObject): void {
  const all = LISTS.flatMap(([name]) => textsIn(content[name]) ?? []);
  if (all.filter(isPattern).length <= MAX_PATTERNS) return;
  throw errors.tooLarge(`There are at most ${MAX_PATTERNS} entries with * or ? in all lists`);
}

function textsIn(list: Json | undefined): readonly string[] | undefined {
  if (list === undefined) return [];
  const isList = Array.isArray(list) && list.every((one) => typeof one === "string");
  return isList ? list : undefined;
}

function listOf(name: string, verdict: InviteVerdict, all: readonly string[]): List {
  return {
    verdict,
    isOfServers: name.endsWith("_servers"),
    names: new Set(all.filter((one) => !isPattern(one)).map((one) => one.toLowerCase())),
    patterns: all
      .filter(isPattern)
      .slice(0, MAX_PATTERNS)
      .map((one) => glob(one, { ignoreCase: true, maxBytes: PATTERN_BYTES })),
  };
}

/** As access lists have it, the port of a server does not count, and no letter's case. */
function judge(lists: readonly List[], inviter: string): InviteVerdict {
  const user = inviter.toLowerCase();
  const server = user.slice(user.indexOf(":") + 1).replace(/:\d+$/, "");
  const budget = newBudget(STEPS);
  for (const { verdict, isOfServers, names, patterns } of lists) {
    const text = isOfServers ? server : user;
    if (names.has(text) || patterns.some((one) => one.matches(text, budget))) return verdict;
  }
  return "allow";
}

function remembering(rules: InviteRules): InviteRules {
  const verdicts = new Map<string, InviteVerdict>();
  return (inviter) => {
    let verdict = verdicts.get(inviter);
    if (verdict === undefined) {
      if (verdicts.size >= VERDICTS_KEPT) verdicts.clear();
      verdicts.set(inviter, (verdict = rules(inviter)));
    }
    return verdict;
  };
}
