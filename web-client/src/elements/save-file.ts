import type { MediaCache } from "../store/media-cache.ts";

/** Fetches a file with the token and hands it to the browser to keep. */
export async function saveFile(media: MediaCache, mxc: string, name: string): Promise<void> {
  const wish = { mxc };
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
