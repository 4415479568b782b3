/** What the mails about addresses say in German. */
import type { Letters } from "./letter-types.ts";

const NOTHING = "Wenn du das nicht warst, tu nichts: Ohne den Link geschieht nichts.";
const HOUR = "Der Link gilt eine Stunde.";
const STAYS = "Wenn du das nicht warst, tu nichts: Dein Konto bleibt, wie es ist.";

export const GERMAN_LETTERS: Letters = {
  links: {
    register: ({ serverName, link }) => ({
      subject: `Bestätige deine E-Mail-Adresse für ${serverName}`,
      blocks: [
        `Jemand, wahrscheinlich du, legt mit dieser E-Mail-Adresse ein Konto auf ${serverName} an.`,
        { link, label: "Adresse bestätigen" },
        `${HOUR} ${NOTHING}`,
      ],
    }),
    add: ({ serverName, link }) => ({
      subject: `Bestätige deine E-Mail-Adresse für ${serverName}`,
      blocks: [
        `Jemand, wahrscheinlich du, möchte diese E-Mail-Adresse zu einem Konto auf ${serverName} hinzufügen.`,
        { link, label: "Adresse bestätigen" },
        `${HOUR} ${NOTHING}`,
      ],
    }),
    password: ({ serverName, owner, link }) => ({
      subject: `Ein neues Passwort für ${serverName}`,
      blocks: [
        `Jemand, wahrscheinlich du, möchte ein neues Passwort für ${owner} festlegen.`,
        { link, label: "Ja, das bin ich" },
        `${HOUR} Wenn du das nicht warst, tu nichts: Das Passwort bleibt, wie es ist.`,
      ],
    }),
  },
  reasons: {
    register: ({ serverName, owner }) => ({
      subject: `Du hast schon ein Konto auf ${serverName}`,
      blocks: [
        `Jemand, wahrscheinlich du, wollte mit dieser E-Mail-Adresse ein Konto auf ${serverName} anlegen. Sie gehört schon zu ${owner}.`,
        "Melde dich mit diesem Konto an. Wenn du das Passwort verloren hast, fordere beim Anmelden ein neues an.",
        STAYS,
      ],
    }),
    add: ({ serverName, owner }) => ({
      subject: `Diese E-Mail-Adresse wird auf ${serverName} schon benutzt`,
      blocks: [
        `Jemand, wahrscheinlich du, wollte diese E-Mail-Adresse zu einem Konto auf ${serverName} hinzufügen. Sie gehört schon zu ${owner}.`,
        "Eine Adresse gehört zu einem Konto: Entferne sie zuerst dort, oder nimm eine andere.",
        STAYS,
      ],
    }),
    password: ({ serverName }) => ({
      subject: `Kein Konto auf ${serverName} hat diese E-Mail-Adresse`,
      blocks: [
        `Jemand, wahrscheinlich du, wollte auf ${serverName} ein neues Passwort festlegen. Kein Konto dort hat diese E-Mail-Adresse.`,
        "Vielleicht hast du beim Anlegen des Kontos eine andere Adresse angegeben, oder keine.",
        "Wenn du das nicht warst, tu nichts.",
      ],
    }),
  },
};
