import type { Reporter, TestCase, TestModule } from "vitest/node";

export interface Result {
  readonly clause: string;
  readonly name: string;
  readonly file: string;
  readonly state: "passed" | "failed";
  readonly errors: readonly string[];
}

/** Gathers results by clause while the run goes on, and says a line for each test that failed. */
export class Results implements Reporter {
  readonly all: Result[] = [];
  /** What went wrong outside of tests: the server did not start, a file did not load. */
  readonly broken: string[] = [];

  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    if (state !== "passed" && state !== "failed") return;
    const messages = (errors ?? []).map((error) => error.message);
    this.all.push({
      clause: test.meta().clause ?? "(no clause)",
      name: test.name,
      file: test.module.relativeModuleId,
      state,
      errors: messages,
    });
    if (state === "failed") process.stdout.write(`failed: ${test.name}\n`);
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly { message: string }[]): void {
    this.broken.push(...errors.map((error) => error.message));
    for (const module of modules) {
      this.broken.push(
        ...module.errors().map((error) => `${module.relativeModuleId}: ${error.message}`),
      );
    }
  }
}
