import type { JsonObject } from "./json.ts";

/**
 * Every error code that the server answers with, and the HTTP status it usually carries. Where the
 * specification gives one code several statuses, the commonest stands here and a caller may pass
 * another. (Client-server API, "Standard error response" and the operations' own tables.)
 */
export const ERRCODES = {
  "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION": 409,
  "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD": 400,
  M_BAD_ALIAS: 400,
  M_BAD_JSON: 400,
  M_BAD_STATE: 403,
  M_BAD_STATUS: 502,
  M_CANNOT_LEAVE_SERVER_NOTICE_ROOM: 403,
  M_CANNOT_OVERWRITE_MEDIA: 409,
  M_CAPTCHA_INVALID: 401,
  M_CAPTCHA_NEEDED: 401,
  M_CONNECTION_FAILED: 502,
  M_CONNECTION_TIMEOUT: 504,
  M_DUPLICATE_ANNOTATION: 400,
  M_EXCLUSIVE: 400,
  M_FORBIDDEN: 403,
  M_GUEST_ACCESS_FORBIDDEN: 403,
  M_INCOMPATIBLE_ROOM_VERSION: 400,
  M_INVALID_PARAM: 400,
  M_INVALID_ROOM_STATE: 400,
  M_INVALID_SIGNATURE: 400,
  M_INVALID_USERNAME: 400,
  M_INVITE_BLOCKED: 403,
  M_KEY_TOO_LARGE: 400,
  M_LIMIT_EXCEEDED: 429,
  M_MISSING_PARAM: 400,
  M_MISSING_TOKEN: 401,
  M_NO_VALID_SESSION: 404,
  M_NOT_FOUND: 404,
  M_NOT_JSON: 400,
  M_NOT_YET_UPLOADED: 504,
  M_PROFILE_TOO_LARGE: 400,
  M_RESOURCE_LIMIT_EXCEEDED: 403,
  M_ROOM_IN_USE: 400,
  M_SERVER_NOT_TRUSTED: 403,
  M_SESSION_EXPIRED: 400,
  M_SESSION_NOT_VALIDATED: 400,
  M_TERMS_NOT_SIGNED: 403,
  M_THREEPID_AUTH_FAILED: 400,
  M_THREEPID_DENIED: 403,
  M_THREEPID_IN_USE: 400,
  M_THREEPID_MEDIUM_NOT_SUPPORTED: 400,
  M_THREEPID_NOT_FOUND: 400,
  M_TOO_LARGE: 413,
  M_UNABLE_TO_AUTHORISE_JOIN: 400,
  M_UNABLE_TO_GRANT_JOIN: 400,
  M_UNAUTHORIZED: 401,
  M_UNKNOWN: 500,
  M_UNKNOWN_ACTIVATION_TOKEN: 400,
  M_UNKNOWN_DEVICE: 400,
  M_UNKNOWN_POS: 400,
  M_UNKNOWN_TOKEN: 401,
  M_UNRECOGNIZED: 404,
  M_UNSUPPORTED_ROOM_VERSION: 400,
  M_URL_NOT_SET: 400,
  M_USER_DEACTIVATED: 403,
  M_USER_IN_USE: 400,
  M_USER_LIMIT_EXCEEDED: 403,
  M_USER_LOCKED: 401,
  M_USER_SUSPENDED: 403,
  M_WEAK_PASSWORD: 400,
  M_WRONG_ROOM_KEYS_VERSION: 403,
} as const;

export type Errcode = keyof typeof ERRCODES;

/** An error for the requester: becomes `{errcode, error, ...extra}` with `status`. */
export class MatrixError extends Error {
  readonly status: number;
  readonly errcode: Errcode;
  readonly extra: JsonObject | undefined;

  constructor(status: number, errcode: Errcode, message: string, extra?: JsonObject) {
    super(message);
    this.name = "MatrixError";
    this.status = status;
    this.errcode = errcode;
    this.extra = extra;
  }

  /** The response body. */
  toJSON(): JsonObject {
    return { errcode: this.errcode, error: this.message, ...this.extra };
  }
}

/**
 * Whether an answer's status says that this server failed. 502 and 504 say that what it asked, or
 * waits for, did: another server, a web page, somebody's upload. (RFC 9110, section 15.6.)
 */
export function isOwnFailure(status: number): boolean {
  return status >= 500 && status !== 502 && status !== 504;
}

