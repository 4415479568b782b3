/**
 * One mailbox per room: commands run one after another on the room's head in memory and hand their rows to the
 * log. The next command builds on a head that is still being committed; when a commit fails, everything built
 * on it fails too, the head is loaded afresh and the stale commands run again in their order. Where other replicas
 * write to the room too, commands run while it is this one's turn.
 */
import type { RoomTurn, Writer } from "../../cluster/room-turns.ts";
import { createYielder } from "../../platform/yielder.ts";
import type { Append, Committed } from "../../log/types.ts";
import { isOvertaken, StaleHead } from "../../log/types.ts";
import type { Head } from "./head.ts";

/** What a command hands back: its answer, and what is to be committed before the answer is given. */
export interface CommandResult<T> {
  readonly value: T;
  readonly append?: Append | undefined;
  /** The head after the append; absent when the head stays. */
  readonly next?: Head | undefined;
  /** Called once the append is committed, or with undefined when it has failed. */
  readonly settled?: (committed: Committed | undefined) => void;
}

export type Command<T> = (head: Head) => Promise<CommandResult<T>>;

export interface Mailbox {
  /** Queues a command. Throws what the command throws, or what the commit failed with. */
  run<T>(command: Command<T>): Promise<T>;
  readonly idle: boolean;
  /** Resolves when nothing is queued or being committed. */
  drained(): Promise<void>;
  /** Lets go of the room's turn; only of an idle mailbox. */
  close(): void;
}

export interface MailboxDeps {
  /** Loads the room's committed head; `last` is one that was committed before. */
  readonly load: (last: Head | undefined) => Promise<Head>;
  /** The committed head's version; 0 without one. */
  readonly committedVersion: () => Promise<number>;
  readonly append: (append: Append) => Promise<Committed>;
  /** The room's turn at this replica; absent where there is one replica. */
  readonly openTurn?: ((writer: Writer) => RoomTurn) | undefined;
}

interface Job {
  readonly order: number;
  readonly command: Command<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
}

const MAX_ATTEMPTS = 12;
/** Where several replicas write, and nobody can say whose turn it is: some seconds, with the pauses between. */
const MAX_ATTEMPTS_AMONG_OTHERS = 60;
/** So long a room works before others get a turn. */
const BURST_MS = 4;

