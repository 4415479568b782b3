import type { Schema } from "@weft/spec/types";
import { errors } from "../../protocol/errors.ts";
import type { Answered, Ask, Asked, Asker, Cancel } from "./exchange.ts";

/** Requests of one socket at once. */
export const MAX_REQUESTS = 32;
/** The same with its stream, and with what was given up and has not ended yet. */
const MAX_RUNNING = MAX_REQUESTS + 8;
const COME_AGAIN_MS = 100;

/** The requests of one socket that are under way, those of its stream included. */
export class SocketRequests {
  readonly #asker: Asker;
  readonly #ask: Ask;
  readonly #onAnswer: (id: number, answer: Answered) => void;
  #underWay: Map<number, Cancel> | undefined;
  /** Those included that were given up, as long as their handlers run. */
  #running = 0;

  constructor(asker: Asker, ask: Ask, onAnswer: (id: number, answer: Answered) => void) {
    this.#asker = asker;
    this.#ask = ask;
    this.#onAnswer = onAnswer;
  }

  get count(): number {
    return this.#underWay?.size ?? 0;
  }

  start({ id, method, path }: Schema<"SocketRequest">, body: Buffer | undefined, token: string) {
    if (this.count >= MAX_REQUESTS) return this.#onAnswer(id, tooMany());
    let isAnswered = false;
    const asked = { method, path, body, accessToken: token };
    const cancel = this.ask(asked, (answer) => {
      isAnswered = true;
      this.#underWay?.delete(id);
      this.#onAnswer(id, answer);
    });
    if (isAnswered) return;
    this.#underWay ??= new Map();
    this.#underWay.set(id, cancel);
  }

  /** Asks where there is room for it. `done` is not called once the request was given up. */
  ask(asked: Asked, done: (answer: Answered) => void): Cancel {
    if (this.#running >= MAX_RUNNING) {
      done(tooMany());
      return () => undefined;
    }
    this.#running += 1;
    return this.#ask(this.#asker, asked, (answer) => {
      this.#running -= 1;
      if (answer !== undefined) done(answer);
    });
  }

  has(id: number): boolean {
    return this.#underWay?.has(id) === true;
  }

  cancel(id: number): void {
    this.#underWay?.get(id)?.();
    this.#underWay?.delete(id);
  }

  cancelAll(): void {
    for (const cancel of this.#underWay?.values() ?? []) cancel();
    this.#underWay?.clear();
  }
}

function tooMany(): Answered {
  const error = errors.limitExceeded(COME_AGAIN_MS, "Too many requests at once");
  return { status: error.status, text: JSON.stringify(error.toJSON()) };
}
