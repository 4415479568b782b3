/** Settings that are read again while the server runs. */
import { type Config, complete } from "./load.ts";
import type { ShownSetting } from "../admin-api/health.ts";
import { environmentName, type SettingKey, settings } from "./schema.ts";
import type { Setting } from "./setting.ts";
import { ConfigError, HIDDEN, readValues, shown, type SetValues, type Values } from "./values.ts";

/** A setting whose value is another one than before, as it may be printed. */
export interface SettingChange {
  readonly setting: SettingKey;
  readonly from: string;
  readonly to: string;
  /** False: the new value takes effect when the server is started again. */
  readonly isInForce: boolean;
}

export interface LiveConfig {
  /** What is in force: its members change when settings are read again. */
  readonly config: Config;
  /**
   * Reads the file again (the environment of a process does not change) and puts into force what
   * can be. When a value is wrong, everything stays as it was.
   * @returns what is not as it was before, and again what waits for the next start
   * @throws ConfigError
   */
  reload(): readonly SettingChange[];
  /** All settings as they are in force, for administrators. */
  shown(): readonly ShownSetting[];
}

const keys = Object.keys(settings) as SettingKey[];
const isLive = (key: SettingKey): boolean => (settings[key] as Setting)["x-live"] === true;

/** @throws ConfigError */
export function openConfig(file: string | undefined, env: NodeJS.ProcessEnv): LiveConfig {
  /** The values in force: those of the start, but for the settings that are live. */
  let inForce = readValues(file, env);
  let current = complete(inForce);
  /** What the file of `sign_in_file` said at the start. */
  const signIn = JSON.stringify(current.signIn);
  const config = viewOf(() => current);
  // These are handed on as they are, so their members have to be read at each use, too.
  for (const key of ["userLimits", "retention"] as const) {
    Object.defineProperty(config, key, { enumerable: true, value: viewOf(() => current[key]) });
  }
  return {
    config,
    shown: () => keys.map((key) => shownSetting(key, inForce.values[key])),
    reload() {
      const next = readValues(file, env);
      // Wrong values are told as at a start, also those that are not in force before the next one.
      const wished = complete(next);
      const merged = { values: merge(inForce.values, next.values), origin: next.origin };
      current = completeTogether(merged);
      const changes = keys.flatMap((key) => changeOf(key, inForce.values, next.values));
      inForce = merged;
      const hasNewSignIn = JSON.stringify(wished.signIn) !== signIn;
      if (!hasNewSignIn || changes.some(({ setting }) => setting === "sign_in_file"))
        return changes;
      const said = { from: "what it said at the start", to: "other content" };
      return [...changes, { setting: "sign_in_file", ...said, isInForce: false }];
    },
  };
}

/** Settings with an address in which no password stands: everybody is told it. */
const TOLD_ADDRESSES: ReadonlySet<SettingKey> = new Set([
  ...(["public_base_url", "rtc_livekit_urls"] as const),
]);

function shownSetting(key: SettingKey, value: unknown): ShownSetting {
  const setting: Setting = settings[key];
  const isHidden = !TOLD_ADDRESSES.has(key) && shown(key, "") === HIDDEN;
  return {
    name: key,
    variable: environmentName(key),
    value: isHidden ? null : (value ?? setting.default ?? null),
    default: setting.default ?? null,
    isSet: value !== undefined,
    ...{ isHidden, isLive: isLive(key), description: setting.description },
  };
}

function merge(before: Values, next: Values): Values {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = (isLive(key) ? next : before)[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** New live values with the old others: they may go together only with the new ones. */
function completeTogether(merged: SetValues): Config {
  try {
    return complete(merged);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(
      `${error.message}. It goes together with a setting that needs a start: start Weft again`,
    );
  }
}

function changeOf(key: SettingKey, before: Values, after: Values): SettingChange[] {
  const of = (values: Values): unknown => values[key] ?? (settings[key] as Setting).default;
  const [from, to] = [of(before), of(after)];
  if (JSON.stringify(from) === JSON.stringify(to)) return [];
  const text = (value: unknown) => (value === undefined ? "not set" : shown(key, value));
  return [{ setting: key, from: text(from), to: text(to), isInForce: isLive(key) }];
}

/** An object whose members are always those of what `read` returns. */
function viewOf<T extends object>(read: () => T): T {
  const view = {};
  for (const key of Object.keys(read()) as (keyof T)[]) {
    Object.defineProperty(view, key, {
      configurable: true,
      enumerable: true,
      get: () => read()[key],
    });
  }
  return view as T;
}

/** One line for people. */
export function describeChange({ setting, from, to, isInForce }: SettingChange): string {
  return `${setting}: ${from} -> ${to} (${isInForce ? "in force" : "takes effect at the next start"})`;
}
