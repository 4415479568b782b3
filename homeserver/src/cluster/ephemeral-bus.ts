import { Redis } from "ioredis";
import type { Logger } from "../platform/logger.ts";
import type { RoomId, UserId } from "../protocol/identifiers.ts";

/** One user's presence. */
export interface PresenceEntry {
  readonly userId: UserId;
  readonly presence: "online" | "offline" | "unavailable";
  readonly statusMsg: string | undefined;
  /** ms since 1970. */
  readonly lastActiveTs: number;
  readonly currentlyActive: boolean;
}

/** What one replica tells the others. */
export type EphemeralMessage =
  | {
      readonly kind: "typing";
      readonly roomId: RoomId;
      readonly userId: UserId;
      /** Typing for so many ms; 0: not any more. */
      readonly ms: number;
    }
  | { readonly kind: "presence"; readonly entry: PresenceEntry };

/** Carries what is not in the log between replicas. A lost message costs a stale typing line, nothing else. */
export interface EphemeralBus {
  publish(message: EphemeralMessage): void;
  subscribe(listener: (message: EphemeralMessage) => void): () => void;
  close(): Promise<void>;
}

/**
 * The bus over Redis: messages by publish/subscribe, presences also in a hash, so that a replica that starts
 * later knows them. `scope` keeps servers apart that share one Redis.
 */
export async function createRedisBus(deps: {
  readonly url: string;
  readonly scope: string;
  readonly replica: string;
  readonly logger: Logger;
}): Promise<EphemeralBus> {
  const { logger } = deps;
  const channel = `weft:${deps.scope}:ephemeral`;
  const hash = `weft:${deps.scope}:presence`;
  const commands = new Redis(deps.url, { lazyConnect: true });
  const subscriber = new Redis(deps.url, { lazyConnect: true });
  const warn = (err: unknown): void => logger.warn({ err }, "Redis: typing and presence");
  for (const connection of [commands, subscriber]) connection.on("error", warn);
  const listeners = new Set<(message: EphemeralMessage) => void>();

  await Promise.all([commands.connect(), subscriber.connect()]);
  subscriber.on("message", (_channel: string, text: string) => {
    const { from, message } = JSON.parse(text) as { from: string; message: EphemeralMessage };
    if (from === deps.replica) return;
    for (const listener of listeners) listener(message);
  });
  await subscriber.subscribe(channel);

  async function tellKnown(listener: (message: EphemeralMessage) => void): Promise<void> {
    for (const text of Object.values(await commands.hgetall(hash))) {
      listener({ kind: "presence", entry: JSON.parse(text) as PresenceEntry });
    }
  }

  return {
    publish(message) {
      commands
        .publish(channel, JSON.stringify({ from: deps.replica, message }))
        .catch(warn);
      if (message.kind !== "presence") return;
      const { userId, presence } = message.entry;
      const kept =
        presence === "offline"
          ? commands.hdel(hash, userId)
          : commands.hset(hash, userId, JSON.stringify(message.entry));
      kept.catch(warn);
    },
    subscribe(listener) {
      listeners.add(listener);
      tellKnown(listener).catch(warn);
      return () => listeners.delete(listener);
    },
    async close() {
      await Promise.all([commands.quit(), subscriber.quit()]);
    },
  };
}
