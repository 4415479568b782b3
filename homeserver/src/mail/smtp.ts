/** Sends mails by SMTP. */
import { createTransport } from "nodemailer";
import { MailRefused, type SendMail } from "./types.ts";

export interface SmtpOptions {
  /** smtp://user:password@host:587, or smtps:// for TLS from the first byte. */
  readonly url: string;
  /** Whom mails come from: `name <address>`, or an address. */
  readonly from: string;
  /** Certificate authorities, as PEM, instead of the system's. */
  readonly ca?: string | undefined;
}

const CONNECT_MS = 15_000;
const SILENT_MS = 30_000;

/**
 * By a connection for each mail. Over smtp:// the connection has to be encrypted by STARTTLS before
 * anything is said, except to this machine, or where the address ends in `?tls=off`.
 */
export function createSmtp({ url: text, from, ca }: SmtpOptions): SendMail {
  const url = new URL(text);
  const isSecure = url.protocol === "smtps:";
  const isPlain = url.searchParams.get("tls") === "off";
  const host = url.hostname.replaceAll(/[[\]]/g, "");
  const user = decodeURIComponent(url.username);
  const transport = createTransport({
    host,
    port: url.port === "" ? (isSecure ? 465 : 587) : Number(url.port),
    secure: isSecure,
    requireTLS: !isSecure && !isPlain && !isThisMachine(host),
    ignoreTLS: isPlain,
    ...(user !== "" && { auth: { user, pass: decodeURIComponent(url.password) } }),
    ...(ca !== undefined && { tls: { ca } }),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return async (mail, signal) => {
    try {
      await transport.sendMail({
        from,
        to: { name: "", address: mail.to },
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        headers: { ...mail.headers },
        messageId: mail.messageId,
        date: new Date(mail.writtenTs),
        signal,
      });
    } catch (error) {
      if (isRefusal(error)) throw new MailRefused((error as Error).message);
      throw error;
    }
  };
}

function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Whether it is this mail that the server will not have, or its reader: not us, nor for now. */
function isRefusal(error: unknown): boolean {
  const {
    code,
    command,
    responseCode = 0,
  } = error as {
    code?: string;
    command?: string;
    responseCode?: number;
  };
  const isForGood = responseCode >= 500 && responseCode < 600;
  return isForGood && ((code === "EENVELOPE" && command === "RCPT TO") || code === "EMESSAGE");
}
