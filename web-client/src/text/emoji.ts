import german from "emoji-picker-element-data/de/cldr/data.json?url";
import english from "emoji-picker-element-data/en/emojibase/data.json?url";
import { fold } from "./mentions.ts";

/** What emoji are called in other languages than English, whose codes hold everywhere. */
const NAMES: Readonly<Record<string, string>> = { de: german };

/** An emoji as the picker and the completion of `:names:` know it. */
export interface Emoji {
  emoji: string;
  name: string;
  codes: readonly string[];
  tags: readonly string[];
  /** Which sort it is of: 0 faces, 1 people, 3 animals, 4 food, 5 travel, 6 activities, 7 things, 8 signs, 9 flags. */
  group: number;
  /** The same in five tones of skin, from light to dark. */
  skins?: readonly string[];
}

interface Raw {
  emoji: string;
  annotation: string;
  shortcodes?: string[];
  tags?: string[];
  group: number;
  order: number;
  version: number;
  skins?: { emoji: string; tone: number | number[] }[];
}

/** Newer ones are empty boxes on many devices still. */
const NEWEST = 15.1;
const COMPONENTS = 2;

const loaded = new Map<string, Promise<readonly Emoji[]>>();

async function read(address: string): Promise<Raw[]> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error("no emoji");
  return (await answer.json()) as Raw[];
}

/**
 * All emoji in their usual order, called as in this language, from this server; asked for again when it did not answer.
 * They are found by their English names too.
 */
export function loadEmoji(language = document.documentElement.lang): Promise<readonly Emoji[]> {
  const names = NAMES[language];
  const known = loaded.get(language);
  if (known !== undefined) return known;
  const asked = Promise.all([read(english), names === undefined ? [] : read(names)]).then(
    ([all, called]) => prepare(all, new Map(called.map((one) => [one.emoji, one]))),
  );
  asked.catch(() => loaded.delete(language));
  loaded.set(language, asked);
  return asked;
}

function prepare(all: readonly Raw[], called: ReadonlyMap<string, Raw>): Emoji[] {
  return all
    .filter(({ group, version }) => group !== COMPONENTS && version <= NEWEST)
    .toSorted((a, b) => a.order - b.order)
    .map((raw): Emoji => {
      const skins = raw.skins?.filter(({ tone }) => typeof tone === "number");
      const here = called.get(raw.emoji);
      const english = here === undefined ? [] : [raw.annotation];
      const tags = [...(here?.tags ?? []), ...english, ...(raw.tags ?? [])];
      return {
        emoji: raw.emoji,
        name: here?.annotation ?? raw.annotation,
        codes: raw.shortcodes ?? [],
        tags: tags.map(fold),
        group: raw.group,
        ...(skins?.length === 5 ? { skins: skins.map(({ emoji }) => emoji) } : {}),
      };
    });
}

/** The shortest of an emoji's names, among those that begin with a word where there are any. */
export function codeOf({ codes, name }: Emoji, word = ""): string {
  const fitting = codes.filter((code) => code.startsWith(word));
  const among = fitting.length > 0 ? fitting : codes;
  return among.toSorted((a, b) => a.length - b.length)[0] ?? name;
}

/** How well an emoji fits a word: small is good, undefined not at all. */
function rank(emoji: Emoji, word: string): number | undefined {
  const { codes, tags } = emoji;
  const name = fold(emoji.name);
  if (codes.includes(word) || name === word) return 0;
  if (codes.some((code) => code.startsWith(word))) return codeOf(emoji, word).length / 100;
  if (name.startsWith(word)) return name.length / 100;
  if (name.includes(word) || codes.some((code) => code.includes(word))) return 2;
  return tags.some((tag) => tag.startsWith(word)) ? 3 : undefined;
}

/** Those that fit the words, best first. */
export function findEmoji(all: readonly Emoji[], words: string, most: number): Emoji[] {
  const wanted = fold(words).trim();
  if (wanted === "") return [];
  const word = wanted.replace(/\s+/g, "_");
  const ranked = all.flatMap((emoji) => {
    const at = rank(emoji, word) ?? rank(emoji, wanted);
    return at === undefined ? [] : [{ emoji, at }];
  });
  return ranked
    .toSorted((a, b) => a.at - b.at)
    .slice(0, most)
    .map(({ emoji }) => emoji);
}
