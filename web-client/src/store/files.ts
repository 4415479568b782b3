import type { Schema } from "@weft/spec/types";
import { parseMxc } from "../api/media.ts";
import { text, type EventContent } from "../api/types.ts";
import { encryptedFile, type EncryptedFile } from "../encryption/attachments.ts";
import { blurhashOf } from "./blurhash.ts";
import type { MediaWish } from "./media-cache.ts";

type Info = Schema<"FileInfo">;

/** What can be told of a file before it is sent. Measures are pixels and milliseconds. */
export interface FileInfo {
  msgtype: "m.image" | "m.video" | "m.audio" | "m.file";
  info: Info;
}

function once(target: EventTarget, type: string): Promise<void> {
  return new Promise((resolve, reject) => {
    target.addEventListener(type, () => resolve(), { once: true });
    target.addEventListener("error", () => reject(new Error(`No ${type}`)), { once: true });
    setTimeout(() => reject(new Error(`No ${type} in time`)), 5000);
  });
}

async function imageSize(file: Blob): Promise<Info> {
  const bitmap = await createImageBitmap(file);
  const size = { w: bitmap.width, h: bitmap.height };
  bitmap.close();
  return size;
}

async function playable(file: Blob, kind: "video" | "audio"): Promise<Info> {
  const element = document.createElement(kind);
  const url = URL.createObjectURL(file);
  try {
    element.preload = "metadata";
    element.src = url;
    await once(element, "loadedmetadata");
    const length = Number.isFinite(element.duration)
      ? { duration: Math.round(element.duration * 1000) }
      : {};
    if (!(element instanceof HTMLVideoElement)) return length;
    return { ...length, w: element.videoWidth, h: element.videoHeight };
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Looks into a file: its kind of message, size and measures. What can't be measured is left out. */
export async function inspectFile(file: File): Promise<FileInfo> {
  const info: Info = { size: file.size, mimetype: file.type || "application/octet-stream" };
  const major = file.type.split("/")[0];
  try {
    if (major === "image" && file.type !== "image/svg+xml") {
      const size = await imageSize(file);
      return { msgtype: "m.image", info: { ...info, ...size, ...(await blurred(file)) } };
    }
    if (major === "video" || major === "audio") {
      return { msgtype: `m.${major}`, info: { ...info, ...(await playable(file, major)) } };
    }
  } catch {
    // It names itself a picture but cannot be read as one: it goes as a file.
  }
  return { msgtype: "m.file", info };
}

/** What is seen of a picture while it loads, under the name that clients have for it. (MSC2448.) */
async function blurred(picture: Blob): Promise<object> {
  const hash = await blurhashOf(picture);
  return hash === undefined ? {} : { "xyz.amorgan.blurhash": hash };
}

/** Pixels that a picture's thumbnail fits into. */
const THUMBNAIL = { width: 800, height: 600 };

/** A smaller form of a picture, made here since no server can; undefined when it is small or cannot be drawn. */
export async function thumbnailOf(
  file: Blob,
  { w = 0, h = 0 }: Info,
): Promise<{ blob: Blob; info: Schema<"ImageInfo"> } | undefined> {
  const scale = Math.min(1, THUMBNAIL.width / w, THUMBNAIL.height / h);
  if (!(scale < 1)) return undefined;
  try {
    const size = { w: Math.max(1, Math.round(w * scale)), h: Math.max(1, Math.round(h * scale)) };
    const bitmap = await createImageBitmap(file, {
      resizeWidth: size.w,
      resizeHeight: size.h,
      resizeQuality: "high",
    });
    const canvas = new OffscreenCanvas(size.w, size.h);
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
    bitmap.close();
    const type = file.type === "image/png" ? "image/png" : "image/jpeg";
    const blob = await canvas.convertToBlob({ type, quality: 0.85 });
    // A picture that is well packed already is its own best thumbnail.
    if (blob.size >= file.size) return undefined;
    return { blob, info: { ...size, size: blob.size, mimetype: blob.type } };
  } catch {
    return undefined;
  }
}

/** A picture of a film's beginning, to be shown before it is played; undefined when it cannot be drawn. */
export async function posterOf(
  file: Blob,
  { w = 0, h = 0 }: Info,
): Promise<{ blob: Blob; info: Schema<"ImageInfo"> } | undefined> {
  const scale = Math.min(1, THUMBNAIL.width / w, THUMBNAIL.height / h);
  const video = document.createElement("video");
  const url = URL.createObjectURL(file);
  try {
    video.muted = true;
    video.preload = "auto";
    video.src = url;
    await once(video, "loadeddata");
    video.currentTime = Math.min(1, video.duration / 10 || 0);
    await once(video, "seeked");
    const size = { w: Math.max(1, Math.round(w * scale)), h: Math.max(1, Math.round(h * scale)) };
    const canvas = new OffscreenCanvas(size.w, size.h);
    canvas.getContext("2d")?.drawImage(video, 0, 0, size.w, size.h);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
    return { blob, info: { ...size, size: blob.size, mimetype: blob.type } };
  } catch {
    return undefined;
  } finally {
    video.removeAttribute("src");
    URL.revokeObjectURL(url);
  }
}

/** Where an uploaded file is: openly, or sealed with what opens it and its thumbnail. */
export type Uploaded =
  | { url: string; thumbnail?: { url: string; info: Schema<"ImageInfo"> } | undefined }
  | {
      file: EncryptedFile;
      thumbnail?: { file: EncryptedFile; info: Schema<"ImageInfo"> } | undefined;
    };

/** The content of a message with an uploaded file. */
export function fileContent(
  file: File,
  found: FileInfo,
  place: Uploaded,
): EventContent<"m.room.message"> {
  const { msgtype } = found;
  const about = { msgtype, body: file.name, filename: file.name };
  if ("url" in place) {
    const { url, thumbnail: poster } = place;
    if (poster === undefined) return { ...about, url, info: found.info };
    const info = { ...found.info, thumbnail_url: poster.url, thumbnail_info: poster.info };
    return { ...about, url, info };
  }
  const { thumbnail } = place;
  if (thumbnail === undefined) return { ...about, file: place.file, info: found.info };
  const info = { ...found.info, thumbnail_file: thumbnail.file, thumbnail_info: thumbnail.info };
  return { ...about, file: place.file, info };
}

/** What shows the file that a stranger's content names under `url` or, sealed, under `file`; undefined when it is none. */
export function wishFor<C extends object>(
  content: C | undefined,
  keys: { url: keyof C & string; file: keyof C & string },
  type: string | undefined,
): MediaWish | undefined {
  const file = encryptedFile(content, keys.file);
  const mxc = file?.url ?? text(content, keys.url);
  if (mxc === undefined || parseMxc(mxc) === undefined) return undefined;
  return file === undefined ? { mxc } : { mxc, sealed: { file, type: type ?? "" } };
}
