import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** Smaller files fit in a packet as they are. */
const MIN_BYTES = 1024;
/** What is not compressed already. */
const TEXT = /\.(html|js|mjs|css|svg|json|txt|xml|wasm|ico|map|webmanifest)$/;

/** Bytes from which a form is kept for the next build: the WebAssembly of the encryption takes half a minute. */
const KEPT_FROM = 1_000_000;
const CACHE = join(import.meta.dirname, "..", "node_modules", ".cache", "weft-precompress");

function brotli(bytes: Buffer): Buffer {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  if (bytes.length < KEPT_FROM) return brotliCompressSync(bytes, { params });
  const kept = join(CACHE, `${createHash("sha256").update(bytes).digest("hex")}.br`);
  if (existsSync(kept)) return readFileSync(kept);
  const form = brotliCompressSync(bytes, { params });
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(kept, form);
  return form;
}

/**
 * Writes a Brotli and a gzip form beside every file of a folder that gains by it, as strong as they get: the server sends them
 * as they are. @returns the names of the files that have them
 */
export function precompress(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true }) as string[];
  return names.filter((name) => {
    if (!TEXT.test(name)) return false;
    const bytes = readFileSync(join(folder, name));
    if (bytes.length < MIN_BYTES) return false;
    const forms = { br: brotli(bytes), gz: gzipSync(bytes, { level: 9 }) };
    for (const [ending, form] of Object.entries(forms)) {
      writeFileSync(join(folder, `${name}.${ending}`), form);
    }
    return true;
  });
}
