/** Requests written on a socket by hand. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { route } from "../../src/http/route.ts";
import { forbiddenIn } from "../../src/protocol/json.ts";
import { PEER, peerKey } from "./support.ts";
import { inTime } from "../support/wait.ts";
import { server, startServer } from "./one-server.ts";

export const MIB = 1024 * 1024;
export const TRANSACTION = "/_matrix/federation/v1/send/t1";

export const routes = [
  route("sendMessage", () => ({ event_id: "$e" })),
  route("login", () => ({})),
  route("getVersions", () => ({ versions: [] })),
  route("sendTransaction", ({ body }) => ({
    marks: body.pdus.map((pdu) => forbiddenIn(pdu) !== undefined),
    edus: body.edus?.length ?? -1,
    origin: body.origin,
  })),
];

export const claim = (destination: string, keyId = peerKey.keyId) =>
  `X-Matrix origin="${PEER}",destination="${destination}",key="${keyId}",sig="${"A".repeat(86)}"`;

export function head(line: string, authorization: string, more = ""): string {
  const authorized = authorization === "" ? "" : `Authorization: ${authorization}\r\n`;
  return `${line} HTTP/1.1\r\nHost: here.test\r\n${authorized}${more}\r\n`;
}

export async function listening(): Promise<() => Socket> {
  await startServer(routes);
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  return () => connect(port, "127.0.0.1");
}

/** Reads one answer. */
export async function answerOn(
  socket: Socket,
): Promise<{ status: number; head: string; body: string }> {
  let text = "";
  for (;;) {
    const [chunk] = (await inTime("an answer", once(socket, "data"))) as [Buffer];
    text += chunk.toString();
    const length = /content-length: (\d+)/i.exec(text)?.[1];
    const [top = "", body] = text.split("\r\n\r\n");
    if (body === undefined || body.length < Number(length)) continue;
    return { status: Number(text.slice(9, 12)), head: top.toLowerCase(), body };
  }
}
