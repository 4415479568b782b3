/** What stands at an operation of who may call it and what it may cost: reads it, and says what is missing or unknown. */
import { isNode, type Node, type Source } from "./source.ts";

/** Who may call an operation, by its `security`. */
const SECURITY: Readonly<Record<string, string>> = {
  "[]": "none",
  '[{"accessToken":[]}]': "access-token",
  '[{},{"accessToken":[]}]': "access-token?",
  '[{"administrator":[]}]': "administrator",
  '[{"applicationService":[]}]': "application-service",
  '[{},{"applicationService":[]}]': "application-service?",
  '[{"serverSignature":[]}]': "server-signature",
  '[{"homeserverToken":[]}]': "homeserver-token",
};

export const RATE_CLASSES = "types/rate-classes.yaml";
/** The accounts that an operation for users refuses, the fewest first; in-handler: suspended ones, for some requests. */
const CLOSED_TO = ["none", "locked", "in-handler", "suspended"];
const READINGS = ["strict", "fractions", "events"];
/** The handler has to look, since the request says it elsewhere. */
const IN_HANDLER = "in-handler";
const NONE = "none";
/** The media type of forms. */
export const FORM = "application/x-www-form-urlencoded";

const MEMBERS = new Set([
  ...["x-rate-class", "x-acl", "x-closed-to", "x-body-limit", "x-body-reading"],
  ...["x-errors", "x-aliases", "x-also", "x-user-interactive", "x-proposal", "x-audit"],
]);

/** Bytes of a body that an operation takes none of, and which is read all the same: a server has signed it. */
const UNWANTED_BODY = 64 * 1024;

/** The guards in the table of operations. What the source does not say is undefined. */
export interface Guards {
  auth: string | undefined;
  rateClass: unknown;
  closedTo: unknown;
  acl: unknown;
  bodyLimit: unknown;
  bodyReading: unknown;
}

/**
 * What of the body is noted of an operation that administrators change something by; null: it is
 * not noted at all.
 */
export function auditOf(node: Node, method: string): unknown {
  if (guardsOf(node).auth !== "administrator" || method.toLowerCase() === "get") return null;
  const said = node["x-audit"];
  return said === NONE ? null : (said ?? []);
}

export function guardsOf(node: Node): Guards {
  const auth = SECURITY[JSON.stringify(node["security"])];
  const body = bodyKind(node);
  const limit = node["x-body-limit"];
  return {
    auth,
    rateClass: node["x-rate-class"],
    closedTo: isForUsers(auth) ? node["x-closed-to"] : NONE,
    acl: auth === "server-signature" ? node["x-acl"] : NONE,
    bodyLimit: body === "none" ? UNWANTED_BODY : limit === IN_HANDLER ? null : limit,
    bodyReading: body === "json" ? node["x-body-reading"] : "strict",
  };
}

/** How an operation's request body travels. */
export function bodyKind(operation: Node): "json" | "form" | "binary" | "none" {
  const body = operation["requestBody"];
  if (!isNode(body)) return "none";
  const types = isNode(body["content"]) ? body["content"] : {};
  if (types["application/json"] !== undefined) return "json";
  return types[FORM] === undefined ? "binary" : "form";
}

/** True where a caller may show a user's token, or an application service's. */
function isForUsers(auth: string | undefined): boolean {
  return /^(access-token|administrator|application-service)\??$/.test(auth ?? "");
}

/** True where locked accounts are refused. */
export function isClosedToLocked(node: Node): boolean {
  return node["x-closed-to"] !== undefined && node["x-closed-to"] !== NONE;
}

/** True where suspended accounts are refused, be it for some requests only. */
export function isClosedToSuspended(node: Node): boolean {
  return isClosedToLocked(node) && node["x-closed-to"] !== "locked";
}

/** True where requests are counted. */
export function isRateLimited(node: Node): boolean {
  return node["x-rate-class"] !== undefined && node["x-rate-class"] !== NONE;
}

/** True where the room's access list is looked at before the handler. */
export function isWithinAcl(node: Node): boolean {
  return node["x-acl"] !== undefined && node["x-acl"] !== NONE && node["x-acl"] !== IN_HANDLER;
}

