import { msg, str } from "@lit/localize";
import { atom } from "nanostores";
import { isAbort } from "../api/errors.ts";
import type { Upload } from "../api/media.ts";
import type { EventContent } from "../api/types.ts";
import { sealFile, type EncryptedFile } from "../encryption/attachments.ts";
import type { Client } from "./client.ts";
import {
  fileContent,
  inspectFile,
  posterOf,
  thumbnailOf,
  type FileInfo,
  type Uploaded,
} from "./files.ts";
import type { Room } from "./room.ts";
import { report, toast } from "./toasts.ts";
import { fileSize } from "../text/time.ts";

export interface UploadItem {
  readonly id: number;
  readonly file: File;
  state: "ready" | "sending" | "failed";
  /** Share sent, 0 to 1. */
  progress: number;
  /** What goes with it: its caption, as content and as it was written. */
  words?: Words | undefined;
  relation?: Relation | undefined;
  /** It is a voice message: its milliseconds and how loud it is, 0 to 1024. */
  voice?: { duration: number; waveform: number[] } | undefined;
}

interface Words {
  content: EventContent<"m.room.message">;
  source: string;
}

/** What is said along with files: words with the first, and how the first and the others relate to other messages. */
export interface Along {
  words?: Words | undefined;
  first?: Relation;
  relation?: Relation;
}

/** Those that hold something which would be lost with the page. */
const filled = new Set<Uploads>();

/** The browser asks before the page is left while files wait or are on their way. */
function warnBeforeLeaving(uploads: Uploads): void {
  if (typeof window === "undefined") return;
  if (filled.size === 0) window.addEventListener("beforeunload", onLeave);
  filled.add(uploads);
  const unlisten = uploads.$items.listen((items) => {
    if (items.length > 0) return;
    unlisten();
    filled.delete(uploads);
    if (filled.size === 0) window.removeEventListener("beforeunload", onLeave);
  });
}

const onLeave = (event: Event): void => event.preventDefault();

type Relation = EventContent<"m.room.message">["m.relates_to"];

let lastId = 0;

/** Files that were chosen for one room, till they are sent. They live on when another room is looked at. */
export class Uploads {
  readonly $items = atom<readonly UploadItem[]>([]);
  readonly #running = new Map<number, Upload>();

  add(files: Iterable<File>, more: Pick<UploadItem, "voice" | "relation"> = {}): number[] {
    const added = [...files].map((file): UploadItem => ({
      id: ++lastId,
      file,
      state: "ready",
      progress: 0,
      ...more,
    }));
    this.$items.set([...this.$items.get(), ...added]);
    if (!filled.has(this)) warnBeforeLeaving(this);
    return added.map(({ id }) => id);
  }

  /** Sends one of them, perhaps once more. */
  async sendOne(client: Client, room: Room, id: number): Promise<void> {
    const item = this.#item(id);
    if (item !== undefined && item.state !== "sending") await this.#send(client, room, item);
  }

  /** Takes a file off the list; one that is on its way is stopped. */
  remove(id: number): void {
    this.#running.get(id)?.cancel();
    this.$items.set(this.$items.get().filter((item) => item.id !== id));
  }

