import { operations } from "@weft/spec";
import type { OperationId, OperationRow } from "@weft/spec";
import { createValidators } from "@weft/spec/validators";
import type { Answer } from "./exchange.ts";

/** What any operation may answer. ("Standard error response", client API.) */
const GENERAL = new Set([
  ...[
    "M_FORBIDDEN",
    "M_UNKNOWN_TOKEN",
    "M_MISSING_TOKEN",
    "M_BAD_JSON",
    "M_NOT_JSON",
    "M_NOT_FOUND",
  ],
  ...["M_LIMIT_EXCEEDED", "M_UNRECOGNIZED", "M_UNKNOWN", "M_TOO_LARGE", "M_UNAUTHORIZED"],
  ...["M_INVALID_PARAM", "M_MISSING_PARAM", "M_USER_LOCKED", "M_USER_SUSPENDED", "M_BAD_STATE"],
]);

export const validators = createValidators();

export function operationRow(id: OperationId): OperationRow {
  return operations[id];
}

/** What breaks the specification in an answer to an operation: nothing is an empty list. */
export function wrongWith(id: OperationId, answer: Answer, tolerateNulls = false): string[] {
  const row = operationRow(id);
  const judged = tolerateNulls ? { ...answer, body: withoutNulls(answer.body) } : answer;
  const wrong =
    answer.status < 400 ? wrongWithSuccess(id, row, judged) : wrongWithError(id, row, judged);
  if (row.api === "client-server" && answer.headers["access-control-allow-origin"] !== "*") {
    wrong.push("it lacks the CORS header Access-Control-Allow-Origin: *");
  }
  return wrong;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member)]));
}

function wrongWithSuccess(id: OperationId, row: OperationRow, answer: Answer): string[] {
  if (row.response !== "json") return [];
  const type = answer.headers["content-type"] ?? "";
  const wrong = /^application\/json\b/.test(type) ? [] : [`its Content-Type is "${type}"`];
  return [...wrong, ...validators.response(id, answer.status, answer.body)];
}

function wrongWithError(id: OperationId, row: OperationRow, answer: Answer): string[] {
  const body = answer.body as { errcode?: unknown; flows?: unknown } | undefined;
  if (answer.status >= 500 && answer.status !== 502 && answer.status !== 504) {
    return ["it is the server's own failure"];
  }
  if (answer.status === 401 && body?.flows !== undefined) return validators.response(id, 401, body);
  if (typeof body?.errcode !== "string") return ["it has no errcode"];
  const listed = row.errors[String(answer.status)] ?? [];
  if (listed.includes(body.errcode)) return validators.response(id, answer.status, body);
  if (GENERAL.has(body.errcode)) return validators.named("Error", body);
  return [`${id} does not answer ${answer.status} ${body.errcode}`];
}

/** An answer in words, for a failing test's message. */
export function inWords(id: string, answer: Answer): string {
  const text = answer.bytes.toString().slice(0, 1500);
  return `${id} answered ${answer.status}: ${text}`;
}
