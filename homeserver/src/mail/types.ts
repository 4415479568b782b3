import type { Tx } from "../storage/sql.ts";

/** A mail as a writer says it: plain text and HTML are made of it. */
export interface Mail {
  /** An address in its canonical form. */
  readonly to: string;
  /** The tag of the language that it is written in. */
  readonly language: string;
  readonly subject: string;
  readonly blocks: readonly Block[];
  /** Further headers: names and values of printable ASCII. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A paragraph, a heading, a list, or a link on a line of its own. */
export type Block =
  | string
  | { readonly heading: string }
  | { readonly list: readonly { readonly label?: string; readonly text: string }[] }
  | { readonly link: string; readonly label: string; readonly isSmall?: boolean };

/** A mail as it is sent. */
export interface WrittenMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The same each time it is tried, so that mailboxes know a second one. */
  readonly messageId: string;
  /** ms since 1970. */
  readonly writtenTs: number;
}

/** Mails that are to be sent: what is put there by a transaction is sent after a crash, too. */
export interface Outbox {
  /**
   * Puts a mail in, with what else the transaction does. It is of no use after `lifeMs`.
   * @throws MatrixError M_LIMIT_EXCEEDED 429 while too many wait
   */
  put(tx: Tx, mail: Mail, lifeMs: number): Promise<void>;
  /** To be called after such a transaction: sends at once. */
  wake(): void;
}

/** Hands a mail to a mail server. @throws MailRefused where trying again is of no use; other errors */
export type SendMail = (mail: WrittenMail, signal: AbortSignal) => Promise<void>;

/** The mail server will never take this mail. */
export class MailRefused extends Error {
  override readonly name = "MailRefused";
}
