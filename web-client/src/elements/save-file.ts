import type { MediaCache, MediaWish } from "../store/media-cache.ts";

/** Fetches a file with the token and hands it to the browser to keep. */
export async function saveFile(media: MediaCache, wish: MediaWish, name: string): Promise<void> {
  const url = await media.acquire(wish);
  try {
    const link = document.createElement("a");
    link.href = url;
    link.download = name.replace(/[/\\]/g, "_");
    link.click();
  } finally {
    setTimeout(() => media.release(wish), 60_000);
  }
}

/** Hands what was made here to the browser to keep. */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
