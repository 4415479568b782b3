import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalJson,
  canonicalJsonLoose,
  compareCodePoints,
  forbiddenIn,
  type Json,
  JsonError,
  type JsonObject,
  parseLoose,
  parseStrict,
} from "../../src/protocol/json.ts";
import { vectors } from "./vectors.ts";
import { anyJson } from "./json-values.ts";

interface Canonical {
  input: string;
  canonical: string;
  read?: "as-numbers";
}

describe("canonical JSON", () => {
  for (const file of ["published", "ordering", "strings", "numbers", "accepted"]) {
    const { cases } = vectors<Canonical>(`canonical-json/${file}`);
    test.each(cases)(`${file}: $name`, ({ input, canonical, read }) => {
      const value = read === "as-numbers" ? (JSON.parse(input) as Json) : parseStrict(input);
      expect(canonicalJson(value)).toBe(canonical);
    });
  }

  test.each(vectors<Canonical>("canonical-json/tolerated").cases)(
    "tolerated: $name",
    ({ input, canonical }) => {
      const value = parseLoose(input);
      expect(canonicalJsonLoose(value)).toBe(canonical);
      expect(forbiddenIn(value)).toBeDefined();
      expect(() => parseStrict(input)).toThrow(JsonError);
    },
  );

  test("numbers that it forbids are refused when written", () => {
    for (const value of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53)]) {
      expect(() => canonicalJson({ a: value })).toThrow(JsonError);
    }
    expect(() => canonicalJson(parseLoose("[1.5]"))).toThrow(JsonError);
  });

  test("lone surrogates are refused when written, strictly and loosely", () => {
    for (const value of ["\ud800", { "\udfff": 1 }, ["x\udc00x"]]) {
      expect(() => canonicalJson(value)).toThrow(JsonError);
      expect(() => canonicalJsonLoose(value)).toThrow(JsonError);
    }
  });

  test("over 1000 levels are refused when written", () => {
    const nested = (levels: number): Json => (levels === 0 ? 1 : { a: nested(levels - 1) });
    expect(canonicalJson(nested(1000))).toHaveLength(6001);
    expect(() => canonicalJson(nested(1001))).toThrow(JsonError);
  });

  test("members that are undefined are left out", () => {
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });

  test("what it writes reads back as the same value, and is written the same again", () => {
    fc.assert(
      fc.property(anyJson(), (value) => {
        const text = canonicalJson(value);
        expect(parseStrict(text)).toEqual(value);
        expect(canonicalJson(parseStrict(text))).toBe(text);
        expect(canonicalJsonLoose(value)).toBe(text);
      }),
    );
  });

  test("the order of members and white space do not change it", () => {
    fc.assert(
      fc.property(anyJson(), fc.integer({ min: 0, max: 4 }), (value, indent) => {
        const text = JSON.stringify(reversed(value), null, indent);
        expect(canonicalJson(parseStrict(text))).toBe(canonicalJson(value));
      }),
    );
  });

  test("keys are ordered like their UTF-32", () => {
    const utf32 = (text: string) => Array.from(text, (c) => c.codePointAt(0) as number);
    const slow = (a: string, b: string): number => {
      const [x, y] = [utf32(a), utf32(b)];
      const at = x.findIndex((point, index) => point !== y[index]);
      return at < 0 ? x.length - y.length : (x[at] as number) - (y[at] ?? -1);
    };
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Math.sign(slow(a, b)));
      }),
    );
  });
});

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, item]) => [key, reversed(item as Json)]);
  return Object.fromEntries(entries.reverse()) as JsonObject;
}
