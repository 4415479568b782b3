import type { Redis } from "ioredis";
import type { Channel } from "../platform/channel.ts";
import type { Logger } from "../platform/logger.ts";
import type { RoomId, UserId } from "../protocol/identifiers.ts";
import type { Bus } from "./bus.ts";

export type PresenceValue = "online" | "offline" | "unavailable";

/** One user's presence. */
export interface PresenceEntry {
  readonly userId: UserId;
  readonly presence: PresenceValue;
  readonly statusMsg: string | undefined;
  /** ms since 1970. */
  readonly lastActiveTs: number;
  readonly currentlyActive: boolean;
}

/** The presence state of one device of a local user, shared with the other replicas. */
export interface DeviceStatement {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly presence: PresenceValue;
  /** It is valid for this many ms. */
  readonly ms: number;
}

/** A message from one replica to the others. */
export type EphemeralMessage =
  | {
      readonly kind: "typing";
      readonly roomId: RoomId;
      readonly userId: UserId;
      /** Typing for this many ms; 0: stopped. */
      readonly ms: number;
      /** The sender's serial for it: the receivers' serials do not fall behind. */
      readonly serial?: number;
    }
  | { readonly kind: "presence"; readonly entry: PresenceEntry; readonly serial?: number }
  | { readonly kind: "device"; readonly said: DeviceStatement; readonly serial?: number };

/**
 * Carries ephemeral data (not in the log) between replicas. Losing a message leaves a typing line
 * or presence out of date for a while, nothing worse.
 */
export type EphemeralChannel = Pick<Channel<EphemeralMessage>, "publish" | "subscribe">;

/**
 * Over the bus. Presence is also kept in a Redis hash, so that a replica that starts later knows
 * it.
 */
export async function openEphemeralChannel(
  bus: Bus,
  redis: Redis,
  { prefix, logger }: { readonly prefix: string; readonly logger: Logger },
): Promise<EphemeralChannel> {
  const hash = `${prefix}presence`;
  const warn = (err: unknown): void => logger.warn({ err }, "Redis: presence");
  const channel = await bus.channel<EphemeralMessage>("ephemeral");

  async function tellKnown(listener: (message: EphemeralMessage) => void): Promise<void> {
    for (const text of Object.values(await redis.hgetall(hash))) {
      listener({ kind: "presence", entry: JSON.parse(text) as PresenceEntry });
    }
  }

  return {
    publish(message) {
      channel.publish(message);
      if (message.kind !== "presence") return;
      const { userId, presence } = message.entry;
      const kept =
        presence === "offline"
          ? redis.hdel(hash, userId)
          : redis.hset(hash, userId, JSON.stringify(message.entry));
      kept.catch(warn);
    },
    subscribe(listener) {
      tellKnown(listener).catch(warn);
      return channel.subscribe(listener);
    },
  };
}
