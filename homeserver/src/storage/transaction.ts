import type { Sql, Tx } from "./sql.ts";
import { sqlState } from "./sql.ts";

/**
 * Clashes of two transactions that end when one of them is done again: serialisation, deadlock, a
 * row that another one inserted or deleted between our look and our write.
 */
const CLASHES = new Set(["40001", "40P01", "23505", "23503"]);
const MAX_ATTEMPTS = 5;

/**
 * Runs work in a transaction, and again from its beginning after a conflict with another one. So
 * the work must only read and write through its `tx`. Callers do not see such conflicts.
 */
export async function transaction<T>(sql: Sql, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await sql.begin(work)) as T;
    } catch (error) {
      if (!CLASHES.has(sqlState(error) ?? "") || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
