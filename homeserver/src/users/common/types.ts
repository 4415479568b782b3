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
  /** "": an application service acts as the user without a device. */
  readonly deviceId: string;
  readonly isAdmin: boolean;
  /** Guests do not exist here. */
  readonly isGuest: false;
  /** What administrators keep the account from; absent: from nothing. */
  readonly restriction?: Restriction | undefined;
  /** Nobody gets what they send, and they are not told. */
  readonly isShadowBanned?: boolean | undefined;
  /** What administrators have set for the account; absent: what holds for everybody. */
  readonly rate?: OwnRate | undefined;
  /** SHA-256 of the access token. */
  readonly tokenHash: Buffer;
  /** The application service that acts as the user; absent: the user's own client. */
  readonly service?: ActingService | undefined;
}

/** How many requests of a class an account may send, in a second and at once; 0 a second: any number. */
export interface OwnRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** An account that is both counts as locked. (Client-server API, "Account moderation".) */
export type Restriction = "locked" | "suspended";

/** An application service that acts as a user. */
interface ActingService {
  /** Of its registration. */
  readonly id: string;
  readonly isRateLimited: boolean;
}

/** A device, and when and from where it was last noted as seen. */
export interface SeenDevice {
  readonly userId: UserId;
  readonly deviceId: string;
  /** ms since 1970. */
  seenTs: number;
  seenIp: string;
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
  /** The grant that it came of, where that was one of OAuth. */
  readonly oauth?: OAuthGrant | undefined;
}

/** What somebody has granted a client. */
interface OAuthGrant {
  readonly clientId: string;
  readonly scope: string;
  /** SHA-256 of the code that stood for it. */
  readonly grantHash: Buffer;
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
  /**
   * Whether the user id may be registered by other application services only than `service`;
   * undefined: by any application service only.
   */
  isReserved(userId: UserId, service?: string): boolean;
  /**
   * Somebody wants a local user who is not there: asks the application services whose user it would
   * be. True: one has made it. Absent: there are no services.
   */
  wanted?(userId: UserId): Promise<boolean>;
}
