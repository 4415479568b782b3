import { createChildPool } from "../platform/child-pool.ts";
import type { PageFacts } from "./page-facts.ts";
import type { PageBytes } from "./page-text.ts";

/** Reads pages in a process of its own: what a page costs there, it costs nobody else. */
export interface PageTools {
  /** @throws ChildDied when it took too long */
  read(page: PageBytes): Promise<PageFacts>;
  close(): Promise<void>;
}

const PROCESS = new URL("./page-process.ts", import.meta.url);
/** Time for a page: it takes some milliseconds. */
const WORK_MS = 5_000;
const MAX_BYTES = 256 * 1024 * 1024;

export function createPageTools(): PageTools {
  const pool = createChildPool<PageBytes, PageFacts>(PROCESS, {
    ...{ workMs: WORK_MS, maxBytes: MAX_BYTES },
  });
  return { read: (page) => pool.run(page), close: () => pool.close() };
}
