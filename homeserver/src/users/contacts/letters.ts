/** What the mails about addresses say. */
import type { Mail } from "../../mail/types.ts";
import type { Language } from "../common/languages.ts";
import type { Letters, Occasion } from "./letter-types.ts";
import { GERMAN_LETTERS } from "./letters-german.ts";
import type { Purpose } from "../../storage/contacts/confirmations.ts";

/**
 * Whether what the mail is asked for can be: a new address belongs to nobody, one for a new
 * password to somebody.
 */
export function isOfUse(purpose: Purpose, owner: string | undefined): boolean {
  return (purpose === "password") === (owner !== undefined);
}

/** The mail to an address, with a link, or with why there is none. */
export function letter(to: string, occasion: Occasion): Mail {
  const { purpose, owner, language } = occasion;
  const { links, reasons } = LETTERS[language];
  const write = (isOfUse(purpose, owner) ? links : reasons)[purpose];
  return { to, language, ...write(occasion) };
}

const NOTHING = "If it was not you, do nothing: without the link nothing happens.";
const HOUR = "The link is good for an hour.";

const links: Letters["links"] = {
  register: ({ serverName, link }) => ({
    subject: `Confirm your e-mail address for ${serverName}`,
    blocks: [
      `Somebody, most likely you, is making an account on ${serverName} with this e-mail address.`,
      { link, label: "Confirm the address" },
      `${HOUR} ${NOTHING}`,
    ],
  }),
  add: ({ serverName, link }) => ({
    subject: `Confirm your e-mail address for ${serverName}`,
    blocks: [
      `Somebody, most likely you, wants to add this e-mail address to an account on ${serverName}.`,
      { link, label: "Confirm the address" },
      `${HOUR} ${NOTHING}`,
    ],
  }),
  password: ({ serverName, owner, link }) => ({
    subject: `A new password for ${serverName}`,
    blocks: [
      `Somebody, most likely you, wants to set a new password for ${owner}.`,
      { link, label: "Yes, it is me" },
      `${HOUR} If it was not you, do nothing: the password stays as it is.`,
    ],
  }),
};

const reasons: Letters["reasons"] = {
  register: ({ serverName, owner }) => ({
    subject: `You have an account on ${serverName} already`,
    blocks: [
      `Somebody, most likely you, wanted to make an account on ${serverName} with this e-mail address. It belongs to ${owner} already.`,
      "Sign in with that account. If you have lost the password, ask for a new one where you sign in.",
      "If it was not you, do nothing: your account stays as it is.",
    ],
  }),
  add: ({ serverName, owner }) => ({
    subject: `This e-mail address is in use on ${serverName}`,
    blocks: [
      `Somebody, most likely you, wanted to add this e-mail address to an account on ${serverName}. It belongs to ${owner} already.`,
      "An address belongs to one account: remove it there first, or take another one.",
      "If it was not you, do nothing: your account stays as it is.",
    ],
  }),
  password: ({ serverName }) => ({
    subject: `No account on ${serverName} has this e-mail address`,
    blocks: [
      `Somebody, most likely you, wanted to set a new password on ${serverName}. No account there has this e-mail address.`,
      "Maybe you gave another address when you made the account, or none.",
      "If it was not you, do nothing.",
    ],
  }),
};

const LETTERS: Readonly<Record<Language, Letters>> = {
  en: { links, reasons },
  de: GERMAN_LETTERS,
};
