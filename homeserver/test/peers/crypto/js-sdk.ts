import {
  createClient,
  Filter,
  type IStartClientOpts,
  type MatrixClient,
  type MatrixEvent,
  SyncState,
} from "matrix-js-sdk";
import {
  CryptoEvent,
  type ShowSasCallbacks,
  VerificationPhase,
  type VerificationRequest,
  type Verifier,
  VerifierEvent,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import type { Served } from "../../support/user.ts";
import { eventually, inTime } from "../../support/wait.ts";

/** One device of somebody: matrix-js-sdk with its Rust crypto, which keeps its keys in memory. */
export interface JsDevice {
  readonly client: MatrixClient;
  readonly crypto: NonNullable<ReturnType<MatrixClient["getCrypto"]>>;
  readonly userId: string;
  readonly deviceId: string;
}

/** Somebody, with the key of their secret storage once they have one. */
export interface Owner {
  readonly username: string;
  readonly server: Served;
  recoveryKey?: Uint8Array<ArrayBuffer>;
}

/** How a client is to sync, where it is not by `/sync`. */
type SyncOptions = (client: MatrixClient) => IStartClientOpts;

/** Signs in on a new device by password, and syncs. */
export async function signIn(owner: Owner, options?: SyncOptions): Promise<JsDevice> {
  const { username, server } = owner;
  const session = await createClient({ baseUrl: server.baseUrl }).loginRequest({
    type: "m.login.password",
    identifier: { type: "m.id.user", user: username },
    password: passwordOf(owner),
  });
  return await startDevice(owner, session, options);
}

/** The password with which somebody has registered. */
export const passwordOf = ({ username }: Owner): string => `${username}-Secret-1`;

/** A device that has signed in, and syncs. */
export async function startDevice(
  owner: Owner,
  session: { user_id: string; access_token: string; device_id: string },
  options: SyncOptions = () => wholeSync(session.user_id),
): Promise<JsDevice> {
  const { baseUrl } = owner.server;
  const client = createClient({
    baseUrl,
    userId: session.user_id,
    accessToken: session.access_token,
    deviceId: session.device_id,
    cryptoCallbacks: {
      getSecretStorageKey({ keys }) {
        const [keyId] = Object.keys(keys);
        const key = owner.recoveryKey;
        return Promise.resolve(keyId !== undefined && key ? [keyId, key] : null);
      },
    },
  });
  await client.initRustCrypto({ useIndexedDB: false });
  await client.startClient(options(client));
  await eventually("its first sync", () => client.getSyncState() === SyncState.Syncing);
  const crypto = client.getCrypto()!;
  return { client, crypto, userId: session.user_id, deviceId: session.device_id };
}

function wholeSync(userId: string): IStartClientOpts {
  const filter = new Filter(userId);
  filter.setTimelineLimit(1_000);
  return { filter, initialSyncLimit: 100, lazyLoadMembers: false };
}

/** Makes cross-signing keys, secret storage with a recovery key, and a key backup. */
export async function setUp(device: JsDevice, owner: Owner): Promise<void> {
  const { crypto } = device;
  await crypto.bootstrapCrossSigning({
    // The first keys ask for no password.
    authUploadDeviceSigningKeys: (upload) => upload(null),
  });
  await crypto.bootstrapSecretStorage({
    async createSecretStorageKey() {
      const key = await crypto.createRecoveryKeyFromPassphrase();
      owner.recoveryKey = key.privateKey;
      return key;
    },
    setupNewSecretStorage: true,
    setupNewKeyBackup: true,
  });
}

/** Takes the cross-signing keys out of secret storage, and signs the device with them. */
export async function recover(device: JsDevice): Promise<void> {
  await knowsKeys(device);
  await device.crypto.bootstrapCrossSigning({});
}

/** Waits until a new device knows of its user's cross-signing keys. */
export async function knowsKeys({ crypto }: JsDevice): Promise<void> {
  await eventually("it knows of the cross-signing keys", () => crypto.userHasCrossSigningKeys());
}

/** The next request for verification that a device gets. */
export function nextRequest({ client }: JsDevice): Promise<VerificationRequest> {
  return new Promise((resolve) =>
    client.once(CryptoEvent.VerificationRequestReceived, (request) => resolve(request)),
  );
}

/** Both compare the emoji and say that they match. @returns what they saw */
export async function compareEmoji(
  asking: VerificationRequest,
  asked: VerificationRequest,
): Promise<{ own: string[]; other: string[] }> {
  await asked.accept();
  await eventually("both are ready", () => asking.phase === VerificationPhase.Ready);
  const verifier = await asking.startVerification("m.sas.v1");
  const otherVerifier = await eventually("the other side begins", () => asked.verifier);
  const shown = [emojiOf(verifier), emojiOf(otherVerifier)];
  const done = Promise.all([verifier.verify(), otherVerifier.verify()]);
  done.catch(() => {});
  const [own, other] = await inTime("both see emoji", Promise.all(shown));
  await Promise.all([own!.confirm(), other!.confirm()]);
  await inTime("both are done", done);
  return { own: wordsOf(own!), other: wordsOf(other!) };
}

/** What a device shows to compare, once it shows it. */
export function emojiOf(verifier: Verifier): Promise<ShowSasCallbacks> {
  const now = verifier.getShowSasCallbacks();
  if (now) return Promise.resolve(now);
  return new Promise((resolve) => verifier.once(VerifierEvent.ShowSas, resolve));
}

const wordsOf = ({ sas }: ShowSasCallbacks): string[] => sas.emoji!.map(([, word]) => word);

/** Waits until the device has decrypted the event, and answers it. */
export async function decrypted(
  { client, deviceId }: JsDevice,
  roomId: string,
  eventId: string,
): Promise<MatrixEvent> {
  const find = () => client.getRoom(roomId)?.findEventById(eventId);
  return eventually(
    () => `${deviceId} reads ${eventId}: ${find()?.decryptionFailureReason ?? "it never came"}`,
    () => {
      const event = find();
      const isRead =
        event?.isEncrypted() && event.getClearContent() && !event.isDecryptionFailure();
      return isRead ? event : undefined;
    },
  );
}
