import type { MediaApi, ThumbnailSize } from "../api/media.ts";
import { parseMxc } from "../api/media.ts";
import { openFile, type FileKey } from "../encryption/attachments.ts";

export interface MediaWish {
  mxc: string;
  /** What opens it, when it lies encrypted at that address; `type` is what its sender says that it is. */
  sealed?: { file: FileKey; type: string };
  /** Absent: the file itself. */
  size?: ThumbnailSize;
}

interface Slot {
  url: Promise<string>;
  users: number;
  bytes: number;
}

/** Types that a page may show. Everything else is kept as mere bytes, so that no stranger's HTML gets our origin. */
const SHOWABLE = /^(image\/(png|jpeg|gif|webp|avif|bmp|apng)|video\/[\w.+-]+|audio\/[\w.+-]+)$/;

/** Bytes of unused pictures that are kept for the next time they scroll into view. */
const BUDGET = 64_000_000;

/**
 * Files fetched with the token, as blob addresses that elements can show. Each `acquire` wants its `release`;
 * what nobody shows is kept until the budget is spent, oldest first.
 */
export function createMediaCache(api: MediaApi) {
  const slots = new Map<string, Slot>();

  async function load(wish: MediaWish): Promise<Blob> {
    const mxc = parseMxc(wish.mxc);
    if (mxc === undefined) throw new Error("Not an mxc address");
    const { sealed } = wish;
    if (sealed !== undefined) return openFile(await api.download(mxc), sealed.file, sealed.type);
    if (wish.size === undefined) return api.download(mxc);
    return api.thumbnail(mxc, wish.size);
  }

  function keyOf(wish: MediaWish): string {
    if (wish.sealed !== undefined)
      return `${wish.mxc} ${wish.sealed.file.key.k} ${wish.sealed.type}`;
    return wish.size === undefined ? wish.mxc : `${wish.mxc} ${Object.values(wish.size).join(" ")}`;
  }

  function prune(): void {
    let idle = 0;
    for (const slot of slots.values()) if (slot.users === 0) idle += slot.bytes;
    for (const [key, slot] of slots) {
      if (idle <= BUDGET) return;
      if (slot.users > 0) continue;
      idle -= slot.bytes;
      slots.delete(key);
      void slot.url.then(URL.revokeObjectURL, () => undefined);
    }
  }

  return {
    acquire(wish: MediaWish): Promise<string> {
      const key = keyOf(wish);
      const known = slots.get(key);
      if (known !== undefined) {
        known.users++;
        slots.delete(key);
        slots.set(key, known);
        return known.url;
      }
      const slot: Slot = { url: Promise.resolve(""), users: 1, bytes: 0 };
      slot.url = load(wish).then((blob) => {
        slot.bytes = blob.size;
        const type = blob.type.split(";")[0]!.trim().toLowerCase();
        const safe = SHOWABLE.test(type) ? type : "application/octet-stream";
        return URL.createObjectURL(safe === blob.type ? blob : new Blob([blob], { type: safe }));
      });
      slot.url.catch(() => {
        // One that was pruned while it loaded may have a successor.
        if (slots.get(key) === slot) slots.delete(key);
      });
      slots.set(key, slot);
      return slot.url;
    },

    release(wish: MediaWish): void {
      const slot = slots.get(keyOf(wish));
      if (slot === undefined) return;
      slot.users = Math.max(0, slot.users - 1);
      prune();
    },
  };
}

export type MediaCache = ReturnType<typeof createMediaCache>;
