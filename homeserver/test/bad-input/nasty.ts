import fc from "fast-check";

/** Strings that have broken something somewhere. */
const STRINGS = [
  "",
  " ",
  "\0",
  "a\0b",
  "\ud800",
  "\u202e",
  "%00",
  "%",
  "..",
  "../../etc/passwd",
  "'; DROP TABLE events; --",
  "$1",
  "{}",
  "[]",
  "null",
  "-1",
  "1e400",
  "9007199254740993",
  "__proto__",
  "constructor",
  "toString",
  "@",
  "@:",
  "@a",
  "@a:",
  "@a:b:c:d",
  "!",
  "!:",
  "#",
  "#:x",
  "$",
  "m.room.create",
  "m.room.member",
  "m.room.power_levels",
  "x".repeat(300),
  "é".repeat(130),
  "😀".repeat(100),
  "<script>alert(1)</script>",
  "http://[::1]:1/",
  "s0_0",
  "t0_0",
  "t-1_5",
  "s99999999999999_1",
];

export const nastyString = (known: readonly string[]) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...(known.length > 0 ? known : ["x"])) },
    { weight: 3, arbitrary: fc.constantFrom(...STRINGS) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  );

/** JSON texts that are odd, forbidden, or no JSON at all. */
const TEXTS = [
  "",
  "{",
  "nul",
  "[]",
  "null",
  "1",
  '"text"',
  '{"a":1,"a":2}',
  '{"a":1.5}',
  '{"a":1e3}',
  '{"a":-0}',
  '{"a":9007199254740993}',
  '{"a":"\\ud800"}',
  '{"\\u0000":"x"}',
  '{"content":{"body":"\\u0000"}}',
  `${'{"a":'.repeat(200)}1${"}".repeat(200)}`,
  `${"[".repeat(5000)}${"]".repeat(5000)}`,
  `{"body":"${"x".repeat(70_000)}"}`,
  '{"__proto__":{"isAdmin":true}}',
  '{"constructor":{"prototype":{"x":1}}}',
  "\u00ff\u00fe",
];

/** Bodies: objects with the names that operations read and any values in them, or odd texts. */
export const nastyBody = (names: readonly string[], known: readonly string[]) => {
  const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      nastyString(known),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names), tie("value"), { maxKeys: 3 }),
    ),
  })).value;
  const object = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 });
  return fc.oneof(
    { weight: 4, arbitrary: object.map((body) => JSON.stringify(body)) },
    { weight: 1, arbitrary: fc.constantFrom(...TEXTS) },
  );
};
