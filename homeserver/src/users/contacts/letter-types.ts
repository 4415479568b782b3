import type { Block } from "../../mail/types.ts";
import type { Purpose } from "../../storage/contacts/confirmations.ts";
import type { Language } from "../common/languages.ts";

/** What a mail about an address is for. */
export interface Occasion {
  readonly purpose: Purpose;
  /** Of whoever asks for the mail. */
  readonly language: Language;
  readonly serverName: string;
  /** The account that has the address. */
  readonly owner: string | undefined;
  /** Of the page that confirms the address. */
  readonly link: string;
}

type Letter = (occasion: Occasion) => { readonly subject: string; readonly blocks: Block[] };

/** The letters of a language: those with a link, and those with why there is none. */
export interface Letters {
  readonly links: Readonly<Record<Purpose, Letter>>;
  readonly reasons: Readonly<Record<Purpose, Letter>>;
}
