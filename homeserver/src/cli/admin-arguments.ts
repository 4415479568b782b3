/** What is typed after `weft admin COMMAND`. */
import { type Command, type Flag, kebab } from "./admin-commands.ts";
import { UsageError } from "./usage-error.ts";

/** A request that a command stands for. */
export interface AdminRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly body: object | undefined;
}

/** Flags of every command. */
export interface CommonFlags {
  readonly server?: string | undefined;
  readonly accessToken?: string | undefined;
  readonly as?: string | undefined;
  readonly config?: string | undefined;
  /** The whole body: JSON, or "-" for the standard input. */
  readonly body?: string | undefined;
  readonly help: boolean;
}

export interface Typed {
  readonly words: readonly string[];
  readonly common: CommonFlags;
  /** By the contract's name; undefined is a flag without a value. */
  readonly given: ReadonlyMap<string, readonly (string | boolean)[]>;
}

const COMMON = { server: "server", "access-token": "accessToken", as: "as", config: "config" };

/** Takes words and flags apart. @throws UsageError */
export function parseTyped(command: Command | undefined, argv: readonly string[]): Typed {
  const words: string[] = [];
  const common: Record<string, string> = {};
  const given = new Map<string, (string | boolean)[]>();
  let isHelp = false;
  const rest = [...argv];
  const valueOf = (name: string, inline: string | undefined): string => {
    const value = inline ?? rest.shift();
    if (value === undefined) throw new UsageError(`--${name} needs a value`);
    return value;
  };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") words.push(...rest.splice(0));
    else if (word === "--help" || word === "-h") isHelp = true;
    else if (!word.startsWith("--")) words.push(word);
    else {
      const [, name = "", inline] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
      const known = Object.hasOwn(COMMON, name) ? COMMON[name as keyof typeof COMMON] : undefined;
      const flag = flagNamed(command, name);
      const denied = name.startsWith("no-") ? flagNamed(command, name.slice(3)) : undefined;
      if (known !== undefined) common[known] = valueOf(name, inline);
      else if (flag !== undefined) {
        const isBare = flag.kinds.has("boolean") && inline === undefined;
        append(given, flag.name, isBare ? true : valueOf(name, inline));
      } else if (name === "body" && command?.hasBody) common["body"] = valueOf(name, inline);
      else if (denied?.kinds.has("boolean") && inline === undefined) {
        append(given, denied.name, false);
      } else
        throw new UsageError(
          `--${name} is no flag here; see weft admin ${command?.name ?? ""} --help`,
        );
    }
  }
  return { words, common: { ...common, help: isHelp }, given };
}

function flagNamed(command: Command | undefined, name: string): Flag | undefined {
  return command?.flags.find((flag) => flag.name === name || kebab(flag.name) === kebab(name));
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** The request. `whole` is the text of the whole body, where one was given. @throws UsageError */
export function requestOf(command: Command, typed: Typed, whole: string | undefined): AdminRequest {
  const { words, given } = typed;
  const wanted = command.args.map(({ name }) => kebab(name).toUpperCase());
  if (words.length !== wanted.length) {
    const form = ["weft admin", command.name, ...wanted].join(" ");
    throw new UsageError(`${command.name} takes ${wanted.length} names after it: ${form}`);
  }
  let next = 0;
  const path = command.path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(words[next++]!));
  const query = new URLSearchParams();
  const body: Record<string, unknown> = whole === undefined ? {} : bodyOf(whole);
  for (const flag of command.flags) {
    const values = given.get(flag.name)?.map((value) => valueOf(flag, value));
    if (values === undefined) continue;
    if (values.length > 1 && !flag.isList) {
      throw new UsageError(`--${kebab(flag.name)} is given more than once`);
    }
    if (flag.place === "query") {
      for (const value of values) query.append(flag.name, String(value));
    } else body[flag.name] = flag.isList ? values : values[0];
  }
  for (const { name, place, isRequired } of command.flags) {
    const isThere = place === "query" ? query.has(name) : Object.hasOwn(body, name);
    if (isRequired && !isThere) throw new UsageError(`${command.name} needs --${kebab(name)}`);
  }
  const search = query.size > 0 ? `?${query.toString()}` : "";
  return { method: command.method, path: path + search, body: command.hasBody ? body : undefined };
}

function bodyOf(text: string): Record<string, unknown> {
  const value = jsonOf("body", text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new UsageError("--body is a JSON object");
}

/** A value as the contract wants it. @throws UsageError */
function valueOf(flag: Flag, given: string | boolean): unknown {
  const { kinds, values, name } = flag;
  if (typeof given === "boolean") return given;
  if (kinds.has("null") && given === "null") return null;
  if (kinds.has("boolean") && (given === "true" || given === "false")) return given === "true";
  if (kinds.has("integer") && /^-?\d+$/.test(given)) return Number(given);
  if (kinds.has("string")) {
    if (values === undefined || values.includes(given)) return given;
    throw new UsageError(
      `--${kebab(name)} is one of ${values.map((one) => one || '""').join(", ")}`,
    );
  }
  if (kinds.has("json") || kinds.size === 0) return jsonOf(kebab(name), given);
  throw new UsageError(`--${kebab(name)} is ${[...kinds].map((kind) => WORDS[kind]).join(" or ")}`);
}

const WORDS = {
  string: "a text",
  integer: "a whole number",
  boolean: "true or false",
  null: "null",
  json: "JSON",
};

function jsonOf(name: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new UsageError(`--${name} is no JSON`);
  }
}
