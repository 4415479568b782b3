import { AwsV4Signer } from "aws4fetch";
import { createHash } from "node:crypto";
import { Agent, type Dispatcher, request } from "undici";
import type { Clock } from "../../platform/clock.ts";
import { firstText, readAll } from "./s3-answers.ts";
import { StoreAway } from "./types.ts";

/** Where a bucket is, and how to get in. */
export interface S3Settings {
  /** The service's address, without the bucket. */
  readonly endpoint: URL;
  readonly region: string;
  readonly bucket: string;
  /** Whether the bucket stands in the path (most self-hosted stores) or in the host name (AWS). */
  readonly pathStyle: boolean;
  /** Put in front of every name, such as "weft/"; may be empty. */
  readonly prefix: string;
  /** Asked for each request, so that a file of credentials may change. @throws StoreAway */
  credentials(): S3Credentials;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** The object, without prefix; undefined: the bucket itself. */
  readonly name?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly range?: { readonly start: number; readonly end: number } | undefined;
  readonly body?: Buffer;
}

/** The store said no. */
export class S3Refusal extends StoreAway {
  readonly status: number;
  /** The store's own word for it, such as NoSuchKey; empty where it gave none. */
  readonly code: string;

  constructor(status: number, code: string, told: string) {
    super(`the media store answered ${status} ${code}${told === "" ? "" : `: ${told}`}`);
    this.status = status;
    this.code = code;
  }
}

export interface S3Client {
  /**
   * Sends a signed request, and again after what may pass. The answer's body must be read or
   * destroyed.
   * @throws S3Refusal for any status from 300 on; StoreAway when there is no answer
   */
  send(request: S3Request): Promise<Dispatcher.ResponseData>;
  close(): Promise<void>;
}

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 100;
/** A transfer in which nothing moves for so long is given up. */
const STALL_MS = 30_000;
const CONNECT_MS = 5_000;
const EMPTY = Buffer.alloc(0);
const PASSING = new Set([429, 500, 502, 503, 504]);

/** A small client of S3, as AWS and others speak it. (Signature version 4.) */
export function createS3Client(settings: S3Settings, clock: Clock): S3Client {
  // As many connections as there are requests: whoever reads slowly holds up nobody else.
  const agent = new Agent({
    headersTimeout: STALL_MS,
    bodyTimeout: STALL_MS,
    connect: { timeout: CONNECT_MS },
  });

  async function sendOnce(what: S3Request): Promise<Dispatcher.ResponseData> {
    const { method, body = EMPTY } = what;
    const url = addressOf(settings, what);
    const { accessKeyId, secretAccessKey, sessionToken } = settings.credentials();
    const signer = new AwsV4Signer({
      ...{ method, url, accessKeyId, secretAccessKey, sessionToken },
      ...{ service: "s3", region: settings.region, datetime: stampOf(clock.now()) },
      headers: { "x-amz-content-sha256": createHash("sha256").update(body).digest("hex") },
    });
    const signed = await signer.sign();
    const headers = Object.fromEntries(signed.headers);
    if (what.range) headers.range = `bytes=${what.range.start}-${what.range.end}`;
    const answer = await request(signed.url, {
      ...{ method, headers, dispatcher: agent },
      body: method === "PUT" || method === "POST" ? body : null,
    });
    if (answer.statusCode < 300) return answer;
    throw await refusalOf(answer);
  }

  return {
    async send(what) {
      for (let attempt = 1, pause = FIRST_PAUSE_MS; ; attempt += 1, pause *= 3) {
        try {
          return await sendOnce(what);
        } catch (error) {
          const isFinal = error instanceof StoreAway && !mayPass(error);
          if (isFinal || attempt === ATTEMPTS) throw asStoreAway(error);
        }
        await clock.sleep(pause);
      }
    },
    close: () => agent.destroy(),
  };
}

function mayPass(error: StoreAway): boolean {
  return error instanceof S3Refusal && PASSING.has(error.status);
}

function asStoreAway(error: unknown): StoreAway {
  if (error instanceof StoreAway) return error;
  const away = new StoreAway(`the media store does not answer: ${(error as Error).message}`);
  away.cause = error;
  return away;
}

function addressOf({ endpoint, bucket, pathStyle, prefix }: S3Settings, what: S3Request): string {
  const url = new URL(endpoint);
  const base = url.pathname.replace(/(?<!\/)\/+$/, "");
  const name = what.name === undefined ? "" : `/${prefix}${what.name}`;
  if (!pathStyle) url.hostname = `${bucket}.${url.hostname}`;
  url.pathname = `${base}${pathStyle ? `/${bucket}` : ""}${name}`;
  for (const [key, value] of Object.entries(what.query ?? {})) url.searchParams.set(key, value);
  return url.href;
}

/** 20261130T091500Z. */
function stampOf(now: number): string {
  return new Date(now).toISOString().replaceAll(/[:-]|\.\d{3}/g, "");
}

async function refusalOf(answer: Dispatcher.ResponseData): Promise<S3Refusal> {
  const text = await readAll(answer.body).catch(() => "");
  return new S3Refusal(
    answer.statusCode,
    firstText(text, "Code") ?? "",
    (firstText(text, "Message") ?? "").slice(0, 300),
  );
}
