/** docs/admin.md says what is served, and the contract agrees. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type OperationRow, operations } from "@weft/spec/operations";
import { expect, test } from "vitest";

const PAGE = join(import.meta.dirname, "..", "..", "..", "docs", "admin.md");
const page = readFileSync(PAGE, "utf8");

interface Listed {
  /** Method and path, with nameless parameters. */
  readonly operation: string;
  /** yes, not yet, or no with a reason; undefined where all are served. */
  readonly state: string | undefined;
}

const nameless = (operation: string) => operation.replaceAll(/\{\w+\}/g, "{}");

/** The rows of the tables under a heading. */
function listed(heading: string): Listed[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
  const rows = section.matchAll(/^\| `([A-Z]+ \/[^`]+)` *\| ([^|]*) \|(?: ([^|]*) \|)?$/gm);
  return [...rows].map(([, operation, first, second]) => ({
    operation: nameless(operation!),
    state: second === undefined ? undefined : first!.trim(),
  }));
}

const ofSynapse = listed("The paths of Synapse's admin API");
const own = listed("Our own paths");
const served = new Set(
  Object.values<OperationRow>(operations).flatMap(({ method, path, aliases }) =>
    [path, ...aliases].map((one) => nameless(`${method} ${one}`)),
  ),
);
const firstPaths = Object.values<OperationRow>(operations).map(({ method, path }) =>
  nameless(`${method} ${path}`),
);

test("what it says is served is in the contract, and nothing else", () => {
  expect(ofSynapse.length).toBeGreaterThan(99);
  const wrong = ofSynapse.filter(
    ({ operation, state }) => (state === "yes") !== served.has(operation),
  );
  expect(wrong, "npm run interop -- --admin tries them; then mend docs/admin.md").toEqual([]);
  expect(ofSynapse.filter(({ state }) => !/^(yes|not yet|no: .+)$/.test(state!))).toEqual([]);
});

test("every operation for administrators stands there", () => {
  const named = new Set([...ofSynapse, ...own].map(({ operation }) => operation));
  const administrators = firstPaths.filter((operation) =>
    /^[A-Z]+ \/(_synapse|_weft)\/admin\//.test(operation),
  );
  expect(administrators.filter((operation) => !named.has(operation))).toEqual([]);
  expect(own.map(({ operation }) => operation).filter((one) => !served.has(one))).toEqual([]);
});

test("it counts right", () => {
  const [, all, have] = /Of the (\d+) operations .*? Weft has (\d+)\./s.exec(page) ?? [];
  const counted = page.split("### Beyond that list")[0]!.match(/^\| `[A-Z]+ \/_synapse/gm)!;
  expect(Number(all)).toBe(counted.length);
  const beyond = ofSynapse.slice(counted.length);
  const yes = ofSynapse.filter(({ state }) => state === "yes").length - beyond.length;
  expect(Number(have)).toBe(yes);
});
