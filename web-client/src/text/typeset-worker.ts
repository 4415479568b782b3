/** Colours code and sets formulas, away from the page: whatever a stranger's text makes of it can be ended. */

export type TypesetJob =
  | { kind: "code"; text: string; language: string }
  | { kind: "maths"; text: string; display: boolean };

/** Loads what a job needs, and answers what does it. */
async function prepare(job: TypesetJob): Promise<() => string | undefined> {
  if (job.kind === "code") {
    const { default: highlighter } = await import("highlight.js/lib/common");
    const { text, language } = job;
    return () =>
      highlighter.getLanguage(language) === undefined
        ? undefined
        : highlighter.highlight(text, { language, ignoreIllegals: true }).value;
  }
  const { default: katex } = await import("katex");
  return () =>
    katex.renderToString(job.text, {
      output: "mathml",
      displayMode: job.display,
      throwOnError: true,
      trust: false,
      strict: "ignore",
      maxSize: 20,
      maxExpand: 500,
    });
}

/** What the worker says of a job: it begins, it could not be begun, or what came of it. */
export type TypesetNews = { id: number } & (
  | { state: "begun" }
  | { state: "unprepared" }
  | { state: "done"; made: string | undefined }
);

const say = (news: TypesetNews): void => postMessage(news);

addEventListener(
  "message",
  ({ data: { id, job } }: MessageEvent<{ id: number; job: TypesetJob }>) => {
    prepare(job).then(
      (work) => {
        say({ id, state: "begun" });
        let made: string | undefined;
        try {
          made = work();
        } catch {
          // It is no formula, or not code that is understood.
        }
        say({ id, state: "done", made });
      },
      () => say({ id, state: "unprepared" }),
    );
  },
);
