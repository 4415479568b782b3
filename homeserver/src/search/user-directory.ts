/** POST /user_directory/search: people by name, among those whom the searcher may know of. */
import { glob, type Glob, newBudget } from "../protocol/glob.ts";
import { serverOf, type UserId } from "../protocol/identifiers.ts";
import {
  countNear,
  type DirectoryEntry,
  findAmongFew,
  findAmongMany,
  findInOpenRooms,
  visibleUsers,
} from "../storage/search/user-directory.ts";
import { everyWord } from "../storage/search/words.ts";
import type { Sql } from "../storage/sql.ts";
import { folded, type SearchedWord, searchedWords, wholeWords } from "./words.ts";

interface FoundUser {
  readonly user_id: string;
  readonly display_name?: string;
  readonly avatar_url?: string;
}

export interface UserSearch {
  readonly results: FoundUser[];
  /** There are more. */
  readonly limited: boolean;
}

export interface UserDirectoryDeps {
  readonly sql: Sql;
  readonly serverName: string;
  readonly ignoredBy: (userId: UserId) => Promise<ReadonlySet<string>>;
  /** Patterns of user ids that are never found, as they are set at the moment. */
  readonly hidden: () => readonly string[];
}

/** The same list gives the same globs. */
function createPatterns(): (hidden: readonly string[]) => readonly Glob[] {
  let made: { readonly of: readonly string[]; readonly globs: readonly Glob[] } | undefined;
  return (hidden) => {
    if (made?.of !== hidden) {
      made = { of: hidden, globs: hidden.map((text) => glob(text, { ignoreCase: false })) };
    }
    return made.globs;
  };
}

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;
/** Words of a search; the rest is passed over. */
const MAX_WORDS = 10;
/** Users of one kind that have the words of a search: more are not put in order. */
const MAX_LOOKED_AT = 200;
/** With so few in one's rooms these are gone through, otherwise who has the words. */
const FEW = 10_000;
/** Users of whom it is asked at once whether they may be seen now. */
const AT_ONCE = 100;

export function createUserDirectory({ sql, serverName, ignoredBy, hidden }: UserDirectoryDeps) {
  const patternsOf = createPatterns();
  const isHidden = (userId: string) =>
    patternsOf(hidden()).some((pattern) => pattern.matches(userId, newBudget()));

  async function candidates(userId: UserId, words: readonly SearchedWord[]) {
    const whole = everyWord(words.map(({ text }) => ({ text, isPrefix: false })));
    const beginnings = everyWord(words);
    const isFew = (await countNear(sql, userId, FEW + 1)) <= FEW;
    const near = (condition: string) =>
      isFew
        ? findAmongFew(sql, userId, condition, { max: FEW + 1, limit: MAX_LOOKED_AT })
        : findAmongMany(sql, userId, condition, MAX_LOOKED_AT);
    // Whole words come first: of their beginnings there may be too many to look at.
    const lists = await Promise.all([
      ...[near(whole), findInOpenRooms(sql, whole, MAX_LOOKED_AT)],
      ...[near(beginnings), findInOpenRooms(sql, beginnings, MAX_LOOKED_AT)],
    ]);
    return new Map(lists.flat().map((entry) => [entry.userId, entry]));
  }

  /**
   * Users whose name or localpart has all the words of the term, or words that begin so, whatever
   * their accents and case; a term with a server has to fit the whole id. Those who fit best first.
   */
  return async (userId: UserId, term: string, asked?: number): Promise<UserSearch> => {
    const limit = Math.min(asked ?? DEFAULT_LIMIT, MAX_LIMIT);
    const { name, server } = parts(term);
    const words = searchedWords(name, { max: MAX_WORDS, prefixFrom: 1 });
    if (words.length === 0) return { results: [], limited: false };
    const ignored = await ignoredBy(userId);
    const found = [...(await candidates(userId, words)).values()]
      .filter((entry) => serverOf(entry.userId as UserId).startsWith(server))
      .filter((entry) => !ignored.has(entry.userId) && !isHidden(entry.userId))
      .map((entry) => ({ entry, rank: rankOf(entry, name, words, serverName) }))
      .toSorted((a, b) => b.rank - a.rank || (a.entry.userId < b.entry.userId ? -1 : 1));
    const results: FoundUser[] = [];
    for (let at = 0; at < found.length && results.length <= limit; at += AT_ONCE) {
      const some = found.slice(at, at + AT_ONCE).map(({ entry }) => entry);
      const ids = some.map((entry) => entry.userId);
      const visible = new Set(await visibleUsers(sql, userId, ids));
      results.push(...some.filter((entry) => visible.has(entry.userId)).map(shown));
    }
    return { results: results.slice(0, limit), limited: results.length > limit };
  };
}

/** `@name:server` apart; other terms have no server. */
function parts(term: string): { name: string; server: string } {
  const match = /^@([^:]*)(?::(.*))?$/s.exec(term.trim());
  return match === null ? { name: term, server: "" } : { name: match[1]!, server: match[2] ?? "" };
}

/** How well somebody fits: the whole name before whole words, those before beginnings. */
function rankOf(
  { userId, displayName }: DirectoryEntry,
  name: string,
  words: readonly SearchedWord[],
  serverName: string,
): number {
  const localpart = userId.slice(1, userId.indexOf(":"));
  const wanted = folded(name.trim());
  const names = [localpart, displayName ?? ""].map((text) => folded(text));
  const own = new Set(names.flatMap(wholeWords));
  const isWhole = names.includes(wanted);
  const begins = names.some((text) => text.startsWith(wanted));
  const wholeOnes = words.filter(({ text }) => own.has(text)).length / words.length;
  const isLocal = serverOf(userId as UserId) === serverName;
  return (
    (isWhole ? 16 : 0) +
    (begins ? 8 : 0) +
    4 * wholeOnes +
    (displayName === null ? 0 : 1) +
    (isLocal ? 0.5 : 0)
  );
}

function shown({ userId, displayName, avatarUrl }: DirectoryEntry): FoundUser {
  return {
    user_id: userId,
    ...(displayName !== null && { display_name: displayName }),
    ...(avatarUrl !== null && { avatar_url: avatarUrl }),
  };
}
