import type { BackupDecryptionKey } from "@matrix-org/matrix-sdk-crypto-wasm";
import { ApiError } from "../../api/errors.ts";
import { object, text, type Content } from "../../api/types.ts";
import { canonical } from "./canonical.ts";
import type { Core } from "./core.ts";

/** Where backups are on the server. */
export const KEYS = "/_matrix/client/v3/room_keys";
const ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2";

/** A version of the backup as the server describes it. */
export interface Version {
  version: string;
  algorithm: string;
  auth_data: Content;
}

export const publicKey = (version: Version): string | undefined =>
  text(version.auth_data, "public_key");

/** The server says that there is no such thing. */
export function isMissing(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.errcode === "M_NOT_FOUND");
}

/** The versions of the backup on the server. */
export function createVersions({ machine, requests }: Core) {
  /** The current one, or null when there is none that we could use. */
  async function ask(): Promise<Version | null> {
    try {
      const path = `${KEYS}/version`;
      const answer = await requests.json<Version>({ method: "GET", path });
      return answer.algorithm === ALGORITHM ? answer : null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  return {
    ask,

    /** True when this is our key's version, or one that we or a device that we trust have signed. */
    async isTrusted(version: Version, key: BackupDecryptionKey | undefined): Promise<boolean> {
      if (key?.megolmV1PublicKey.publicKeyBase64 === publicKey(version)) return true;
      const { algorithm, auth_data: data } = version;
      const signatures = object(data, "signatures") ?? {};
      try {
        const info = { algorithm, auth_data: { ...data, signatures } };
        return (await machine.verifyBackup(info)).trusted();
      } catch {
        // It throws at keys that are none.
        return false;
      }
    },

    /** Makes a version for a public key. Answers its name. */
    async make(key: string): Promise<string> {
      const data = { public_key: key };
      const signed = await machine.sign(canonical(data));
      const signatures = JSON.parse(signed.asJSON()) as Content;
      const body = { algorithm: ALGORITHM, auth_data: { ...data, signatures } };
      const { version } = await requests.json<{ version: string }>({
        method: "POST",
        path: `${KEYS}/version`,
        body: JSON.stringify(body),
      });
      return version;
    },

    async deleteAll(): Promise<void> {
      for (let version = await ask(); version !== null; version = await ask()) {
        const path = `${KEYS}/version/${encodeURIComponent(version.version)}`;
        await requests.json({ method: "DELETE", path });
      }
    },
  };
}
