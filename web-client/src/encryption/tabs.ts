import { EncryptionError, unpackError, packError, type PackedError } from "./errors.ts";
import { createPeer } from "./peer.ts";
import type { EngineCalls, Host, News } from "./protocol.ts";
import { createWatchdog } from "./watchdog.ts";
import type { FromWorker, ToWorker } from "./worker.ts";

/** What tabs of one device say to one another. */
type TabMessage =
  | { kind: "hello"; from: string }
  /** `turn` is another one for each engine that was opened. */
  | { kind: "leading"; turn: string }
  | { kind: "ping" }
  | { kind: "alive" }
  | { kind: "news"; news: News }
  | { kind: "failed"; problem: string }
  | { kind: "call"; from: string; id: number; method: keyof EngineCalls; args: unknown[] }
  | { kind: "answer"; to: string; id: number; value?: unknown; error?: PackedError };

interface Pending extends PromiseWithResolvers<unknown> {
  method: keyof EngineCalls;
  args: unknown[];
  /** How often it was begun: what ends the engine twice is not tried a third time. */
  attempts: number;
  /** The engine that it was given to. */
  turn: string | undefined;
}

export interface Line {
  /** Asks the engine, wherever it is. Waits until there is one. */
  call<Method extends keyof EngineCalls>(
    method: Method,
    ...args: Parameters<EngineCalls[Method]>
  ): ReturnType<EngineCalls[Method]>;
  /** Begins again after a failure. */
  restart(): void;
  /** Takes the engine for failed, for all tabs, though it is there: it does not do what it is there for. */
  giveUp(problem: string): void;
  /** Lets go. Resolves when this tab has nothing of the engine open. */
  close(): Promise<void>;
}

export interface LineDeps {
  userId: string;
  deviceId: string;
  scans: boolean;
  host: Omit<Host, "tell">;
  /** False when the device has been signed out: its engine is not opened again. */
  isWanted(): boolean;
  onNews(news: News): void;
  onFailure(problem: string): void;
  startWorker(): Worker;
}

/** Restarts after a panic, at most so many within a minute. */
const MAX_DEATHS = 5;
/** What ends the engine twice is not tried a third time. */
const MAX_ATTEMPTS = 2;
/** Milliseconds after which an engine that is being opened is told of as failed. It may still come. */
const OPENING = 90_000;

type EngineTable = EngineCalls & Record<string, (...args: never[]) => Promise<unknown>>;

/** What an engine can call in its tab. */
function hostCalls(host: LineDeps["host"], onNews: (news: News) => void) {
  return {
    request: host.request,
    publishIdentity: host.publishIdentity,
    sendToRoom: host.sendToRoom,
    tell: async (news: News) => onNews(news),
  };
}

/** Answers what was asked of the engine. */
function settleIn(
  pending: Map<number, Pending>,
  id: number,
  outcome: { value?: unknown; error?: PackedError },
): void {
  const call = pending.get(id);
  pending.delete(id);
  if (outcome.error === undefined) call?.resolve(outcome.value);
  else call?.reject(unpackError(outcome.error));
}

/**
 * Connects a tab with the engine of its device. Each tab has a worker; the one whose worker got the lock leads, and
 * serves the others over a broadcast channel. When it goes, the next one leads, and what was asked is asked again. Browsers of
 * phones stop tabs that are not looked at: from one that says nothing while it is asked, the lead is taken.
 */
