import { createHash } from "node:crypto";
import type { Agent } from "undici";
import type { Media } from "../media/types.ts";
import { ChildDied, ChildError } from "../platform/child-pool.ts";
import type { Clock } from "../platform/clock.ts";
import { createFairQueue, QueueFull } from "../platform/fair-queue.ts";
import type { Logger } from "../platform/logger.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import { errors } from "../protocol/errors.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { Sql } from "../storage/sql.ts";
import {
  claimPreview,
  clearPreviews,
  findPreview,
  releasePreview,
  savePreview,
} from "../storage/url-previews.ts";
import { parsePreviewAddress } from "./addresses.ts";
import { createPageTools, type PageTools } from "./page-tools.ts";
import { createPreview, type Preview } from "./preview.ts";
import { createVisits, NotWelcome, VisitFailed } from "./visits.ts";

export interface UrlPreviewsOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly serverName: ServerName;
  readonly publicBaseUrl: string;
  /** Refuses private addresses where they are not allowed. */
  readonly agent: Agent;
  readonly media: Pick<Media, "keepImage">;
  /** What reads pages, for tests. */
  readonly pages?: PageTools;
  /** Time for a page with its image, ms (15,000). */
  readonly visitMs?: number;
}

/** Previews of the web addresses that people share. (Client-server API, GET /media/preview_url.) */
export interface UrlPreviews {
  /**
   * Open Graph data as JSON text; nothing is in it where nothing can be told.
   * @throws MatrixError 400 M_INVALID_PARAM; 429 M_LIMIT_EXCEEDED; 502 M_UNKNOWN when the page
   * cannot be had
   */
  of(url: string): Promise<string>;
  stop(): Promise<void>;
}

const VISIT_MS = 15_000;
/** A replica that has not answered by then has stopped. */
const CLAIM_MS = 30_000;
const LOOK_AGAIN_MS = 250;
const MINUTE = 60_000;
const [MIN_KEPT_MS, KEPT_MS, MAX_KEPT_MS] = [5 * MINUTE, 60 * MINUTE, 24 * 60 * MINUTE];
const FAILURE_KEPT_MS = 5 * MINUTE;
const MAX_PREVIEWS = 20_000;
/** Visits at once of one site, and of all. */
const PLACES = { perKey: 4, total: 32, maxWaiting: 50 };
const NOTHING: Preview = { data: {}, imageId: null, maxAgeMs: undefined };

export function createUrlPreviews(options: UrlPreviewsOptions): UrlPreviews {
  const { sql, clock, logger, serverName, publicBaseUrl } = options;
  const pages = options.pages ?? createPageTools();
  const userAgent = `Mozilla/5.0 (compatible; WeftPreview/1.0; +${publicBaseUrl})`;
  const visits = createVisits({ agent: options.agent, now: clock.now, userAgent });
  const make = createPreview({ visits, pages, media: options.media });
  const places = createFairQueue<string>(PLACES);
  const flights = createSingleFlight<string, string>();
  const stopping = new AbortController();

  /** undefined: it cannot be had. */
  async function visit(url: URL): Promise<Preview | undefined> {
    const signal = AbortSignal.any([
      AbortSignal.timeout(options.visitMs ?? VISIT_MS),
      stopping.signal,
    ]);
    try {
      return await make(url, signal);
    } catch (error) {
      if (error instanceof NotWelcome) return NOTHING;
      const isTheirs =
        error instanceof VisitFailed || error instanceof ChildDied || error instanceof ChildError;
      if (!isTheirs) throw error;
      logger.debug({ err: error, host: url.host }, "no preview could be made");
      return undefined;
    }
  }

  async function fetch(url: URL, hash: Buffer): Promise<string | null> {
    const found = await visit(url);
    const kept = Math.min(Math.max(found?.maxAgeMs ?? KEPT_MS, MIN_KEPT_MS), MAX_KEPT_MS);
    const preview = found === undefined ? null : JSON.stringify(found.data);
    const expiresTs = clock.now() + (found === undefined ? FAILURE_KEPT_MS : kept);
    await savePreview(sql, hash, { expiresTs, preview, imageId: found?.imageId ?? null });
    await clearPreviews(sql, clock.now(), MAX_PREVIEWS);
    return preview;
  }

  /** What is kept; undefined: nothing that still counts. */
  async function known(hash: Buffer): Promise<string | null | undefined> {
    const row = await findPreview(sql, hash, serverName);
    return row !== undefined && row.expiresTs > clock.now() ? row.preview : undefined;
  }

  /** Fetches it, unless another replica is doing so: then its preview is awaited. */
  async function load(url: URL, hash: Buffer): Promise<string | null> {
    for (;;) {
      const now = clock.now();
      const isOurs = await claimPreview(sql, hash, { now, until: now + CLAIM_MS });
      if (!isOurs) await clock.sleep(LOOK_AGAIN_MS, stopping.signal);
      const found = await known(hash);
      if (found !== undefined) {
        if (isOurs) await releasePreview(sql, hash);
        return found;
      }
      if (isOurs) break;
      stopping.signal.throwIfAborted();
    }
    try {
      return await places.run(url.host, () => fetch(url, hash));
    } catch (error) {
      await releasePreview(sql, hash);
      if (error instanceof QueueFull) throw errors.limitExceeded(5_000, "That site is busy");
      throw error;
    }
  }

  return {
    async of(text) {
      const url = parsePreviewAddress(text);
      const hash = createHash("sha256").update(url.href).digest();
      const kept = await known(hash);
      const preview =
        kept !== undefined
          ? kept
          : await flights.run(hash.toString("hex"), async () => (await load(url, hash)) ?? "");
      if (preview === null || preview === "") {
        throw errors.unknown("What is at that address could not be had", 502);
      }
      return preview;
    },
    async stop() {
      stopping.abort();
      await pages.close();
    },
  };
}
