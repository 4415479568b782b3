import type { PathParams, QueryParams, ResponseBody } from "@weft/spec/types";
import { ApiError, NetworkError } from "./errors.ts";
import type { Http } from "./http.ts";
import type { Content } from "./types.ts";

/** Where a file is: the two parts of its mxc address. */
type MediaPlace = PathParams<"getContentAuthed">;

/** The box in pixels that a picture is wanted for, and whether it fills it or fits into it. */
export type ThumbnailSize = Required<
  Pick<QueryParams<"getContentThumbnailAuthed">, "width" | "height" | "method">
>;

export interface Upload {
  /** Resolves with the mxc address. Rejects with AbortError after `cancel()`. */
  done: Promise<string>;
  cancel(): void;
}

/** The two parts of an mxc address, or undefined when it is not one. */
export function parseMxc(uri: string | undefined): MediaPlace | undefined {
  const match = /^mxc:\/\/([^/?#\s]{1,255})\/([\w-]{1,255})$/.exec(uri ?? "");
  return match === null ? undefined : { serverName: match[1]!, mediaId: match[2]! };
}

function errorOf(xhr: XMLHttpRequest): Error {
  if (xhr.status === 0) return new NetworkError("upload");
  try {
    return new ApiError(xhr.status, JSON.parse(xhr.responseText) as Content);
  } catch {
    return new ApiError(xhr.status, {});
  }
}

/** Files in and out, always with the token in a header and never in an address. */
export function createMediaApi(http: Http) {
  return {
    /** Largest upload in bytes, or undefined when the server does not say. */
    async uploadLimit(): Promise<number | undefined> {
      const answer = await http.call<"getConfigAuthed">(
        "GET",
        "/_matrix/client/v1/media/config",
        {},
      );
      const size = answer["m.upload.size"];
      return typeof size === "number" ? size : undefined;
    },

    download: (mxc: MediaPlace, signal?: AbortSignal) =>
      http.blob<"getContentAuthed">("/_matrix/client/v1/media/download/{serverName}/{mediaId}", {
        path: mxc,
        signal,
        timeout: 300_000,
      }),

    thumbnail: (mxc: MediaPlace, size: ThumbnailSize, signal?: AbortSignal) =>
      http.blob<"getContentThumbnailAuthed">(
        "/_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}",
        {
          path: mxc,
          query: { ...size },
          signal,
        },
      ),

    /** What stands at an address of the web, as the server finds it. */
    preview: (url: string) =>
      http.call<"getUrlPreviewAuthed">("GET", "/_matrix/client/v1/media/preview_url", {
        query: { url },
        timeout: 30_000,
      }),

    /** Sends a file; `onProgress` is told the sent share, 0 to 1. (fetch cannot tell the progress of a body.) */
    upload(file: Blob, filename: string, onProgress: (share: number) => void): Upload {
      const xhr = new XMLHttpRequest();
      const done = new Promise<string>((resolve, reject) => {
        xhr.upload.addEventListener("progress", (event) => {
          if (event.lengthComputable) onProgress(event.loaded / event.total);
        });
        xhr.addEventListener("load", () => {
          if (xhr.status !== 200) return reject(errorOf(xhr));
          resolve((JSON.parse(xhr.responseText) as ResponseBody<"uploadContent">).content_uri);
        });
        xhr.addEventListener("error", () => reject(errorOf(xhr)));
        xhr.addEventListener("abort", () => reject(new DOMException("Cancelled", "AbortError")));
        http.token().then((token) => {
          xhr.open(
            "POST",
            http.url<"uploadContent">("/_matrix/media/v3/upload", { query: { filename } }),
          );
          if (token !== undefined) xhr.setRequestHeader("Authorization", `Bearer ${token}`);
          xhr.setRequestHeader(
            "Content-Type",
            file.type === "" ? "application/octet-stream" : file.type,
          );
          xhr.send(file);
        }, reject);
      });
      return { done, cancel: () => xhr.abort() };
    },
  };
}

export type MediaApi = ReturnType<typeof createMediaApi>;
