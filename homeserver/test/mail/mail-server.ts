/** A mail server that takes what it is given, or does worse: the real protocol, by the package smtp-server. */
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import { freePorts } from "../support/ports.ts";
import { until } from "../support/wait.ts";

export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly html: string;
  /** Whether the connection was encrypted. */
  readonly isSecure: boolean;
  /** Who had signed in. */
  readonly user: string | undefined;
}

interface Ways {
  /** With a certificate: STARTTLS is offered. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** TLS from the first byte. */
  readonly isSecure?: boolean;
  /** The only account. */
  readonly account?: { readonly user: string; readonly pass: string };
}

class Refused extends Error {
  readonly responseCode: number;
  constructor(responseCode: number) {
    super("no");
    this.responseCode = responseCode;
  }
}

export async function startMailServer({ tls, isSecure = false, account }: Ways = {}) {
  const taken: TakenMail[] = [];
  /** Status with which a recipient, or the next message, is refused; undefined: taken. */
  let refuse: (at: "recipient" | "message", address: string) => number | undefined = () =>
    undefined;
  let hold: Promise<unknown> = Promise.resolve();
  let begun = 0;
  const make = () =>
    new SMTPServer({
      secure: isSecure,
      ...tls,
      authOptional: account === undefined,
      disabledCommands: [...(tls ? [] : ["STARTTLS"]), ...(account ? [] : ["AUTH"])],
      // A certificate of this test's own, or none at all.
      allowInsecureAuth: true,
      onAuth({ username, password }, _session, done) {
        const isRight = username === account?.user && password === account?.pass;
        done(isRight ? null : new Refused(535), { user: username });
      },
      onRcptTo({ address }, _session, done) {
        const status = refuse("recipient", address);
        done(status === undefined ? null : new Refused(status));
      },
      onData(stream, session, done) {
        begun += 1;
        const { mailFrom, rcptTo } = session.envelope;
        const to = rcptTo.map(({ address }) => address);
        Promise.all([text(stream), hold]).then(
          ([source]) => {
            const status = refuse("message", to[0]!);
            if (status !== undefined) return done(new Refused(status));
            const user = typeof session.user === "string" ? session.user : undefined;
            const from = mailFrom === false ? "" : mailFrom.address;
            taken.push({ ...{ from, to, user }, isSecure: session.secure, ...parsed(source) });
            return done();
          },
          (error: Error) => done(error),
        );
      },
    });
  const [port] = (await freePorts(1)) as [number];
  const listen = async () => {
    const server = make();
    // What a client does that goes away is no fault of the server's.
    server.on("error", () => undefined);
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", () => resolve()));
    return server;
  };
  let server: SMTPServer | undefined = await listen();
  const stop = async () => {
    const ending = server;
    server = undefined;
    if (ending) await new Promise<void>((resolve) => ending.close(() => resolve()));
  };
  const login = account && `${account.user}:${encodeURIComponent(account.pass)}@`;
  return {
    port,
    url: `${isSecure ? "smtps" : "smtp"}://${login ?? ""}127.0.0.1:${port}`,
    taken,
    /** How many messages were begun. */
    begun: () => begun,
    refuse(how: typeof refuse) {
      refuse = how;
    },
    /** Messages are answered once this resolves. */
    hold(until: Promise<unknown>) {
      hold = until;
    },
    stop,
    async start() {
      server = await listen();
    },
    /** The mail with that number to an address, from 1, once it is there. */
    async mailTo(address: string, number = 1): Promise<TakenMail> {
      const found = () => taken.filter(({ to }) => to.includes(address))[number - 1];
      await until(() => found() !== undefined);
      return found()!;
    },
  };
}

export type MailServer = Awaited<ReturnType<typeof startMailServer>>;

/** The link in a mail, as path and query. */
export function linkIn(mail: TakenMail, path = "/_weft/mail/confirm"): string {
  const found = new RegExp(`https?://[^\\s]*${path}\\S*`).exec(mail.text);
  if (found === null) throw new Error(`there is no link in ${mail.text}`);
  const { pathname, search } = new URL(found[0]);
  return pathname + search;
}

function parsed(source: string) {
  const { headers, body } = split(source);
  const boundary = /boundary="([^"]+)"/.exec(headers["content-type"] ?? "")?.[1] ?? "";
  const parts = body.split(`--${boundary}`).map((part) => split(part.replace(/^\r\n/, "")));
  const of = (type: string) => {
    const part = parts.find((each) => each.headers["content-type"]?.startsWith(type));
    return part === undefined ? "" : decoded(part);
  };
  return { headers, text: of("text/plain"), html: of("text/html") };
}

function split(source: string) {
  const end = source.indexOf("\r\n\r\n");
  const lines = source
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  ) as Record<string, string>;
  return { headers, body: source.slice(end + 4) };
}

function decoded({ headers, body }: ReturnType<typeof split>): string {
  const encoding = headers["content-transfer-encoding"]?.toLowerCase();
  if (encoding === "base64") return Buffer.from(body, "base64").toString("utf8");
  if (encoding !== "quoted-printable") return body.replaceAll("\r\n", "\n");
  const bytes = body
    .replaceAll("=\r\n", "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, code: string) =>
      String.fromCodePoint(Number.parseInt(code, 16)),
    );
  return Buffer.from(bytes, "latin1").toString("utf8").replaceAll("\r\n", "\n");
}
