import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { operations } from "@weft/spec";
import type { OperationId, OperationRow } from "@weft/spec";
import type { Json } from "./json.ts";

/** A request that came in, its signature proved where the operation wants one. */
export interface Inbound {
  readonly operation: OperationId;
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Json | undefined;
  /** The server that signed it; "" for operations that anybody may call. */
  readonly origin: string;
}

export interface Reply {
  readonly status?: number;
  readonly body: unknown;
  /** Sent in place of JSON, with its content type. */
  readonly raw?: { readonly type: string; readonly bytes: Uint8Array };
}

/** What a server on loopback hears, before anything is known of it. */
export interface RawInbound {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly text: string;
}

export interface MatchedOperation {
  readonly id: OperationId;
  readonly row: OperationRow;
  readonly path: Readonly<Record<string, string>>;
}

interface Template {
  readonly id: OperationId;
  readonly row: OperationRow;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

const templates: readonly Template[] = (Object.entries(operations) as [OperationId, OperationRow][])
  .filter(([, row]) => row.api === "server-server")
  .flatMap(([id, row]) =>
    [row.path, ...row.aliases].map((path) => ({ id, row, ...compile(path) })),
  );

function compile(path: string) {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  const pattern = path.replaceAll(/[.]/g, "\\.").replaceAll(/\{\w+\}/g, "([^/]*)");
  return { pattern: new RegExp(`^${pattern}/?$`), names };
}

/** The server API's operation that a request means. */
export function matchOperation(method: string, pathname: string): MatchedOperation | undefined {
  for (const { id, row, pattern, names } of templates) {
    const match = row.method === method ? pattern.exec(pathname) : null;
    if (match === null) continue;
    const values = names.map((name, i) => [name, decodeURIComponent(match[i + 1] ?? "")] as const);
    return { id, row, path: Object.fromEntries(values) };
  }
  return undefined;
}

export interface PeerServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function listen(
  tls: { readonly cert: string; readonly key: string },
  answer: (request: RawInbound) => Promise<Reply>,
): Promise<PeerServer> {
  const server: Server = createServer({ ...tls }, (request, response) => {
    void respond(request, answer).then(({ status = 200, body, raw }) => {
      const type = raw?.type ?? "application/json";
      const bytes = raw?.bytes ?? JSON.stringify(body ?? {});
      response.writeHead(status, { "content-type": type }).end(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

async function respond(
  request: IncomingMessage,
  answer: (request: RawInbound) => Promise<Reply>,
): Promise<Reply> {
  try {
    return await answer({
      method: request.method ?? "GET",
      url: request.url ?? "/",
      authorization: request.headers.authorization,
      text: await text(request),
    });
  } catch (error) {
    return { status: 500, body: { errcode: "M_UNKNOWN", error: String(error) } };
  }
}
