/** The audit log says in words what the contract has noted. */
import { operationSchemas } from "@weft/spec/schemas";
import { operations, type OperationId, type OperationRow } from "@weft/spec/operations";
import { expect, test } from "vitest";
import { deedWords, parameterWords, saidDeeds } from "../../src/admin/server/deeds.ts";

const noted = Object.entries<OperationRow>(operations).filter(([, { audit }]) => audit !== null);

/** What stands in an entry: parameters of path and query, and what is noted of the body. */
function parametersOf([id, { path, audit }]: [string, OperationRow]): string[] {
  const { query } = operationSchemas[id as OperationId] as { query?: { properties?: object } };
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  return [...inPath, ...Object.keys(query?.properties ?? {}), ...audit!];
}

test("every operation that is noted has words, whatever its parameters are", () => {
  expect(noted.length).toBeGreaterThan(50);
  const wordless = noted.filter((one) => {
    const names = parametersOf(one);
    const given = [{}, ...[true, false, "x", 1].map((value) => object(names, value))];
    return given.some((parameters) => !/^\S+ .*\S$/.test(deedWords(one[0], parameters) ?? ""));
  });
  expect(wordless.map(([id]) => id)).toEqual([]);
});

test("every parameter that is noted has words", () => {
  const names = new Set(noted.flatMap(parametersOf));
  // Words begin with a capital letter, as no parameter does.
  expect([...names].filter((name) => !/^[A-Z]/.test(parameterWords(name)))).toEqual([]);
});

test("there are no words for what is not noted", () => {
  const known = new Set(noted.map(([id]) => id));
  expect(saidDeeds.filter((id) => !known.has(id))).toEqual([]);
});

test("what an operation switches is said by what it was set to", () => {
  expect(deedWords("suspendUser", { userId: "@a:b", suspend: true })).toBe("Suspend an account");
  expect(deedWords("suspendUser", { userId: "@a:b", suspend: false })).toBe(
    "End an account’s suspension",
  );
  expect(deedWords("putUser", { userId: "@a:b", locked: true })).toBe("Lock an account");
  expect(deedWords("putUser", { userId: "@a:b", locked: true, admin: true })).toBe(
    "Create or change a user",
  );
  expect(deedWords("setRoomStatus", { status: "shut_down" })).toBe("Shut a room down");
  expect(deedWords("constructor", {})).toBeUndefined();
});

const object = (names: readonly string[], value: boolean | string | number) =>
  Object.fromEntries(names.map((name) => [name, value]));
