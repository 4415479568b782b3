import { msg, str } from "@lit/localize";
import { afterAll, expect, test } from "vitest";
import {
  chosenLanguage,
  LANGUAGES,
  pickLanguage,
  startLanguage,
} from "../../src/store/language.ts";
import { dayLabel, fileSize } from "../../src/text/time.ts";
import { sasEmoji } from "../../src/text/sas-emoji.ts";

afterAll(() => localStorage.removeItem("weft.language"));

test("the first language of the browser that Weft speaks is chosen, else English", () => {
  expect(LANGUAGES).toEqual(["de", "en"]);
  expect(pickLanguage(["fr-CA", "de-AT", "en"])).toBe("de");
  expect(pickLanguage(["en-GB", "de"])).toBe("en");
  expect(pickLanguage(["tlh"])).toBe("en");
  expect(pickLanguage([])).toBe("en");
});

test("words, times and numbers are of the language that was chosen", async () => {
  localStorage.setItem("weft.language", "no such");
  expect(chosenLanguage()).toBeUndefined();
  localStorage.setItem("weft.language", "de");
  await startLanguage();
  expect(document.documentElement.lang).toBe("de");
  expect(msg("Settings")).toBe("Einstellungen");
  const [who, whom] = ["Ada", "Karl"];
  expect(msg(str`${who} invited ${whom}`)).toBe("Ada hat Karl eingeladen");
  expect(dayLabel(new Date(2026, 6, 3).getTime(), new Date(2026, 10, 1).getTime())).toBe(
    "Freitag, 3. Juli",
  );
  expect(fileSize(1_400_000)).toBe("1,4 MB");
  expect(sasEmoji([2, 63]).map(({ name }) => name)).toEqual(["Löwe", "Stecknadel"]);
});
