import type { JsonObject } from "../../protocol/json.ts";
import type { UserId } from "../../protocol/identifiers.ts";

/** Where a request comes from: stored with the device as "last seen". */
export interface Visit {
  readonly ip: string;
  readonly userAgent?: string | undefined;
}

/** The user and device of a request with an access token. */
export interface Requester {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly isAdmin: boolean;
  /** Guests do not exist here. */
  readonly isGuest: false;
  /** SHA-256 of the access token. */
  readonly tokenHash: Buffer;
}

/** What a sign-in or a refresh gives a client. */
export interface IssuedSession {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly accessToken: string;
  readonly refreshToken?: string;
  /** Life of the access token, ms. Absent: it does not expire. */
  readonly expiresInMs?: number;
}

/** What a client asks for when it signs in. */
export interface SessionRequest {
  readonly deviceId?: string | undefined;
  readonly initialDeviceDisplayName?: string | undefined;
  /** Whether it knows refresh tokens, and so gets an access token that expires. */
  readonly refreshToken?: boolean | undefined;
}

/**
 * What users/ needs of higher layers. Each is called after the change is committed; a failure is
 * logged by the caller and not reported to the client.
 */
export interface UserHooks {
  /**
   * The display name or avatar changed: updates the member events. May be called at any time; a
   * follower of the log does the same in case this process stops in between.
   */
  profileChanged(userId: UserId): Promise<void>;
  /** The account is closed: leaves every room, rejects every invite. Must be repeatable. */
  leaveAllRooms(userId: UserId): Promise<void>;
  /** Asks the server of a remote user for its profile, or one field of it. @throws MatrixError */
  remoteProfile(userId: UserId, field: string | undefined): Promise<JsonObject>;
  /** Whether only an application service may register that user id. */
  isReserved(userId: UserId): boolean;
}
