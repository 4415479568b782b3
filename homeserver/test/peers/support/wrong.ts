import { expect } from "vitest";
import { checkRooms } from "../../../src/cli/check-rooms.ts";
import type { Config } from "../../../src/config/load.ts";

/** What `weft doctor` finds wrong beside a running server: of all rooms, or of one. */
export async function wrongIn(
  server: { readonly serverName: string; readonly dataDir?: string; readonly databaseUrl?: string },
  which: Parameters<typeof checkRooms>[1],
): Promise<string[]> {
  const lines: string[] = [];
  const config = { dataDir: "/nonexistent", databaseUrl: undefined, ...server };
  await checkRooms(config as unknown as Config, which, (line) => lines.push(line));
  expect(lines.length).toBeGreaterThan(0);
  return lines.filter((line) => line.startsWith("WRONG"));
}
