import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { precompress } from "../../precompress.ts";

test("built files of text are written compressed as well, pictures and small ones are not", () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-dist-"));
  mkdirSync(join(folder, "assets"));
  const text = "let a = 1;\n".repeat(500);
  writeFileSync(join(folder, "assets", "a.js"), text);
  writeFileSync(join(folder, "small.css"), "a {}");
  writeFileSync(join(folder, "picture.png"), Buffer.alloc(5000));
  expect(precompress(folder)).toEqual([join("assets", "a.js")]);
  const form = (ending: string) => readFileSync(join(folder, "assets", `a.js.${ending}`));
  expect(brotliDecompressSync(form("br")).toString()).toBe(text);
  expect(gunzipSync(form("gz")).toString()).toBe(text);
  expect(existsSync(join(folder, "picture.png.gz"))).toBe(false);
  rmSync(folder, { recursive: true });
});
