import {
  DeviceId,
  UserId,
  type CrossSigningKeyExport,
  type Device,
  type OwnUserIdentity,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Proofs } from "../../api/uia.ts";
import { object, type Content } from "../../api/types.ts";
import { EncryptionError } from "../errors.ts";
import type { Unlocking } from "../port.ts";
import type { Backup } from "./backup.ts";
import type { Core } from "./core.ts";
import { createDehydration, DEHYDRATION } from "./dehydration.ts";
import { writeRecoveryKey } from "./recovery-key.ts";
import type { SecretStorage } from "./secret-storage.ts";

const MASTER = "m.cross_signing.master";
const SELF_SIGNING = "m.cross_signing.self_signing";
const USER_SIGNING = "m.cross_signing.user_signing";
const BACKUP = "m.megolm_backup.v1";
const SECRETS = [MASTER, SELF_SIGNING, USER_SIGNING, BACKUP];

/** Nobody waits for the dehydrated device. What fails of it is done when the engine is opened next. */
function later(work: () => Promise<void>): void {
  void work().catch(() => undefined);
}

export interface SetUpOptions {
  passphrase?: string;
  proofs?: Proofs;
}

/** The account's identity: makes it, opens it on a new device, and gives it up for another. */
export function createIdentity(core: Core, backup: Backup, storage: SecretStorage) {
  const { machine, requests, host, userId, deviceId } = core;
  const dehydration = createDehydration(core, storage);
  /** True when the server has an identity of ours. */
  let isPublished = false;

  const own = async (): Promise<OwnUserIdentity | undefined> =>
    (await machine.getIdentity(new UserId(userId))) as OwnUserIdentity | undefined;

  const ownDevice = (): Promise<Device | undefined> =>
    machine.getDevice(new UserId(userId), new DeviceId(deviceId));

  /** Asks the server for our own devices and identity, past all that is remembered. */
  async function refresh(): Promise<void> {
    const query = machine.queryKeysForUsers([new UserId(userId)]);
    const path = "/_matrix/client/v3/keys/query";
    const answer = await host.request({ method: "POST", path, body: query.body, timeout: 30_000 });
    const masters = object(JSON.parse(answer) as Content, "master_keys");
    isPublished = object(masters, userId) !== undefined;
    await machine.markRequestAsSent(query.id, query.type, answer);
  }

  async function hasKeys(): Promise<boolean> {
    const status = await machine.crossSigningStatus();
    return status.hasMaster && status.hasSelfSigning && status.hasUserSigning;
  }

  /** Makes an identity (or with `isNew` false, takes the one that could not be published before) and publishes it. */
  async function publish(isNew: boolean, proofs: Proofs | undefined): Promise<void> {
    const made = await machine.bootstrapCrossSigning(isNew);
    const keys = made.uploadKeysRequest as Parameters<typeof requests.send>[0] | undefined;
    if (keys) await requests.send(keys);
    await host.publishIdentity(made.uploadSigningKeysRequest.body, proofs);
    await requests.send(made.uploadSignaturesRequest);
    await refresh();
  }

  function secretsOf(exported: CrossSigningKeyExport | undefined): Map<string, string> {
    const { masterKey, self_signing_key: selfSigning, userSigningKey } = exported ?? {};
    if (masterKey === undefined || selfSigning === undefined || userSigningKey === undefined) {
      throw new EncryptionError("keys-missing");
    }
    return new Map([
      [MASTER, masterKey],
      [SELF_SIGNING, selfSigning],
      [USER_SIGNING, userSigningKey],
    ]);
  }

  /** Seals all secrets under a new key. Answers it as a recovery key. */
  async function store(passphrase: string | undefined): Promise<{ recoveryKey: string }> {
    const secrets = secretsOf(await machine.exportCrossSigningKeys());
    await backup.check();
    secrets.set(BACKUP, backup.secret() ?? (await backup.create()));
    secrets.set(DEHYDRATION, await dehydration.key());
    const { key, how } = await storage.newKey(passphrase);
    await storage.create(key, secrets, how);
    later(dehydration.replace);
    return { recoveryKey: writeRecoveryKey(key) };
  }

  async function setUp({ passphrase, proofs }: SetUpOptions): Promise<{ recoveryKey: string }> {
    await requests.flush();
    await refresh();
    if (!isPublished) await publish(!(await hasKeys()), proofs);
    else if (!(await hasKeys())) throw new EncryptionError("keys-missing");
    return store(passphrase);
  }

  async function signOwnDevice(): Promise<void> {
    const device = await ownDevice();
    if (device !== undefined && !device.isCrossSignedByOwner()) {
      await requests.send(await device.verify());
      await refresh();
    }
  }

  async function unlock(by: Unlocking): Promise<void> {
    await requests.flush();
    await refresh();
    const { keyId, key } = await storage.open(by);
    const [master, selfSigning, userSigning, ofBackup] = await Promise.all(
      SECRETS.map((name) => storage.read(name, keyId, key)),
    );
    if (master === undefined) throw new EncryptionError("wrong-key");
    const status = await machine.importCrossSigningKeys(master, selfSigning, userSigning);
    if (!status.hasMaster || !status.hasSelfSigning) throw new EncryptionError("wrong-key");
    await signOwnDevice();
    if (ofBackup === undefined || !(await backup.adopt(ofBackup))) await backup.check();
    later(async () => {
      await dehydration.open(keyId, key);
      await dehydration.replace();
    });
  }

  async function reset({ passphrase, proofs }: SetUpOptions): Promise<{ recoveryKey: string }> {
    await requests.flush();
    await refresh();
    // First what may be refused: until it is published, all else stays as it was.
    await publish(true, proofs);
    await storage.clear([...SECRETS, DEHYDRATION]);
    await dehydration.forget();
    await backup.deleteAll();
    return store(passphrase);
  }

  return {
    refresh,
    setUp,
    unlock,
    reset,
    /** Looks after the account's dehydrated device. */
    keepDehydrated: dehydration.keep,
    /** Asks our other devices for secrets that are lacking here, once they trust this one. */
    askForSecrets: async (): Promise<void> => {
      if (await machine.requestMissingSecretsIfNeeded()) await requests.flush();
    },
    async state() {
      const [identity, device, keys] = await Promise.all([own(), ownDevice(), hasKeys()]);
      const isSigned = device?.isCrossSignedByOwner() === true;
      return {
        exists: isPublished,
        hasKeys: keys && isPublished,
        fingerprint: machine.identityKeys.ed25519.toBase64(),
        isVerified: isPublished && isSigned && identity?.isVerified() === true,
      };
    },
    get isPublished(): boolean {
      return isPublished;
    },
  };
}
