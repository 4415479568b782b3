/** The process that reads pages: see page-tools.ts, which starts it. */
import { serveChild } from "../platform/serve-child.ts";
import { pageFacts } from "./page-facts.ts";
import { type PageBytes, pageText } from "./page-text.ts";

serveChild(async (page: PageBytes) => pageFacts(pageText(page)));
