import type { Http } from "./http.ts";
import { throughAuth, type Proofs } from "./uia.ts";

/** A request that the encryption engine has made up: its bodies are JSON as text. */
interface EngineRequest {
  method: string;
  path: string;
  query?: Record<string, string>;
  body?: string;
  timeout?: number;
}

/** The requests of the encryption engine. Which they are, the engine knows. */
export function createEncryptionApi(http: Http) {
  return {
    send: ({ method, path, query, body, timeout }: EngineRequest): Promise<string> =>
      http.text(method, path, {
        ...(query === undefined ? {} : { query }),
        ...(body === undefined ? {} : { json: body }),
        ...(timeout === undefined ? {} : { timeout }),
      }),

    /** Publishes cross-signing keys. Throws `NeedsProof` when the server wants a proof that is not there. */
    async publishIdentity(keys: string, proofs: Proofs = {}): Promise<void> {
      const body = JSON.parse(keys) as object;
      await throughAuth(proofs, (auth) =>
        http.request("POST", "/_matrix/client/v3/keys/device_signing/upload", {
          body: auth === undefined ? body : { ...body, auth },
        }),
      );
    },
  };
}

export type EncryptionApi = ReturnType<typeof createEncryptionApi>;
