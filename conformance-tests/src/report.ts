import type { Result } from "./results.ts";

/** One line per clause, then what failed and why. */
export function report(results: readonly Result[]): string {
  const clauses = Map.groupBy(results, (result) => result.clause);
  const width = Math.max(10, ...[...clauses.keys()].map((clause) => clause.length));
  const row = (clause: string, passed: string, failed: string) =>
    `${clause.padEnd(width)}  ${passed.padStart(6)}  ${failed.padStart(6)}`;
  const count = (some: readonly Result[], state: Result["state"]) => {
    const number = some.filter((result) => result.state === state).length;
    return number === 0 ? "" : String(number);
  };
  const rows = [...clauses]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([clause, some]) => row(clause, count(some, "passed"), count(some, "failed")));
  const failures = results
    .filter((result) => result.state === "failed")
    .map(({ clause, name, file, errors }) =>
      [`✗ ${name}`, `  ${clause}, ${file}`, ...errors.map((error) => indent(error))].join("\n"),
    );
  const total = `${count(results, "passed") || "0"} passed, ${count(results, "failed") || "0"} failed; clauses: ${clauses.size}`;
  return [row("clause", "passed", "failed"), ...rows, "", ...failures, total].join("\n");
}

function indent(text: string): string {
  return text
    .split("\n")
    .slice(0, 12)
    .map((line) => `  ${line.slice(0, 400)}`)
    .join("\n");
}
