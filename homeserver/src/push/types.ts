import type { RequestBody } from "@weft/spec/types";
import type { Log } from "../log/types.ts";
import type { Outbox } from "../mail/types.ts";
import type { Notified } from "../notifications/notified.ts";
import type { FollowedThreads } from "../notifications/followed-threads.ts";
import type { PushContexts } from "../notifications/push-context.ts";
import type { UnreadCounts } from "../notifications/unread.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { ServerName, UserId } from "../protocol/identifiers.ts";
import type { PushOutcome } from "../protocol/push/push-rules.ts";
import type { ServerKey } from "../protocol/push/web-push.ts";
import type { Room, RoomView } from "../rooms/api/index.ts";
import type { PusherRow } from "../storage/push/told.ts";
import type { Sql } from "../storage/sql.ts";
import type { Unsubscribing } from "../users/contacts/unsubscribing.ts";
import type { Users } from "../users/users.ts";
import type { Gateways } from "./gateways.ts";

/** A pusher, and how far it has been told. */
export interface PusherState {
  readonly pusherId: number;
  readonly userId: UserId;
  /** As its client set it; another one when the client sets it again. */
  readonly row: PusherRow;
  /** Log position up to which nothing is to be told any more. */
  toldTo: number;
  /** How much was unread as last told; -1: the event was told without; null: never told anything. */
  badge: number | null;
  /** How often in a row its gateway did not take a notification. */
  failures: number;
  /** ms since 1970. */
  retryTs: number;
  /**
   * It failed. What happens meanwhile is passed over, and found again in the tables when it is
   * tried again.
   */
  isBehind: boolean;
  /** When the last mail was written: ms since 1970; 0: none was. */
  mailedTs: number;
  /** How long after it the next one may be, ms; 0: its user has read since. */
  mailPause: number;
  /** It was deleted. */
  isGone: boolean;
}

/** How pushers write e-mail, and what stands in all of them. */
export interface EmailPushing {
  readonly outbox: Outbox;
  readonly unsubscribing: Unsubscribing;
  readonly baseUrl: string;
  readonly serverName: string;
}

/** What is said of an event, and of the room around it. */
export type EventPart = Omit<RequestBody<"notify">["notification"], "devices" | "counts">;

/** An event as a pusher is told it. */
export interface NotificationAbout {
  readonly part: EventPart;
  readonly outcome: PushOutcome;
}

export interface How {
  readonly isRetry: boolean;
  readonly signal: AbortSignal;
}

/** Rejected: the pusher is good no more. */
export type Sent = "taken" | "rejected";

/**
 * Tells a pusher of an event, or without one of how much is unread. @throws GatewayFailed
 */
export type SendNotification = (
  state: PusherState,
  notification: {
    readonly about: NotificationAbout | undefined;
    readonly unread: number | undefined;
  },
  how: How,
) => Promise<Sent>;

/** An event that a user is notified of. */
export interface Item {
  readonly userId: UserId;
  readonly room: Room;
  readonly eventNid: number;
  /** Log position; of an invite, when it became so. */
  readonly position: number;
  readonly isInvite: boolean;
  readonly outcome: PushOutcome;
}

export interface PushDeps {
  readonly sql: Sql;
  readonly log: Log;
  readonly view: RoomView;
  readonly users: Pick<Users, "pushRules" | "ignores" | "invitePermissions">;
  readonly contexts: PushContexts;
  readonly followedThreads: FollowedThreads;
  readonly unread: Pick<UnreadCounts, "of">;
  readonly notified: Notified;
  readonly gateways: Gateways;
  /** Absent: this server sends no mails. */
  readonly email: EmailPushing | undefined;
  /** For web push: by which push servers know this server, and where its owner is found. */
  readonly webPush: { readonly key: ServerKey; readonly contact: string };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly serverName: ServerName;
}
