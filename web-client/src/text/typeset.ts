import type { TypesetJob, TypesetNews } from "./typeset-worker.ts";

/** Characters, at most; what is longer stays as it is. */
const MAX_LENGTH = { code: 20_000, maths: 2000 };
/** Milliseconds for one text, once the code for it is loaded. */
const PATIENCE = 3000;
/** Results that are kept. */
const MAX_KEPT = 200;

const kept = new Map<string, Promise<string | undefined>>();
/** Who waits for what the worker says of a job. */
const waiting = new Map<number, (news: TypesetNews) => void>();
let worker: Worker | undefined;
let lastId = 0;

function start(): Worker {
  const made = new Worker(new URL("./typeset-worker.ts", import.meta.url), { type: "module" });
  made.addEventListener("message", ({ data }: MessageEvent<TypesetNews>) => {
    waiting.get(data.id)?.(data);
  });
  made.addEventListener("error", stop);
  return made;
}

/** Ends the worker with all that it was asked for; the next text begins a new one. */
function stop(): void {
  worker?.terminate();
  worker = undefined;
  for (const [id, hear] of waiting) hear({ id, state: "done", made: undefined });
}

/**
 * HTML of coloured code or of a formula, to be cleaned like a stranger's; undefined when it is too long, takes too long, or cannot be
 * understood.
 */
export function typeset(job: TypesetJob): Promise<string | undefined> {
  if (job.text.length > MAX_LENGTH[job.kind]) return Promise.resolve(undefined);
  const key = JSON.stringify(job);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const id = ++lastId;
  const made = new Promise<string | undefined>((resolve) => {
    let timer: ReturnType<typeof setTimeout>;
    waiting.set(id, (news) => {
      if (news.state === "begun") {
        timer = setTimeout(stop, PATIENCE);
        return;
      }
      clearTimeout(timer);
      waiting.delete(id);
      // The server may be there again the next time.
      if (news.state === "unprepared") kept.delete(key);
      resolve(news.state === "done" ? news.made : undefined);
    });
  });
  worker ??= start();
  worker.postMessage({ id, job });
  kept.set(key, made);
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!);
  return made;
}
