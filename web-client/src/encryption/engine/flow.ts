import {
  QrState,
  VerificationMethod,
  VerificationRequestPhase,
  type CancelInfo,
  type Qr,
  type Sas,
  type VerificationRequest,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Verification, VerificationEnd, VerificationPhase } from "../port.ts";

/** A verification that is followed. */
export interface Flow {
  id: string;
  request: VerificationRequest;
  sas: Sas | undefined;
  qr: Qr | undefined;
  /** The code is being made. */
  isMakingQr: boolean;
  /** What we asked for, when it was timed out or refused by the machine itself. */
  expiresAt: number;
  timer: ReturnType<typeof setTimeout>;
  wasDone: boolean;
}

function endOf(info: CancelInfo | undefined, isTimedOut: boolean): VerificationEnd | undefined {
  if (info !== undefined) {
    return { code: info.cancelCode(), reason: info.reason(), byUs: info.cancelledbyUs() };
  }
  return isTimedOut ? { code: "m.timeout", reason: "", byUs: true } : undefined;
}

function sasPhase(sas: Sas): VerificationPhase {
  if (sas.isDone()) return "done";
  if (sas.isCancelled()) return "cancelled";
  if (sas.haveWeConfirmed()) return "confirming";
  return sas.canBePresented() ? "emoji" : "starting";
}

function qrPhase(qr: Qr): VerificationPhase {
  switch (qr.state()) {
    case QrState.Created:
      return "ready";
    case QrState.Scanned:
      return "scanned";
    case QrState.Confirmed:
    case QrState.Reciprocated:
      return "confirming";
    case QrState.Done:
      return "done";
    default:
      return "cancelled";
  }
}

function phaseOf({ request, sas, qr }: Flow): VerificationPhase {
  if (request.isDone()) return "done";
  if (request.isCancelled() || request.isPassive()) return "cancelled";
  switch (request.phase()) {
    case VerificationRequestPhase.Created:
    case VerificationRequestPhase.Requested:
      if (request.timedOut()) return "cancelled";
      return request.weStarted() ? "waiting" : "asked";
    case VerificationRequestPhase.Transitioned:
      if (sas !== undefined) return sasPhase(sas);
      return qr === undefined ? "starting" : qrPhase(qr);
    default:
      return request.timedOut() ? "cancelled" : "ready";
  }
}

function decimalsOf(sas: Sas): readonly [number, number, number] | undefined {
  const all = sas.decimals();
  return all === undefined ? undefined : [all[0]!, all[1]!, all[2]!];
}

function emojiOf(sas: Sas): Verification["emoji"] {
  const numbers = sas.emojiIndex();
  const list = sas.emoji();
  if (numbers === undefined || list === undefined) return undefined;
  return list.map(({ symbol, description }, at) => ({ number: numbers[at]!, symbol, description }));
}

/** How a verification stands now. */
export function snapshot(flow: Flow): Verification {
  const { request, sas, qr } = flow;
  const phase = phaseOf(flow);
  const theirs = request.theirSupportedMethods ?? [];
  const both = (method: VerificationMethod): boolean =>
    theirs.includes(method) && theirs.includes(VerificationMethod.ReciprocateV1);
  const isReady = phase === "ready";
  const ours = request.ourSupportedMethods ?? [];
  return {
    id: flow.id,
    phase,
    userId: request.otherUserId.toString(),
    deviceId: request.otherDeviceId?.toString(),
    isSelf: request.isSelfVerification(),
    isIncoming: !request.weStarted(),
    roomId: request.roomId?.toString(),
    expiresAt: flow.expiresAt,
    canEmoji: theirs.includes(VerificationMethod.SasV1),
    canShowQr: isReady && qr !== undefined,
    canScanQr:
      isReady &&
      ours.includes(VerificationMethod.QrCodeScanV1) &&
      both(VerificationMethod.QrCodeShowV1),
    qr: isReady && qr !== undefined ? Uint8Array.from(qr.toBytes()) : undefined,
    emoji: phase === "emoji" && sas !== undefined ? emojiOf(sas) : undefined,
    decimals: phase === "emoji" && sas !== undefined ? decimalsOf(sas) : undefined,
    end:
      phase === "cancelled"
        ? (endOf(
            request.cancelInfo ?? sas?.cancelInfo() ?? qr?.cancelInfo(),
            request.timedOut() || sas?.timedOut() === true,
          ) ?? { code: "m.accepted", reason: "", byUs: false })
        : undefined,
  };
}
