/** Files of a configuration, and what is said of one that is wrong. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";

export let folder: string;

beforeAll(() => {
  folder = makeTemporaryFolder("weft-config-");
});

afterAll(() => rmSync(folder, { recursive: true }));

export function fileWith(text: string): string {
  const path = join(folder, "weft.yaml");
  writeFileSync(path, text);
  return path;
}
