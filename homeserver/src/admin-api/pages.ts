const LIMIT = 100;
const MAX_LIMIT = 1000;

interface Page {
  readonly from: number;
  readonly limit: number;
  readonly backwards: boolean;
}

/** The page that is asked for, by how many are passed over. */
export function pageOf(query: {
  readonly from?: number;
  readonly limit?: number;
  readonly dir?: "f" | "b";
}): Page {
  const { from = 0, limit = LIMIT, dir } = query;
  return { from, limit: Math.min(limit, MAX_LIMIT), backwards: dir === "b" };
}

/** Where the next page begins, unless this was the last. */
export function nextToken({ from }: Page, found: number, total: number): { next_token?: string } {
  const next = from + found;
  return found > 0 && next < total ? { next_token: String(next) } : {};
}