/** Everything that operations do not say of their guards, or say in unknown words; a line each. */
export function guardProblems(source: Source): string[] {
  const classes = new Set(Object.keys(source.types.get(RATE_CLASSES) ?? {}));
  const unused = new Set(classes);
  const problems: string[] = [];
  for (const { file, document } of source.resources) {
    for (const [path, item] of Object.entries(document["paths"] as Node)) {
      for (const [method, node] of Object.entries(item as Node)) {
        if (!isNode(node)) continue;
        unused.delete(String(node["x-rate-class"]));
        const where = `${file}: ${String(node["operationId"])}`;
        for (const problem of problemsOf(node, path, method, classes))
          problems.push(`${where}: ${problem}`);
      }
    }
  }
  for (const name of unused) problems.push(`${RATE_CLASSES}: no operation is of the class ${name}`);
  return problems;
}

function problemsOf(
  node: Node,
  path: string,
  method: string,
  classes: ReadonlySet<string>,
): string[] {
  const { auth } = guardsOf(node);
  const problems = [
    auth === undefined && `security is none of ${Object.keys(SECURITY).join(" ")}`,
    rateProblem(node["x-rate-class"], classes),
    closedToProblem(node["x-closed-to"], isForUsers(auth)),
    aclProblem(node["x-acl"], auth === "server-signature", path),
    ...bodyProblems(node),
    auditProblem(node, method),
    ...Object.keys(node)
      .filter((name) => name.startsWith("x-") && !MEMBERS.has(name))
      .map((name) => `${name} is unknown`),
  ];
  return problems.filter((problem) => problem !== false);
}

function rateProblem(value: unknown, classes: ReadonlySet<string>): string | false {
  if (value === NONE || classes.has(value as string)) return false;
  return `x-rate-class is ${shown(value)}: a name of ${RATE_CLASSES}, or ${NONE}`;
}

function closedToProblem(value: unknown, forUsers: boolean): string | false {
  if (!forUsers) return value !== undefined && "x-closed-to is for operations that take a token";
  const problem = `x-closed-to is ${shown(value)}: one of ${CLOSED_TO.join(", ")}`;
  return !CLOSED_TO.includes(value as string) && problem;
}

function aclProblem(value: unknown, isForServers: boolean, path: string): string | false {
  if (!isForServers) return value !== undefined && "x-acl is for operations that servers sign";
  const inPath = path.includes("{roomId}");
  const allowed = inPath ? ["{roomId}"] : [IN_HANDLER, NONE];
  return !allowed.includes(value as string) && `x-acl is ${shown(value)}: ${allowed.join(" or ")}`;
}

/** Words of names under which secrets travel. */
const SECRET = /password|token|secret|mac|nonce/i;

function auditProblem(node: Node, method: string): string | false {
  const said = node["x-audit"];
  if (said === undefined) return false;
  if (guardsOf(node).auth !== "administrator" || method === "get") {
    return "x-audit is for what administrators change";
  }
  if (said === NONE) return false;
  const isNames = Array.isArray(said) && said.every((name) => typeof name === "string");
  if (!isNames) return `x-audit is ${shown(said)}: names of the body's members, or ${NONE}`;
  const secret = said.find((name) => SECRET.test(name));
  return secret !== undefined && `x-audit names ${secret}, which may be a secret`;
}

function bodyProblems(node: Node): (string | false)[] {
  const [limit, reading] = [node["x-body-limit"], node["x-body-reading"]];
  const body = bodyKind(node);
  const isUnread = reading !== undefined && "x-body-reading is for JSON bodies";
  if (body === "json" || body === "form") {
    const isLimit = Number.isSafeInteger(limit) && (limit as number) > 0;
    const isReading = READINGS.includes(reading as string);
    return [
      !isLimit && `x-body-limit is ${shown(limit)}: bytes that the body may have`,
      body === "form"
        ? isUnread
        : !isReading && `x-body-reading is ${shown(reading)}: one of ${READINGS.join(", ")}`,
    ];
  }
  const wanted = body === "binary" ? IN_HANDLER : undefined;
  return [
    limit !== wanted && `x-body-limit is ${shown(limit)}: ${shown(wanted)} for a ${body} body`,
    isUnread,
  ];
}

function shown(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}
