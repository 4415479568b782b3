import { createPeer, type PeerMessage } from "./peer.ts";
import type { EngineCalls, Host } from "./protocol.ts";
import { openVault, storeName } from "./vault.ts";
import type { Engine } from "./engine/engine.ts";

/**
 * The worker of a tab. It waits until no other tab has the engine of this device, then opens it. The lock is the
 * worker's own: it lasts exactly as long as the store can be written.
 */

/** From the page: who it is for, and later that it may open the engine, or is to let go. */
export type ToWorker =
  | { kind: "start"; userId: string; deviceId: string }
  | { kind: "open"; scans: boolean }
  | { kind: "steal" }
  | { kind: "close" }
  | PeerMessage;

/** To the page: the lead was got; it was taken away by another tab; the engine is open; it cannot be opened; it died; it is closed. */
export type FromWorker =
  | { kind: "leading" }
  | { kind: "lost" }
  | { kind: "opened" }
  | { kind: "failed"; problem: string }
  | { kind: "died"; problem: string }
  | { kind: "closed" }
  | PeerMessage;

type HostCalls = {
  [Name in keyof Host]: (
    ...args: Parameters<Host[Name]>
  ) => Promise<Awaited<ReturnType<Host[Name]>>>;
};

const post = (message: FromWorker): void => postMessage(message);

let who: { userId: string; deviceId: string } | undefined;
let engine: Engine | undefined;
let release: (() => void) | undefined;
/** Ends the wait for the lock. */
const inLine = new AbortController();

/** A panic leaves the machine's memory as it was in the middle of its work: nothing can be done with it any more. */
function isDeath(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError;
}

/** The engine's calls, which tell of the machine's death. */
function guarded(calls: EngineCalls): Record<string, (...args: never[]) => Promise<unknown>> {
  const table = calls as unknown as Record<string, (...args: never[]) => Promise<unknown>>;
  return Object.fromEntries(
    Object.entries(table).map(([name, work]) => [
      name,
      async (...args: never[]) => {
        try {
          return await work(...args);
        } catch (error) {
          if (isDeath(error)) post({ kind: "died", problem: String(error) });
          throw error;
        }
      },
    ]),
  );
}

const page = createPeer<HostCalls>(post, () =>
  engine === undefined ? undefined : guarded(engine.calls),
);

async function open(scans: boolean): Promise<void> {
  const { userId, deviceId } = who!;
  try {
    const vault = await openVault(userId, deviceId);
    const key = await vault.storeKey();
    vault.close();
    const { openEngine } = await import("./engine/engine.ts");
    engine = await openEngine(
      { userId, deviceId, scans, store: { name: storeName(userId, deviceId), key } },
      {
        request: (request) => page.call("request", request),
        publishIdentity: (body, proofs) => page.call("publishIdentity", body, proofs),
        sendToRoom: (...args) => page.call("sendToRoom", ...args),
        tell: (news) => void page.call("tell", news),
      },
    );
    post({ kind: "opened" });
  } catch (error) {
    post({ kind: "failed", problem: String(error) });
  }
}

/** Waits for the lock; with `steal`, takes it from whoever has it and says nothing. */
async function lead(steal: boolean): Promise<void> {
  const { userId, deviceId } = who!;
  const name = `weft.encryption ${userId} ${deviceId}`;
  const how = steal ? { steal } : { signal: inLine.signal };
  try {
    await navigator.locks.request(name, how, () => {
      post({ kind: "leading" });
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    });
  } catch (error) {
    if (!steal && inLine.signal.aborted) return;
    if (release === undefined) return post({ kind: "failed", problem: String(error) });
    // The lock was stolen: nothing more is written by this engine.
    engine?.close();
    engine = undefined;
    post({ kind: "lost" });
  }
}

function close(): void {
  engine?.close();
  engine = undefined;
  release?.();
  post({ kind: "closed" });
}

addEventListener("unhandledrejection", (event) => {
  if (isDeath(event.reason)) post({ kind: "died", problem: String(event.reason) });
});

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  switch (data.kind) {
    case "start":
      who = data;
      void lead(false);
      return;
    case "steal":
      if (release !== undefined || inLine.signal.aborted) return;
      inLine.abort();
      void lead(true);
      return;
    case "open":
      void open(data.scans);
      return;
    case "close":
      return close();
    default:
      page.receive(data);
  }
});
