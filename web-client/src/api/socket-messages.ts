import type { Schema } from "@weft/spec/types";
import type { Content } from "./types.ts";

/** What is written on the socket, and what is heard there. (spec/socket.md) */
export type ToServer =
  | Schema<"SocketToken">
  | Schema<"SocketRequest">
  | Schema<"SocketSync">
  | Schema<"SocketAck">
  | Schema<"SocketPresence">
  | Schema<"SocketCancel">
  | Schema<"SocketPing">;
type FromServer =
  | Schema<"SocketWelcome">
  | Schema<"SocketAnswer">
  | Schema<"SocketBatch">
  | Schema<"SocketEnd">
  | Schema<"SocketPong">;

export interface Heard {
  head: FromServer;
  /** JSON; "" where there is none. */
  text: string;
}

/** The message in a frame, or undefined when it is none. */
export function readMessage(data: unknown): Heard | undefined {
  if (typeof data !== "string") return undefined;
  const end = data.indexOf("\n");
  try {
    const head = JSON.parse(end === -1 ? data : data.slice(0, end)) as FromServer;
    return { head, text: end === -1 ? "" : data.slice(end + 1) };
  } catch {
    return undefined;
  }
}

export function contentOf(text: string): Content {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Content) : {};
  } catch {
    return {};
  }
}
