/** One server's account operations, with a mail server beside it. */
import { createOutbox } from "../../src/mail/outbox.ts";
import { createSmtp } from "../../src/mail/smtp.ts";
import type { Outbox } from "../../src/mail/types.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { openApi, type TestApi } from "../client-api/support.ts";
import { linkIn, type MailServer, startMailServer, type TakenMail } from "./mail-server.ts";

const FORM = { "content-type": "application/x-www-form-urlencoded" };

export interface MailApi extends TestApi {
  readonly server: MailServer;
  /** Asks for a mail; answers the client's part of the confirmation. */
  begin(
    where: "account/3pid" | "account/password" | "register",
    email: string,
    more?: object,
  ): Promise<{ sid: string; client_secret: string }>;
  /** Follows the link of a mail, and presses the page's button. */
  follow(mail: TakenMail): Promise<{ status: number; location: string | undefined; body: string }>;
  /** All of that: a confirmation that its client may use. */
  confirmed(
    where: "account/3pid" | "account/password" | "register",
    email: string,
  ): Promise<{ sid: string; client_secret: string }>;
  /** An address of an account, as by all these steps. */
  give(token: string, email: string): Promise<void>;
  /** As if no address had ever been heard of. */
  forget(): Promise<void>;
}

export async function openMailApi(options: Parameters<typeof openApi>[0] = {}): Promise<MailApi> {
  const server = await startMailServer();
  let outbox: ReturnType<typeof createOutbox>;
  const later: Outbox = {
    put: (...all) => outbox.put(...all),
    wake: () => outbox.wake(),
  };
  const baseUrl = "https://matrix.here.test";
  const api = await openApi({ ...options, mail: { outbox: later, baseUrl, secret: "s" } });
  outbox = createOutbox({
    ...{ sql: api.sql, clock: systemClock, random: systemRandom, logger: silentLogger() },
    send: createSmtp({ url: server.url, from: "weft@here.test" }),
    ...{ secret: "s", domain: "here.test" },
  });
  let secrets = 0;

  const begin: MailApi["begin"] = async (where, email, more = {}) => {
    secrets += 1;
    const wished = { client_secret: `secret.${secrets}`, send_attempt: 1, ...more };
    const answer = await api.call("POST", `${where}/email/requestToken`, { email, ...wished });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return { sid: answer.body.sid, client_secret: wished.client_secret };
  };

  const follow: MailApi["follow"] = async (mail) => {
    const link = linkIn(mail);
    const page = await api.inject({ method: "GET", url: link });
    if (page.status !== 200) return { status: page.status, location: undefined, body: page.body };
    const payload = new URL(link, baseUrl).searchParams.toString();
    const url = "/_weft/mail/confirm";
    const done = await api.inject({ method: "POST", url, payload, headers: FORM });
    return {
      status: done.status,
      location: done.headers["location"] as string | undefined,
      body: done.body,
    };
  };

  const confirmed: MailApi["confirmed"] = async (where, email) => {
    const before = server.taken.filter(({ to }) => to.includes(email)).length;
    const creds = await begin(where, email);
    await follow(await server.mailTo(email, before + 1));
    return creds;
  };

  return {
    ...api,
    ...{ server, begin, follow, confirmed },
    async give(token, email) {
      const creds = await confirmed("account/3pid", email);
      const auth = { type: "m.login.password", password: "pw" };
      const added = await api.call("POST", "account/3pid/add", { ...creds, auth }, token);
      if (added.status !== 200) throw new Error(JSON.stringify(added.body));
    },
    async forget() {
      await api.sql`DELETE FROM account_addresses`;
      await api.sql`DELETE FROM address_confirmations`;
      await api.sql`DELETE FROM mail_quotas`;
      server.taken.length = 0;
    },
    async close() {
      await outbox.stop();
      await api.close();
      await server.stop();
    },
  };
}
