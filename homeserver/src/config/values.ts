/** The values that are set in the file and in the environment, before they make a configuration. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse as parseYaml } from "yaml";
import type { Setting } from "./setting.ts";
import { type SettingKey, configSchema, environmentName, settings } from "./schema.ts";

/**
 * An invalid configuration. The message is one line: the key, the value, and what to write instead.
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export type Values = Partial<Record<SettingKey, unknown>>;
const keys = Object.keys(settings) as SettingKey[];

/** What is set, by its keys, and where. */
export interface SetValues {
  readonly values: Values;
  readonly origin: Origin;
}

/** @throws ConfigError for a value that is not of its setting's shape */
export function readValues(file: string | undefined, env: NodeJS.ProcessEnv): SetValues {
  const values = { ...(file === undefined ? {} : readFile(file)), ...readEnvironment(env) };
  const origin = (key: SettingKey) => (environmentValue(key, env) ? environmentName(key) : key);
  checkSchema(values, origin, file);
  return { values, origin };
}

/** Variables that look like Weft's but are unknown: most often typing mistakes. */
export function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = new Set<string>([...keys.map(environmentName), "WEFT_CONFIG"]);
  return Object.keys(env).filter((name) => /^WEFT_(?!TEST_)/.test(name) && !known.has(name));
}

function readFile(file: string): Values {
  let value: unknown;
  try {
    value = parseYaml(readFileSync(file, "utf8"));
  } catch (error) {
    const reason = (error as Error).message.split("\n")[0];
    throw new ConfigError(`--config ${file}: cannot be read (${reason}); name a YAML file`);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new ConfigError(`--config ${file}: is not a mapping; write lines such as "listen: …"`);
  }
  // A key without a value counts as absent.
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== null));
}

function environmentValue(key: SettingKey, env: NodeJS.ProcessEnv): string | undefined {
  const also = (settings[key] as Setting)["x-also-env"];
  const text = env[environmentName(key)] ?? (also === undefined ? undefined : env[also]);
  return text === undefined || text.trim() === "" ? undefined : text.trim();
}

function readEnvironment(env: NodeJS.ProcessEnv): Values {
  const values: Values = {};
  for (const key of keys) {
    const text = environmentValue(key, env);
    if (text !== undefined) values[key] = fromText(settings[key].type, text);
  }
  return values;
}

function fromText(type: Setting["type"], text: string): unknown {
  if (type === "array")
    return text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
  if (type === "string") return text;
  if (type === "integer") return /^\d{1,15}$/.test(text) ? Number(text) : text;
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  return /^(false|0|no|off)$/i.test(text) ? false : text;
}

export type Origin = (key: SettingKey) => string;
function checkSchema(values: Values, origin: Origin, file: string | undefined): void {
  const ajv = new Ajv2020({ strict: false });
  const validate = ajv.compile(configSchema);
  if (validate(values)) return;
  const error = validate.errors?.[0];
  const [, first = ""] = error?.instancePath.split("/") ?? [];
  if (error?.keyword === "additionalProperties") {
    const name = String(error.params["additionalProperty"]);
    throw new ConfigError(`${name}: is no setting (in ${file}); ${suggestion(name)}`);
  }
  throw wrong(first as SettingKey, values[first as SettingKey], origin);
}

function suggestion(name: string): string {
  const wanted = name.toLowerCase().replaceAll(/[^a-z]/g, "");
  const near = keys.find((key) => {
    const plain = key.replaceAll("_", "");
    return plain.includes(wanted) || wanted.includes(plain);
  });
  return near ? `did you mean ${near}?` : "see weft generate-config for those there are";
}

export function wrong(
  key: SettingKey,
  value: unknown,
  origin: Origin,
  why = "is not valid",
): ConfigError {
  return new ConfigError(
    `${origin(key)}: ${shown(key, value)} ${why}; write ${settings[key]["x-mend"]}`,
  );
}

/** What is shown of secrets. */
export const HIDDEN = "(hidden)";

/** The value as it may be printed and logged. */
export function shown(key: SettingKey, value: unknown): string {
  return /secret|_url/.test(key) ? HIDDEN : JSON.stringify(value);
}
