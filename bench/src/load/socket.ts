import { WebSocket } from "ws";

/** A client that syncs over Weft's socket (spec/socket.md), and acknowledges each batch at once. */
export interface SyncingSocket {
  /** Called with each batch after the first, as text. */
  onBatch: (text: string) => void;
  close(): void;
}

interface Head {
  readonly type: string;
  readonly status?: number;
}

/** Resolves when the first batch is there. */
export function openSyncingSocket(url: URL, token: string, filter: string): Promise<SyncingSocket> {
  const ws = new WebSocket(`ws://${url.host}/_weft/socket`, { perMessageDeflate: false });
  const say = (message: object) => ws.send(JSON.stringify(message));
  const { promise, resolve, reject } = Promise.withResolvers<SyncingSocket>();
  const socket: SyncingSocket = { onBatch: () => undefined, close: () => ws.terminate() };
  let isFirst = true;
  ws.once("open", () => say({ type: "token", access_token: token }));
  ws.once("close", (code) => reject(new Error(`the socket was closed by ${code}`)));
  ws.on("error", reject);
  ws.on("message", (data) => {
    const text = (data as Buffer).toString();
    const end = text.indexOf("\n");
    const head = JSON.parse(end === -1 ? text : text.slice(0, end)) as Head;
    if (head.type === "welcome") say({ type: "sync", id: 1, filter });
    else if (head.type === "batch") {
      const body = text.slice(end + 1);
      const next = /"next_batch":"([^"]+)"\}$/.exec(body)?.[1];
      say({ type: "ack", id: 1, next_batch: next });
      if (isFirst) resolve(socket);
      else socket.onBatch(body);
      isFirst = false;
    } else reject(new Error(`the socket says ${text.slice(0, 200)}`));
  });
  return promise;
}
