/** The settings about files, as the content repository takes them. */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { RetentionSettings } from "../media/retention.ts";
import type { S3Credentials, S3Settings } from "../media/store/s3-client.ts";
import { StoreAway } from "../media/store/types.ts";
import { parseDuration, parseSize } from "./sizes.ts";
import { type SettingKey, settings } from "./schema.ts";
import type { Values } from "./values.ts";

export interface MediaConfig {
  /** Absent: files lie in the data folder. */
  readonly s3: S3Settings | undefined;
  /** Limit on copies of other servers' files, bytes. */
  readonly maxCopiesBytes: number;
  /** How long a copy is kept that nobody asks for, ms; 0: as long as there is space. */
  readonly copyLifetimeMs: number;
  readonly retention: RetentionSettings;
}

type LifetimeKey = "media_cache_lifetime" | "media_unused_lifetime" | "media_encrypted_lifetime";
type Fail = (key: SettingKey, why: string) => Error;

/** @throws what `fail` makes of a setting that is wrong */
export function mediaConfig(values: Values, fail: Fail): MediaConfig {
  const text = (key: "media_cache_limit" | LifetimeKey) =>
    (values[key] as string | undefined) ?? settings[key].default;
  const days = (key: LifetimeKey) => parseDuration(text(key)) ?? 0;
  const [unused, encrypted] = [days("media_unused_lifetime"), days("media_encrypted_lifetime")];
  if (encrypted !== 0 && unused === 0) {
    throw fail("media_encrypted_lifetime", "is of no use without media_unused_lifetime");
  }
  return {
    s3: s3Settings(values, fail),
    maxCopiesBytes: parseSize(text("media_cache_limit")) || Number.POSITIVE_INFINITY,
    copyLifetimeMs: days("media_cache_lifetime"),
    retention: { unusedLifetimeMs: unused, encryptedLifetimeMs: encrypted },
  };
}

const OF_S3 = Object.keys(settings).filter((key) => key.startsWith("media_s3_")) as SettingKey[];

function s3Settings(values: Values, fail: Fail): S3Settings | undefined {
  const bucket = values.media_s3_bucket as string | undefined;
  if (bucket === undefined) {
    const useless = OF_S3.find((key) => values[key] !== undefined);
    if (useless === undefined) return undefined;
    throw fail(useless, "is of no use without media_s3_bucket");
  }
  const region = (values.media_s3_region as string | undefined) ?? settings.media_s3_region.default;
  const address = (values.media_s3_endpoint as string | undefined) ?? amazon(region);
  if (!URL.canParse(address)) throw fail("media_s3_endpoint", "is no address");
  return {
    ...{ bucket, region, endpoint: new URL(address) },
    pathStyle: (values.media_s3_path_style as boolean | undefined) ?? true,
    prefix: (values.media_s3_prefix as string | undefined) ?? "",
    credentials: credentials(values, fail),
  };
}

const amazon = (region: string) => `https://s3.${region}.amazonaws.com`;

function credentials(values: Values, fail: Fail): () => S3Credentials {
  const file = values.media_s3_credentials_file as string | undefined;
  const accessKeyId = values.media_s3_access_key_id as string | undefined;
  const secretAccessKey = values.media_s3_secret_access_key as string | undefined;
  if (file === undefined) {
    if (accessKeyId !== undefined && secretAccessKey !== undefined) {
      return () => ({ accessKeyId, secretAccessKey });
    }
    if (accessKeyId !== undefined) {
      throw fail("media_s3_access_key_id", "needs media_s3_secret_access_key too");
    }
    if (secretAccessKey !== undefined) {
      throw fail("media_s3_secret_access_key", "needs media_s3_access_key_id too");
    }
    throw fail(
      "media_s3_bucket",
      "needs media_s3_access_key_id, or media_s3_credentials_file, too",
    );
  }
  if (accessKeyId !== undefined || secretAccessKey !== undefined) {
    throw fail("media_s3_credentials_file", "cannot stand beside media_s3_access_key_id");
  }
  const read = credentialsIn(resolve(file));
  try {
    read();
  } catch (error) {
    throw fail("media_s3_credentials_file", (error as Error).message);
  }
  return read;
}

/** Reads a file of credentials, and again when it has changed. */
function credentialsIn(path: string): () => S3Credentials {
  let known: { readonly changed: number; readonly found: S3Credentials } | undefined;
  return () => {
    try {
      const changed = statSync(path).mtimeMs;
      if (known?.changed !== changed) {
        known = { changed, found: parseCredentials(readFileSync(path, "utf8")) };
      }
      return known.found;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw error instanceof StoreAway ? error : new StoreAway(`cannot be read (${code})`);
    }
  };
}

function parseCredentials(text: string): S3Credentials {
  const of = (name: string) => new RegExp(`^\\s*${name}\\s*=\\s*(\\S+)\\s*$`, "m").exec(text)?.[1];
  const [accessKeyId, secretAccessKey] = [of("aws_access_key_id"), of("aws_secret_access_key")];
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new StoreAway("lacks aws_access_key_id or aws_secret_access_key");
  }
  return { accessKeyId, secretAccessKey, sessionToken: of("aws_session_token") };
}
