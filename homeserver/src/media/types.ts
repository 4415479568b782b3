import type { Readable } from "node:stream";
import type { ServerName, UserId } from "../protocol/identifiers.ts";

/** A file that can be served. */
export interface MediaFile {
  readonly contentType: string;
  readonly fileName: string | undefined;
  /** Bytes. */
  readonly size: number;
  /** Changes when the content does: the SHA-256, hexadecimal. */
  readonly version: string;
  /** Its bytes, or those from `start` to `end` inclusive. */
  read(range?: { start: number; end: number }): Readable;
}

export type ThumbnailMethod = "crop" | "scale";

export interface ThumbnailRequest {
  /** Pixels, at least 1. */
  readonly width: number;
  readonly height: number;
  readonly method: ThumbnailMethod;
  /** True: an animation is welcome. */
  readonly animated: boolean;
}

/** Which file is meant, and how far to go for it. */
export interface MediaRequest {
  readonly server: ServerName;
  readonly mediaId: string;
  /** Most ms to wait for another server (20,000). */
  readonly timeoutMs?: number | undefined;
  /** Whether another server may be asked (true). */
  readonly allowRemote?: boolean | undefined;
}

/** Files that users upload, and copies of other servers'. */
export interface Media {
  /** Most bytes of one upload. */
  readonly maxUploadBytes: number;
  /**
   * Stores an upload while it arrives; answers its mxc URI.
   * @throws MatrixError M_TOO_LARGE 413, M_FORBIDDEN 403 when the user's quota is used up, M_UNKNOWN 400 when
   * the upload is cut short
   */
  upload(
    by: UserId,
    said: { contentType: string | undefined; fileName: string | undefined; length?: number },
    content: Readable,
  ): Promise<string>;
  /** @throws MatrixError M_NOT_FOUND 404, M_INVALID_PARAM 400; for other servers' M_TOO_LARGE, M_UNKNOWN 502, M_NOT_YET_UPLOADED 504 */
  download(request: MediaRequest): Promise<MediaFile>;
  /** @throws MatrixError as download; M_UNKNOWN 400 for what is no image, M_TOO_LARGE 413 or 502, M_LIMIT_EXCEEDED 429 */
  thumbnail(request: MediaRequest, wanted: ThumbnailRequest): Promise<MediaFile>;
  /** Resolves when fetches from other servers that are under way have ended. */
  stop(): Promise<void>;
}
