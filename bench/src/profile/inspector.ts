/** Node's inspector, over its WebSocket: just what a CPU profile needs. */
export interface Inspector {
  send(method: string, params?: object): Promise<unknown>;
  close(): void;
}

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { message: string };
}

export async function openInspector(port: number): Promise<Inspector> {
  const list = await fetch(`http://127.0.0.1:${port}/json/list`);
  const [page] = (await list.json()) as { webSocketDebuggerUrl: string }[];
  if (!page) throw new Error(`no inspector answers on port ${port}`);
  const socket = new WebSocket(page.webSocketDebuggerUrl);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error("the inspector refuses")));
  });
  const waiting = new Map<number, (message: Message) => void>();
  let count = 0;
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) waiting.get(message.id)?.(message);
  });
  return {
    send(method, params = {}) {
      const id = ++count;
      socket.send(JSON.stringify({ id, method, params }));
      return new Promise((resolve, reject) => {
        waiting.set(id, ({ result, error }) => {
          waiting.delete(id);
          if (error) reject(new Error(`${method}: ${error.message}`));
          else resolve(result);
        });
      });
    },
    close: () => socket.close(),
  };
}
