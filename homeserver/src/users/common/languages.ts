/** What pages and mails of this server are written in, as HTML and Content-Language name it. */
export type Language = "en" | "de";

const LANGUAGES: ReadonlySet<string> = new Set<Language>(["en", "de"]);

/** The one of our languages that somebody likes best (Accept-Language, or a tag alone); English where they like none. */
export function languageFor(accepted: string | undefined): Language {
  const tags = likedLanguages(accepted).map((tag) => tag.split("-")[0]!);
  return (tags.find((tag) => LANGUAGES.has(tag)) ?? "en") as Language;
}

const MAX_LETTERS = 1_000;

/** The tags of the languages that a browser likes (Accept-Language), the best first, in small letters. (RFC 9110, section 12.5.4.) */
export function likedLanguages(accepted: string | undefined): string[] {
  return (accepted ?? "")
    .slice(0, MAX_LETTERS)
    .split(",")
    .map((each) => {
      const [tag = "", ...more] = each.trim().split(";");
      const quality = /^\s*q=([\d.]+)/.exec(more[0] ?? "")?.[1];
      return { tag: tag.toLowerCase(), quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ tag, quality }) => tag !== "" && quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}
