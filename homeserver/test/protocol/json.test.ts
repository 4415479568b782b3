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
  jsonText,
  numberOf,
  parseLoose,
  parseStrict,
  parseWithFractions,
} from "../../src/protocol/json.ts";
import { vectors } from "./vectors.ts";

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

describe("strict reading", () => {
  test.each(
    vectors<{ input: string; error: "syntax" | "forbidden" }>("canonical-json/refused").cases,
  )("refuses $name", ({ input, error }) => {
    expect(kindOf(() => parseStrict(input))).toBe(error);
    if (error === "forbidden") expect(() => parseLoose(input)).not.toThrow();
    else expect(kindOf(() => parseLoose(input))).toBe("syntax");
  });

  test("refuses bytes that are not UTF-8", () => {
    expect(kindOf(() => parseStrict(new Uint8Array([0x22, 0xff, 0x22])))).toBe("syntax");
    expect(kindOf(() => parseStrict(new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22])))).toBe(
      "syntax",
    );
    expect(parseStrict(new TextEncoder().encode('{"a":"é"}'))).toEqual({ a: "é" });
  });

  test("refuses a lone surrogate that stands in the text itself", () => {
    expect(kindOf(() => parseStrict('{"a":"\ud800"}'))).toBe("forbidden");
  });

  test("agrees with JSON.parse on everything that it accepts", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const kind = kindOf(() => expect(parseStrict(text)).toEqual(JSON.parse(text)));
        expect(["fine", "forbidden"]).toContain(kind);
      }),
    );
  });

  test("finds a forbidden number wherever it is put", () => {
    const numbers = ["1.5", "1e3", "-0", "9007199254740992", "-9007199254740993", "0.0", "2E-1"];
    fc.assert(
      fc.property(anyJson(), fc.constantFrom(...numbers), fc.nat(4), (value, number, indent) => {
        const hole = "\u0001hole";
        const text = JSON.stringify(planted(value, hole), null, indent).replace(
          JSON.stringify(hole),
          number,
        );
        expect(kindOf(() => parseStrict(text))).toBe("forbidden");
      }),
    );
  });

  test("finds a doubled key wherever it is put", () => {
    fc.assert(
      fc.property(anyJson(), fc.string(), fc.nat(4), (value, key, indent) => {
        const doubled = { "\u0001first": 1, "\u0001second": 2 };
        let text = JSON.stringify(planted(value, doubled), null, indent);
        for (const name of Object.keys(doubled)) {
          text = text.replace(JSON.stringify(name), () => JSON.stringify(key));
        }
        expect(kindOf(() => parseStrict(text))).toBe("forbidden");
      }),
    );
  });
});

describe("reading with fractions", () => {
  test("takes what never becomes part of an event", () => {
    const value = parseWithFractions('{"order":0.5,"big":1e300,"long":9223372036854775808}');
    expect(value).toEqual({ order: 0.5, big: 1e300, long: 2 ** 63 });
  });

  test.each(['{"a":0.5,"b":"\\ud800"}', '{"a":0.5,"a":1}', '{"a":1e400}', nestedText(101)])(
    "refuses %s as ever",
    (text) => {
      expect(kindOf(() => parseWithFractions(text))).toBe("forbidden");
    },
  );
});

describe("nesting", () => {
  test("of requests ends at 100 levels, that of events at 1000", () => {
    expect(kindOf(() => parseStrict(nestedText(100)))).toBe("fine");
    expect(kindOf(() => parseStrict(nestedText(101)))).toBe("forbidden");
    expect(forbiddenIn(parseLoose(nestedText(1000)))).toBeUndefined();
    expect(forbiddenIn(parseLoose(nestedText(1001)))).toContain("1000");
  });

  test.each([5_000, 100_000])("of %i levels is written again as it came", (levels) => {
    const text = nestedText(levels);
    expect(canonicalJsonLoose(parseLoose(text))).toBe(text);
    expect(jsonText(parseLoose(text))).toBe(text);
    expect(() => canonicalJson(parseLoose(text))).toThrow(JsonError);
  });

  test("in a list is marked where the list is read, and nowhere else", () => {
    const [deep, flat] = parseLoose(`[${nestedText(2000)},{"a":1}]`) as [Json, Json];
    expect(forbiddenIn(deep)).toContain("nested");
    expect(forbiddenIn(flat)).toBeUndefined();
  });
});

test("a number that many values hold is kept once", () => {
  const numbers = parseLoose(`[${"1.5,-0,1e5,".repeat(1000)}1.5]`) as unknown[];
  expect(new Set(numbers).size).toBe(3);
});

describe("loose reading", () => {
  test("tells which of several values is forbidden, and which is not", () => {
    const value = parseLoose('{"pdus":[{"depth":1.5},{"depth":1},{"a":{"b":[1e3]}}]}') as {
      pdus: JsonObject[];
    };
    expect(value.pdus.map((pdu) => forbiddenIn(pdu) !== undefined)).toEqual([true, false, true]);
    expect(forbiddenIn(value)).toContain("1.5");
  });

  test("keeps numbers as they were written", () => {
    const value = parseLoose('{"a":9223372036854775807,"b":1.0}') as JsonObject;
    expect(JSON.stringify(value)).toBe('{"a":9223372036854775807,"b":1.0}');
    expect(numberOf(value.b)).toBe(1);
    expect(numberOf("1")).toBeUndefined();
  });

  test("survives nesting that would exhaust the stack", () => {
    const value = parseLoose(
      `{"deep":${"[".repeat(100_000)}${"]".repeat(100_000)},"next":{"a":1}}`,
    );
    expect(forbiddenIn(value)).toBeDefined();
    expect(forbiddenIn((value as JsonObject).next)).toBeUndefined();
  });
});

function nestedText(levels: number): string {
  return `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
}

function kindOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof JsonError) return error.kind;
    throw error;
  }
  return "fine";
}

/** JSON that canonical JSON allows, with keys that engines and UTF-16 put in another order. */
function anyJson(): fc.Arbitrary<Json> {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("0", "10", "9", "😀", "\ue000", "__proto__", "a", "", '":', "1.5", ":1.5"),
  );
  return fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { depthSize: "small" },
      fc.oneof(
        text,
        fc.boolean(),
        fc.constant(null),
        fc.maxSafeInteger().map((n) => n + 0),
      ),
      fc.array(tie("json"), { maxLength: 4 }),
      fc
        .array(fc.tuple(text, tie("json")), { maxLength: 4 })
        .map((entries) => Object.fromEntries(entries) as JsonObject),
    ),
  })).json;
}

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, item]) => [key, reversed(item as Json)]);
  return Object.fromEntries(entries.reverse()) as JsonObject;
}

/** `value` with `what` added at the end of its first list or object, or beside it. */
function planted(value: Json, what: Json): Json {
  if (Array.isArray(value)) return [...value, what];
  if (value === null || typeof value !== "object") return [value, what];
  return { ...value, "\u0002planted": what };
}
