import type { VerificationRequest } from "@matrix-org/matrix-sdk-crypto-wasm";
import { EncryptionError } from "../errors.ts";
import type { Verification } from "../port.ts";
import { snapshot, type Flow } from "./flow.ts";

/** Verifications that are kept for the screen, ended ones among them. */
const MAX_LISTED = 20;

/** The verifications that are followed, by id. `tell` is given all of them whenever one may have changed. */
export function createFlows(tell: (list: Verification[]) => void) {
  const flows = new Map<string, Flow>();

  function publish(): void {
    tell([...flows.values()].map(snapshot));
  }

  function drop(id: string): void {
    clearTimeout(flows.get(id)?.timer);
    flows.delete(id);
  }

  return {
    publish,
    all: (): Flow[] => [...flows.values()],

    /** Throws `verification-over` when it is not followed. */
    get(id: string): Flow {
      const flow = flows.get(id);
      if (flow === undefined) throw new EncryptionError("verification-over");
      return flow;
    },

    /** Follows a request from now on. The oldest ones make room for it. */
    follow(request: VerificationRequest): Flow {
      const id = request.flowId;
      const known = flows.get(id);
      if (known !== undefined) return known;
      const left = request.timeRemainingMillis();
      const flow: Flow = {
        id,
        request,
        sas: undefined,
        qr: undefined,
        isMakingQr: false,
        expiresAt: Date.now() + left,
        timer: setTimeout(publish, left + 50),
        wasDone: false,
      };
      flows.set(id, flow);
      for (const old of flows.keys()) {
        if (flows.size <= MAX_LISTED) break;
        drop(old);
      }
      publish();
      return flow;
    },

    dismiss(id: string): void {
      if (!flows.has(id)) return;
      drop(id);
      publish();
    },

    stop(): void {
      for (const { timer } of flows.values()) clearTimeout(timer);
    },
  };
}
