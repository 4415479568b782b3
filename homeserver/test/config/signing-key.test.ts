import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../src/config/values.ts";
import { loadSigningKey, signingKeyPath } from "../../src/config/signing-key.ts";
import { createSeededRandom } from "../../src/platform/random.ts";
import { folder } from "./files.ts";

describe("the signing key", () => {
  test("is made at the first start, for this user alone, and stays", () => {
    const dataDir = join(folder, "new", "data");
    const key = loadSigningKey(dataDir, createSeededRandom(1));
    expect(key.keyId).toMatch(/^ed25519:a_\w{4}$/);
    expect(statSync(signingKeyPath(dataDir)).mode & 0o777).toBe(0o600);
    expect(loadSigningKey(dataDir, createSeededRandom(2)).seedBase64).toBe(key.seedBase64);
  });

  test("may come from another homeserver, and is refused when it is none", () => {
    const dataDir = join(folder, "moved");
    mkdirSync(dataDir);
    writeFileSync(signingKeyPath(dataDir), `ed25519 a_OLD1 ${"A".repeat(43)}\n`);
    expect(loadSigningKey(dataDir, createSeededRandom(1)).keyId).toBe("ed25519:a_OLD1");
    writeFileSync(signingKeyPath(dataDir), "ed25519 a_OLD1 AAAA\n");
    expect(() => loadSigningKey(dataDir, createSeededRandom(1))).toThrow(ConfigError);
  });
});
