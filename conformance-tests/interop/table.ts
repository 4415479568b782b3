import type { Outcome } from "./row.ts";

/** What came out, by row and column. */
export class Table {
  readonly #cells = new Map<string, Map<string, Outcome>>();

  set(row: string, column: string, outcome: Outcome): void {
    const cells = this.#cells.get(row) ?? new Map<string, Outcome>();
    // What differed once stays so: a row may have several steps.
    if (cells.get(column)?.kind !== "differs") cells.set(column, outcome);
    this.#cells.set(row, cells);
  }

  get(row: string, column: string): Outcome | undefined {
    return this.#cells.get(row)?.get(column);
  }

  /** Each difference, as "row, column: why". */
  differences(): string[] {
    return [...this.#cells].flatMap(([row, cells]) =>
      [...cells].flatMap(([column, outcome]) =>
        outcome.kind === "differs" ? [`${row}, ${column}: ${outcome.why}`] : [],
      ),
    );
  }

  counts(): Record<Outcome["kind"], number> {
    const all = [...this.#cells.values()].flatMap((cells) => [...cells.values()]);
    const count = (kind: Outcome["kind"]) => all.filter((cell) => cell.kind === kind).length;
    return {
      pass: count("pass"),
      differs: count("differs"),
      "not applicable": count("not applicable"),
    };
  }

  /**
   * The table as Markdown: a row for each feature; a column for each room version, with a sign for each creator.
   * `+` passes, `✗` differs, `·` does not apply, `?` did not run.
   */
  print(rows: readonly string[], versions: readonly string[], creators: readonly string[]): string {
    const width = Math.max(...rows.map((row) => row.length), "feature".length);
    const cell = (row: string, version: string) =>
      creators.map((creator) => signOf(this.get(row, `v${version} ${creator}`))).join("");
    const line = (first: string, cells: readonly string[]) =>
      `| ${first.padEnd(width)} | ${cells.join(" | ")} |`;
    const head = versions.map((version) => `v${version}`.padEnd(3));
    return [
      line("feature", head),
      line(
        "-".repeat(width),
        head.map(() => "---"),
      ),
      ...rows.map((row) =>
        line(
          row,
          versions.map((version) => cell(row, version).padEnd(3)),
        ),
      ),
    ].join("\n");
  }
}

function signOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "?";
  return { pass: "+", differs: "✗", "not applicable": "·" }[outcome.kind];
}
