import address from "emoji-picker-element-data/en/emojibase/data.json?url";

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

let loaded: Promise<readonly Emoji[]> | undefined;

/** All emoji in their usual order, from this server; asked for again when it did not answer. */
export function loadEmoji(): Promise<readonly Emoji[]> {
  loaded ??= fetch(address)
    .then((answer) => {
      if (!answer.ok) throw new Error("no emoji");
      return answer.json() as Promise<Raw[]>;
    })
    .then(prepare);
  loaded.catch(() => (loaded = undefined));
  return loaded;
}

function prepare(all: readonly Raw[]): Emoji[] {
  return all
    .filter(({ group, version }) => group !== COMPONENTS && version <= NEWEST)
    .toSorted((a, b) => a.order - b.order)
    .map((raw): Emoji => {
      const skins = raw.skins?.filter(({ tone }) => typeof tone === "number");
      return {
        emoji: raw.emoji,
        name: raw.annotation,
        codes: raw.shortcodes ?? [],
        tags: raw.tags ?? [],
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
  const { codes, name, tags } = emoji;
  if (codes.includes(word)) return 0;
  if (codes.some((code) => code.startsWith(word))) return codeOf(emoji, word).length / 100;
  if (name.includes(word) || codes.some((code) => code.includes(word))) return 2;
  return tags.some((tag) => tag.startsWith(word)) ? 3 : undefined;
}

/** Those that fit the words, best first. */
export function findEmoji(all: readonly Emoji[], words: string, most: number): Emoji[] {
  const wanted = words.toLowerCase().trim();
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