/** An event that the protocol's rules refuse: rejected or soft-failed alone, never a 500. */
export class Rejection extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.name = "Rejection";
    this.reason = reason;
  }
}

/**
 * Why a check refuses: the reason of the Rejection that it throws; undefined when it passes. Throws
 * whatever else it throws.
 */
export function rejectionOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof Rejection) return error.reason;
    throw error;
  }
}

/** A MatrixError with the code's usual status. */
export function matrixError(errcode: Errcode, message: string, extra?: JsonObject): MatrixError {
  return new MatrixError(ERRCODES[errcode], errcode, message, extra);
}

/** Short constructors: `throw errors.notFound("No such room")`. */
export const errors = {
  badJson: (message: string) => matrixError("M_BAD_JSON", message),
  notJson: (message = "The body is not valid JSON") => matrixError("M_NOT_JSON", message),
  missingParam: (message: string) => matrixError("M_MISSING_PARAM", message),
  invalidParam: (message: string) => matrixError("M_INVALID_PARAM", message),
  forbidden: (message: string) => matrixError("M_FORBIDDEN", message),
  badState: (message: string) => matrixError("M_BAD_STATE", message),
  unauthorized: (message: string) => matrixError("M_UNAUTHORIZED", message),
  missingToken: (message = "An access token is needed") => matrixError("M_MISSING_TOKEN", message),
  unknownToken: (message = "The access token is not known", softLogout?: boolean) =>
    matrixError("M_UNKNOWN_TOKEN", message, softLogout ? { soft_logout: true } : undefined),
  userLocked: () => matrixError("M_USER_LOCKED", "This account is locked", { soft_logout: true }),
  userSuspended: () =>
    matrixError("M_USER_SUSPENDED", "This account is suspended: it can only read, and leave"),
  userDeactivated: () => matrixError("M_USER_DEACTIVATED", "That account is closed"),
  notFound: (message: string) => matrixError("M_NOT_FOUND", message),
  unrecognized: (message = "No such endpoint") => matrixError("M_UNRECOGNIZED", message),
  methodNotAllowed: (message = "That method does not exist here") =>
    new MatrixError(405, "M_UNRECOGNIZED", message),
  upgradeRequired: (message: string) => new MatrixError(426, "M_UNRECOGNIZED", message),
  tooLarge: (message: string) => matrixError("M_TOO_LARGE", message),
  /** `retryAfterMs` also goes into the Retry-After header at the edge. */
  limitExceeded: (retryAfterMs: number, message = "Too many requests") =>
    matrixError("M_LIMIT_EXCEEDED", message, { retry_after_ms: Math.ceil(retryAfterMs) }),
  userInUse: (message = "That user name is taken") => matrixError("M_USER_IN_USE", message),
  invalidUsername: (message: string) => matrixError("M_INVALID_USERNAME", message),
  exclusive: (message: string) => matrixError("M_EXCLUSIVE", message),
  roomInUse: (message = "That room alias is taken") => matrixError("M_ROOM_IN_USE", message),
  invalidRoomState: (message: string) => matrixError("M_INVALID_ROOM_STATE", message),
  unsupportedRoomVersion: (message: string) => matrixError("M_UNSUPPORTED_ROOM_VERSION", message),
  /** `roomVersion` is the version of the room that the requester does not support. */
  incompatibleRoomVersion: (roomVersion: string) =>
    matrixError(
      "M_INCOMPATIBLE_ROOM_VERSION",
      `The room has version ${roomVersion}, which is not supported`,
      { room_version: roomVersion },
    ),
  unableToAuthoriseJoin: (message: string) => matrixError("M_UNABLE_TO_AUTHORISE_JOIN", message),
  unableToGrantJoin: (message: string) => matrixError("M_UNABLE_TO_GRANT_JOIN", message),
  weakPassword: (message: string) => matrixError("M_WEAK_PASSWORD", message),
  badAlias: (message: string) => matrixError("M_BAD_ALIAS", message),
  duplicateAnnotation: (message: string) => matrixError("M_DUPLICATE_ANNOTATION", message),
  /** `status` 500 unless given: something failed that the requester cannot do anything about. */
  unknown: (message: string, status: number = ERRCODES.M_UNKNOWN) =>
    new MatrixError(status, "M_UNKNOWN", message),
} as const;
