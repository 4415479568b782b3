import { expect } from "vitest";
import { examineRooms } from "../../../src/cli/examine-rooms.ts";
import type { Config } from "../../../src/config/load.ts";

/** What `weft doctor` finds wrong beside a running server: of all rooms, or of one. */
export async function wrongIn(
  server: { readonly serverName: string; readonly dataDir?: string; readonly databaseUrl?: string },
  which: Parameters<typeof examineRooms>[1],
): Promise<string[]> {
  const lines: string[] = [];
  const config = { dataDir: "/nonexistent", databaseUrl: undefined, ...server };
  await examineRooms(config as unknown as Config, which, (line) => lines.push(line));
  expect(lines.length).toBeGreaterThan(0);
  return lines.filter((line) => line.startsWith("WRONG"));
}
