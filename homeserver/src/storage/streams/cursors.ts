import type { Sql, Tx } from "../sql.ts";

/** Cursors that are no follower's: how far what was there before an index or a note of it is worked through. */
export const OF_BEFORE = {
  /** Noted once all users are in the index of people. */
  people: "user-directory-built",
  /** The event nid up to which messages are in their index, or the greatest number there is. */
  messages: "searchable-events-built",
  /** Event nids up to which events were looked at for files: first, and once more. */
  files: "media-references-first",
  filesAgain: "media-references-again",
  /** When they may be looked at once more, ms since 1970. */
  filesDue: "media-references-due",
} as const;

/** How far a follower of the log has processed it; undefined when it is new. */
export async function loadCursor(sql: Sql | Tx, name: string): Promise<number | undefined> {
  const [row] = await sql<{ position: number }[]>`
    SELECT position FROM cursors WHERE name = ${name}`;
  return row?.position;
}

/** Moves a cursor forward; never backward, whoever saves last. */
export async function saveCursor(sql: Sql | Tx, name: string, position: number): Promise<void> {
  await sql`
    INSERT INTO cursors AS c (name, position) VALUES (${name}, ${position})
    ON CONFLICT (name) DO UPDATE SET position = greatest(c.position, excluded.position)`;
}
