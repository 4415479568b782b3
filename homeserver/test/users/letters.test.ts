/** The mails about addresses, in each language. */
import { expect, test } from "vitest";
import { letter } from "../../src/users/contacts/letters.ts";

const LINK = "https://here.test/_weft/mail/confirm?sid=a&token=b";
const PURPOSES = ["register", "add", "password"] as const;

test.each(PURPOSES)("the mails to %s say the same in German as in English", (purpose) => {
  for (const owner of [undefined, "@ann:here.test"]) {
    const occasion = { purpose, serverName: "here.test", owner, link: LINK };
    const [english, german] = (["en", "de"] as const).map((language) =>
      letter("ann@there.test", { ...occasion, language }),
    ) as [ReturnType<typeof letter>, ReturnType<typeof letter>];
    expect([english.language, german.language]).toEqual(["en", "de"]);
    expect(german.to).toBe(english.to);
    // Each part is there in both, and none is the same.
    expect(german.blocks).toHaveLength(english.blocks.length);
    expect(german.subject).not.toBe(english.subject);
    const texts = JSON.stringify(german.blocks);
    for (const block of english.blocks) {
      if (typeof block === "string") expect(texts).not.toContain(block);
      else expect(texts).toContain(LINK.slice(0, 20));
    }
    for (const name of ["here.test", ...(owner === undefined ? [] : [owner])]) {
      const isNamed = (mail: typeof english) => JSON.stringify(mail.blocks).includes(name);
      expect(isNamed(german), name).toBe(isNamed(english));
    }
  }
});
