import type { Readable } from "node:stream";

/** A part of a file: offsets of its first and its last byte. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Where files lie, named by the SHA-256 of their content: a folder, or a bucket. */
export interface Blobs {
  /** Takes a file of this machine, which may be gone afterwards. It is durable when this resolves. */
  put(sha256: Buffer, path: string, size: number): Promise<void>;
  /** Opens a file, or a part of it, before the first byte is read. @throws FileMissing, StoreAway */
  open(sha256: Buffer, range?: ByteRange): Promise<Readable>;
  /**
   * Whether a file is there; `surely`: at this moment, and not as far as is remembered.
   * @throws StoreAway when that cannot be known
   */
  has(sha256: Buffer, options?: { readonly surely?: boolean }): Promise<boolean>;
  /** Deletes a file, if it is there. @throws StoreAway */
  remove(sha256: Buffer): Promise<void>;
  /** Gives work the path of a file on this machine, for as long as it lasts. @throws as `open` */
  local<T>(sha256: Buffer, work: (path: string) => Promise<T>): Promise<T>;
  /** Clears away what interrupted puts from before a moment (ms since 1970) have left. */
  sweep(before: number): Promise<void>;
  close(): Promise<void>;
}

/** There is no such file. */
export class FileMissing extends Error {
  override readonly name = "FileMissing";
}

/** The store does not answer, or refuses what the server needs of it. */
export class StoreAway extends Error {
  override readonly name = "StoreAway";
}

/** More bytes came than were allowed. */
export class FileTooLarge extends Error {
  override readonly name = "FileTooLarge";
}
