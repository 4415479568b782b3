import { object, strings, text, type Content, type SyncResponse } from "../api/types.ts";
import { EncryptionError } from "./errors.ts";
import type { SyncChanges } from "./protocol.ts";

/** What of a response is for the engine. */
function changesIn(
  response: SyncResponse,
  isWhole: boolean,
): SyncChanges & { messages: Content[] } {
  const lists = response.device_lists;
  const events: Content[] = response.to_device?.events ?? [];
  // What is no message at all would have the engine refuse the others with it.
  const messages = events.filter(
    (event) =>
      text(event, "type") !== undefined &&
      text(event, "sender") !== undefined &&
      object(event, "content") !== undefined,
  );
  return {
    messages,
    toDevice: JSON.stringify(messages),
    changed: strings(lists, "changed"),
    left: strings(lists, "left"),
    counts: response.device_one_time_keys_count,
    fallbacks: response.device_unused_fallback_key_types,
    isWhole,
    accountData: (response.account_data?.events ?? []).map(({ type }) => type),
  };
}

/** Refusals of the engine in a row after which it counts as failed. */
const MAX_REFUSALS = 3;
/** Milliseconds after which the engine is given even a response that has nothing for it: it tidies up then. */
const TIDY_AFTER = 10_000;

interface FeederDeps {
  /** Resolves when the engine keeps what it got. */
  give(changes: SyncChanges): Promise<void>;
  /** True while there is no engine, and none is being started. */
  hasFailed(): boolean;
  /** It takes nothing in any more. */
  onRefusal(problem: string): void;
  /** Whether news of devices passed while there was no engine, which is to ask for all anew. Outlives the page. */
  isBehind: { get(): boolean; set(to: boolean): void };
  /** Milliseconds. */
  now?: () => number;
}

/**
 * Tells responses that have something for the engine from those that have nothing: most of them. To take in even these costs it
 * tens of milliseconds of work and of waiting for its database.
 */
function createSieve() {
  let counted = "";

  const countsIn = ({ counts, fallbacks }: SyncChanges): string =>
    counts === undefined && fallbacks === undefined ? counted : JSON.stringify([counts, fallbacks]);

  return {
    isNews: (changes: SyncChanges): boolean =>
      changes.isWhole ||
      changes.toDevice !== "[]" ||
      changes.changed.length + changes.left.length + changes.accountData.length > 0 ||
      countsIn(changes) !== counted,
    /** The engine has these numbers of keys. */
    took(changes: SyncChanges): void {
      counted = countsIn(changes);
    },
  };
}

/** The engine ended over it, each time that it was tried, and was begun anew. */
const isDeadly = (error: unknown): boolean => error instanceof EncryptionError;

/**
 * Gives the engine its sections of responses. What it answers says whether the server may be told that they were got: the
 * server then deletes the messages to this device, and nobody else has them. So nothing counts as got that no engine keeps, but for
 * a message that ends every engine that reads it.
 */
export function createFeeder(deps: FeederDeps) {
  const { give, hasFailed, onRefusal, isBehind, now = () => performance.now() } = deps;
  const sieve = createSieve();
  let refusals = 0;
  let lastGiven = -TIDY_AFTER;

  async function offer(changes: SyncChanges): Promise<void> {
    const wasBehind = isBehind.get();
    lastGiven = now();
    await give({ ...changes, isWhole: changes.isWhole || wasBehind });
    if (wasBehind) isBehind.set(false);
    sieve.took(changes);
  }

  /** Gives what nothing depends on, and waits for nothing. */
  function tidy(changes: SyncChanges): void {
    if (now() - lastGiven >= TIDY_AFTER) offer(changes).catch(() => undefined);
  }

  /** Gives what was refused together piece by piece. Throws when it is not a single message's fault. */
  async function giveApart(changes: SyncChanges, messages: readonly Content[]): Promise<void> {
    await offer({ ...changes, toDevice: "[]" });
    for (const message of messages) {
      const one = { ...changes, changed: [], left: [], accountData: [], isWhole: false };
      try {
        await offer({ ...one, toDevice: JSON.stringify([message]) });
      } catch (error) {
        if (!isDeadly(error) || hasFailed()) throw error;
      }
    }
  }

  function without(messages: readonly Content[]): boolean {
    isBehind.set(true);
    return messages.length === 0;
  }

  return async (response: SyncResponse, isWhole: boolean): Promise<boolean> => {
    const { messages, ...changes } = changesIn(response, isWhole);
    if (hasFailed()) return without(messages);
    if (!isBehind.get() && !sieve.isNews(changes)) {
      tidy(changes);
      return true;
    }
    try {
      await offer(changes).catch(async (error: unknown) => {
        if (hasFailed()) throw error;
        await giveApart(changes, messages);
      });
      refusals = 0;
      return true;
    } catch (error) {
      // What it cannot take now it may take when it comes again.
      if (!hasFailed() && ++refusals < MAX_REFUSALS) throw error;
      refusals = 0;
      if (!hasFailed()) onRefusal(String(error));
      return without(messages);
    }
  };
}
