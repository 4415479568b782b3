import { configureLocalization } from "@lit/localize";
import { generateMsgId } from "@lit/localize/internal/id-generation.js";
import { setLocale } from "../text/locale.ts";
import { readSetting, writeSetting, dropSetting } from "./settings.ts";

/** The catalogues, by their files' names, which are the tags of the languages. English is in the sources. */
const catalogues = import.meta.glob<{ default: Record<string, string> }>("../../languages/*.json");
const SOURCE = "en";
const KEY = "weft.language";

function pathOf(language: string): string {
  return `../../languages/${language}.json`;
}

/** All languages that Weft speaks, as tags: "de", "en". */
export const LANGUAGES: readonly string[] = [
  SOURCE,
  ...Object.keys(catalogues).map((path) => path.slice("../../languages/".length, -".json".length)),
].toSorted();

/** The language that was chosen here; undefined: the browser's. */
export function chosenLanguage(): string | undefined {
  const kept = readSetting(KEY);
  return kept !== null && LANGUAGES.includes(kept) ? kept : undefined;
}

/** Keeps the choice for this browser and begins the page anew in it: texts stand in many places by then. */
export function chooseLanguage(language: string | undefined): void {
  if (language === undefined) dropSetting(KEY);
  else writeSetting(KEY, language);
  location.reload();
}

/** The language of "de-AT", if Weft speaks it: "de". */
function spoken(tag: string): string | undefined {
  const [language = ""] = tag.toLowerCase().split("-");
  return LANGUAGES.find((each) => each === tag || each === language);
}

/** The first of the wanted languages that Weft speaks. */
export function pickLanguage(wanted: readonly string[]): string {
  for (const tag of wanted) {
    const found = spoken(tag);
    if (found !== undefined) return found;
  }
  return SOURCE;
}

/** The ids under which Lit looks for a line of a catalogue: made of its English, or its name. */
function forKey(key: string, text: string) {
  const made = template(text);
  const id = generateMsgId(key.split(/\{\d+\}/), false);
  return [
    [id, made],
    [key, made],
  ] as const;
}

/** A translation as Lit's `msg` wants it: "{0}" becomes the first value's place. */
function template(text: string) {
  const parts = text.split(/\{(\d+)\}/);
  if (parts.length === 1) return text;
  const strings = parts.filter(
    (_, at) => at % 2 === 0,
  ) as readonly string[] as TemplateStringsArray;
  const values = parts.filter((_, at) => at % 2 === 1).map(Number);
  return { strTag: true as const, strings, values };
}

/**
 * Speaks the language that was chosen, or else the browser's, from here on; a catalogue that cannot be had leaves English.
 * Texts that were made before stay as they are: call it first.
 */
export async function startLanguage(): Promise<void> {
  const wanted = chosenLanguage() ?? pickLanguage(navigator.languages);
  const speak = (language: string): void => {
    document.documentElement.lang = language;
    // Who reads English in Britain has the clock of Britain.
    setLocale(navigator.languages.find((tag) => spoken(tag) === language) ?? language);
  };
  speak(SOURCE);
  if (wanted === SOURCE) return;
  const { setLocale: load } = configureLocalization({
    sourceLocale: SOURCE,
    targetLocales: LANGUAGES.filter((language) => language !== SOURCE),
    loadLocale: async (language) => {
      const { default: catalogue } = await catalogues[pathOf(language)]!();
      const entries = Object.entries(catalogue);
      return { templates: Object.fromEntries(entries.flatMap(([key, text]) => forKey(key, text))) };
    },
  });
  await load(wanted).then(
    () => speak(wanted),
    () => undefined,
  );
}