export function openLine(deps: LineDeps): Line {
  const me = crypto.randomUUID();
  const channel = new BroadcastChannel(`weft.encryption ${deps.userId} ${deps.deviceId}`);
  const pending = new Map<number, Pending>();
  /** The newest of each kind, for tabs that come later. */
  const newest = new Map<News["kind"], News>();
  let last = 0;
  let worker: Worker | undefined;
  let [isLeading, isOpen, isClosed] = [false, false, false];
  /** The engine that is served now, wherever it is. */
  let turn: string | undefined;
  let failure: string | undefined;
  let deaths: number[] = [];
  let onClosed: (() => void) | undefined;
  const watchdog = createWatchdog({ isNeeded, ping, steal });
  const say = (message: TabMessage): void => channel.postMessage(message);
  const tell = (message: ToWorker): void => worker?.postMessage(message);
  function isNeeded(): boolean {
    return pending.size > 0 && !isLeading && !isClosed;
  }
  function ping(): void {
    say({ kind: "ping" });
  }
  function steal(): void {
    tell({ kind: "steal" });
  }
  function spread(news: News): void {
    takeNews(news);
    say({ kind: "news", news });
  }

  function takeNews(news: News): void {
    if (news.kind === "status" || news.kind === "verifications") newest.set(news.kind, news);
    // What it says of itself is told once it is there, and can be asked.
    if (failure === undefined || news.kind !== "status") deps.onNews(news);
  }

  const engine = createPeer<EngineTable>(tell, () => hostCalls(deps.host, spread));
  function askOwn(method: keyof EngineCalls, args: unknown[]): Promise<unknown> {
    return engine.call(method, ...(args as never)) as Promise<unknown>;
  }
  function dispatch(id: number): void {
    // Once for each engine; without one it waits.
    const call = pending.get(id);
    if (call === undefined || turn === undefined || call.turn === turn) return;
    call.turn = turn;
    if (++call.attempts > MAX_ATTEMPTS) {
      settle(id, { error: packError(new EncryptionError("unavailable")) });
    } else if (!isLeading) {
      say({ kind: "call", from: me, id, method: call.method, args: call.args });
    } else {
      askOwn(call.method, call.args).then(
        (value) => settle(id, { value }),
        (error: unknown) => settle(id, { error: packError(error) }),
      );
    }
  }

  function settle(id: number, outcome: { value?: unknown; error?: PackedError }): void {
    settleIn(pending, id, outcome);
    watchdog.heard();
  }

  function fail(problem: string): void {
    failure = problem;
    for (const call of pending.values()) call.reject(new EncryptionError("unavailable", problem));
    pending.clear();
    deps.onFailure(problem);
  }

  /** An engine is there: what was asked of one before it is asked again. */
  function follow(which: string): void {
    const hadFailed = failure !== undefined;
    failure = undefined;
    turn = which;
    if (hadFailed) for (const news of newest.values()) deps.onNews(news);
    for (const id of pending.keys()) dispatch(id);
    watchdog.heard();
  }

  async function serve(message: TabMessage & { kind: "call" }): Promise<void> {
    const { from: to, id, method, args } = message;
    try {
      say({ kind: "answer", to, id, value: await askOwn(method, args) });
    } catch (error) {
      say({ kind: "answer", to, id, error: packError(error) });
    }
  }

  function fromTab(message: TabMessage): void {
    switch (message.kind) {
      case "hello":
        if (!isLeading || !isOpen || turn === undefined) return;
        say({ kind: "leading", turn });
        for (const news of newest.values()) say({ kind: "news", news });
        return;
      case "ping":
        return isLeading ? say({ kind: "alive" }) : undefined;
      case "alive":
        return watchdog.heard();
      case "leading":
        return isLeading ? undefined : follow(message.turn);
      case "news":
        return takeNews(message.news);
      case "failed":
        if (!isLeading) fail(message.problem);
        return;
      case "call":
        if (isLeading && isOpen) void serve(message);
        return;
      case "answer":
        if (message.to === me) settle(message.id, message);
    }
  }

  function revive(problem: string): void {
    // The machine died, or the worker with it: the calls under way are made once more by a new one.
    worker?.terminate();
    isLeading = false;
    isOpen = false;
    turn = undefined;
    const now = Date.now();
    deaths = [...deaths.filter((at) => now - at < 60_000), now];
    if (isClosed) return;
    if (deaths.length > MAX_DEATHS) {
      fail(problem);
      return;
    }
    start();
  }

  function open(): void {
    const opening = worker;
    setTimeout(() => {
      if (isLeading && !isOpen && !isClosed && worker === opening) giveUp("It does not start");
    }, OPENING);
    tell({ kind: "open", scans: deps.scans });
  }

  function giveUp(problem: string): void {
    say({ kind: "failed", problem });
    fail(problem);
  }

  function fromWorker(message: FromWorker): void {
    switch (message.kind) {
      case "leading":
        isLeading = true;
        watchdog.heard();
        if (deps.isWanted() && !isClosed) return open();
        worker?.terminate();
        isLeading = false;
        return fail("signed out");
      case "opened":
        isOpen = true;
        follow(crypto.randomUUID());
        return say({ kind: "leading", turn: turn! });
      case "failed":
        worker?.terminate();
        isLeading = false;
        return giveUp(message.problem);
      case "died":
        return revive(message.problem);
      case "lost":
        // Another tab took this one for stopped: it is in line again.
        worker?.terminate();
        isLeading = false;
        isOpen = false;
        return start();
      case "closed":
        return onClosed?.();
      default:
        engine.receive(message);
    }
  }

  function start(): void {
    failure = undefined;
    const started = deps.startWorker();
    worker = started;
    started.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
      if (worker === started) fromWorker(data);
    });
    started.addEventListener("error", (event) => {
      if (worker === started) revive(event.message);
    });
    tell({ kind: "start", userId: deps.userId, deviceId: deps.deviceId });
  }

  channel.addEventListener("message", ({ data }) => isClosed || fromTab(data as TabMessage));
  start();
  say({ kind: "hello", from: me });
  return {
    call(method, ...args) {
      type Answer = ReturnType<EngineCalls[typeof method]>;
      if (isClosed || failure !== undefined) {
        return Promise.reject(new EncryptionError("unavailable", failure)) as Answer;
      }
      const id = ++last;
      const call: Pending = {
        ...Promise.withResolvers<unknown>(),
        method,
        args,
        attempts: 0,
        turn: undefined,
      };
      pending.set(id, call);
      dispatch(id);
      watchdog.watch();
      return call.promise as Answer;
    },

    restart(): void {
      if (failure === undefined || isClosed) return;
      deaths = [];
      worker?.terminate();
      isLeading = false;
      isOpen = false;
      turn = undefined;
      start();
      say({ kind: "hello", from: me });
    },
    giveUp,
    async close(): Promise<void> {
      if (isClosed) return;
      isClosed = true;
      watchdog.heard();
      for (const call of pending.values()) call.reject(new EncryptionError("unavailable"));
      pending.clear();
      if (isOpen) {
        const closed = new Promise<void>((resolve) => {
          onClosed = resolve;
          // A worker that does not answer is ended all the same.
          setTimeout(resolve, 3000);
        });
        tell({ kind: "close" });
        await closed;
      }
      worker?.terminate();
      channel.close();
    },
  };
}
