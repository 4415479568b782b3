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
