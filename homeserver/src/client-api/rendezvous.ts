import type { FastifyRequest } from "fastify";
import type { IncomingMessage } from "node:http";
import { type BodyCollector, createBodyCollector } from "../http/body/collect-body.ts";
import { binary, json, Reply, type ReplyHeaders } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { Rendezvous } from "../users/accounts/rendezvous.ts";
import type { Users } from "../users/users.ts";

interface RendezvousDeps {
  readonly users: Users;
  readonly publicBaseUrl: string;
}

const TEXT_PATH = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous";
/** More is not read of a text, nor longer. */
const TEXT = { limit: 4_096, withinMs: 15_000 };

/** Rendezvous of devices: with JSON (MSC4388), and with texts and ETags (MSC4108 of 2024). */
export function rendezvousRoutes(deps: RendezvousDeps): Route[] {
  return [...jsonRoutes(deps), ...textRoutes(deps)];
}

function jsonRoutes({ users: { rendezvous } }: RendezvousDeps): Route[] {
  return [
    // GET /_matrix/client/unstable/io.element.msc4388/rendezvous
    route("getRendezvousAvailability", () => ({ create_available: true })),

    // POST /_matrix/client/unstable/io.element.msc4388/rendezvous
    route("createRendezvous", async ({ body: { data } }) => {
      const made = await rendezvous.create(data, Buffer.byteLength(data));
      return { id: made.id, sequence_token: made.token, expires_in_ms: made.expiresInMs };
    }),

    // GET /_matrix/client/unstable/io.element.msc4388/rendezvous/{rendezvousId}
    route("readRendezvous", async ({ params, request }) => {
      refuseNavigation(request);
      const { data, token, expiresInMs } = await rendezvous.read(params.rendezvousId);
      return { data, sequence_token: token, expires_in_ms: expiresInMs };
    }),

    // PUT /_matrix/client/unstable/io.element.msc4388/rendezvous/{rendezvousId}
    route("writeRendezvous", async ({ params, body }) => {
      const { sequence_token: token, data } = body;
      const bytes = Buffer.byteLength(data);
      const { isWritten, now } = await rendezvous.write(params.rendezvousId, token, data, bytes);
      // A request that comes again is answered like the first.
      if (isWritten || now.data === data) return { sequence_token: now.token };
      const errcode = "IO_ELEMENT_MSC4388_CONCURRENT_WRITE";
      return json({ errcode, error: "Something else was written since" }, { status: 409 });
    }),

    // DELETE /_matrix/client/unstable/io.element.msc4388/rendezvous/{rendezvousId}
    route("cancelRendezvous", async ({ params }) => {
      await rendezvous.end(params.rendezvousId);
    }),
  ];
}

function textRoutes({ users: { rendezvous }, publicBaseUrl }: RendezvousDeps): Route[] {
  const collector = createBodyCollector();

  return [
    // POST /_matrix/client/unstable/org.matrix.msc4108/rendezvous
    route("createRendezvousSession", async ({ body, contentType, ip }) => {
      const text = await readText(collector, body, contentType, ip);
      const made = await rendezvous.create(text.toString("base64"), text.length);
      const url = `${publicBaseUrl}${TEXT_PATH}/${made.id}`;
      return json({ url }, { status: 201, headers: headersOf(made) });
    }),

    // GET /_matrix/client/unstable/org.matrix.msc4108/rendezvous/{rendezvousId}
    route("readRendezvousSession", async ({ params, request }) => {
      refuseNavigation(request);
      const found = await rendezvous.read(params.rendezvousId);
      const headers = headersOf(found);
      if (request.headers["if-none-match"] === headers["etag"]) {
        return new Reply(304, headers);
      }
      // Clients compare the whole type.
      const payload = Buffer.from(found.data, "base64");
      return binary(payload, { headers: { ...headers, "content-type": "text/plain" } });
    }),

    // PUT /_matrix/client/unstable/org.matrix.msc4108/rendezvous/{rendezvousId}
    route("writeRendezvousSession", async ({ params, body, contentType, request, ip }) => {
      const token = tokenIn(request.headers["if-match"]);
      const text = await readText(collector, body, contentType, ip);
      const data = text.toString("base64");
      const id = params.rendezvousId;
      const { isWritten, now } = await rendezvous.write(id, token, data, text.length);
      const headers = headersOf(now);
      // Some proxies take ETag away where there is no type.
      const type = { "content-type": "text/plain" };
      if (isWritten)
        return binary(Buffer.alloc(0), { status: 202, headers: { ...headers, ...type } });
      const body412 = {
        errcode: "M_UNKNOWN",
        error: "Something else was written since",
        "org.matrix.msc4108.errcode": "M_CONCURRENT_WRITE",
      };
      return json(body412, { status: 412, headers });
    }),

    // DELETE /_matrix/client/unstable/org.matrix.msc4108/rendezvous/{rendezvousId}
    route("deleteRendezvousSession", async ({ params }) => {
      await rendezvous.end(params.rendezvousId);
      return new Reply(204, {});
    }),
  ];
}

function headersOf({ token, expiresTs, writtenTs }: Rendezvous): ReplyHeaders {
  return {
    etag: `"${token}"`,
    expires: new Date(expiresTs).toUTCString(),
    "last-modified": new Date(writtenTs).toUTCString(),
    "cache-control": "no-store",
    pragma: "no-cache",
  };
}

/** The token in an ETag: one, and a strong one. @throws MatrixError M_MISSING_PARAM, M_INVALID_PARAM 400 */
function tokenIn(etag: string | undefined): string {
  if (etag === undefined) throw errors.missingParam("If-Match is missing");
  const [, token] = /^"([^"]*)"$/.exec(etag.trim()) ?? [];
  if (token === undefined) throw errors.invalidParam("If-Match is not one strong ETag");
  return token;
}

/**
 * @throws MatrixError M_MISSING_PARAM or M_INVALID_PARAM 400, M_TOO_LARGE 413, M_UNKNOWN 408 when it
 *   is too slow
 */
async function readText(
  collector: BodyCollector,
  body: IncomingMessage,
  contentType: string | undefined,
  address: string,
): Promise<Buffer> {
  if (body.headers["content-length"] === undefined) {
    throw errors.missingParam("Content-Length is missing");
  }
  if (contentType === undefined) throw errors.missingParam("Content-Type is missing");
  if (!/^text\/plain\s*(;|$)/i.test(contentType.trim())) {
    throw errors.invalidParam("Content-Type is not text/plain");
  }
  const [text, release] = await collector.collect(body, { ...TEXT, address });
  release();
  return text;
}

/**
 * A rendezvous is for programs: a browser that goes there, and says so, shows nobody what strangers
 * have left. (MSC4388, "Unsafe content".)
 */
function refuseNavigation({ headers }: FastifyRequest): void {
  const { "sec-fetch-mode": mode, "sec-fetch-dest": target } = headers;
  if (mode !== "navigate" && (target === undefined || target === "empty")) return;
  throw errors.forbidden("This is for apps, and not shown as a page");
}
