import type { OperationRow } from "@weft/spec/operations";
import type { FastifyReply, FastifyRequest } from "fastify";
import { endWhenStalled } from "./drain.ts";
import type { IncomingMessage } from "node:http";
import { networkOf } from "../../platform/client-address.ts";
import { errors } from "../../protocol/errors.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { BodyReader } from "./body.ts";
import type { BodyCollector } from "./collect-body.ts";

export interface BodyTools {
  readonly collector: BodyCollector;
  readonly reader: BodyReader;
  /** Called when a server's signed request was valid. */
  readonly onPeer?: ((server: ServerName) => void) | undefined;
}

/** The time that a body may take: a moment, plus its size at 16 kB per second. */
const MOMENT_MS = 15_000;
const BYTES_PER_MS = 16;
const MAX_MS = 60_000;
/** An upload may take long, but not without any progress for this time. */
const STALLED_MS = 60_000;

/**
 * A preValidation hook: reads the body and checks its signature. A missing optional JSON body is
 * {}, a missing required one is M_NOT_JSON; null from a client counts as missing. A binary body is
 * left to the handler, as a stream.
 */
export function takeBody(row: OperationRow, tools: BodyTools) {
  const names = [...row.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const limit = row.bodyLimit ?? 0;
  const withinMs = Math.min(MAX_MS, MOMENT_MS + limit / BYTES_PER_MS);

  async function read(request: FastifyRequest): Promise<unknown> {
    const address = networkOf(request.found!.ip);
    const proof = request.found!.claim;
    const body = request.body as IncomingMessage | undefined;
    if (body === undefined) {
      await proof?.verify(undefined);
      return undefined;
    }
    const options = { limit, withinMs, address };
    const [bytes, release] = await tools.collector.collect(body, options);
    try {
      return await tools.reader.read({ row, address }, bytes, proof);
    } finally {
      release();
    }
  }

  /** @throws MatrixError M_NOT_JSON 400 when a required body is missing */
  function conclude(request: FastifyRequest): void {
    const { claim } = request.found!;
    if (claim) tools.onPeer?.(claim.origin);
    const isLeftOut = request.body === undefined || (request.body === null && !claim);
    if (row.body === "json" && isLeftOut && row.bodyRequired) {
      throw errors.notJson("A JSON body is needed");
    }
    if ((row.body === "json" || row.body === "form") && isLeftOut) request.body = {};
    const params = request.params as Record<string, string>;
    for (const name of names) params[name] ??= "";
  }

  /**
   * Without a promise when there is nothing to read and nothing to check: most requests have no
   * body.
   */
  function take(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    if (request.headers.expect !== undefined) reply.raw.writeContinue();
    if (row.body === "binary") request.body = endWhenStalled(request.raw, STALLED_MS);
    else if (request.body !== undefined || request.found!.claim !== undefined) {
      return read(request).then((body) => {
        request.body = body;
        conclude(request);
      });
    }
    conclude(request);
    return undefined;
  }

  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    let taken: Promise<void> | undefined;
    try {
      taken = take(request, reply);
    } catch (error) {
      return done(error as Error);
    }
    if (taken) taken.then(() => done(), done);
    else done();
  };
}
