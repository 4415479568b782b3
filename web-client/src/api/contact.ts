import type { ResponseBody } from "@weft/spec/types";
import type { Http } from "./http.ts";
import type { AuthProof } from "./types.ts";

/** An address that belongs to the account. */
export type Address = ResponseBody<"getAccount3PIDs">["threepids"][number];

/** The e-mail addresses of the account, and its end. */
export function createContactApi(http: Http) {
  return {
    addresses: async (): Promise<Address[]> =>
      (await http.call<"getAccount3PIDs">("GET", "/_matrix/client/v3/account/3pid", {})).threepids,
    /** Has a link sent to an address, in a mail in that language. Answers the session in which it is confirmed. */
    requestEmail: async (email: string, clientSecret: string, language: string): Promise<string> =>
      (
        await http.call<"requestTokenTo3PIDEmail">(
          "POST",
          "/_matrix/client/v3/account/3pid/email/requestToken",
          {
            body: { email, client_secret: clientSecret, send_attempt: 1 },
            language,
          },
        )
      ).sid,
    /** Needs user-interactive auth. */
    addEmail: (sid: string, clientSecret: string, auth?: AuthProof) =>
      http.call<"add3PID">("POST", "/_matrix/client/v3/account/3pid/add", {
        body: { sid, client_secret: clientSecret, auth },
      }),
    removeAddress: (medium: Address["medium"], address: string) =>
      http.call<"delete3pidFromAccount">("POST", "/_matrix/client/v3/account/3pid/delete", {
        body: { medium, address },
      }),
    /** Needs user-interactive auth. */
    deactivate: (erase: boolean, auth?: AuthProof) =>
      http.call<"deactivateAccount">("POST", "/_matrix/client/v3/account/deactivate", {
        body: { erase, auth },
      }),
  };
}
