import type { Schema } from "@weft/spec/types";
import { errors } from "../../protocol/errors.ts";
import type { Answered, Ask, Asker, Cancel } from "./exchange.ts";

export interface SocketRequests {
  start(head: Schema<"SocketRequest">, body: Buffer | undefined, accessToken: string): void;
  has(id: number): boolean;
  cancel(id: number): void;
  cancelAll(): void;
  readonly count: number;
}

/** Requests of one socket at once. */
export const MAX_REQUESTS = 32;
const COME_AGAIN_MS = 100;

/** The requests of one socket that are under way. */
export function createRequests(
  asker: Asker,
  ask: Ask,
  onAnswer: (id: number, answer: Answered) => void,
): SocketRequests {
  const underWay = new Map<number, Cancel>();
  return {
    start({ id, method, path }, body, accessToken) {
      if (underWay.size >= MAX_REQUESTS) {
        const error = errors.limitExceeded(COME_AGAIN_MS, "Too many requests at once");
        return onAnswer(id, { status: error.status, text: JSON.stringify(error.toJSON()) });
      }
      let isAnswered = false;
      const cancel = ask(asker, { method, path, body, accessToken }, (answer) => {
        isAnswered = true;
        underWay.delete(id);
        onAnswer(id, answer);
      });
      if (!isAnswered) underWay.set(id, cancel);
    },
    has: (id) => underWay.has(id),
    cancel(id) {
      underWay.get(id)?.();
      underWay.delete(id);
    },
    cancelAll() {
      for (const cancel of underWay.values()) cancel();
      underWay.clear();
    },
    get count() {
      return underWay.size;
    },
  };
}