  #update(id: number, change: Partial<UploadItem>): void {
    this.$items.set(
      this.$items.get().map((item) => (item.id === id ? { ...item, ...change } : item)),
    );
  }

  #item(id: number): UploadItem | undefined {
    return this.$items.get().find((item) => item.id === id);
  }

  /** Sends all that wait, one after another, as messages. */
  async sendAll(client: Client, room: Room, along: Along = {}): Promise<void> {
    const waiting = this.$items.get().filter(({ state }) => state !== "sending");
    const first = waiting.find(({ words }) => words === undefined);
    for (const { id } of waiting) {
      const isFirst = id === first?.id && along.words !== undefined;
      if (isFirst) this.#update(id, { words: along.words, relation: along.first });
      else if (along.relation !== undefined) this.#update(id, { relation: along.relation });
    }
    for (const { id } of this.$items.get()) {
      const item = this.#item(id);
      // Taken off the list meanwhile, or on its way since the person pressed Send again.
      if (item !== undefined && item.state !== "sending") await this.#send(client, room, item);
    }
  }

  async #send(client: Client, room: Room, item: UploadItem): Promise<void> {
    this.#update(item.id, { state: "sending", progress: 0 });
    try {
      const limit = await uploadLimit(client);
      if (item.file.size > limit) {
        this.#update(item.id, { state: "failed" });
        toast(
          msg(str`${item.file.name} is larger than the server takes: ${fileSize(limit)}.`),
          "error",
        );
        return;
      }
      const found = await inspectFile(item.file);
      if (this.#item(item.id) === undefined) return;
      const place =
        room.encryption === undefined
          ? await this.#uploadOpen(client, item, found)
          : await this.#uploadSealed(client, item, found);
      if (this.#item(item.id) === undefined) return;
      client.outbox.send(
        room,
        "m.room.message",
        contentOf(item, fileContent(item.file, found, place)),
      );
      this.remove(item.id);
    } catch (error) {
      if (isAbort(error)) return;
      this.#update(item.id, { state: "failed" });
      report(error);
    } finally {
      this.#running.delete(item.id);
    }
  }

  #upload(client: Client, item: UploadItem, blob: Blob, name: string): Promise<string> {
    const upload = client.api.media.upload(blob, name, (progress) =>
      this.#update(item.id, { progress }),
    );
    this.#running.set(item.id, upload);
    return upload.done;
  }

  async #uploadOpen(client: Client, item: UploadItem, found: FileInfo): Promise<Uploaded> {
    // Of pictures the server makes its own smaller forms.
    const small = found.msgtype === "m.video" ? await posterOf(item.file, found.info) : undefined;
    const thumbnail =
      small === undefined
        ? undefined
        : { url: await this.#upload(client, item, small.blob, "poster"), info: small.info };
    return { url: await this.#upload(client, item, item.file, item.file.name), thumbnail };
  }

  async #seal(client: Client, item: UploadItem, blob: Blob): Promise<EncryptedFile> {
    const { sealed, key } = await sealFile(blob);
    if (this.#item(item.id) === undefined) throw new DOMException("Cancelled", "AbortError");
    return { ...key, url: await this.#upload(client, item, sealed, SEALED_NAME) };
  }

  async #uploadSealed(client: Client, item: UploadItem, found: FileInfo): Promise<Uploaded> {
    const small =
      found.msgtype === "m.image"
        ? await thumbnailOf(item.file, found.info)
        : found.msgtype === "m.video"
          ? await posterOf(item.file, found.info)
          : undefined;
    const thumbnail =
      small === undefined
        ? undefined
        : { file: await this.#seal(client, item, small.blob), info: small.info };
    return { file: await this.#seal(client, item, item.file), thumbnail };
  }
}

/** Under this name sealed files are uploaded: their own is for those who can read the message. */
const SEALED_NAME = "file";

/** What makes a sound a voice message, as clients agree. (MSC3245, MSC1767.) */
function voiceOf({ voice }: UploadItem, file: EventContent<"m.room.message">): object {
  if (voice === undefined) return {};
  const { duration, waveform } = voice;
  return {
    msgtype: "m.audio",
    info: { ...file.info, duration },
    "org.matrix.msc1767.text": file.body,
    "org.matrix.msc1767.audio": { duration, waveform },
    "org.matrix.msc3245.voice": {},
  };
}

/** The file's content with the words and the relation that go with it. */
function contentOf(
  item: UploadItem,
  file: EventContent<"m.room.message">,
): EventContent<"m.room.message"> {
  const { words, relation } = item;
  const { msgtype: _sort, ...said } = words?.content ?? { msgtype: "" };
  return {
    ...file,
    ...voiceOf(item, file),
    ...said,
    ...(relation === undefined ? {} : { "m.relates_to": relation }),
  };
}

const limits = new WeakMap<Client, Promise<number>>();

/** Bytes that the server takes at most; infinite when it does not say. Asked again when it did not answer. */
export function uploadLimit(client: Client): Promise<number> {
  const known = limits.get(client);
  if (known !== undefined) return known;
  const asked = client.api.media.uploadLimit().then(
    (limit) => limit ?? Number.POSITIVE_INFINITY,
    () => {
      limits.delete(client);
      return Number.POSITIVE_INFINITY;
    },
  );
  limits.set(client, asked);
  return asked;
}

const byRoom = new WeakMap<Room, Map<string, Uploads>>();

/** The files that are to be sent to a room, or to a thread in it. */
export function uploadsOf(room: Room, threadRoot = ""): Uploads {
  const ofRoom = byRoom.get(room) ?? new Map<string, Uploads>();
  byRoom.set(room, ofRoom);
  const known = ofRoom.get(threadRoot) ?? new Uploads();
  ofRoom.set(threadRoot, known);
  return known;
}
