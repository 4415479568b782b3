import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalJson,
  canonicalJsonLoose,
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
import { anyJson } from "./json-values.ts";

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

/** `value` with `what` added at the end of its first list or object, or beside it. */
function planted(value: Json, what: Json): Json {
  if (Array.isArray(value)) return [...value, what];
  if (value === null || typeof value !== "object") return [value, what];
  return { ...value, "\u0002planted": what };
}