export function createMailbox(deps: MailboxDeps): Mailbox {
  const queue: Job[] = [];
  const retry: Job[] = [];
  const inFlight = new Set<Promise<void>>();
  const idleWaiters: (() => void)[] = [];
  /** Versions of the head that this mailbox has seen or made since it last loaded it. */
  const ours = new Set<number>();
  let head: Head | undefined;
  /** What was committed last, where others have had the turn since. */
  let last: Head | undefined;
  let broken = false;
  /** Another writer was faster. */
  let beaten = false;
  let running = false;
  let order = 0;
  /** Ends a pause in which more is waited for. */
  let more: (() => void) | undefined;
  const isIdle = () => !running && queue.length === 0 && retry.length === 0 && inFlight.size === 0;
  const turn = deps.openTurn?.({
    get isBusy() {
      return !isIdle();
    },
    wanted: () => void pump(),
  });
  const maxAttempts = turn === undefined ? MAX_ATTEMPTS : MAX_ATTEMPTS_AMONG_OTHERS;

  return {
    run: <T>(command: Command<T>) =>
      new Promise<T>((resolve, reject) => {
        const settle = resolve as (value: unknown) => void;
        queue.push({ order: order++, command, resolve: settle, reject, attempts: 0 });
        more?.();
        void pump();
      }),
    get idle() {
      return isIdle();
    },
    drained() {
      if (isIdle()) return Promise.resolve();
      return new Promise((resolve) => idleWaiters.push(resolve));
    },
    close() {
      turn?.close();
    },
  };

  async function pump(): Promise<void> {
    if (running) return;
    running = true;
    const yielder = createYielder(BURST_MS);
    for (;;) {
      if (broken) await startAfresh();
      if (turn !== undefined && (await passed(turn))) continue;
      if (queue.length === 0) break;
      const taken = turn?.take();
      // Others may have written meanwhile: what is known of the head is out of date.
      if (taken !== undefined && taken !== "kept" && (await taken) === "new") forget(head);
      await execute(queue.shift()!);
      // Commands that find all in memory would let nothing else run: one room's queue must not hold up the others.
      await yielder.pauseIfDue();
    }
    running = false;
    if (inFlight.size === 0) for (const waiter of idleWaiters.splice(0)) waiter();
  }

  /** Passes the turn on where it's time for that. True: look again at what there is to do. */
  async function passed(mine: RoomTurn): Promise<boolean> {
    if (!mine.isWanted) return false;
    // Asked once: it may be over a moment later, and what is under way has to end before the turn is passed on.
    const { isOver } = mine;
    if (isOver && inFlight.size > 0) {
      await Promise.all(inFlight);
      return true;
    }
    if (!isOver) {
      if (queue.length > 0 || inFlight.size > 0) return false;
      // Whoever was answered just now may go on at once.
      const pause = new AbortController();
      more = () => pause.abort("more");
      await mine.linger(pause.signal);
      more = undefined;
      if (queue.length > 0) return true;
    }
    await mine.pass();
    return true;
  }

  function forget(committed?: Head): void {
    last = committed;
    head = undefined;
    ours.clear();
  }

  /** After a failed commit: waits for what was built on it, then puts the failed commands in front again. */
  async function startAfresh(): Promise<void> {
    await Promise.all(inFlight);
    if (beaten) await turn?.yield();
    beaten = false;
    broken = false;
    forget();
    queue.unshift(...retry.splice(0).sort((a, b) => a.order - b.order));
  }

  async function execute(job: Job): Promise<void> {
    let result: CommandResult<unknown>;
    const isFresh = head === undefined;
    try {
      head ??= await deps.load(last);
      ours.add(head.version);
      result = await job.command(head);
    } catch (error) {
      settleAfterOthers(job, isFresh, () => job.reject(error));
      return;
    }
    if (result.append === undefined) {
      settleAfterOthers(job, isFresh, () => job.resolve(result.value));
      return;
    }
    if (result.next !== undefined) {
      head = result.next;
      ours.add(head.version);
    }
    const commit = deps
      .append(result.append)
      .then(
        (committed) => {
          result.settled?.(committed);
          job.resolve(result.value);
        },
        (error: unknown) => {
          result.settled?.(undefined);
          failed(job, error);
        },
      )
      .catch(job.reject);
    track(commit);
  }

  /**
   * An answer without a commit rests on a head that may not get committed, or that another writer has moved: it's
   * given when that is sure, and thought over otherwise.
   */
  function settleAfterOthers(job: Job, isFresh: boolean, settle: () => void): void {
    if (isFresh && inFlight.size === 0 && !broken) {
      settle();
      return;
    }
    const others = Promise.all(inFlight)
      .then(() => broken || isOurs())
      .catch(() => true)
      .then((current) => {
        if (!current) broken = true;
        if (broken && job.attempts < maxAttempts) again(job);
        else settle();
      });
    track(others);
  }

  async function isOurs(): Promise<boolean> {
    return ours.has(await deps.committedVersion());
  }

  function failed(job: Job, error: unknown): void {
    broken = true;
    if (error instanceof StaleHead) beaten = true;
    if (isOvertaken(error) && job.attempts < maxAttempts) again(job);
    else job.reject(error);
  }

  function again(job: Job): void {
    job.attempts += 1;
    retry.push(job);
  }

  function track(task: Promise<void>): void {
    inFlight.add(task);
    void task.finally(() => {
      inFlight.delete(task);
      if (broken || turn?.isWanted === true) void pump();
      if (!running && inFlight.size === 0) for (const waiter of idleWaiters.splice(0)) waiter();
    });
  }
}
