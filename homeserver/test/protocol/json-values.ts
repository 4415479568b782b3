/** JSON of any kind, and what is to be found in it. */
import fc from "fast-check";
import { type Json, type JsonObject } from "../../src/protocol/json.ts";

/** JSON that canonical JSON allows, with keys that engines and UTF-16 put in another order. */
export function anyJson(): fc.Arbitrary<Json> {
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
