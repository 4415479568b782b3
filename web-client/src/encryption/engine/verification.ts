import {
  DeviceId,
  EventId,
  OwnUserIdentity,
  Qr,
  QrCodeScan,
  RoomId,
  Sas,
  UserId,
  VerificationMethod,
  VerificationRequestPhase,
  type OutgoingVerificationRequest,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { text, type Content } from "../../api/types.ts";
import { EncryptionError } from "../errors.ts";
import type { Verification } from "../port.ts";
import { createQueue } from "../queue.ts";
import { userIds, type Core } from "./core.ts";
import { snapshot, type Flow } from "./flow.ts";
import { createFlows } from "./flows.ts";
import type { Writing } from "./writing.ts";

/** The ways to verify that this device offers. */
function waysOf(scans: boolean): VerificationMethod[] {
  const { SasV1, QrCodeShowV1, QrCodeScanV1, ReciprocateV1 } = VerificationMethod;
  return [SasV1, QrCodeShowV1, ReciprocateV1, ...(scans ? [QrCodeScanV1] : [])];
}

/**
 * Makes the code that the other side can scan, where it can. Once at a time: for the machine a second code is another
 * verification with the same person, and it ends both.
 */
async function makeQr(flow: Flow): Promise<void> {
  const theirs = flow.request.theirSupportedMethods ?? [];
  if (flow.isMakingQr || !theirs.includes(VerificationMethod.QrCodeScanV1)) return;
  flow.isMakingQr = true;
  try {
    // Needs an identity on both sides; without it there is no code.
    const qr = await flow.request.generateQrCode().catch(() => undefined);
    flow.qr ??= qr;
  } finally {
    flow.isMakingQr = false;
  }
}

/** Verifications, theirs and ours. `onDone` is told of each that ended well. */
export function createVerifications(
  { machine, requests, host, userId }: Core,
  writing: Writing,
  scans: boolean,
  onDone: (of: Verification) => void,
) {
  const flows = createFlows((list) => host.tell({ kind: "verifications", list }));
  const { follow, publish } = flows;
  /** What happens in rooms, one after another: no answer goes in before what it answers, be it ours or theirs. */
  const inTurn = createQueue();
  const methods = waysOf(scans);

  async function send(request: OutgoingVerificationRequest | undefined): Promise<void> {
    if (request !== undefined) await requests.send(request);
  }

  /** Follows a change: a way was chosen, the other side answered, or it ended. */
  async function changed(flow: Flow): Promise<void> {
    const { request } = flow;
    const chosen = request.getVerification();
    if (chosen instanceof Sas) {
      // Another one took its place if both sides began at once and ours lost.
      flow.sas = chosen;
      // The person has accepted the whole already, and compares at the end. (Ours needs no such message.)
      if (!chosen.hasBeenAccepted()) await send(chosen.accept());
    } else if (chosen instanceof Qr) {
      flow.qr = chosen;
    }
    if (request.phase() === VerificationRequestPhase.Ready && flow.qr === undefined) {
      await makeQr(flow);
    }
    const now = snapshot(flow);
    if (now.phase === "done" && !flow.wasDone) {
      flow.wasDone = true;
      onDone(now);
    }
    publish();
  }

  /** Looks at all that go on: the machine took something in. */
  async function refresh(): Promise<void> {
    const all = flows.all();
    for (const flow of all) {
      const { phase } = snapshot(flow);
      if (phase !== "cancelled" && !(phase === "done" && flow.wasDone)) await changed(flow);
    }
    if (all.length > 0) publish();
  }

  /** Makes sure that the device that asks is known: the machine ignores what others ask. */
  async function knowSender(user: string, device: string | undefined): Promise<void> {
    await writing.track([user]);
    const known =
      device === undefined
        ? undefined
        : await machine.getDevice(new UserId(user), new DeviceId(device));
    if (known === undefined) await requests.send(machine.queryKeysForUsers([new UserId(user)]));
  }

  /** The devices of the other side must be known before a step that uses their keys. */
  const knowOther = ({ request }: Flow): Promise<void> =>
    knowSender(request.otherUserId.toString(), request.otherDeviceId?.toString());

  /** A device asks: by a message to this one, or in a room. */
  function incoming(sender: string, flowId: string): void {
    const [user] = userIds([sender]);
    const request = user && machine.getVerificationRequest(user, flowId);
    if (request === undefined || request.isPassive() || request.isCancelled()) return;
    follow(request);
  }

  return {
    refresh,
    knowSender,

    incoming,

    async request(user: string, device?: string): Promise<string> {
      await writing.track([user]);
      if (device !== undefined) {
        const target = await machine.getDevice(new UserId(user), new DeviceId(device));
        if (target === undefined) throw new EncryptionError("verification-over", "no such device");
        const [request, message] = target.requestVerification(methods);
        await requests.send(message);
        return follow(request).id;
      }
      const identity = await machine.getIdentity(new UserId(userId));
      if (user !== userId || !(identity instanceof OwnUserIdentity)) {
        throw new EncryptionError("verification-over", "no identity");
      }
      const [request, message] = await identity.requestVerification(methods);
      await requests.send(message);
      return follow(request).id;
    },

    requestIn(roomId: string, user: string): Promise<string> {
      return inTurn(async () => {
        await writing.track([user]);
        const identity = await machine.getIdentity(new UserId(user));
        if (identity === undefined || identity instanceof OwnUserIdentity) {
          throw new EncryptionError("verification-over", "no identity");
        }
        const content = identity.verificationRequestContent(methods);
        const txnId = `weft-${crypto.randomUUID()}`;
        const eventId = await host.sendToRoom(roomId, "m.room.message", content, txnId);
        const place = new RoomId(roomId);
        return follow(identity.requestVerification(place, new EventId(eventId), methods)).id;
      });
    },

    async accept(id: string): Promise<void> {
      const flow = flows.get(id);
      await send(flow.request.acceptWithMethods(methods));
      await changed(flow);
    },

    async startEmoji(id: string): Promise<void> {
      const flow = flows.get(id);
      await knowOther(flow);
      const started = await flow.request.startSas();
      if (started === undefined) throw new EncryptionError("verification-over");
      await changed(flow);
      await requests.send(started[1]);
    },

    async confirm(id: string): Promise<void> {
      const flow = flows.get(id);
      if (flow.sas !== undefined) {
        for (const message of await flow.sas.confirm()) await requests.send(message);
      } else {
        await send(flow.qr?.confirmScanning());
      }
      await changed(flow);
    },

    async scanned(id: string, bytes: Uint8Array): Promise<void> {
      const flow = flows.get(id);
      await knowOther(flow);
      try {
        const scan = QrCodeScan.fromBytes(Uint8ClampedArray.from(bytes));
        flow.qr = await flow.request.scanQrCode(scan);
      } catch (error) {
        throw new EncryptionError("wrong-code", String(error));
      }
      await send(flow.qr.reciprocate());
      await changed(flow);
    },

    async cancel(id: string, why: "user" | "mismatch"): Promise<void> {
      const flow = flows.get(id);
      const isMismatch = why === "mismatch" && flow.sas !== undefined;
      await send(isMismatch ? flow.sas!.cancelWithCode("m.mismatched_sas") : flow.request.cancel());
      await changed(flow);
    },

    dismiss: flows.dismiss,

    inRoom(roomId: string, json: string): Promise<void> {
      return inTurn(async () => {
        const event = JSON.parse(json) as {
          event_id: string;
          sender: string;
          type: string;
          content: Content;
        };
        if (event.type === "m.room.message" && event.sender !== userId) {
          await knowSender(event.sender, text(event.content, "from_device")).catch(() => undefined);
        }
        await machine.receiveVerificationEvent(json, new RoomId(roomId));
        if (event.type === "m.room.message" && event.sender !== userId) {
          incoming(event.sender, event.event_id);
        }
        // Not in turn: an answer of ours that cannot be sent now must not hold up what comes next.
        void requests
          .flush()
          .then(refresh)
          .catch(() => undefined);
      });
    },

    stop: flows.stop,
  };
}
