import type { Schema } from "@weft/spec/types";
import { definitions } from "@weft/spec/schemas";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

/** What a client writes on the socket. (spec/socket.md) */
export type FromClient =
  | Schema<"SocketToken">
  | Schema<"SocketRequest">
  | Schema<"SocketSync">
  | Schema<"SocketAck">
  | Schema<"SocketPresence">
  | Schema<"SocketCancel">
  | Schema<"SocketPing">;

/** What the server writes on it. */
export type FromServer =
  | Schema<"SocketWelcome">
  | Schema<"SocketAnswer">
  | Schema<"SocketBatch">
  | Schema<"SocketEnd">
  | Schema<"SocketPong">;

export interface ClientMessage {
  readonly head: FromClient;
  /** The bytes after the head's line feed; undefined when there is none. */
  readonly body: Buffer | undefined;
}

/** A client broke the rules of the socket. The message says how, for its programmer. */
export class SocketBreach extends Error {}

const SCHEMAS: Readonly<Record<FromClient["type"], string>> = {
  token: "SocketToken",
  request: "SocketRequest",
  sync: "SocketSync",
  ack: "SocketAck",
  presence: "SocketPresence",
  cancel: "SocketCancel",
  ping: "SocketPing",
};
/** Bytes of a head: the longest one is that of a stream with a filter. */
const MAX_HEAD = 128 * 1024;
const LINE_FEED = 0x0a;

/**
 * Reads one message: a line of JSON, and a body after it where it is a request with one.
 * @throws SocketBreach
 */
export function readMessage(bytes: Buffer): ClientMessage {
  const end = bytes.indexOf(LINE_FEED);
  const length = end === -1 ? bytes.length : end;
  if (length > MAX_HEAD) throw new SocketBreach("The head is too long");
  const head = parse(bytes.toString("utf8", 0, length));
  if (end === -1) return { head, body: undefined };
  if (head.type !== "request") throw new SocketBreach(`A ${head.type} has no body`);
  return { head, body: bytes.subarray(end + 1) };
}

function parse(text: string): FromClient {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SocketBreach("The head is not a line of JSON");
  }
  const type = (value as { type?: unknown } | null)?.type;
  if (typeof type !== "string" || !Object.hasOwn(SCHEMAS, type)) {
    throw new SocketBreach("The head has no type that is known here");
  }
  const check = checkOf(type as FromClient["type"]);
  if (check(value)) return value as FromClient;
  const { instancePath = "", message = "is not valid" } = check.errors?.[0] ?? {};
  throw new SocketBreach(`${type}${instancePath.replaceAll("/", ".")} ${message}`);
}

const checks = new Map<string, ValidateFunction>();
let ajv: Ajv2020 | undefined;

/** The contract's check of a head, compiled when it is first needed. */
function checkOf(type: FromClient["type"]): ValidateFunction {
  let check = checks.get(type);
  if (!check) {
    if (!ajv) {
      ajv = new Ajv2020({ strict: false });
      ajv.addSchema(definitions);
    }
    check = ajv.compile({ $ref: `${String(definitions["$id"])}#/$defs/${SCHEMAS[type]}` });
    checks.set(type, check);
  }
  return check;
}

/** A message as it is written: the head, and the body as it is. */
export function messageText(head: FromServer, body?: string): string {
  const line = JSON.stringify(head);
  return body === undefined ? line : `${line}\n${body}`;
}
