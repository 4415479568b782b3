import { packError, unpackError, type PackedError } from "./errors.ts";

/** A call to the other side, or its answer. */
export type PeerMessage =
  | { kind: "call"; id: number; method: string; args: unknown[] }
  | { kind: "answer"; id: number; value?: unknown; error?: PackedError };

type Functions = Record<string, (...args: never[]) => Promise<unknown>>;

/**
 * One side of a channel over which both sides call one another. `handlers` is what the other side may call; `receive`
 * takes what came over the channel.
 */
export function createPeer<Theirs extends Functions>(
  post: (message: PeerMessage) => void,
  handlers: () => Functions | undefined,
) {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;

  async function serve(id: number, method: string, args: unknown[]): Promise<void> {
    try {
      const table = handlers();
      const work = table !== undefined && Object.hasOwn(table, method) ? table[method] : undefined;
      if (work === undefined) throw new Error(`No such call: ${method}`);
      post({ kind: "answer", id, value: await work(...(args as never[])) });
    } catch (error) {
      post({ kind: "answer", id, error: packError(error) });
    }
  }

  return {
    call<Method extends keyof Theirs & string>(
      method: Method,
      ...args: Parameters<Theirs[Method]>
    ): ReturnType<Theirs[Method]> {
      const id = ++last;
      const pending = Promise.withResolvers<unknown>();
      waiting.set(id, pending);
      post({ kind: "call", id, method, args });
      return pending.promise as ReturnType<Theirs[Method]>;
    },

    receive(message: PeerMessage): void {
      if (message.kind === "call") {
        void serve(message.id, message.method, message.args);
        return;
      }
      const pending = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error === undefined) pending?.resolve(message.value);
      else pending?.reject(unpackError(message.error));
    },

    /** The other side is gone: nothing that was asked of it will be answered. */
    fail(error: Error): void {
      for (const pending of waiting.values()) pending.reject(error);
      waiting.clear();
    },
  };
}
