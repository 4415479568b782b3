import { QrCodeData } from "@matrix-org/matrix-sdk-crypto-wasm";
import { createClient, OAuth2 } from "matrix-js-sdk";
import {
  linkNewDeviceByGeneratingQR,
  MSC4108RendezvousSession,
  MSC4108SecureChannel,
  MSC4108SignInWithQR,
} from "matrix-js-sdk/lib/rendezvous/index.js";
import { letDeviceIn } from "../../support/let-device-in.ts";
import { inTime } from "../../support/wait.ts";
import { type JsDevice, knowsKeys, type Owner, passwordOf, startDevice } from "./js-sdk.ts";

const NEW_DEVICE = "BYQRCODE";

/**
 * Signs in on a new device that scans what a device of the same user shows, all of it as matrix-js-sdk does: the
 * rendezvous, the secure channel, OAuth's device grant, which the user confirms in a browser, and the secrets.
 */
export async function signInByCode(
  showing: JsDevice,
  owner: Owner,
): Promise<{ device: JsDevice; checkCodes: (string | undefined)[] }> {
  const failed = () => {};
  const { signal } = new AbortController();
  const existing = await linkNewDeviceByGeneratingQR(showing.client, failed, signal);

  const code = QrCodeData.fromBytes(existing.code!);
  const url = code.intentData.msc4108!.rendezvousUrl;
  const scanned = new MSC4108RendezvousSession({ url, onFailure: failed });
  const channel = new MSC4108SecureChannel(scanned, code.publicKey, failed);
  const added = new MSC4108SignInWithQR(channel, true, undefined, failed);

  await inTime(
    "both are connected",
    Promise.all([existing.negotiateProtocols(), added.negotiateProtocols()]),
  );
  const checkCodes = [existing.checkCode, added.checkCode];
  const metadata = await createClient(owner.server).getAuthMetadata();
  const clientId = await OAuth2.registerClient(metadata, {
    client_name: "The new device",
    client_uri: "http://127.0.0.1/app",
    redirect_uris: ["http://127.0.0.1/app/back"],
    application_type: "native",
  });
  const [{ verificationUri }] = await inTime(
    "the grant is asked for",
    Promise.all([
      existing.deviceAuthorizationGrant(),
      added.deviceAuthorizationGrant({ metadata, clientId, deviceId: NEW_DEVICE }),
    ]),
  );
  const sharing = existing.shareSecrets();
  sharing.catch(failed);
  await letDeviceIn(verificationUri!, owner.username, passwordOf(owner));
  const tokens = await inTime("it is let in", added.completeLoginOnNewDevice({ clientId }));
  const session = { user_id: showing.userId, device_id: NEW_DEVICE };
  const device = await startDevice(owner, { ...session, access_token: tokens!.access_token });
  const { secrets } = await inTime("the secrets", added.shareSecrets());
  await knowsKeys(device);
  await device.crypto.importSecretsBundle!(secrets!);
  await device.crypto.crossSignDevice(device.deviceId);
  await inTime("the old device is done", sharing);
  await channel.close();
  return { device, checkCodes };
}
