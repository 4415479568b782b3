import type { Schema } from "@weft/spec/types";
import type { EventContent } from "../api/types.ts";

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
      return { msgtype: "m.image", info: { ...info, ...(await imageSize(file)) } };
    }
    if (major === "video" || major === "audio") {
      return { msgtype: `m.${major}`, info: { ...info, ...(await playable(file, major)) } };
    }
  } catch {
    // It names itself a picture but cannot be read as one: it goes as a file.
  }
  return { msgtype: "m.file", info };
}

/** The content of a message with an uploaded file. */
export function fileContent(
  file: File,
  found: FileInfo,
  mxc: string,
): EventContent<"m.room.message"> {
  return {
    msgtype: found.msgtype,
    body: file.name,
    filename: file.name,
    url: mxc,
    info: found.info,
  };
}
