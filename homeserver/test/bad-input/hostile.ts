/** Hostile values, and every place in what the specification describes where one may stand. */
import { definitions } from "@weft/spec/schemas";
import { expect } from "vitest";
import { MatrixError } from "../../src/protocol/errors.ts";
import { parseLoose, type Json, type JsonObject } from "../../src/protocol/json.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly Json[];
  readonly const?: Json;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly propertyNames?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

const schemas = (definitions as unknown as { $defs: Record<string, Schema> }).$defs;

/** A path of keys; `{}` is a key of a map. */
export type Place = readonly string[];

/** What identifiers in samples name: things that are there. */
export interface Known {
  readonly userId: string;
  readonly roomId: string;
  readonly eventId: string;
  readonly server: string;
}

const nested = (levels: number): Json => (levels === 0 ? 1 : { a: nested(levels - 1) });

/** Values that canonical JSON allows. Others do not get past the door. */
export const HOSTILE: readonly Json[] = [
  "\0",
  "$a\0b",
  "@a\0b:c",
  "!a\0b:c",
  "",
  "__proto__",
  "constructor",
  "toString",
  "x".repeat(50_000),
  "é".repeat(200),
  "\u202e😀",
  "*",
  "$",
  "@",
  "mxc://",
  0,
  -1,
  2 ** 53 - 1,
  -(2 ** 53 - 1),
  true,
  null,
  [],
  {},
  [null],
  ["\0", 1, {}, []],
  [[["\0"]]],
  { "\0": "\0" },
  JSON.parse('{"__proto__":{"polluted":1}}') as Json,
  { constructor: { prototype: { polluted: 1 } } },
  nested(90),
  Array.from({ length: 5000 }, () => 0),
];

/** What only other servers can send: half of a surrogate pair, numbers that are no integers, depth. */
export const WORSE: readonly Json[] = [
  ...HOSTILE,
  ...['"\\ud800"', "1e308", "-0", "0.5", "9007199254740993", '{"a":1,"a":2}'].map((text) =>
    parseLoose(text),
  ),
  parseLoose(`${"[".repeat(3000)}${"]".repeat(3000)}`),
];

/** Half of a surrogate pair in a JSON text: strict readers of JSON refuse the whole. */
export const HALF = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** A copy of the answer with a hostile value somewhere in it, or instead of it. */
export function spoiled(answer: Json, draw: (below: number) => number): Json {
  const places = placesIn(answer);
  const value = WORSE[draw(WORSE.length)]!;
  if (places.length === 0 || draw(20) === 0) return value;
  return planted(answer, places[draw(places.length)]!, value, draw(5) === 0);
}

/** Done, or refused by an error of the protocol. */
export async function survives(act: Promise<unknown>, what: string): Promise<void> {
  const error = await act.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return;
  expect(error, `${what}: ${String((error as Error).stack)}`).toBeInstanceOf(MatrixError);
  const { status, errcode } = error as MatrixError;
  expect([status, errcode], what).not.toEqual([500, "M_UNKNOWN"]);
}

/** A value of the schema. */
export function sample(schema: Schema, known: Known, depth = 0): Json {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1)!;
    if (name === "UserId") return known.userId;
    if (name === "RoomId") return known.roomId;
    if (name === "EventId") return known.eventId;
    if (name === "ServerName") return known.server;
    if (name === "MxcUri") return `mxc://${known.server}/abc`;
    return sample(schemas[name]!, known, depth);
  }
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0]!;
  const parts = schema.allOf ?? schema.anyOf?.slice(0, 1) ?? schema.oneOf?.slice(0, 1);
  const merged = parts?.map((part) => sample(part, known, depth)).filter(isObject) ?? [];
  const type = typeof schema.type === "object" ? schema.type[0] : schema.type;
  if (type === "object" || schema.properties !== undefined || merged.length > 0) {
    const object: JsonObject = Object.assign({}, ...merged);
    if (depth > 4) return object;
    for (const [key, part] of Object.entries(schema.properties ?? {})) {
      object[key] = sample(part, known, depth + 1);
    }
    const { additionalProperties: others, propertyNames: names } = schema;
    if (typeof others === "object") {
      const key = names === undefined ? "key" : (sample(names, known, depth + 1) as string);
      object[key] = sample(others, known, depth + 1);
    }
    return object;
  }
  if (type === "array") return schema.items ? [sample(schema.items, known, depth + 1)] : [];
  if (type === "integer" || type === "number") return 1;
  if (type === "boolean") return true;
  return "text";
}

/** Every member, item and key of a value. */
export function placesIn(value: Json | undefined, prefix: Place = []): Place[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => [
      [...prefix, String(i)],
      ...placesIn(item, [...prefix, String(i)]),
    ]);
  }
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    [...prefix, key],
    ...placesIn(item, [...prefix, key]),
  ]);
}

/** A copy with a hostile value at that place; as a key, where it is a text and `asKey` is true. */
export function planted(value: Json, [key, ...rest]: Place, what: Json, asKey: boolean): Json {
  if (key === undefined) return what;
  if (Array.isArray(value)) {
    return value.map((item, i) => (String(i) === key ? planted(item, rest, what, asKey) : item));
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([name, item]): [string, Json] => {
    if (name !== key) return [name, item as Json];
    if (rest.length === 0 && asKey && typeof what === "string") return [what, item as Json];
    return [name, planted(item as Json, rest, what, asKey)];
  });
  return Object.fromEntries(entries) as JsonObject;
}

/** The schemas whose name begins so, by what follows: contents of events, EDUs. */
export function described(prefix: string): Map<string, Schema> {
  return new Map(
    Object.entries(schemas).flatMap(([name, schema]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), schema] as const] : [],
    ),
  );
}

/** Numbers of a seed, the same each time. */
export function numbersOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
