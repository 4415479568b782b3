/** What is asked for by user-interactive authentication, and how a request stands to its session. */
import { createHmac } from "node:crypto";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { AgreedVersions } from "../common/terms.ts";
import type { ConfirmedAddress } from "../contacts/confirmations.ts";
import type { Visitor } from "./attempts.ts";

/** Confirming on the account's page, under its name of today and its former one. (MSC4312.) */
type ResetStage = "m.oauth" | "org.matrix.cross_signing_reset";
/** What people do on a page of this server, with a browser. */
export type PageStage = "m.login.sso" | "m.login.terms" | "m.login.recaptcha";
export type Stage =
  | "m.login.dummy"
  | "m.login.password"
  | "m.login.registration_token"
  | "m.login.email.identity"
  | PageStage
  | ResetStage;

/** What completed stages have proven. */
export interface UiaFacts {
  /** Whose password was given, or whose address was confirmed. */
  readonly userId?: UserId;
  readonly registrationToken?: string;
  /** What somebody has agreed to. */
  readonly agreed?: AgreedVersions;
  /** A puzzle was solved. */
  readonly isHuman?: true;
  readonly email?: ConfirmedAddress;
}

/** A request for an operation that needs user-interactive authentication. */
export interface UiaRequest {
  readonly operation: string;
  /** The whole body, `auth` included. */
  readonly body: JsonObject;
  /** The signed-in user; m.login.password then accepts only that user's password. */
  readonly userId: UserId | undefined;
  readonly visitor: Visitor;
  readonly flows: readonly (readonly Stage[])[];
  /** What m.login.email.identity accepts confirmations of addresses for. */
  readonly purpose?: "register" | "password";
  /** What clients have to know for the stages, by their names. */
  readonly params?: JsonObject;
}

export function authOf(body: JsonObject): JsonObject | undefined {
  const { auth } = body;
  if (auth === undefined || auth === null) return undefined;
  if (typeof auth !== "object" || Array.isArray(auth)) {
    throw errors.badJson("auth must be an object");
  }
  return Object.keys(auth).length === 0 ? undefined : auth;
}

/** What was confirmed elsewhere needs no more than the session. */
export function impliedStage({ flows }: UiaRequest): Stage | undefined {
  return flows.flat().includes("m.oauth") ? "m.oauth" : undefined;
}

export function isOffered(stage: unknown, flows: UiaRequest["flows"]): stage is Stage {
  return flows.some((stages) => (stages as readonly unknown[]).includes(stage));
}

export function isComplete(completed: readonly Stage[], flows: UiaRequest["flows"]): boolean {
  return flows.some((stages) => stages.every((stage) => completed.includes(stage)));
}

/**
 * Binds a session to the request that it authorises. Keyed by the session id, which the database
 * does not contain, so that a new password in the body cannot be guessed from the digest.
 */
export function digest(request: UiaRequest, session: string): Buffer {
  const { auth: _auth, ...rest } = request.body;
  const sorted = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([request.operation, request.userId ?? null, sorted]);
  return createHmac("sha256", session).update(text).digest();
}
