/** Enforces what the contract says about each operation: who may call it, and what it may cost. */
import { type Auth, type OperationRow, rateClasses } from "@weft/spec/operations";
import type { FastifyRequest } from "fastify";
import { errors } from "../../protocol/errors.ts";
import { parseRoomId, type RoomId, type ServerName } from "../../protocol/identifiers.ts";
import type { Requester } from "./authenticate.ts";

/** The kinds of authentication that are implemented. */
const AUTHS: ReadonlySet<unknown> = new Set<Auth>([
  "none",
  "access-token",
  "access-token?",
  "administrator",
  "application-service",
  "application-service?",
  "server-signature",
]);
const CLOSED_TO: ReadonlySet<unknown> = new Set(["none", "locked", "in-handler", "suspended"]);
const READINGS: ReadonlySet<unknown> = new Set(["strict", "fractions", "events"]);

/**
 * Refuses to start when an operation's guards are missing or unknown, since they would not be
 * enforced.
 * @throws Error that names all of them, and where to write them
 */
export function checkGuards(
  rows: Iterable<readonly [id: string, row: Partial<OperationRow>]>,
): void {
  const problems: string[] = [];
  for (const [id, row] of rows) {
    const missing = missingGuards(row);
    if (missing.length === 0) continue;
    const file = `spec/openapi/${row.api}/${row.module}.yaml`;
    problems.push(`${id} needs ${missing.join(", ")} in ${file}`);
  }
  if (problems.length === 0) return;
  throw new Error(`Guards: ${problems.join("; ")} (spec/README.md; then npm run generate)`);
}

function missingGuards(row: Partial<OperationRow>): string[] {
  const { rateClass, bodyLimit, bodyReading } = row;
  const isClass = rateClass === "none" || Object.hasOwn(rateClasses, rateClass ?? "");
  const isLimit = row.body === "binary" ? bodyLimit === null : Number.isSafeInteger(bodyLimit);
  return [
    ...(AUTHS.has(row.auth) ? [] : ["security"]),
    ...(isClass ? [] : ["x-rate-class"]),
    ...(CLOSED_TO.has(row.closedTo) ? [] : ["x-closed-to"]),
    ...(isAcl(row) ? [] : ["x-acl"]),
    ...(isLimit ? [] : ["x-body-limit"]),
    ...(READINGS.has(bodyReading) ? [] : ["x-body-reading"]),
  ];
}

function isAcl({ acl, path, auth }: Partial<OperationRow>): boolean {
  if (acl === undefined) return false;
  const ofRoom = auth === "server-signature" && path?.includes("{roomId}") === true;
  return ofRoom ? acl === "{roomId}" : acl === "none" || acl === "in-handler";
}

/** Whether a room's m.room.server_acl lets another server take part. */
export type AclAllows = (roomId: RoomId, server: ServerName) => Promise<boolean>;

/**
 * A preValidation hook: a server that the room's m.room.server_acl excludes gets M_FORBIDDEN 403 as
 * soon as it has proved its identity, before anything else of its request is checked.
 * (Server-server API, "Server Access Control Lists (ACLs)".)
 */
export function withinAcl(
  { acl }: OperationRow,
  allows: AclAllows,
): ((request: FastifyRequest) => Promise<void>)[] {
  if (acl === "none" || acl === "in-handler") return [];
  const name = acl.slice(1, -1);
  return [
    async (request) => {
      const { origin } = request.found!.claim!;
      const roomId = parseRoomId((request.params as Record<string, string>)[name]);
      if (await allows(roomId, origin)) return;
      throw errors.forbidden(`The room's access list keeps ${origin} out`);
    },
  ];
}

/**
 * Refuses accounts that administrators have restricted. (Client-server API, "Account moderation".)
 * @throws MatrixError M_USER_LOCKED 401, M_USER_SUSPENDED 403
 */
export function checkRestriction(
  closedTo: OperationRow["closedTo"],
  requester: Requester | undefined,
): void {
  if (requester?.restriction === undefined || closedTo === "none") return;
  if (requester.restriction === "locked") throw errors.userLocked();
  if (closedTo === "suspended") throw errors.userSuspended();
}

/** @throws MatrixError M_FORBIDDEN 403 */
export function checkAdministrator(requester: Requester | undefined): void {
  if (requester?.isAdmin === true) return;
  throw errors.forbidden("You are not an administrator of this server");
}

/** @throws MatrixError M_FORBIDDEN 403 */
export function checkService(requester: Requester | undefined): void {
  if (requester?.service !== undefined) return;
  throw errors.forbidden("That is for application services");
}
