import { isDeepStrictEqual } from "node:util";
import { inspect } from "node:util";
import type { Answer } from "./exchange.ts";

/** The request has to be refused in that way; answers with the error's body. */
export async function mustFail(
  request: Promise<Answer>,
  status: number | readonly number[],
  errcode?: string | readonly string[],
): Promise<Record<string, unknown>> {
  const answer = await request;
  const body = (answer.body ?? {}) as Record<string, unknown>;
  const statusFits = [status].flat().includes(answer.status);
  const errcodeFits = errcode === undefined || [errcode].flat().includes(String(body["errcode"]));
  if (statusFits && errcodeFits) return body;
  const expected = [[status].flat().join("|"), [errcode ?? []].flat().join("|")].join(" ");
  throw new Error(
    `expected ${expected}, got ${answer.status} ${answer.bytes.toString().slice(0, 800)}`,
  );
}

export const mustBe401 = (request: Promise<Answer>, errcode: string) =>
  mustFail(request, 401, errcode);
export const mustBe403 = (request: Promise<Answer>, errcode = "M_FORBIDDEN") =>
  mustFail(request, 403, errcode);
export const mustBe404 = (request: Promise<Answer>, errcode = "M_NOT_FOUND") =>
  mustFail(request, 404, errcode);

export async function mustSucceed(request: Promise<Answer>): Promise<Answer> {
  const answer = await request;
  if (answer.status < 300) return answer;
  throw new Error(
    `expected success, got ${answer.status} ${answer.bytes.toString().slice(0, 800)}`,
  );
}

export function must(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

export function mustEqual(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

/** Every member of `expected` has to be in `actual`, deeply; further members do not matter. */
export function mustMatch(actual: unknown, expected: unknown, what: string): void {
  if (matches(actual, expected)) return;
  throw new Error(`${what}: expected at least ${show(expected)}, got ${show(actual)}`);
}

/** The same elements in whatever order. */
export function mustEqualAsSets(
  actual: readonly string[],
  expected: readonly string[],
  what: string,
) {
  mustEqual(actual.toSorted(), expected.toSorted(), what);
}

function matches(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null || Array.isArray(expected)) {
    return isDeepStrictEqual(actual, expected);
  }
  if (typeof actual !== "object" || actual === null) return false;
  return Object.entries(expected).every(([key, value]) =>
    matches((actual as Record<string, unknown>)[key], value),
  );
}

export function show(value: unknown): string {
  return inspect(value, { depth: 8, breakLength: 120, maxStringLength: 400 }).slice(0, 3000);
}

/** Asks again until the answer is right; the failure tells the last one. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  timeoutMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (let pause = 20; ; pause = Math.min(pause * 2, 500)) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`${what}: not within ${timeoutMs} ms; last: ${show(last)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** A list of what is wrong has to be empty. */
export function mustBeWithout(wrong: readonly string[], what: string): void {
  must(wrong.length === 0, `${what}:\n- ${wrong.join("\n- ")}`);
}
