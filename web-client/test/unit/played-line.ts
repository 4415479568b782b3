/** A WebSocket whose other end the test plays. */
import type { Content } from "../../src/api/types.ts";

/** The server's end of each socket that was opened. */
export const lines: PlayedLine[] = [];

export class PlayedLine extends EventTarget {
  static readonly OPEN = 1;
  readyState = 0;
  readonly heard: { head: Content; body: string | undefined }[] = [];
  readonly address: string;

  constructor(address: string) {
    super();
    this.address = address;
    lines.push(this);
  }

  send(text: string): void {
    const [head = "", ...body] = text.split("\n");
    this.heard.push({
      head: JSON.parse(head) as Content,
      body: body.length > 0 ? body.join("\n") : undefined,
    });
  }

  close(): void {
    this.readyState = 3;
  }

  opens(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  says(head: object, body?: object): void {
    const line = JSON.stringify(head);
    const data = body === undefined ? line : `${line}\n${JSON.stringify(body)}`;
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  closes(code: number): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }

  get last() {
    return this.heard.at(-1)!;
  }
}
