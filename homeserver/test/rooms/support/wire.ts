/** What goes from one server to another, as the federation client and the handlers would have it. */
import type { AnswerPart, TakeParts } from "../../../src/federation-client/reading/read-parts.ts";
import type { Json, JsonObject } from "../../../src/protocol/json.ts";

/** What goes over the wire is text. */
export function wire<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** All texts of a list that is read as it is taken. */
export async function allOf(list: AsyncIterable<readonly string[]>): Promise<string[]> {
  const all: string[] = [];
  for await (const texts of list) all.push(...texts);
  return all;
}

/** An object as the parts in which another server's answer is read. */
export function partsOf(answer: JsonObject): AnswerPart[] {
  return Object.entries(answer).flatMap(([key, value]) =>
    Array.isArray(value)
      ? value.map((item) => ({ key, value: item }))
      : [{ key, value: value as Json }],
  );
}

/** Hands over lists as the parts of an answer, in batches as they come. */
export async function takeLists(
  take: TakeParts,
  lists: Record<string, AsyncIterable<readonly string[]>>,
): Promise<void> {
  for (const [key, list] of Object.entries(lists)) {
    for await (const texts of list) {
      await take(texts.map((text) => ({ key, value: JSON.parse(text) as Json })));
    }
  }
}
