import type { DelayedEventLimits } from "../delayed-events/types.ts";
import type { RoomRules } from "../rooms/creating/room-rules.ts";
import type { RetentionRules } from "../rooms/visibility/retention-rules.ts";
import type { RtcTransport } from "./rtc-transports.ts";
import type { Support } from "./support.ts";
import type { TurnServers } from "./voip.ts";

/** Settings that clients meet. They are read at each use: they may change while the server runs. */
export interface ClientSettings extends RoomRules {
  /** Undefined: calls have no help of this server's. */
  readonly turn: TurnServers | undefined;
  /** What carries calls of many people, the preferred one first. */
  readonly rtcTransports: readonly RtcTransport[];
  readonly delayedEventLimits: DelayedEventLimits;
  readonly support: Support;
  /** How long messages are kept. */
  readonly retention: RetentionRules;
  /** Whether files are served without an access token, too. */
  readonly legacyMedia: boolean;
  /** Whether previews of web pages are made. */
  readonly urlPreviews: boolean;
}
