/**
 * One mailbox per room: its commands run one after another on the room's head in memory and hand
 * their rows to the log. A command does not wait for the commit of the one before. When a commit
 * fails, everything built on it fails too: the head is loaded again, and the failed commands run
 * again in their order. With several replicas, commands run only during this replica's turn (see
 * cluster/room-turns.ts).
 */
import type { Log } from "../../log/types.ts";
import type { RoomTurn, Writer } from "../../cluster/room-turns.ts";
import { createYielder } from "../../platform/yielder.ts";
import type { Append, Committed } from "../../log/types.ts";
import { isOvertaken, StaleHead } from "../../log/types.ts";
import type { Head } from "./head.ts";

/** The outcome of a command: its answer, and what must be committed before the answer is given. */
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
  /** Gives up the room's turn. Only for an idle mailbox. */
  close(): void;
}

export interface MailboxDeps {
  /** Loads the room's committed head; `last` is an earlier committed one. */
  readonly load: (last: Head | undefined) => Promise<Head>;
  /** The committed head's version; 0 without one. */
  readonly committedVersion: () => Promise<number>;
  readonly append: Log["append"];
  /** The room's turn on this replica; absent when there is only one replica. */
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
/**
 * For several replicas when nobody can tell whose turn it is (Redis is away): some seconds, with
 * the pauses.
 */
const MAX_ATTEMPTS_AMONG_OTHERS = 60;
/** How long a room's commands run before other work gets a chance. */
const BURST_MS = 4;

export function createMailbox(deps: MailboxDeps): Mailbox {
  const queue: Job[] = [];
  const retry: Job[] = [];
  const inFlight = new Set<Promise<void>>();
  const idleWaiters: (() => void)[] = [];
  /** Head versions that this mailbox loaded or made since it last loaded the head. */
  const ours = new Set<number>();
  let head: Head | undefined;
  /** The last committed head, after another replica may have had the turn. */
  let last: Head | undefined;
  let hasFailed = false;
  /** Another writer moved the head first. */
  let lostRace = false;
  let running = false;
  let order = 0;
  /** Ends the pause in which further commands are awaited. */
  let endPause: (() => void) | undefined;
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
        endPause?.();
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
      if (hasFailed) await startAfresh();
      if (turn !== undefined && (await passTurnIfDue(turn))) continue;
      if (queue.length === 0) break;
      const taken = turn?.take();
      // Other replicas may have written meanwhile: the head in memory is out of date.
      if (taken !== undefined && taken !== "kept" && (await taken) === "new") forget(head);
      await execute(queue.shift()!);
      // Commands that find everything in memory never yield: one room's queue must not hold up the
      // others.
      await yielder.pauseIfDue();
    }
    running = false;
    if (inFlight.size === 0) for (const waiter of idleWaiters.splice(0)) waiter();
  }

  /** Passes the turn to another replica when it is time. True: check the queue again. */
  async function passTurnIfDue(roomTurn: RoomTurn): Promise<boolean> {
    if (!roomTurn.isWanted) return false;
    // Read once: it may change a moment later, and running commits have to end before the turn is
    // passed on.
    const { isOver } = roomTurn;
    if (isOver && inFlight.size > 0) {
      await Promise.all(inFlight);
      return true;
    }
    if (!isOver) {
      if (queue.length > 0 || inFlight.size > 0) return false;
      // A client that has just been answered may send its next event at once.
      const pause = new AbortController();
      endPause = () => pause.abort("more");
      await roomTurn.linger(pause.signal);
      endPause = undefined;
      if (queue.length > 0) return true;
    }
    await roomTurn.pass();
    return true;
  }

  function forget(committed?: Head): void {
    last = committed;
    head = undefined;
    ours.clear();
  }

  /**
   * After a failed commit: waits for everything built on it, then queues the failed commands again.
   */
  async function startAfresh(): Promise<void> {
    await Promise.all(inFlight);
    if (lostRace) await turn?.yield();
    lostRace = false;
    hasFailed = false;
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
   * A result without an append was computed on a head that may fail to commit, or that another
   * writer may have moved. It is returned once that is ruled out; otherwise the command runs again.
   */
  function settleAfterOthers(job: Job, isFresh: boolean, settle: () => void): void {
    if (isFresh && inFlight.size === 0 && !hasFailed) {
      settle();
      return;
    }
    const others = Promise.all(inFlight)
      .then(() => hasFailed || isOurs())
      .catch(() => true)
      .then((current) => {
        if (!current) hasFailed = true;
        if (hasFailed && job.attempts < maxAttempts) retryLater(job);
        else settle();
      });
    track(others);
  }

  async function isOurs(): Promise<boolean> {
    return ours.has(await deps.committedVersion());
  }

  function failed(job: Job, error: unknown): void {
    hasFailed = true;
    if (error instanceof StaleHead) lostRace = true;
    if (isOvertaken(error) && job.attempts < maxAttempts) retryLater(job);
    else job.reject(error);
  }

  function retryLater(job: Job): void {
    job.attempts += 1;
    retry.push(job);
  }

  function track(task: Promise<void>): void {
    inFlight.add(task);
    void task.finally(() => {
      inFlight.delete(task);
      if (hasFailed || turn?.isWanted === true) void pump();
      if (!running && inFlight.size === 0) for (const waiter of idleWaiters.splice(0)) waiter();
    });
  }
}
