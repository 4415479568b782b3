import fc from "fast-check";
import { expect, test } from "vitest";
import { type AnswerPart, readParts } from "../../src/federation-client/reading/read-parts.ts";

const LIMITS = { maxBytes: 100_000, maxPartBytes: 10_000 };

/** The bytes of a text in chunks of so many. */
async function* chunked(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function partsOf(text: string, size = 7, limits = LIMITS): Promise<AnswerPart[]> {
  const all: AnswerPart[] = [];
  for await (const parts of readParts(chunked(text, size), limits)) all.push(...parts);
  return all;
}

function expected(object: Record<string, unknown>): AnswerPart[] {
  return Object.entries(object).flatMap(([key, value]) =>
    Array.isArray(value) ? value.map((item) => ({ key, value: item })) : [{ key, value }],
  ) as AnswerPart[];
}

test("any object is read as JSON.parse would, however it is cut in pieces", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(undefined, 2),
      async (object, size, space) => {
        const plain = JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
        const parts = await partsOf(JSON.stringify(object, null, space), size);
        expect(JSON.stringify(parts)).toBe(JSON.stringify(expected(plain)));
      },
    ),
    { numRuns: 200 },
  );
});

test.each([
  ["an answer that ends early", '{"state":[{"a":1},'],
  ["an answer that ends within an event", '{"state":[{"a":1'],
  ["nothing", ""],
  ["a list", "[1]"],
  ["something behind the end", '{"a":1}{'],
  ["a comma too much", '{"a":[1,]}'],
  ["a comma before the end", '{"a":1,}'],
  ["a missing comma", '{"a":1 "b":2}'],
  ["a missing colon", '{"a" 1}'],
  ["two values", '{"a":1 2}'],
  ["brackets that do not match", '{"a":{"b":1]}'],
])("%s is refused", async (_name, text) => {
  await expect(partsOf(text)).rejects.toThrow();
});

test("one part, or all, may not be longer than allowed, and no more than that is held", async () => {
  const long = `{"state":["${"x".repeat(11_000)}"]}`;
  await expect(partsOf(long, 1_000)).rejects.toThrow("a part of the answer is longer");
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('{"state":[');
    for (;;) yield Buffer.from('{"type":"x"},');
  }
  let count = 0;
  const read = async () => {
    for await (const parts of readParts(endless(), LIMITS)) count += parts.length;
  };
  await expect(read()).rejects.toThrow("the answer is longer");
  expect(count).toBeLessThan(10_000);
});
