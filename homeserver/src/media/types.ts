import type { Readable } from "node:stream";
import type { MediaDeletions } from "./deletions.ts";
import type { QuarantineChange } from "../storage/media/quarantine-changes.ts";
import type { ListedMedia, MediaPage, OldMedia } from "../storage/media/listing.ts";
import type { RoomId, ServerName, UserId } from "../protocol/identifiers.ts";

/** A file that can be served. */
export interface MediaFile {
  readonly contentType: string;
  readonly fileName: string | undefined;
  /** Bytes. */
  readonly size: number;
  /** Changes when the content does: the SHA-256, hexadecimal. */
  readonly version: string;
  /**
   * Its bytes, or those from `start` to `end` inclusive; must be read or destroyed.
   * @throws MatrixError M_NOT_FOUND 404, M_UNKNOWN 503 when the store is away
   */
  read(range?: { start: number; end: number }): Promise<Readable>;
}

type ThumbnailMethod = "crop" | "scale";

export interface ThumbnailRequest {
  /** Pixels, at least 1. */
  readonly width: number;
  readonly height: number;
  readonly method: ThumbnailMethod;
  /** True: an animation is welcome. */
  readonly animated: boolean;
}

/** The uploader's labels of a file. */
export interface UploadLabels {
  readonly contentType: string | undefined;
  readonly fileName: string | undefined;
  /** Bytes announced. */
  readonly length?: number;
}

/** Which file is requested, and how long to wait for it. */
export interface MediaRequest {
  readonly server: ServerName;
  readonly mediaId: string;
  /** Most ms to wait for another server, or for an upload that is awaited (20,000). */
  readonly timeoutMs?: number | undefined;
  /** Whether another server may be asked (true). */
  readonly allowRemote?: boolean | undefined;
}

/** An image that the server has fetched by itself. */
export interface KeptImage {
  readonly uri: string;
  readonly mediaId: string;
  readonly contentType: string;
  /** Bytes. */
  readonly size: number;
  /** Pixels, as it is shown. */
  readonly width: number;
  readonly height: number;
}

/** What administrators do with files. Nothing of it is refused to them but what does not exist. */
export interface MediaAdministration {
  /** Keeps a file, and others of the same content, from everybody. */
  quarantine(by: UserId, place: MediaPlace): Promise<void>;
  endQuarantine(by: UserId, place: MediaPlace): Promise<void>;
  /** Returns how many were not quarantined before. @throws MatrixError M_NOT_FOUND 404 */
  quarantineRoom(by: UserId, roomId: RoomId): Promise<number>;
  /** Returns how many were not quarantined before. */
  quarantineUser(by: UserId, userId: UserId): Promise<number>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  protect(by: UserId, mediaId: string, isProtected: boolean): Promise<void>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  find(place: MediaPlace): Promise<ListedMedia>;
  /** @throws MatrixError M_NOT_FOUND 404, M_INVALID_PARAM 400 for another server's */
  delete(by: UserId, place: MediaPlace): Promise<void>;
  /** Deleting uploads in the background. */
  readonly deletions: MediaDeletions;
  /** Deletes uploads, at most 10,000. Returns their ids. */
  deleteOld(by: UserId, which: OldMedia): Promise<string[]>;
  /** Deletes a page of a user's uploads. Returns their ids. */
  deletePage(by: UserId, userId: UserId, page: MediaPage): Promise<string[]>;
  /**
   * Files that were quarantined after a change, or are no longer; and the newest of these changes.
   * @throws MatrixError M_INVALID_PARAM 400 for a change that is still to come
   */
  changes(after: number): Promise<{ newest: number; changes: readonly QuarantineChange[] }>;
  /** A page of a user's uploads, and how many there are in all. */
  list(userId: UserId, page: MediaPage): Promise<{ media: readonly ListedMedia[]; total: number }>;
  /** mxc URIs, of each kind 10,000 at most. @throws MatrixError M_NOT_FOUND 404 */
  ofRoom(roomId: RoomId): Promise<{ local: string[]; remote: string[] }>;
  /** Deletes copies that nobody has asked for since a moment, ms since 1970. Returns how many. */
  deleteCopies(by: UserId, before: number): Promise<number>;
}

export type MediaPlace = Pick<MediaRequest, "server" | "mediaId">;

/** Files that users upload, and copies of other servers'. */
export interface Media {
  readonly administration: MediaAdministration;
  /** Limit on one upload, bytes. */
  readonly maxUploadBytes: number;
  /**
   * Stores an upload while it arrives; returns its mxc URI.
   * @throws MatrixError M_TOO_LARGE 413, M_FORBIDDEN 403 when the user's quota is used up,
   * M_UNKNOWN 400 when the upload is cut short
   */
  upload(by: UserId, labels: UploadLabels, content: Readable): Promise<string>;
  /**
   * Reserves a place for an upload: its mxc URI, and until when (ms since 1970) the upload must
   * begin.
   * @throws MatrixError M_LIMIT_EXCEEDED 429 when the user has reserved too many
   */
  reserve(by: UserId): Promise<{ uri: string; untilTs: number }>;
  /**
   * Uploads to a reserved place.
   * @throws MatrixError as upload; M_NOT_FOUND 404, M_FORBIDDEN 403, M_CANNOT_OVERWRITE_MEDIA 409
   */
  uploadTo(
    by: UserId,
    place: Pick<MediaRequest, "server" | "mediaId">,
    labels: UploadLabels,
    content: Readable,
  ): Promise<void>;
  /**
   * @throws MatrixError M_NOT_FOUND 404, M_INVALID_PARAM 400, M_NOT_YET_UPLOADED 504; for other
   * servers' M_TOO_LARGE, M_UNKNOWN 502
   */
  download(request: MediaRequest): Promise<MediaFile>;
  /**
   * @throws MatrixError as download; M_UNKNOWN 400 for what is no image, M_TOO_LARGE 413 or 502,
   * M_LIMIT_EXCEEDED 429
   */
  thumbnail(request: MediaRequest, wanted: ThumbnailRequest): Promise<MediaFile>;
  /**
   * Keeps an image that the server fetched by itself, of at most `maxBytes`. It belongs to nobody, and
   * goes before anything of a user's when there is no more space.
   * @throws MatrixError M_UNKNOWN 400 for what is no image, M_TOO_LARGE 413, M_LIMIT_EXCEEDED 429;
   * whatever the stream fails with
   */
  keepImage(content: Readable, maxBytes: number): Promise<KeptImage>;
  /**
   * Removes files that nothing uses, what was interrupted, and copies that are too many or too old.
   * @throws StoreAway; what the database throws
   */
  tidy(signal: AbortSignal): Promise<void>;
  /**
   * Resolves when fetches from other servers that are under way have ended, and the process for
   * images too.
   */
  stop(): Promise<void>;
}
