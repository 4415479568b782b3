import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../platform/random.ts";
import { type SigningKey, decodeBase64, signingKeyFromSeed } from "../protocol/crypto.ts";
import { POLICY_KEY_ID } from "../protocol/events/event-signatures.ts";
import { ConfigError } from "./values.ts";

/** Where a server's signing key lies. */
export function signingKeyPath(dataDir: string): string {
  return join(dataDir, "signing.key");
}

/**
 * A line of the file: `ed25519 a_AbCd <seed in unpadded base64>`, as other homeservers write it.
 */
export function newSigningKeyLine(random: Random): string {
  const seed = Buffer.from(random.bytes(32))
    .toString("base64")
    .replace(/={1,2}$/, "");
  return `ed25519 a_${random.alphanumeric(4)} ${seed}\n`;
}

/** @throws ConfigError when the text is no signing key */
function parseSigningKey(text: string, path: string): SigningKey {
  const line = text.split("\n").find((each) => each.trim() !== "") ?? "";
  const [algorithm, version = "", seed] = line.trim().split(/\s+/);
  const bytes = decodeBase64(seed);
  if (algorithm !== "ed25519" || bytes?.length !== 32 || !/^\w+$/.test(version)) {
    throw new ConfigError(
      `${path}: is no signing key; write a line such as weft generate-key prints, or remove the file`,
    );
  }
  return signingKeyFromSeed(`ed25519:${version}`, bytes);
}

/** The server's key; made at the first start. @throws ConfigError */
export function loadSigningKey(dataDir: string, random: Random): SigningKey {
  return loadKey(dataDir, signingKeyPath(dataDir), random);
}

/**
 * The key by which this server signs as a policy server. It is one of its own: rooms keep it in their
 * state. Made when it is first wanted. @throws ConfigError
 */
export function loadPolicyKey(dataDir: string, random: Random): SigningKey {
  const { seedBase64 } = loadKey(dataDir, join(dataDir, "policy.key"), random);
  return signingKeyFromSeed(POLICY_KEY_ID, Buffer.from(seedBase64, "base64"));
}

function loadKey(dataDir: string, path: string, random: Random): SigningKey {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    // "wx" fails when the file exists: of two processes that start together only one creates the
    // key.
    writeFileSync(path, newSigningKeyLine(random), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw unusable(path, error);
  }
  try {
    return parseSigningKey(readFileSync(path, "utf8"), path);
  } catch (error) {
    throw error instanceof ConfigError ? error : unusable(path, error);
  }
}

function unusable(path: string, error: unknown): ConfigError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new ConfigError(
    `${path}: cannot be used (${code ?? message}); let this user read and write it, or set WEFT_DATA_DIR`,
  );
}
