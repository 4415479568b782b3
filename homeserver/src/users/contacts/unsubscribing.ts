import { createHmac, timingSafeEqual } from "node:crypto";

const PATH = "/_weft/mail/unsubscribe";

/** Links by which whoever reads a mail ends the like of it, without signing in. */
export interface Unsubscribing {
  linkFor(userId: string, address: string): string;
  /** Whether a link of ours says that. */
  isRight(userId: string, address: string, code: string): boolean;
}

/** @param secret known to all replicas of this server, and to nobody else */
export function createUnsubscribing(secret: string, baseUrl: string): Unsubscribing {
  const key = createHmac("sha256", secret).update("no more mails").digest();
  const codeOf = (userId: string, address: string) =>
    createHmac("sha256", key).update(`${userId}\0${address}`).digest();
  return {
    linkFor(user, address) {
      const code = codeOf(user, address).toString("base64url");
      return `${baseUrl}${PATH}?${new URLSearchParams({ user, address, code }).toString()}`;
    },
    isRight(userId, address, code) {
      const [given, right] = [Buffer.from(code, "base64url"), codeOf(userId, address)];
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}
