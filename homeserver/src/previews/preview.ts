import { plainBody } from "../federation-client/reading/plain-body.ts";
import type { KeptImage, Media } from "../media/types.ts";
import { MatrixError } from "../protocol/errors.ts";
import type { JsonObject } from "../protocol/json.ts";
import { previewAddress } from "./addresses.ts";
import type { PageFacts } from "./page-facts.ts";
import type { PageTools } from "./page-tools.ts";
import { NotWelcome, readStart, type Visit, VisitFailed, type Visits } from "./visits.ts";

/** What is told of an address: Open Graph data. */
export interface Preview {
  readonly data: JsonObject;
  /** The image in it, one of this server's files. */
  readonly imageId: string | null;
  /** How long the page says that it may be kept, ms; undefined: it does not say. */
  readonly maxAgeMs: number | undefined;
}

const PAGE_BYTES = 1024 * 1024;
const IMAGE_BYTES = 10 * 1024 * 1024;
const ACCEPT = "text/html, application/xhtml+xml, image/*;q=0.8, */*;q=0.1";
const PAGES: ReadonlySet<string> = new Set(["text/html", "application/xhtml+xml"]);

/** Looks at an address and makes a preview of what is there. */
export function createPreview(deps: {
  readonly visits: Visits;
  readonly pages: PageTools;
  readonly media: Pick<Media, "keepImage">;
}) {
  async function imageIn(visit: Visit): Promise<KeptImage | undefined> {
    if (!visit.mediaType.startsWith("image/")) return undefined;
    const body = plainBody(visit.answer);
    body.on("error", () => undefined);
    try {
      return await deps.media.keepImage(body, IMAGE_BYTES);
    } catch (error) {
      // What is no image, or one that is too large, is left out.
      if (error instanceof MatrixError || body.errored !== null) return undefined;
      throw error;
    } finally {
      visit.answer.body.destroy();
    }
  }

  /** The image that a page names, unless it cannot be had. */
  async function imageOf(
    { image, base }: PageFacts,
    page: URL,
    signal: AbortSignal,
  ): Promise<KeptImage | undefined> {
    if (image === undefined) return undefined;
    const from = base === undefined ? page : (previewAddress(base, page) ?? page);
    const url = previewAddress(image, from);
    if (url === undefined) return undefined;
    try {
      const visit = await deps.visits.to(url, "image/*", signal);
      const kept = await imageIn(visit);
      if (kept === undefined) visit.answer.body.destroy();
      return kept;
    } catch (error) {
      if (error instanceof VisitFailed || error instanceof NotWelcome) return undefined;
      throw error;
    }
  }

  /** @throws VisitFailed, NotWelcome */
  return async function preview(url: URL, signal: AbortSignal): Promise<Preview> {
    const visit = await deps.visits.to(url, ACCEPT, signal);
    const maxAgeMs = maxAgeOf(visit);
    if (!PAGES.has(visit.mediaType)) {
      const image = await imageIn(visit);
      visit.answer.body.destroy();
      return { data: imageData(image), imageId: image?.mediaId ?? null, maxAgeMs };
    }
    const bytes = await readStart(visit.answer, PAGE_BYTES);
    const contentType = String(visit.headers["content-type"] ?? "");
    const facts = await deps.pages.read({ bytes, contentType });
    const image = await imageOf(facts, visit.url, signal);
    const said = { ...pageData(facts, visit), ...imageData(image, facts.imageAlt) };
    return { data: said, imageId: image?.mediaId ?? null, maxAgeMs };
  };
}

/** Texts of a page that does not want them quoted are left out. */
function pageData(facts: PageFacts, { url, headers }: Visit): JsonObject {
  const robots = [facts.robots ?? "", headers["x-robots-tag"] ?? ""].flat().join(",");
  const isQuotable = !/\b(nosnippet|none|max-snippet\s*:\s*0\b)/i.test(robots);
  const own = facts.url === undefined ? undefined : previewAddress(facts.url, url);
  const all = {
    "og:title": facts.title,
    "og:description": isQuotable ? facts.description : undefined,
    "og:site_name": facts.siteName,
    "og:type": facts.type,
    "og:locale": facts.locale,
    // A page speaks for its own site only.
    "og:url": own?.host === url.host ? own.href : undefined,
  };
  return defined(all);
}

function imageData(image: KeptImage | undefined, alt?: string): JsonObject {
  if (image === undefined) return {};
  return defined({
    "og:image": image.uri,
    "og:image:type": image.contentType,
    "og:image:width": image.width,
    "og:image:height": image.height,
    "og:image:alt": alt,
    "matrix:image:size": image.size,
  });
}

function defined(all: Record<string, string | number | undefined>): JsonObject {
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as JsonObject;
}

function maxAgeOf({ headers }: Visit): number | undefined {
  const control = String(headers["cache-control"] ?? "").toLowerCase();
  if (/\bno-(?:store|cache)\b/.test(control)) return 0;
  const seconds = /\bmax-age\s*=\s*"?(\d{1,9})/.exec(control)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
