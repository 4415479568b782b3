import type { OperationId, OperationRow } from "@weft/spec/operations";
import type { FastifyRequest } from "fastify";
import { errors } from "../protocol/errors.ts";
import { JsonError, forbiddenIn, parseLoose, parseStrict } from "../protocol/json.ts";

const MIB = 1024 * 1024;

/** Bytes a JSON body may have. Events are limited to 65,536 bytes elsewhere. */
const CLIENT_LIMIT = 2 * MIB;
/** 50 PDUs and 100 EDUs of 65,536 bytes. */
const SERVER_LIMIT = 10 * MIB;
const LIMITS: Partial<Record<string, number>> = {
  uploadKeys: 8 * MIB,
  sendToDevice: 8 * MIB,
  putRoomKeys: 32 * MIB,
};

export function bodyLimit(operationId: OperationId, row: OperationRow): number {
  if (row.body === "binary") return Number.MAX_SAFE_INTEGER; // the handler counts what it reads
  return LIMITS[operationId] ?? (row.api === "server-server" ? SERVER_LIMIT : CLIENT_LIMIT);
}

/** Bodies that never become part of an event, and in which the specification has fractions. */
const WITH_FRACTIONS = new Set<string>([
  "setAccountData",
  "setAccountDataPerRoom",
  "setRoomTag",
  "setProfileField",
]);

/** Bodies in which one wrong event must not spoil the others: they are judged one by one. */
const WITH_EVENTS = new Set<string>(["sendTransaction"]);

/**
 * Reads a JSON body, whatever the content type says.
 * @throws JsonError "syntax" → M_NOT_JSON, "forbidden" → M_BAD_JSON
 */
export function parseBody(operationId: OperationId, row: OperationRow, bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  // What nobody asked for is not judged either, unless a server signed it.
  if (row.body === "none" && row.api !== "server-server") return undefined;
  if (row.api === "server-server" && WITH_EVENTS.has(operationId)) return parseLoose(bytes);
  if (!WITH_FRACTIONS.has(operationId)) return parseStrict(bytes);
  const value = parseLoose(bytes);
  const reason = forbiddenIn(value);
  if (reason === undefined) return value;
  if (!holdsRawNumber(value)) throw new JsonError("forbidden", `Forbidden JSON: ${reason}`);
  return JSON.parse(bytes.toString("utf8"));
}

function holdsRawNumber(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return JSON.isRawJSON(value) || Object.values(value).some((item) => holdsRawNumber(item));
}

/**
 * A preValidation hook: a JSON body that may be left out is {}, one that may not is M_NOT_JSON; of bytes there may be
 * none, and then nobody has parsed them.
 */
export function completeBody(row: OperationRow, request: FastifyRequest): void {
  if (row.body === "binary") request.body ??= request.raw;
  if (row.body !== "json" || request.body !== undefined) return;
  if (row.bodyRequired) throw errors.notJson("A JSON body is needed");
  request.body = {};
}
