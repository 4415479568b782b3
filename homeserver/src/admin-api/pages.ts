const LIMIT = 100;
const MAX_LIMIT = 1000;

/** A part of a list. */
export interface Page {
  /** How many entries are passed over. */
  readonly from: number;
  readonly limit: number;
  readonly backwards: boolean;
}

/** The page that is asked for. */
export function pageOf(query: {
  readonly from?: number;
  readonly limit?: number;
  readonly dir?: "f" | "b";
}): Page {
  const { from = 0, limit, dir } = query;
  return { from, limit: limitOf(limit), backwards: dir === "b" };
}

/** How many entries a page has at most. */
export function limitOf(wanted = LIMIT): number {
  return Math.min(wanted, MAX_LIMIT);
}

/** Where the next page begins; undefined: this was the last. */
export function nextOf({ from }: Page, found: number, total: number): number | undefined {
  const next = from + found;
  return found > 0 && next < total ? next : undefined;
}

/** The same for operations whose tokens are texts. */
export function nextToken(page: Page, found: number, total: number): { next_token?: string } {
  const next = nextOf(page, found, total);
  return next === undefined ? {} : { next_token: String(next) };
}
